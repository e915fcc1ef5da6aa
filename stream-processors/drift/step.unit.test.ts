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

/** Only the shortest lead, and the one that is compared with the season. */
const SHORT = {
  leadHours: [1, 168],
  error: [0, 0],
  expectedScale: [1, 1],
  recentredClimatologyError: [0, 0],
}

function inbound(value: Verification, offset: number): InboundEvent<DriftInput> {
  return { topic: 'weather.verification.v1', key: value.stationId, value, partition: 0, offset, headers: {}, timestampMs: 0 }
}

function newStep(restoredFrom: ReadonlyMap<string, unknown> = new Map(), neighbours: readonly string[] = []) {
  let version = 0
  const memory = createMemory('drift', () => ++version)
  memory.restore(restoredFrom)
  const step = createDriftStep({
    memory,
    neighbourhood: { of: (id) => neighbours.filter((other) => other !== id) },
    detector: DEFAULT_DETECTOR,
  })
  return async (...given: Parameters<typeof step>) => {
    const outcomes = await step(...given)
    memory.markStored(outcomes.flatMap((outcome) => (outcome.kind === 'emit' ? outcome.rows : [])))
    return outcomes
  }
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

/** Calm for ten days, then errors of 1.3 expected scales. */
const story = Array.from({ length: 40 * 24 }, (_, hour) =>
  inbound(verification(hour, hour < 240 ? 0.1 * Math.sin(hour) : -1.3), hour),
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
    // Every lead is off by 1.3 from that hour on: a step, and nobody near to compare with.
    expect(confirmed.changePointAt).toBe(START + 240 * HOUR_MS)
    expect(confirmed.estimatedOffset).toBeCloseTo(1.3, 0)
    expect(confirmed.explanation).toMatch(/too low since 2020-01-11/)
    expect(confirmed.statistic).toBeGreaterThanOrEqual(confirmed.threshold)
  })
  it('finds the step also where it is so large that the spread of the errors tells it first', async () => {
    const large = story.map(({ value, offset }) => {
      const one = value as Verification
      return inbound({ ...one, error: one.error.map((error) => (error < -1 ? -3 : error)) }, offset)
    })
    const confirmed = (await feed(newStep(), large)).find(({ state }) => state === 'confirmed')
    expect(confirmed).toMatchObject({
      detector: 'cusum spread 1-3',
      cause: 'instrument-change',
      changePointAt: START + 240 * HOUR_MS,
    })
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
  it('tells once of a station, and retrains nothing, when its observations begin to come late', async () => {
    const events = Array.from({ length: 50 * 24 }, (_, hour) => {
      const knownAt = START + (hour + (hour < 45 * 24 ? 0.1 : 8)) * HOUR_MS
      return (['temperatureC', 'pressureHpa'] as const).map((variable, i) =>
        inbound(verification(hour, 0.1 * Math.sin(hour), { variable, knownAt, ...SHORT }), 2 * hour + i),
      )
    }).flat()
    const told = await feed(newStep(), events)
    const late = { variable: 'temperatureC', detector: 'cusum late' }
    expect(told).toMatchObject([
      { ...late, state: 'warned' },
      { ...late, state: 'confirmed', cause: 'feed', at: START + 47 * 24 * HOUR_MS },
    ])
    expect(told[1]?.explanation).toMatch(/arrive later than is usual since 2020-02-15/)
    // A correction that comes much later was not late.
    const corrected = events.flatMap((event) => {
      const value = event.value as Verification
      const prompt = { ...value, knownAt: value.observedAt }
      return [
        inbound(prompt, 2 * event.offset),
        inbound({ ...prompt, knownAt: value.observedAt + 12 * HOUR_MS }, 2 * event.offset + 1),
      ]
    })
    expect(await feed(newStep(), corrected)).toEqual([])
  })
  it('calls values that leave their season a sensor fault only where neighbours keep to theirs', async () => {
    /** Station a leaves what is usual by ten expected scales on the tenth day, without an error of the short leads; b and c by `theirs`. */
    const events = (theirs: number) =>
      Array.from({ length: 40 * 24 }, (_, hour) =>
        ['a', 'b', 'c'].map((stationId, i) => {
          const off = hour < 240 ? 0 : stationId === 'a' ? -10 : theirs
          const reference = { recentredClimatologyError: [0, off + Math.sin(hour)] }
          return inbound(verification(hour, 0.1 * Math.sin(hour), { stationId, ...SHORT, ...reference }), 3 * hour + i)
        }),
      ).flat()
    const stations = ['a', 'b', 'c']
    const alone = await feed(newStep(new Map(), stations), events(0))
    expect(alone.map(({ stationId, state, cause }) => [stationId, state, cause])).toEqual([
      ['a', 'warned', 'unknown'],
      ['a', 'confirmed', 'sensor'],
    ])
    expect(alone[1]).toMatchObject({ detector: 'cusum apart', estimatedOffset: null, evidenceFrom: START + 240 * HOUR_MS })
    expect(alone[1]?.explanation).toMatch(/values are higher than those of neighbouring stations/)
    const together = await feed(newStep(new Map(), stations), events(-10))
    expect(together.map(({ stationId, state }) => [stationId, state])).toEqual(stations.map((id) => [id, 'warned']))
    // Nobody to ask.
    const lonely = events(0).filter(({ value }) => value.stationId === 'a')
    expect((await feed(newStep(), lonely)).map(({ state, detector }) => [state, detector])).toEqual([
      ['warned', 'cusum reference'],
    ])
    // Restored every day from what was stored, it decides the same.
    const stored = new Map<string, unknown>()
    const told: Drift[] = []
    for (let from = 0; from < 40 * 72; from += 72) {
      const restored = new Map([...stored].filter(([, value]) => value !== null))
      told.push(...(await feed(newStep(restored, stations), events(0).slice(from, from + 72), stored)))
    }
    expect(told).toEqual(alone)
  })
  it('decides the same about neighbours when it is restored every day', async () => {
    const stations = ['a', 'b', 'c']
    const events = Array.from({ length: 40 * 24 }, (_, hour) =>
      stations.map((stationId, i) =>
        inbound(verification(hour, hour < 240 || stationId === 'c' ? 0.1 * Math.sin(hour) : -2, { stationId }), 3 * hour + i),
      ),
    ).flat()
    const stored = new Map<string, unknown>()
    const told: Drift[] = []
    for (let from = 0; from < events.length; from += 72) {
      const restored = new Map([...stored].filter(([, value]) => value !== null))
      told.push(...(await feed(newStep(restored, stations), events.slice(from, from + 72), stored)))
    }
    expect(told).toEqual(await feed(newStep(new Map(), stations), events))
    expect(told.filter(({ state }) => state === 'confirmed').map(({ stationId, cause }) => [stationId, cause])).toEqual([
      ['a', 'network'],
      ['b', 'network'],
    ])
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
