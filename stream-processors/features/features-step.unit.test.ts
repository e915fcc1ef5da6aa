import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { buildFeatures, createHourlyGrid, HOUR_MS } from '../../forecasting/features/index.ts'
import type { InboundEvent, StepContext } from '../../infra/runtime/kafka/types.ts'
import type { CheckedObservation } from '../../schemas/generated/types.ts'
import { QUANTITIES } from '../../schemas/quantities.ts'
import { restoreStationState, type StationHour } from './station-state.ts'
import { createFeatureStep, type Row } from './step.ts'

const START = Date.parse('2013-07-01T00:00:00Z')
const context = {
  topic: 'weather.observation-checked.v1',
  partition: 0,
  caughtUp: true,
  heartbeat: async () => {},
} satisfies StepContext

function observation(hour: number, temperatureC: number, offset: number): InboundEvent<'weather.observation-checked.v1'> {
  const nothing = Object.fromEntries(QUANTITIES.map((q) => [q, null])) as Pick<CheckedObservation, (typeof QUANTITIES)[number]>
  const flags = Object.fromEntries(
    QUANTITIES.map((q) => [q, q === 'temperatureC' ? 'good' : 'missing']),
  ) as CheckedObservation['flags']
  const at = START + hour * HOUR_MS
  const value: CheckedObservation = {
    stationId: 'ewr',
    observedAt: at,
    receivedAt: at,
    source: 'test',
    kind: 'observation',
    revision: 0,
    ...nothing,
    temperatureC,
    flags,
    rules: {},
    qcVersion: 'qc',
  }
  return { topic: 'weather.observation-checked.v1', key: 'ewr', value, partition: 0, offset, headers: {}, timestampMs: at }
}

function open(stored: readonly StationHour[] = []) {
  return createFeatureStep({
    loadHours: async () => new Map([['ewr', stored]]),
    restore: restoreStationState,
    observeEventTime: () => {},
  })
}

async function run(step: ReturnType<typeof open>, events: Array<ReturnType<typeof observation>>) {
  const outcomes = await step.step(events, context)
  const rows = outcomes.flatMap<Row>((o) => (o.kind === 'emit' ? o.rows : []))
  return {
    outcomes,
    hours: rows.flatMap((r) => ('hour' in r ? [r.hour] : [])),
    features: rows.flatMap((r) => ('feature' in r ? [r.feature] : [])),
  }
}

describe('feature step', () => {
  it('gives the offline vector of each hour, gaps included', async () => {
    const { features } = await run(open(), [observation(0, 20, 0), observation(1, 21, 1), observation(4, 24, 2)])
    expect(features.map((f) => (f.validAt - START) / HOUR_MS)).toEqual([0, 1, 2, 3, 4])
    const grid = createHourlyGrid(START / HOUR_MS, 5)
    const row = (t: number) => [t, NaN, NaN, NaN, NaN, NaN, NaN, NaN]
    for (const [h, t] of [
      [0, 20],
      [1, 21],
      [4, 24],
    ] as const)
      grid.set(START / HOUR_MS + h, row(t))
    expect(features.at(-1)?.values).toEqual(Array.from(buildFeatures(grid, START / HOUR_MS + 4)))
    expect(features.every((f) => f.cause === 'new')).toBe(true)
  })

  it('knows gaps and when it knew before 1970 too', async () => {
    const hours = [-400_000, -399_998]
    const step = open()
    const { features } = await run(step, [observation(hours[0]!, 20, 0), observation(hours[1]!, 22, 1)])
    expect(features.map((f) => (f.validAt - START) / HOUR_MS)).toEqual([-400_000, -399_999, -399_998])
    const late = await run(step, [observation(-399_999, 21, 2)])
    expect(late.features.map((f) => (f.knownAt - START) / HOUR_MS)).toEqual([-399_999, -399_998])
  })

  it('emits the affected hours again, as corrections, when an observation comes late', async () => {
    const step = open()
    await run(step, [observation(0, 20, 0), observation(2, 22, 1)])
    const late = await run(step, [observation(1, 30, 2)])
    expect(late.features.map((f) => [(f.validAt - START) / HOUR_MS, f.cause])).toEqual([
      [1, 'correction'],
      [2, 'correction'],
    ])
  })

  it('emits the same vectors for a redelivered observation after a crash between store and broker', async () => {
    const first = await run(open(), [observation(0, 20, 0), observation(1, 21, 1)])
    const again = await run(open(first.hours), [observation(1, 21, 1)])
    expect(again.features).toEqual(first.features.slice(1))
  })

  it('takes no instant that cannot be one, and goes on from where it was', async () => {
    const step = open()
    const far = observation(1, 99, 1)
    const { outcomes, features } = await run(step, [
      observation(0, 20, 0),
      { ...far, value: { ...far.value, observedAt: 9e15 } },
      { ...far, value: { ...far.value, receivedAt: -9e15 } },
      observation(1, 21, 3),
    ])
    expect(outcomes.map((outcome) => (outcome.kind === 'dead-letter' ? outcome.reason : outcome.kind))).toEqual([
      'emit',
      'invalid-instant',
      'invalid-instant',
      'emit',
    ])
    expect(features.map((f) => (f.validAt - START) / HOUR_MS)).toEqual([0, 1])
  })

  it('skips what changes nothing', async () => {
    const step = open()
    await run(step, [observation(0, 20, 0)])
    const { outcomes } = await run(step, [observation(0, 20, 1)])
    expect(outcomes).toEqual([{ kind: 'skip', reason: 'unchanged' }])
  })

  it('goes on from what is stored as if it had never stopped, with the vectors of the offline grid, bit for bit', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 2 ** 31 - 1 }), fc.integer({ min: 30, max: 900 }), async (seed, stopAfter) => {
        const events = eventfulWeeks(seed, 1000)
        const before = events.slice(0, stopAfter)
        const after = events.slice(stopAfter)
        const untilStop = open()
        const first = await run(untilStop, before)
        const uninterrupted = await run(untilStop, after)
        const restored = await run(open(first.hours), after)
        expect(restored.features).toEqual(uninterrupted.features)
        expect(restored.hours).toEqual(uninterrupted.hours)

        const all = [...first.hours, ...uninterrupted.hours]
        const newest = Math.max(...all.map(({ validAt }) => validAt))
        const grid = createHourlyGrid(START / HOUR_MS, (newest - START) / HOUR_MS + 1)
        for (const { validAt, values } of all) grid.set(validAt / HOUR_MS, values)
        const lastOf = new Map([...first.features, ...uninterrupted.features].map((feature) => [feature.validAt, feature]))
        // Older ones keep what they were issued with when an hour out of reach is corrected.
        for (const { validAt, values } of lastOf.values()) {
          if (newest - validAt <= 100 * HOUR_MS) expect(values).toEqual(Array.from(buildFeatures(grid, validAt / HOUR_MS)))
        }
      }),
      { numRuns: 4 },
    )
  })
})

/** Hours in order but for gaps, late ones and corrections; some known weeks later; tenths, then thirds; one quantity from halfway on. */
function eventfulWeeks(seed: number, hours: number): Array<ReturnType<typeof observation>> {
  let state = seed
  const random = (): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 32
  }
  const events: Array<ReturnType<typeof observation>> = []
  for (let hour = 0; hour < hours; hour++) {
    if (random() < 0.05) continue
    const at = random() < 0.04 ? Math.max(0, hour - Math.floor(40 * random())) : hour
    const event = observation(at, Math.round(300 * random()) / 10, events.length)
    const { value } = event
    events.push({
      ...event,
      value: {
        ...value,
        receivedAt: value.receivedAt + Math.floor((random() < 0.02 ? 5000 : 2) * random() * HOUR_MS),
        dewPointC: hour < hours / 3 ? Math.round(100 * random()) / 10 : random(),
        pressureHpa: hour < hours / 2 ? null : 990 + Math.round(400 * random()) / 10,
        windSpeedMps: random() * 9,
        windDirectionDeg: Math.round(36 * random()) * 10,
        flags: { ...value.flags, dewPointC: 'good', pressureHpa: 'good', windSpeedMps: 'good', windDirectionDeg: 'good' },
      },
    })
  }
  return events
}
