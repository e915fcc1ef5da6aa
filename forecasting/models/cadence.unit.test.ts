import { describe, expect, it } from 'vitest'
import { buildFeatures, createHourlyGrid, FEATURE_COUNT, HOUR_MS } from '../features/index.ts'
import { FORECAST_VARIABLES, type ForecastVariable } from '../../schemas/quantities.ts'
import { createRng } from '../verification/index.ts'
import { bridgeReports } from './cadence.ts'
import { randomFeatureRidge, type TrainingSet } from './index.ts'

const _ = Number.NaN
const START = 438_000

describe('what lies between reports', () => {
  it.each([
    ['a report left out, and a long gap', [0, _, _, 3, _, _, _, _, _, 9, _, _, 12, _, _, _, _, _, _, _, _, 3, _, _, 6]],
    ['every two hours', [2, _, 4, _, 6]],
    ['every six hours', [6, _, _, _, _, _, 12, _, _, _, _, _, 0]],
  ])('is on the line between them: %s', (_name, values) => {
    const out = bridgeReports(Float64Array.from(values), 'temperatureC')
    const known = values.flatMap((value, i) => (Number.isNaN(value) ? [] : [i]))
    for (const i of known) expect(out[i]).toBe(values[i])
    for (const [k, at] of known.slice(1).entries()) {
      const from = known[k]!
      for (let i = from + 1; i < at; i++)
        if (at - from > 6) expect(out[i]).toBeNaN()
        else expect(out[i]).toBeCloseTo(values[from]! + ((values[at]! - values[from]!) * (i - from)) / (at - from), 12)
    }
  })

  it('is as the earlier one said, of rain', () => {
    expect([...bridgeReports(Float64Array.of(100, _, _, 0, _, _, 100), 'precipitationProbabilityPct')]).toEqual([
      100, 100, 100, 0, 0, 0, 100,
    ])
  })

  it('ends with the last report: what comes after is not known yet', () => {
    expect(bridgeReports(Float64Array.of(0, _, _, 3, _, _, 6, _, _), 'temperatureC').length).toBe(7)
  })

  it.each([
    ['an hourly station with gaps', [1, 2, _, _, 5, 6, 7, _, 9]],
    [
      'a station that reports twice a day',
      [1, ...Array.from({ length: 11 }, () => _), 2, ...Array.from({ length: 11 }, () => _), 3],
    ],
    ['one value', [_, 3, _]],
    ['no value', [_, _]],
  ])('stays open of %s', (_name, values) => {
    const series = Float64Array.from(values)
    expect(bridgeReports(series, 'temperatureC')).toBe(series)
  })
})

/** Weather that forgets itself in two days, reported every few hours. */
function station(days: number, everyHours: number): TrainingSet {
  const random = createRng(3)
  const length = days * 24
  const grid = createHourlyGrid(START, length)
  const targets = Object.fromEntries(FORECAST_VARIABLES.map((v) => [v, new Float64Array(length).fill(_)])) as Record<
    ForecastVariable,
    Float64Array
  >
  let weather = 0
  let wind = 0
  for (let i = 0; i < length; i++) {
    wind = 0.95 * wind + random() - 0.5
    // The wind of now is the temperature of the hours to come.
    weather = 0.96 * weather + 0.4 * wind
    if (i % everyHours > 0) continue
    const value = 10 + 4 * Math.sin((2 * Math.PI * i) / 24) + weather
    grid.set(START + i, [value, value - 5, 70, 1013, wind, wind, Math.abs(wind), 0])
    targets.temperatureC[i] = value
  }
  const features = new Float32Array(length * FEATURE_COUNT)
  for (let i = 0; i < length; i++) buildFeatures(grid, START + i, features.subarray(i * FEATURE_COUNT, (i + 1) * FEATURE_COUNT))
  return { startHour: START, targets, features, featureHours: Float64Array.from({ length }, (__, i) => START + i) }
}

describe('a station that reports every three hours', () => {
  const history = station(150, 3)
  const result = randomFeatureRidge.fit(history, { variable: 'temperatureC' })
  if (!result.ok) throw new Error(result.refused)

  it('has a regression with scores of its own, better than the damped departure', () => {
    expect(result.fitted.describe()['youngStation']).toBeUndefined()
    const mae = (model: string): number =>
      result.scores.find((score) => score.model === model && score.leadBucket === '7-24')?.mae ?? Number.NaN
    expect(mae('candidate')).toBeLessThan(0.97 * mae('damped-anomaly'))
  })

  it('is forecast for every hour, with an interval', () => {
    const last = 150 * 24 - 3
    const { quantiles } = result.fitted.predict({
      validAtMs: (START + last) * HOUR_MS,
      features: history.features.subarray(last * FEATURE_COUNT, (last + 1) * FEATURE_COUNT),
    })
    for (let at = 0; at < quantiles.length; at += 7) expect(quantiles[at + 5]! - quantiles[at + 1]!).toBeGreaterThan(0.1)
  })
})
