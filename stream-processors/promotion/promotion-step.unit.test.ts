// The step on a small broker in memory: what it emits comes back to it, and it can be killed between any two messages.
import { describe, expect, it } from 'vitest'
import type { Audit, Control, Lifecycle } from '../../schemas/generated/types.ts'
import {
  createWorld,
  decisions,
  evaluated,
  HOUR_MS,
  KEY,
  metric,
  publish,
  serving,
  T0,
  verification,
  type World,
} from './testing/world.ts'

/** Champion a from hour 0, challenger b from hour 1; both scored hourly from hour 2 on. */
async function trial(world: World, hours: number, size: { a: number; b: number }, from = 2): Promise<void> {
  for (let hour = from; hour < from + hours; hour++) {
    const control = serving(world) as Control
    publish(world, verification('a', control.champion.runId === 'a' ? 'champion' : 'shadow', hour, size.a))
    publish(world, verification('b', control.champion.runId === 'b' ? 'champion' : 'challenger', hour, size.b))
    if (!(await world.settle())) return
  }
}
async function withChallenger(): Promise<World> {
  const world = createWorld()
  publish(world, evaluated('a', 0, { requestReason: 'cold-start' }))
  await world.settle()
  publish(world, evaluated('b', 1))
  await world.settle()
  return world
}

describe('provisional models', () => {
  const provisional = (runId: string, hour: number, rows: number): Lifecycle =>
    evaluated(runId, hour, {
      family: rows === 0 ? 'site-prior' : 'young-station',
      metrics: [],
      rows,
      requestReason: 'cold-start',
    })

  it('serve at once, each replaced by the first that has seen more and by the first with scores, without trial and probation', async () => {
    const world = createWorld()
    for (const run of [provisional('a', 0, 0), provisional('b', 24, 24), evaluated('c', 912)]) {
      publish(world, run)
      await world.settle()
    }
    expect(decisions(world)).toEqual(['a accepted', 'a promoted', 'b accepted', 'b promoted', 'c accepted', 'c promoted'])
    expect(world.lifecycle().find(({ event }) => event === 'accepted')?.reasons).toEqual([
      'provisional: site-prior',
      '0 observed hours',
    ])
    expect(world.controls.map(({ value }) => value.champion.runId)).toEqual(['a', 'b', 'c'])
    for (const { value } of world.controls) expect([value.challengers, value.shadows]).toEqual([[], []])
  })
  it('replace nothing that has seen as much, and no model with scores of its own', async () => {
    const world = createWorld()
    for (const run of [provisional('a', 0, 72), provisional('b', 24, 72), evaluated('c', 30), provisional('d', 40, 100)]) {
      publish(world, run)
      await world.settle()
    }
    expect(decisions(world).filter((one) => !one.endsWith('promoted'))).toEqual([
      'a accepted',
      'b rejected',
      'c accepted',
      'd rejected',
    ])
  })
  it('go on serving when the first with scores is worse than the baselines', async () => {
    const world = createWorld()
    publish(world, provisional('a', 0, 72))
    await world.settle()
    publish(
      world,
      evaluated('b', 900, { metrics: [metric('candidate', 4), metric('persistence', 3), metric('recentred-climatology', 3)] }),
    )
    await world.settle()
    expect(decisions(world)).toEqual(['a accepted', 'a promoted', 'b rejected'])
    expect(serving(world)?.champion.runId).toBe('a')
  })
})

describe('first model', () => {
  it('serves once it beats the baselines, and only through its accepted decision', async () => {
    const world = createWorld()
    publish(world, evaluated('a', 0))
    await world.settle()
    expect(decisions(world)).toEqual(['a accepted', 'a promoted'])
    expect(world.controls).toHaveLength(1)
    expect(serving(world)).toMatchObject({
      champion: { version: 'v-a' },
      previous: null,
      challengers: [],
      shadows: [],
      decisionOffset: 1,
    })
  })
  it('is rejected with the figures when it does not', async () => {
    const world = createWorld()
    publish(
      world,
      evaluated('a', 0, { metrics: [metric('candidate', 3), metric('persistence', 3), metric('recentred-climatology', 4)] }),
    )
    await world.settle()
    expect(decisions(world)).toEqual(['a rejected'])
    expect(world.controls).toHaveLength(0)
  })
  it('a run that is registered twice is decided once', async () => {
    const world = createWorld()
    publish(world, evaluated('a', 0))
    publish(world, evaluated('a', 0))
    await world.settle()
    expect(decisions(world)).toEqual(['a accepted', 'a promoted'])
  })
})

describe('trial', () => {
  it('shows a later model beside the champion first, and serves it when it is better on the same hours', async () => {
    const world = await withChallenger()
    expect(serving(world)).toMatchObject({ champion: { version: 'v-a' }, challengers: [{ version: 'v-b' }] })
    await trial(world, 90, { a: 3, b: 1.5 })
    expect(decisions(world)).toEqual(['a accepted', 'a promoted', 'b accepted', 'b promoted'])
    expect(serving(world)).toMatchObject({
      champion: { version: 'v-b' },
      previous: { version: 'v-a' },
      challengers: [],
      shadows: [{ version: 'v-a' }],
    })
    const accepted = world.lifecycle().find(({ event, runId }) => event === 'accepted' && runId === 'b') as Lifecycle
    expect(accepted.reasons[0]).toMatch(/^better: 50\.0 %/)
    expect(accepted.evaluation?.uri).toMatch(/evaluations\/jfk\/temperatureC\/trial-v-b-72h/)
    expect(accepted.metrics.map(({ model }) => model)).toContain('champion')
    expect(JSON.parse([...world.reports.values()][0] as string)).toMatchObject({
      decision: 'promote',
      hours: 72,
      champion: 'v-a',
    })
  })
  it('refuses an equal model, tells why, and takes it out of service as challenger', async () => {
    const world = await withChallenger()
    await trial(world, 90, { a: 2, b: 2 })
    expect(decisions(world).at(-1)).toBe('b rejected')
    expect(world.lifecycle().at(-1)?.reasons[0]).toMatch(/^no-improvement/)
    expect(serving(world)).toMatchObject({ champion: { version: 'v-a' }, challengers: [] })
  })
  it('a newer candidate takes the place of one in trial', async () => {
    const world = await withChallenger()
    publish(world, evaluated('c', 5))
    await world.settle()
    expect(decisions(world).at(-1)).toBe('b rejected')
    expect(serving(world)?.challengers.map(({ version }) => version)).toEqual(['v-c'])
  })
  it('rejects the champion itself trained again to the same bytes', async () => {
    const world = await withChallenger()
    publish(world, evaluated('again', 5, { artefact: { uri: 'file:a', sha256: 'a', bytes: 1000 } }))
    await world.settle()
    expect(world.lifecycle().at(-1)).toMatchObject({ runId: 'again', event: 'rejected', reasons: ['identical-to-champion'] })
  })
  it('counts only hours after a change point', async () => {
    const world = createWorld()
    publish(world, evaluated('a', 0))
    const changePoints = [{ variable: 'temperatureC', at: T0 + 40 * HOUR_MS, offset: 2.5 }]
    publish(world, evaluated('b', 1, { changePoints }))
    await world.settle()
    await trial(world, 100, { a: 3, b: 1.5 })
    expect(decisions(world)).not.toContain('b accepted')
    await trial(world, 20, { a: 3, b: 1.5 }, 102)
    expect(decisions(world)).toContain('b accepted')
    expect(JSON.parse([...world.reports.values()][0] as string).firstHour).toBe(T0 + 41 * HOUR_MS)
  })
  it('ends a trial whose challenger is never scored', async () => {
    const world = await withChallenger()
    for (let hour = 2; hour < 22 * 24; hour += 6) {
      publish(world, verification('a', 'champion', hour, 2))
      await world.settle()
    }
    expect(world.lifecycle().at(-1)).toMatchObject({ runId: 'b', event: 'rejected', reasons: ['too-few-hours: 0 of 72'] })
  })
})

describe('probation', () => {
  const promoted = async (): Promise<World> => {
    const world = await withChallenger()
    await trial(world, 80, { a: 3, b: 1.5 })
    expect(serving(world)?.champion.version).toBe('v-b')
    return world
  }
  it('brings the former champion back when its successor gets worse, with the report', async () => {
    const world = await promoted()
    await trial(world, 120, { a: 1.5, b: 4 }, 82)
    expect(decisions(world).at(-1)).toBe('b rolled-back')
    expect(world.lifecycle().at(-1)).toMatchObject({ event: 'rolled-back', runId: 'b', version: 'v-b' })
    expect(serving(world)).toMatchObject({ champion: { version: 'v-a' }, previous: null, shadows: [], challengers: [] })
  })
  it('ends when nothing speaks for the former champion, which is then no longer scored', async () => {
    const world = await promoted()
    await trial(world, 120, { a: 3, b: 1.5 }, 82)
    expect(decisions(world).at(-1)).toBe('b probation-passed')
    expect(world.lifecycle().at(-1)?.reasons[0]).toMatch(/^kept: \d+ verified hours$/)
    expect(serving(world)).toMatchObject({ champion: { version: 'v-b' }, previous: { version: 'v-a' }, shadows: [] })
    world.restart()
    await trial(world, 120, { a: 1.5, b: 4 }, 202)
    expect(decisions(world).at(-1)).toBe('b probation-passed')
  })
})

describe('operator', () => {
  const order = (action: string, over: Partial<Audit> = {}): Audit => ({
    auditId: 'audit-1',
    actor: 'ops',
    action,
    subject: KEY,
    reason: 'because',
    at: T0,
    details: {},
    outcome: 'accepted',
    ...over,
  })
  it('promotes the challenger without waiting for the gate, and rolls back again', async () => {
    const world = await withChallenger()
    publish(world, order('model.promote'))
    await world.settle()
    expect(serving(world)).toMatchObject({ champion: { version: 'v-b' }, changedBy: 'ops', reason: 'operator; because' })
    publish(world, order('model.rollback', { auditId: 'audit-2' }))
    await world.settle()
    expect(serving(world)).toMatchObject({ champion: { version: 'v-a' }, previous: null })
    publish(world, order('model.promote', { auditId: 'audit-3', details: { version: 'v-b' } }))
    await world.settle()
    expect(serving(world)?.champion.version).toBe('v-b')
    const ids = world.lifecycle().map(({ eventId }) => eventId)
    expect(new Set(ids).size).toBe(ids.length)
  })
  it('is told why an order cannot be carried out', async () => {
    const world = createWorld()
    publish(world, evaluated('a', 0))
    publish(world, order('model.rollback', { auditId: 'r' }))
    publish(world, order('model.promote', { auditId: 'p', details: { version: 'nobody' } }))
    await world.settle()
    expect(world.audits().slice(2)).toMatchObject([
      { auditId: 'r/refused', outcome: 'refused', reason: 'there is no previous model to go back to' },
      { auditId: 'p/refused', outcome: 'refused', reason: 'version nobody is not known' },
    ])
    expect(serving(world)?.champion.version).toBe('v-a')
  })
})

describe('crash and restart', () => {
  /** The whole story: first model, challenger, promotion, regression, rollback. */
  async function story(world: World): Promise<void> {
    const steps: Array<() => void> = [() => publish(world, evaluated('a', 0)), () => publish(world, evaluated('b', 1))]
    for (let hour = 2; hour < 260; hour++) {
      steps.push(() => {
        const role = serving(world)?.champion.runId
        publish(world, verification('a', role === 'a' ? 'champion' : 'shadow', hour, hour < 90 ? 3 : 1.5))
        publish(world, verification('b', role === 'b' ? 'champion' : 'challenger', hour, hour < 90 ? 1.5 : 4))
      })
    }
    for (const act of steps) {
      act()
      if (await world.settle()) continue
      world.dieAfterPublishes(Number.POSITIVE_INFINITY)
      world.restart()
      await world.settle()
    }
  }
  const lastOfEach = (world: World): unknown[] => [...new Map(world.lifecycle().map((event) => [event.eventId, event])).values()]

  it('killed before any publish, takes the same decisions and never orders an older model after a newer one', async () => {
    const whole = createWorld()
    await story(whole)
    expect(decisions(whole)).toEqual(['a accepted', 'a promoted', 'b accepted', 'b promoted', 'b rolled-back'])
    for (let publishes = 0; publishes < 11; publishes++) {
      const world = createWorld()
      world.dieAfterPublishes(publishes)
      await story(world)
      expect(lastOfEach(world), `killed after ${publishes} publishes`).toEqual(lastOfEach(whole))
      const orders = world.controls.map(({ value }) => value.champion.version).filter((v, i, all) => v !== all[i - 1])
      expect(orders, `killed after ${publishes} publishes`).toEqual(['v-a', 'v-b', 'v-a'])
      expect(serving(world)).toEqual(serving(whole))
    }
  })
  it('restarted after every hour, decides as if it had never stopped', async () => {
    const whole = await withChallenger()
    const interrupted = await withChallenger()
    for (let hour = 2; hour < 90; hour++) {
      await trial(whole, 1, { a: 3, b: 1.5 }, hour)
      await trial(interrupted, 1, { a: 3, b: 1.5 }, hour)
      interrupted.restart()
    }
    expect(interrupted.lifecycle()).toEqual(whole.lifecycle())
    expect(interrupted.controls).toEqual(whole.controls)
    expect([...interrupted.reports]).toEqual([...whole.reports])
  })
})
