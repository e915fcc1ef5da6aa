/** Ledgers from a real ClickHouse: the same scores with an interruption at any point as without one. */
import { afterAll, beforeAll, expect, it } from 'vitest'
import { toArchiveRow } from '../../consumers/archive/rows.ts'
import { applyMigrations, type ClickHouse, createBatchedWriter, openClickHouse } from '../../infra/runtime/clickhouse/index.ts'
import { recordOf } from '../../forecasting/models/index.ts'
import type { InboundEvent, OutboundEvent, Outcome } from '../../infra/runtime/kafka/types.ts'
import { anObservation, isolatedConfig } from '../../infra/runtime/testing/fixtures.ts'
import type { CheckedObservation, Forecast, IntervalAdaptation, Verification } from '../../schemas/generated/types.ts'
import { HORIZON_HOURS, QUANTITIES } from '../../schemas/quantities.ts'
import { createVerificationStep, type VerificationInput } from '../../stream-processors/verification/step.ts'
import { type Assignment, createLedgerLoader } from '../../stream-processors/verification/store.ts'

const HOUR_MS = 3_600_000
const START = Date.UTC(2013, 0, 1) / HOUR_MS
const HOURS = 400
const PARTITION = 4
type Event = InboundEvent<VerificationInput>

let ch: ClickHouse
beforeAll(async () => {
  ch = openClickHouse(isolatedConfig())
  await applyMigrations(ch)
  // The archive has run ahead of whatever verification has read.
  await createBatchedWriter(ch).write(
    Array.from({ length: HOURS }, (_, i) => [toArchiveRow(observation(i)), toArchiveRow(forecast(i))]).flat(),
  )
})
afterAll(async () => {
  await ch.command(`DROP DATABASE ${ch.database}`)
  await ch.close()
})

const common = { key: 'ewr', partition: PARTITION, headers: {}, timestampMs: 0 } as const
const of = <T>(value: T): Record<string, T> => Object.fromEntries(QUANTITIES.map((quantity) => [quantity, value]))

function observation(i: number): InboundEvent<'weather.observation-checked.v1'> {
  const at = (START + i) * HOUR_MS
  const value = {
    ...anObservation({ stationId: 'ewr', observedAt: at, receivedAt: at, temperatureC: 10 + (i % 7) }),
    flags: { ...of('missing'), temperatureC: 'good' },
    rules: {},
    qcVersion: 'test',
  } as unknown as CheckedObservation
  return { ...common, topic: 'weather.observation-checked.v1', offset: i, value }
}

function forecast(i: number): InboundEvent<'weather.forecast.v1'> {
  const value: Forecast = {
    forecastId: `f${i}`,
    stationId: 'ewr',
    variable: 'temperatureC',
    issuedAt: (START + i) * HOUR_MS,
    leadHours: Array.from({ length: HORIZON_HOURS }, (_, lead) => lead + 1),
    quantiles: Array.from({ length: HORIZON_HOURS }, (_, lead) => [5, 8, 10, 12, 14, 16, 19].map((q) => q + ((i + lead) % 5))),
    baselines: {
      persistence: Array.from({ length: HORIZON_HOURS }, () => 12),
      recentredClimatology: Array.from({ length: HORIZON_HOURS }, () => 11),
    },
    modelId: 'ewr/temperatureC',
    modelVersion: 'v1',
    modelSha256: '0',
    role: 'champion',
    controlOffset: 0,
    featureKnownAt: (START + i) * HOUR_MS,
    status: 'fresh',
    statusReason: null,
    fallback: null,
    logFactors: [],
  }
  return { ...common, topic: 'weather.forecast.v1', offset: i, value }
}

/** What is published to the compacted topic of adaptations. */
type Records = Map<string, IntervalAdaptation>

/** What queries show after the events, with a new process at each of `interruptions` (positions in `events`). */
async function run(
  events: readonly Event[],
  interruptions: readonly number[],
  records: Records,
): Promise<Map<number, Verification>> {
  const shown = new Map<number, Verification>()
  const ends = [...interruptions, events.length]
  let from = 0
  for (const to of ends) {
    const { step } = createVerificationStep({
      loadLedgers: createLedgerLoader(ch, committedAfter(events.slice(0, from))),
      loadAdaptation: (stationId, variable) => {
        const published = records.get(`${stationId}/${variable}`)
        return published ? recordOf(published) : null
      },
      observeEventTime: () => {},
    })
    for (let i = from; i < to; i += 40) {
      const outcomes = await step(events.slice(i, Math.min(i + 40, to)), {
        topic: 'weather.forecast.v1',
        partition: PARTITION,
        caughtUp: false,
        heartbeat: async () => {},
      })
      for (const { topic, key, value } of outcomes.flatMap(eventsOf)) {
        if (topic === 'weather.verification.v1') shown.set(value.observedAt, value)
        else if (topic === 'model.adaptation.v1') records.set(key, value)
      }
    }
    from = to
  }
  return shown
}

function eventsOf(outcome: Outcome): readonly OutboundEvent[] {
  return outcome.kind === 'emit' ? outcome.events : []
}

function committedAfter(events: readonly Event[]): Assignment {
  const next = (topic: VerificationInput): number | null =>
    events.reduce<number | null>((newest, event) => (event.topic === topic ? event.offset + 1 : newest), null)
  return (['weather.forecast.v1', 'weather.observation-checked.v1'] as const).map((topic) => ({
    topic,
    partition: PARTITION,
    nextOffset: next(topic),
  }))
}

const inOrder = Array.from({ length: HOURS }, (_, i): Event[] => [observation(i), forecast(i)]).flat()
/** Inference lags by so many hours. */
const lagging = (hours: number): Event[] =>
  Array.from({ length: HOURS + hours }, (_, i): Event[] => [
    ...(i < HOURS ? [observation(i)] : []),
    ...(i >= hours ? [forecast(i - hours)] : []),
  ]).flat()

it.each([
  ['nothing lags', inOrder, [1, 2, 333, 500, 777]],
  ['forecasts lag by 100 h', lagging(100), [90, 150, 600, 801]],
  ['forecasts lag by more than is kept', lagging(300), [250, 301, 700, 790]],
])('an interruption changes no score and no adaptation when %s', async (_, events, interruptions) => {
  const adapted: Records = new Map()
  const whole = await run(inOrder, [], adapted)
  expect(whole.get((START + HOURS - 1) * HOUR_MS)?.leadHours).toHaveLength(HORIZON_HOURS)
  const adaptedAgain: Records = new Map()
  const interrupted = await run(events, interruptions, adaptedAgain)
  expect([...interrupted.values()].toSorted((a, b) => a.observedAt - b.observedAt)).toEqual([...whole.values()])
  expect(adapted.get('ewr/temperatureC')?.verifiedUntil).toBe((START + HOURS - ((START + HOURS) % 6)) * HOUR_MS)
  expect(adaptedAgain).toEqual(adapted)
})
