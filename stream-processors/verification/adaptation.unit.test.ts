// Through the step, with forecasts whose intervals are too narrow on one side.
import { describe, expect, it } from 'vitest'
import { type AdaptationRecord, recordOf } from '../../forecasting/models/index.ts'
import type { InboundEvent, Outcome } from '../../infra/runtime/kafka/types.ts'
import type { CheckedObservation, Forecast, IntervalAdaptation } from '../../schemas/generated/types.ts'
import { HORIZON_HOURS, QUANTILE_LEVELS } from '../../schemas/quantities.ts'
import { createVerificationStep, type VerificationInput } from './step.ts'

const HOUR_MS = 3_600_000
const START = 380_004
const Q = QUANTILE_LEVELS.length
const context = { topic: 'weather.forecast.v1', partition: 0, caughtUp: true, heartbeat: async () => {} } as const

type Event = InboundEvent<VerificationInput>
const common = { key: 'ewr', partition: 0, headers: {}, timestampMs: 0 } as const

const FOURS = Array.from({ length: HORIZON_HOURS }, () => 4)

function forecast(hour: number, over: Partial<Forecast> = {}): Event {
  const value = {
    forecastId: `f${hour}`,
    stationId: 'ewr',
    variable: 'temperatureC',
    issuedAt: hour * HOUR_MS,
    modelVersion: 'v1',
    role: 'champion',
    quantiles: Array.from({ length: HORIZON_HOURS }, () => [1, 2, 3, 4, 5, 6, 7]),
    baselines: { persistence: FOURS, recentredClimatology: FOURS },
    logFactors: [],
    fallback: null,
    ...over,
  } as unknown as Forecast
  return { ...common, topic: 'weather.forecast.v1', offset: hour, value }
}
function observation(hour: number, temperatureC = 8): Event {
  const value = {
    stationId: 'ewr',
    observedAt: hour * HOUR_MS,
    receivedAt: hour * HOUR_MS,
    kind: 'observation',
    temperatureC,
    precipitationMm: 1,
    flags: { temperatureC: 'good', precipitationMm: 'good' },
  } as unknown as CheckedObservation
  return { ...common, topic: 'weather.observation-checked.v1', offset: hour, value }
}

const hours = Array.from({ length: 40 }, (_, i) => START + i)
const inOrder = hours.flatMap((hour) => [observation(hour), forecast(hour)])

function newProcess(published: AdaptationRecord | null = null) {
  const { step } = createVerificationStep({
    loadLedgers: async () => new Map(),
    loadAdaptation: (_station, variable) => (variable === 'temperatureC' ? published : null),
    observeEventTime: () => {},
  })
  return async (events: readonly Event[], slice = 1) => {
    const outcomes: Outcome[] = []
    for (let i = 0; i < events.length; i += slice) outcomes.push(...(await step(events.slice(i, i + slice), context)))
    const made = outcomes.flatMap((outcome) => (outcome.kind === 'emit' ? outcome.events : []))
    return {
      adapted: made.flatMap(({ topic, value }) => (topic === 'model.adaptation.v1' ? [value] : [])),
      verified: made.flatMap(({ topic, value }) => (topic === 'weather.verification.v1' ? [value] : [])),
    }
  }
}
const endOf = ({ verifiedUntil }: IntervalAdaptation): number => verifiedUntil / HOUR_MS - START

describe('adaptation', () => {
  it('is published for each block of six hours, three hours after it, and widens the side on which observations fall outside', async () => {
    const { adapted } = await newProcess()(inOrder)
    expect(adapted.map(endOf)).toEqual([6, 12, 18, 24, 30, 36])
    const [first, second] = adapted
    const { logFactors } = first!.versions[0]!
    expect(logFactors.slice(0, Q).map(Math.sign)).toEqual([-1, -1, -1, 0, 1, 1, 1])
    expect(second?.versions[0]?.previousLogFactors).toEqual(logFactors)
    expect(second?.versions[0]?.logFactors[5]).toBeGreaterThan(logFactors[5]!)
  })
  it('of a rain probability there is none', async () => {
    const rain = hours.flatMap((hour) => [observation(hour), forecast(hour, { variable: 'precipitationProbabilityPct' })])
    const { adapted, verified } = await newProcess()(rain)
    expect(verified.length).toBeGreaterThan(0)
    expect(adapted).toEqual([])
  })
  it('of a new version begins with nothing when its forecasts say that they applied nothing, else with a part of what there is', async () => {
    const { adapted } = await newProcess()(inOrder)
    const known = recordOf(adapted.at(-1)!)
    const later = hours.map((hour) => hour + hours.length)
    const begun = async (logFactors: number[]) => {
      const next = later.flatMap((hour) => [observation(hour), forecast(hour, { modelVersion: 'v2', logFactors })])
      const records = (await newProcess(known)(next)).adapted.map(({ versions }) =>
        versions.find((one) => one.modelVersion === 'v2'),
      )
      return records.find((one) => one !== undefined)!.previousLogFactors
    }
    const nothing = known.versions[0]!.logFactors.map(() => 0)
    expect(await begun(nothing)).toEqual(nothing)
    expect((await begun([]))[5]).toBeGreaterThan(0)
  })
  it.each([
    [
      'forecasts lag',
      [
        ...hours.slice(0, 12).map((hour) => observation(hour)),
        ...hours.flatMap((hour) => [observation(hour + 12), forecast(hour)]),
      ],
    ],
    [
      'a backlog of observations is read first',
      [...hours.map((hour) => observation(hour)), ...hours.map((hour) => forecast(hour))],
    ],
  ])('is the same when %s', async (_, events) => {
    const last = (adapted: readonly IntervalAdaptation[]) =>
      adapted.find(({ verifiedUntil }) => verifiedUntil === (START + 36) * HOUR_MS)
    expect(last((await newProcess()(events)).adapted)).toEqual(last((await newProcess()(inOrder)).adapted))
  })
  it('folds nothing twice when everything is read again', async () => {
    const { adapted } = await newProcess()(inOrder)
    const again = await newProcess(recordOf(adapted.at(-1)!))(inOrder)
    expect(again.adapted).toEqual([])
    expect(again.verified).toHaveLength(hours.length - 1)
  })
  it('goes on after a silence of any length', async () => {
    const run = newProcess()
    await run(inOrder)
    const later = hours.map((hour) => hour + 5000)
    const { adapted } = await run(later.flatMap((hour) => [observation(hour), forecast(hour)]))
    expect(adapted.at(-1)?.verifiedUntil).toBe((START + 5034) * HOUR_MS)
  })
})

it('what drift is told of a spread is the one that the model claimed itself', async () => {
  const logFactors = Array.from({ length: 8 * Q }, (_, i) => (i % Q === 3 ? 0 : Math.log(2)))
  const stretched = Array.from({ length: HORIZON_HOURS }, () => [-2, 0, 2, 4, 6, 8, 10])
  const scale = async (over: Partial<Forecast>) => {
    const { verified } = await newProcess()([forecast(START, over), forecast(START + 1, over), observation(START + 1)])
    return verified[0]
  }
  const own = await scale({})
  const adapted = await scale({ quantiles: stretched, logFactors })
  expect(adapted?.expectedScale[0]).toBeCloseTo(own?.expectedScale[0] ?? Number.NaN, 6)
  expect(own?.covered80).toEqual([false])
  expect(adapted?.covered80).toEqual([true])
})
