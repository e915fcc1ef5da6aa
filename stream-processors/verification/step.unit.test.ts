import { describe, expect, it } from 'vitest'
import type { InboundEvent, Outcome } from '../../infra/runtime/kafka/types.ts'
import type { CheckedObservation, Forecast, Verification } from '../../schemas/generated/types.ts'
import { HORIZON_HOURS } from '../../schemas/quantities.ts'
import { createLedger } from './ledger.ts'
import { createVerificationStep, type VerificationInput } from './step.ts'

const HOUR_MS = 3_600_000
const START = 380_000
const context = { topic: 'weather.forecast.v1', partition: 0, caughtUp: true, heartbeat: async () => {} } as const

const QUANTILES = Array.from({ length: HORIZON_HOURS }, () => [1, 2, 3, 4, 5, 6, 7])
const forecast = (hour: number): InboundEvent<VerificationInput> => ({
  topic: 'weather.forecast.v1',
  key: 'ewr',
  partition: 0,
  offset: hour,
  headers: {},
  timestampMs: 0,
  value: {
    forecastId: `f${hour}`,
    stationId: 'ewr',
    variable: 'temperatureC',
    issuedAt: hour * HOUR_MS,
    modelVersion: 'v1',
    role: 'champion',
    quantiles: QUANTILES,
    logFactors: [],
    fallback: null,
    baselines: {
      persistence: Array.from({ length: HORIZON_HOURS }, () => 4),
      recentredClimatology: Array.from({ length: HORIZON_HOURS }, () => 4),
    },
  } as unknown as Forecast,
})
const observation = (hour: number): InboundEvent<VerificationInput> => ({
  topic: 'weather.observation-checked.v1',
  key: 'ewr',
  partition: 0,
  offset: hour,
  headers: {},
  timestampMs: 0,
  value: {
    stationId: 'ewr',
    observedAt: hour * HOUR_MS,
    receivedAt: hour * HOUR_MS,
    kind: 'observation',
    temperatureC: 4.5,
    precipitationMm: null,
    flags: { temperatureC: 'good', precipitationMm: 'missing' },
  } as unknown as CheckedObservation,
})
const newStep = () =>
  createVerificationStep({ loadLedgers: async () => new Map(), loadAdaptation: () => null, observeEventTime: () => {} }).step

const scoresOf = (outcomes: ReadonlyArray<Outcome>): Verification[] =>
  outcomes.flatMap((outcome) =>
    outcome.kind === 'emit'
      ? outcome.events.flatMap(({ topic, value }) => (topic === 'weather.verification.v1' ? [value] : []))
      : [],
  )

async function feed(events: ReadonlyArray<InboundEvent<VerificationInput>>, slice: number): Promise<Verification[]> {
  const step = newStep()
  const scored: Verification[] = []
  for (let i = 0; i < events.length; i += slice) scored.push(...scoresOf(await step(events.slice(i, i + slice), context)))
  return scored
}

const hours = Array.from({ length: 40 }, (_, i) => START + i)
const inOrder = hours.flatMap((hour) => [observation(hour), forecast(hour)])

const leadsByHour = (scored: Verification[]) =>
  scored.map(({ observedAt, leadHours }) => [observedAt / HOUR_MS, leadHours.length] as const).toSorted(([a], [b]) => a - b)

describe('verification step', () => {
  it('scores each hour once, against all earlier issues', async () => {
    const scored = await feed(inOrder, 1)
    expect(scored.map(({ observedAt }) => observedAt / HOUR_MS)).toEqual(hours.slice(1))
    expect(scored.at(-1)?.leadHours).toEqual(Array.from({ length: 39 }, (_, i) => i + 1))
  })
  it.each([
    [
      'forecasts lag by twelve hours',
      hours
        .flatMap((hour, i) => [observation(hour), ...(i >= 12 ? [forecast(hour - 12)] : [])])
        .concat(hours.slice(-12).map(forecast)),
      1,
    ],
    ['a backlog of observations is read first', [...hours.map(observation), ...hours.map(forecast)], 100],
    ['a backlog of forecasts is read first', [...hours.map(forecast), ...hours.map(observation)], 7],
  ])('scores each hour once, and the same, when %s', async (_, events, slice) => {
    const byHour = (scored: Verification[]) => scored.toSorted((a, b) => a.observedAt - b.observedAt)
    expect(byHour(await feed(events, slice))).toEqual(await feed(inOrder, 1))
  })
  const long = Array.from({ length: 500 }, (_, i) => START + i)
  it.each([
    ['of observations', [...long.map(observation), ...long.map(forecast)], 2000],
    ['of observations, in many slices', [...long.map(observation), ...long.map(forecast)], 30],
    ['of forecasts', [...long.map(forecast), ...long.map(observation)], 30],
  ])('scores each hour whole after a backlog %s that is longer than what is usually kept', async (_, events, slice) => {
    const scored = await feed(events, slice)
    expect(leadsByHour(scored)).toEqual(long.slice(1).map((hour) => [hour, Math.min(hour - START, HORIZON_HOURS)]))
  })
  it('scores each hour whole when observations are read many weeks ahead', async () => {
    const weeks = Array.from({ length: 2500 }, (_, i) => START + i)
    const scored = await feed([...weeks.map(observation), ...weeks.map(forecast)], 2000)
    expect(scored.map(({ leadHours }) => leadHours.length)).toEqual(
      weeks.slice(1).map((hour) => Math.min(hour - START, HORIZON_HOURS)),
    )
  })
  it('keeps of a station with nothing but history what a first forecast can need, not all of it', async () => {
    const ledger = createLedger()
    const { step } = createVerificationStep({
      loadLedgers: async () => new Map([['ewr', ledger]]),
      loadAdaptation: () => null,
      observeEventTime: () => {},
    })
    const history = Array.from({ length: 1000 }, (_, i) => observation(START + i))
    const backfilled = history.map((event) => ({
      ...event,
      value: { ...event.value, receivedAt: (START + 1000) * HOUR_MS } as CheckedObservation,
    }))
    for (let i = 0; i < 900; i += 50) await step(backfilled.slice(i, i + 50) as typeof history, context)
    expect(ledger.truths.size).toBeLessThan(200)
    expect(ledger.unscored.get('temperatureC')?.size).toBeLessThan(200)
  })
  it('scores nothing again, and no score by half, when old events are delivered twice', async () => {
    const newest = long.flatMap((hour) => [observation(hour), forecast(hour)])
    const scored = await feed([...newest, ...newest.slice(-400), ...newest], 50)
    expect(leadsByHour(scored)).toEqual(long.slice(1).map((hour) => [hour, Math.min(hour - START, HORIZON_HOURS)]))
  })
  it('takes no instant that cannot be one, and goes on from where it was', async () => {
    const far = observation(START + 10)
    const step = newStep()
    const outcomes = await step(
      [...inOrder.slice(0, 40), { ...far, value: { ...far.value, observedAt: 9e15 } } as typeof far],
      context,
    )
    expect(outcomes.find(({ kind }) => kind === 'dead-letter')).toMatchObject({ reason: 'invalid-instant' })
    expect(leadsByHour(scoresOf(await step(inOrder.slice(40), context))).at(-1)).toEqual([START + 39, 39])
  })
  it('scores an hour again when a forecast for it arrives late', async () => {
    const scored = await feed(
      [...inOrder.filter(({ topic, offset }) => topic !== 'weather.forecast.v1' || offset !== START + 5), forecast(START + 5)],
      1,
    )
    const again = scored.slice(39)
    expect(again.map(({ observedAt }) => observedAt / HOUR_MS)).toEqual(hours.filter((hour) => hour > START + 5))
    expect(again.at(-1)?.leadHours.length).toBe(39)
  })
  it('waits with the hours of a station that is not forecast until it is again', async () => {
    const gap = Array.from({ length: 200 }, (_, i) => observation(START + 1 + i))
    expect(await feed([forecast(START), ...gap], 1)).toEqual([])
    const scored = await feed([forecast(START), ...gap, forecast(START + 200)], 1)
    expect(leadsByHour(scored)).toEqual(Array.from({ length: HORIZON_HOURS }, (_, i) => [START + 1 + i, 1]))
  })
})
