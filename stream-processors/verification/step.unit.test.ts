import { describe, expect, it } from 'vitest'
import type { InboundEvent, OutboundEvent, Outcome } from '../../infra/runtime/kafka/types.ts'
import type { CheckedObservation, Forecast, Verification } from '../../schemas/generated/types.ts'
import { HORIZON_HOURS } from '../../schemas/quantities.ts'
import { createVerificationStep, type VerificationInput } from './step.ts'

const HOUR_MS = 3_600_000
const START = 380_000
const context = { topic: 'weather.forecast.v1', partition: 0, caughtUp: true, heartbeat: async () => {} } as const

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
    quantiles: Array.from({ length: HORIZON_HOURS }, () => [1, 2, 3, 4, 5, 6, 7]),
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
const newStep = () => createVerificationStep({ loadLedgers: async () => new Map(), observeEventTime: () => {} }).step

const scoresOf = (outcomes: ReadonlyArray<Outcome>): Verification[] =>
  outcomes.flatMap((outcome) =>
    outcome.kind === 'emit' ? outcome.events.map((event: OutboundEvent) => event.value as Verification) : [],
  )

async function feed(events: ReadonlyArray<InboundEvent<VerificationInput>>, slice: number): Promise<Verification[]> {
  const step = newStep()
  const scored: Verification[] = []
  for (let i = 0; i < events.length; i += slice) scored.push(...scoresOf(await step(events.slice(i, i + slice), context)))
  return scored
}

const hours = Array.from({ length: 40 }, (_, i) => START + i)
const inOrder = hours.flatMap((hour) => [observation(hour), forecast(hour)])

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
  it('drops nothing of a backlog that is longer than what is usually kept', async () => {
    const long = Array.from({ length: 500 }, (_, i) => START + i)
    const scored = await feed([...long.map(observation), ...long.map(forecast)], 2000)
    expect(scored.map(({ observedAt }) => observedAt / HOUR_MS).toSorted((a, b) => a - b)).toEqual(long.slice(1))
    expect(scored.find(({ observedAt }) => observedAt === (START + 300) * HOUR_MS)?.leadHours).toHaveLength(HORIZON_HOURS)
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
  it('does not wait for ever for a forecast that was never issued', async () => {
    const gap = [forecast(START), ...Array.from({ length: 60 }, (_, i) => observation(START + 1 + i))]
    const scored = await feed(gap, 1)
    expect(scored.map(({ observedAt }) => observedAt / HOUR_MS)).toEqual(Array.from({ length: 12 }, (_, i) => START + 1 + i))
  })
})
