import { describe, expect, it } from 'vitest'
import type { Lifecycle, Verification } from '../../schemas/generated/types.ts'
import { createWorld, evaluated, publish, serving, verification, type World } from './testing/world.ts'

const CANARIES = ['can-1', 'can-2']
const STATIONS = [...CANARIES, 'jfk', 'lga']
const model = (stationId: string): string => `${stationId}/temperatureC`
const isCanary = (stationId: string): boolean => CANARIES.includes(stationId)

/** Each station has a champion a-… from hour 0 and a new model b-… of one wave from hour 1. */
async function waveOf(stations: readonly string[], over: (stationId: string) => Partial<Lifecycle> = () => ({})): Promise<World> {
  const world = createWorld({ isCanary })
  for (const stationId of stations) publish(world, evaluated(`a-${stationId}`, 0, { stationId, requestReason: 'cold-start' }))
  for (const stationId of stations)
    publish(world, evaluated(`b-${stationId}`, 1, { stationId, requestReason: 'schedule', ...over(stationId) }))
  await world.settle()
  return world
}

/** An hour at a station: its two models with errors of these sizes, in whatever role they have. */
async function hourAt(world: World, stationId: string, hour: number, sizes: { a: number; b: number }): Promise<void> {
  const control = serving(world, model(stationId))
  for (const name of ['a', 'b'] as const) {
    const runId = `${name}-${stationId}`
    const served: ReadonlyArray<readonly [Verification['role'], readonly string[]]> = [
      ['champion', [control?.champion.runId ?? '']],
      ['challenger', control?.challengers.map((one) => one.runId) ?? []],
      ['shadow', control?.shadows.map((one) => one.runId) ?? []],
    ]
    const role = served.find(([, runs]) => runs.includes(runId))?.[0]
    if (role) publish(world, verification(runId, role, hour, sizes[name], stationId))
  }
  await world.settle()
}

const GOOD = { a: 3, b: 1.5 }
const BAD = { a: 1.5, b: 4 }
async function hours(
  world: World,
  from: number,
  to: number,
  sizesOf: (stationId: string, hour: number) => { a: number; b: number },
  stations: readonly string[] = STATIONS,
): Promise<void> {
  for (let hour = from; hour < to; hour++)
    for (const stationId of stations) await hourAt(world, stationId, hour, sizesOf(stationId, hour))
}

const told = (world: World, stationId: string): string[] =>
  world
    .lifecycle()
    .filter((event) => event.stationId === stationId && event.runId.startsWith('b-') && event.actor !== 'training')
    .map(({ event }) => event)
const last = (world: World, stationId: string): Lifecycle | undefined =>
  world.lifecycle().findLast((event) => event.stationId === stationId && event.runId.startsWith('b-'))
const champion = (world: World, stationId: string): string | undefined => serving(world, model(stationId))?.champion.runId

describe('canary', () => {
  it('serves new models at canary stations first; the others are tried, accepted, and wait without being served', async () => {
    const world = await waveOf(STATIONS)
    await hours(world, 2, 90, () => GOOD)
    for (const stationId of CANARIES) expect(told(world, stationId)).toEqual(['accepted', 'promoted'])
    for (const stationId of ['jfk', 'lga']) {
      expect(told(world, stationId)).toEqual(['accepted'])
      expect(last(world, stationId)?.waitsFor.toSorted()).toEqual(['b-can-1', 'b-can-2'])
      expect(last(world, stationId)?.reasons).toEqual([expect.stringMatching(/^better/), 'waits-for-canaries: 2 of 2'])
      expect(serving(world, model(stationId))).toMatchObject({
        champion: { runId: `a-${stationId}` },
        challengers: [{ runId: `b-${stationId}` }],
      })
    }
  })
  it('releases the others when the canaries have passed their probation, on probation themselves', async () => {
    const world = await waveOf(STATIONS)
    await hours(world, 2, 200, () => GOOD)
    for (const stationId of CANARIES) expect(told(world, stationId)).toEqual(['accepted', 'promoted', 'probation-passed'])
    const passedAt = Math.max(...CANARIES.map((stationId) => last(world, stationId)?.at ?? Number.NaN))
    const released = world.lifecycle().find(({ runId, event }) => runId === 'b-jfk' && event === 'promoted')
    expect(released).toMatchObject({ at: passedAt, waitsFor: [] })
    expect(released?.reasons.slice(0, 2)).toEqual(['canaries-passed: 2 of 2', expect.stringMatching(/^better/)])
    const order = world.controls.find(({ value }) => value.champion.runId === 'b-jfk')
    expect(order?.value).toMatchObject({ previous: { runId: 'a-jfk' }, shadows: [{ runId: 'a-jfk' }], challengers: [] })
  })
  it('refuses the others when a canary is rolled back', async () => {
    const world = await waveOf(STATIONS)
    await hours(world, 2, 200, (stationId, hour) => (stationId === 'can-1' && hour > 80 ? BAD : GOOD))
    expect(told(world, 'can-1')).toEqual(['accepted', 'promoted', 'rolled-back'])
    for (const stationId of ['jfk', 'lga']) {
      expect(told(world, stationId)).toEqual(['accepted', 'rejected'])
      expect(last(world, stationId)?.reasons[0]).toBe('canaries-rolled-back: 1 of 2, can-1/temperatureC')
      expect(serving(world, model(stationId))).toMatchObject({ champion: { runId: `a-${stationId}` }, challengers: [] })
    }
  })
  it('refuses what the gate accepts after the rollback', async () => {
    const world = await waveOf(STATIONS)
    await hours(world, 2, 200, (stationId, hour) => (stationId === 'can-1' && hour > 80 ? BAD : GOOD), CANARIES)
    await hours(world, 150, 230, () => GOOD, ['jfk'])
    expect(told(world, 'jfk')).toEqual(['rejected'])
    expect(last(world, 'jfk')?.reasons).toEqual([
      'canaries-rolled-back: 1 of 2, can-1/temperatureC',
      expect.stringMatching(/^better/),
    ])
    expect(last(world, 'jfk')?.evaluation).not.toBeNull()
  })
  it('makes nobody wait for a wave of another reason, code or variable, or without canaries in it', async () => {
    for (const other of [{ requestReason: 'drift' }, { codeVersion: 'u' }, { variable: 'dewPointC' }] as const) {
      const world = await waveOf(STATIONS, (stationId) => (isCanary(stationId) ? other : {}))
      await hours(world, 2, 90, () => GOOD, ['jfk'])
      expect(told(world, 'jfk'), JSON.stringify(other)).toEqual(['accepted', 'promoted'])
    }
    const alone = await waveOf(['jfk', 'lga'])
    await hours(alone, 2, 90, () => GOOD, ['jfk', 'lga'])
    expect(told(alone, 'jfk')).toEqual(['accepted', 'promoted'])
  })
  it('does not wait for canaries that the gate refused', async () => {
    const world = await waveOf(STATIONS)
    await hours(world, 2, 90, (stationId) => (isCanary(stationId) ? { a: 2, b: 2 } : GOOD))
    for (const stationId of CANARIES) expect(told(world, stationId)).toEqual(['rejected'])
    expect(told(world, 'jfk').slice(0, 2)).toEqual(['accepted', 'promoted'])
  })
  it('waits three weeks at most for a canary that is no longer heard of', async () => {
    const world = await waveOf(STATIONS)
    await hours(world, 2, 80, () => GOOD, CANARIES)
    await hours(world, 2, 80, () => GOOD, ['jfk'])
    for (let hour = 80; hour < 80 + 22 * 24; hour += 12) await hourAt(world, 'jfk', hour, GOOD)
    expect(champion(world, 'jfk')).toBe('b-jfk')
    expect(world.lifecycle().find(({ runId, event }) => runId === 'b-jfk' && event === 'promoted')?.reasons[0]).toBe(
      'canaries-overdue: 2 of 2',
    )
  })
  it('an operator need not wait', async () => {
    const world = await waveOf(STATIONS)
    await hours(world, 2, 90, () => GOOD)
    publish(world, {
      auditId: 'audit-1',
      actor: 'ops',
      action: 'model.promote',
      subject: model('jfk'),
      reason: 'now',
      at: 0,
      details: {},
      outcome: 'accepted',
    })
    await world.settle()
    expect(champion(world, 'jfk')).toBe('b-jfk')
    expect(champion(world, 'lga')).toBe('a-lga')
  })
  it('a newer model takes the place of one that waits, and is tried itself', async () => {
    const world = await waveOf(STATIONS)
    await hours(world, 2, 90, () => GOOD)
    publish(world, evaluated('c-jfk', 85, { requestReason: 'operator' }))
    await world.settle()
    expect(told(world, 'jfk')).toEqual(['accepted', 'rejected'])
    expect(serving(world, model('jfk'))?.challengers.map(({ runId }) => runId)).toEqual(['c-jfk'])
    await hours(world, 90, 240, () => GOOD)
    expect(champion(world, 'jfk')).toBe('a-jfk')
  })
  it('restarted after every hour, or killed before any of its publishes, decides as if it had never stopped', async () => {
    const whole = await waveOf(STATIONS)
    const interrupted = await waveOf(STATIONS)
    const from = whole.lifecycle().length
    for (let hour = 2; hour < 200; hour++) {
      await hours(whole, hour, hour + 1, () => GOOD)
      await hours(interrupted, hour, hour + 1, () => GOOD)
      interrupted.restart()
    }
    expect(interrupted.lifecycle()).toEqual(whole.lifecycle())
    expect(interrupted.controls).toEqual(whole.controls)

    const publishes = whole.lifecycle().length - from + whole.controls.length
    for (let n = 0; n < publishes; n++) {
      const world = await waveOf(STATIONS)
      world.dieAfterPublishes(n)
      for (let hour = 2; hour < 200; hour++) {
        await hours(world, hour, hour + 1, () => GOOD)
        if (await world.settle()) continue
        world.dieAfterPublishes(Number.POSITIVE_INFINITY)
        world.restart()
        await world.settle()
      }
      const byId = (events: readonly Lifecycle[]) => new Map(events.map((event) => [event.eventId, event]))
      expect(byId(world.lifecycle()), `killed after ${n} publishes`).toEqual(byId(whole.lifecycle()))
    }
  }, 60_000)
})
