import { describe, expect, it } from 'vitest'
import { DEFAULT_DETECTOR } from '../../forecasting/drift/index.ts'
import type { InboundEvent, Outcome } from '../../infra/runtime/kafka/types.ts'
import { createMemory, type StateRow } from '../../infra/runtime/state/index.ts'
import type { Drift, Verification } from '../../schemas/generated/types.ts'
import { createNeighbourhood, distanceKm } from './neighbours.ts'
import { createDriftStep, type DriftInput } from './step.ts'

const HOUR_MS = 3_600_000
const START = Date.parse('2020-01-01T00:00:00Z')
const LEADS = Array.from({ length: 72 }, (_, i) => i + 1)
const context = { topic: 'weather.verification.v1', partition: 0, caughtUp: true, heartbeat: async () => {} } as const

function verification(hour: number, error: number, more: Partial<Verification> = {}): Verification {
  return {
    verificationId: '',
    stationId: 'a',
    variable: 'temperatureC',
    observedAt: START + hour * HOUR_MS,
    observed: 10,
    modelVersion: 'v1',
    role: 'champion',
    leadHours: LEADS,
    forecastIds: [],
    error: LEADS.map(() => error),
    crps: [],
    pit: [],
    expectedScale: LEADS.map(() => 1),
    covered80: [],
    covered95: [],
    persistenceError: [],
    recentredClimatologyError: [],
    knownAt: START + hour * HOUR_MS,
    fallback: null,
    ...more,
  }
}

function inbound(value: Verification, offset: number): InboundEvent<DriftInput> {
  return { topic: 'weather.verification.v1', key: value.stationId, value, partition: 0, offset, headers: {}, timestampMs: 0 }
}

function newStep(restoredFrom: ReadonlyMap<string, unknown> = new Map()) {
  let version = 0
  const memory = createMemory('drift', () => ++version)
  memory.restore(restoredFrom)
  return createDriftStep({ memory, neighbourhood: { of: () => [] }, detector: DEFAULT_DETECTOR })
}

type Step = ReturnType<typeof newStep>
const eventsOf = (outcomes: ReadonlyArray<Outcome<StateRow>>): Drift[] =>
  outcomes.flatMap((outcome) => (outcome.kind === 'emit' ? outcome.events.map(({ value }) => value as Drift) : []))

async function feed(
  step: Step,
  events: ReadonlyArray<InboundEvent<DriftInput>>,
  stored = new Map<string, unknown>(),
): Promise<Drift[]> {
  const told: Drift[] = []
  for (const event of events) {
    const outcomes = await step([event], context)
    told.push(...eventsOf(outcomes))
    for (const outcome of outcomes) {
      if (outcome.kind === 'emit') for (const row of outcome.rows) stored.set(row.stateKey, JSON.parse(row.state))
    }
  }
  return told
}

/** Calm for ten days, then errors of two expected scales. */
const story = Array.from({ length: 40 * 24 }, (_, hour) =>
  inbound(verification(hour, hour < 240 ? 0.1 * Math.sin(hour) : -2), hour),
)

describe('drift step', () => {
  it('warns, confirms and says why', async () => {
    const told = await feed(newStep(), story)
    expect(told.map(({ state }) => state)).toEqual(['warned', 'confirmed'])
    const confirmed = told[1] as Drift
    expect(confirmed).toMatchObject({
      previousState: 'warned',
      cause: 'instrument-change',
      modelVersion: 'v1',
      variable: 'temperatureC',
    })
    expect(confirmed.at).toBeGreaterThan(START + 240 * HOUR_MS)
    expect(confirmed.evidenceFrom).toBe(START + 240 * HOUR_MS)
    // Every lead is off by two from that hour on: a step, and nobody near to compare with.
    expect(confirmed.changePointAt).toBe(START + 240 * HOUR_MS)
    expect(confirmed.estimatedOffset).toBeCloseTo(2, 0)
    expect(confirmed.explanation).toMatch(/too low since 2020-01-11/)
    expect(confirmed.statistic).toBeGreaterThanOrEqual(confirmed.threshold)
  })
  it('does not watch a provisional model', async () => {
    const told = await feed(
      newStep(),
      story.map((event) => inbound({ ...(event.value as Verification), fallback: 'site-prior' }, event.offset)),
    )
    expect(told).toEqual([])
  })
  it('decides the same when it is restored from what it stored after every message', async () => {
    const stored = new Map<string, unknown>()
    const told: Drift[] = []
    for (const event of story)
      told.push(...(await feed(newStep(new Map([...stored].filter(([, value]) => value !== null))), [event], stored)))
    expect(told).toEqual(await feed(newStep(), story))
  })
  it('tells the same again when a message is delivered again after its state was stored', async () => {
    const stored = new Map<string, unknown>()
    const step = newStep()
    for (const event of story) {
      const told = await feed(step, [event], stored)
      if (told.length > 0) expect(await feed(newStep(stored), [event])).toEqual(told)
    }
  })
  it('calls a quantity that stays away while the station reports a sensor fault, with nothing to retrain on', async () => {
    const events = Array.from({ length: 12 * 24 }, (_, hour) => [
      ...(hour < 240 ? [inbound(verification(hour, 0.1 * Math.sin(hour)), 2 * hour)] : []),
      inbound(verification(hour, 0.1 * Math.sin(hour), { variable: 'pressureHpa' }), 2 * hour + 1),
    ]).flat()
    const told = (await feed(newStep(), events)).filter(({ state }) => state === 'confirmed')
    expect(told).toMatchObject([
      {
        variable: 'temperatureC',
        detector: 'cusum missing',
        cause: 'sensor',
        at: START + 11 * 24 * HOUR_MS,
        estimatedOffset: null,
      },
    ])
    expect(told[0]?.explanation).toMatch(/missing or flagged since 2020-01-11/)
  })
  it('judges the champion that is being served: not challengers, not the week of verifications of the one before', async () => {
    const step = newStep()
    expect(
      await feed(
        step,
        story.map((event, i) => inbound({ ...(event.value as Verification), role: 'challenger' }, i)),
      ),
    ).toEqual([])
    const swap = 20 * 24
    const events = story.flatMap((event, hour) => {
      const value = event.value as Verification
      if (hour < swap) return [inbound(value, 2 * hour)]
      const age = hour - swap + 1
      // The new model has only the short leads at first; the old one's long leads go on verifying.
      const younger = {
        ...value,
        modelVersion: 'v2',
        leadHours: LEADS.slice(0, age),
        error: LEADS.slice(0, age).map(() => 0.1),
        expectedScale: LEADS.slice(0, age).map(() => 1),
      }
      const older = {
        ...value,
        leadHours: LEADS.slice(age),
        error: LEADS.slice(age).map(() => -2),
        expectedScale: LEADS.slice(age).map(() => 1),
      }
      return [inbound(younger, 2 * hour), ...(age < 72 ? [inbound(older, 2 * hour + 1)] : [])]
    })
    const told = await feed(newStep(), events)
    expect(told.map(({ state, modelVersion }) => [state, modelVersion])).toEqual([
      ['warned', 'v1'],
      ['confirmed', 'v1'],
      ['recovered', 'v2'],
      ['stable', 'v2'],
    ])
  })
})

describe('neighbourhood', () => {
  const station = (stationId: string, latitude: number, longitude: number) => ({
    stationId,
    name: stationId,
    latitude,
    longitude,
    elevationM: null,
    timezone: 'UTC',
    provider: 'test',
    providerStationId: stationId,
    kind: 'test',
    validFrom: 0,
  })
  it('measures great circles: Newark to Kennedy is 33 km', () => {
    expect(distanceKm({ latitude: 40.6925, longitude: -74.1687 }, { latitude: 40.6398, longitude: -73.7789 })).toBeCloseTo(
      33.4,
      0,
    )
  })
  it('names those within reach, never the station itself', () => {
    const near = createNeighbourhood(100)
    for (const one of [station('a', 40, -74), station('b', 40.3, -74), station('c', 50, 0)]) near.add(one)
    expect(near.of('a')).toEqual(['b'])
    expect(near.of('c')).toEqual([])
    expect(near.of('unknown')).toEqual([])
  })
})
