import { describe, expect, it } from 'vitest'
import { buildFeatures, createHourlyGrid, FEATURE_COUNT, HOUR_MS } from '../features/index.ts'
import { FORECAST_VARIABLES, type ForecastVariable } from '../../schemas/quantities.ts'
import { FAMILIES, OWN, randomFeatureRidge, type TrainingSet } from './index.ts'
import { possibleHistory } from './possible.ts'

const START = 438_000

/** Days of quiet weather with a cycle; `spoil` may write anything over the eight columns of an hour. */
function station(days: number, spoil: (row: number[], i: number) => void): TrainingSet {
  const length = days * 24
  const grid = createHourlyGrid(START, length)
  const targets = Object.fromEntries(FORECAST_VARIABLES.map((v) => [v, new Float64Array(length)])) as Record<
    ForecastVariable,
    Float64Array
  >
  for (let i = 0; i < length; i++) {
    const wave = Math.sin((2 * Math.PI * i) / 24) + Math.sin(i / 31) + 0.3 * Math.sin(i * i)
    const row = [10 + wave, 5 + wave, 70 - wave, 1013 + wave, 1, 1, 2 + Math.abs(wave), wave > 1.5 ? 1 : 0]
    spoil(row, i)
    grid.set(START + i, row)
    FORECAST_VARIABLES.forEach((v) => (targets[v][i] = (row[OWN[v].column] ?? Number.NaN) * OWN[v].factor))
  }
  const features = new Float32Array(length * FEATURE_COUNT)
  for (let i = 0; i < length; i++) buildFeatures(grid, START + i, features.subarray(i * FEATURE_COUNT, (i + 1) * FEATURE_COUNT))
  return { startHour: START, targets, features, featureHours: Float64Array.from({ length }, (_, i) => START + i) }
}

function expectSane(quantiles: ArrayLike<number>, variable: ForecastVariable): void {
  const { low, high } = OWN[variable]
  expect(Array.from(quantiles).every((value) => value >= low && value <= high)).toBe(true)
}

const GARBAGE = [-9999, 1e30, -1e30, Infinity, -Infinity, 3e38, 32_767]

describe.each([10, 45])('a history of %d days with leftovers that no quality control took out', (days) => {
  const clean = station(days, () => undefined)
  const spoilt = station(days, (row, i) => {
    if (i % 61 === 7) row.fill(GARBAGE[i % GARBAGE.length]!)
  })

  it.each(FORECAST_VARIABLES)('of %s gives every family an answer within bounds, or a refusal, and never NaN', (variable) => {
    const result = randomFeatureRidge.fit(spoilt, { variable })
    if (!result.ok) throw new Error(result.refused)
    for (const features of [
      spoilt.features.subarray(-FEATURE_COUNT),
      ...GARBAGE.map((g) => new Float32Array(FEATURE_COUNT).fill(g)),
    ])
      expectSane(result.fitted.predict({ validAtMs: (START + days * 24 - 1) * HOUR_MS, features }).quantiles, variable)
    for (const family of FAMILIES) {
      const fit = family.fit(spoilt, { variable })
      const recent = {
        validAtMs: (START + days * 24 - 1) * HOUR_MS,
        features: spoilt.features.subarray(-FEATURE_COUNT),
        known: spoilt,
      }
      const answer = fit.ok ? fit.fitted.predict(recent) : fit
      if ('quantiles' in answer) expectSane(answer.quantiles, variable)
      else expect(answer.refused).toMatch(/./)
    }
  })

  it('forecasts nearly as without them', () => {
    const at = { validAtMs: (START + days * 24 - 1) * HOUR_MS, features: clean.features.subarray(-FEATURE_COUNT) }
    const [a, b] = [clean, spoilt].map((history) => {
      const result = randomFeatureRidge.fit(history, { variable: 'temperatureC' })
      if (!result.ok) throw new Error(result.refused)
      return result.fitted.predict(at).quantiles
    })
    for (let lead = 0; lead < 168; lead++) expect(Math.abs(a![lead * 7 + 3]! - b![lead * 7 + 3]!)).toBeLessThan(1.5)
  })

  it('counts as not observed what is impossible, and leaves a history without such alone', () => {
    expect(possibleHistory(clean, FORECAST_VARIABLES)).toBe(clean)
    const held = possibleHistory(spoilt, FORECAST_VARIABLES)
    expect(held.targets.temperatureC[7]).toBeNaN()
    expect(held.targets.temperatureC[8]).toBe(spoilt.targets.temperatureC[8])
    expect(held.features.every((value) => Number.isNaN(value) || Math.abs(value) <= 1300)).toBe(true)
    expect(held.features.length).toBe(days * 24 * FEATURE_COUNT)
  })
})

it('says of a vector of nothing but leftovers what it says of an empty one', () => {
  const result = randomFeatureRidge.fit(
    station(10, () => undefined),
    { variable: 'temperatureC' },
  )
  if (!result.ok) throw new Error(result.refused)
  const of = (value: number) =>
    result.fitted.predict({ validAtMs: (START + 239) * HOUR_MS, features: new Float32Array(FEATURE_COUNT).fill(value) })
  expect(of(Infinity)).toEqual(of(Number.NaN))
  expect(of(-9999).degradedBecause).toContain('temperatureC has not been observed for days')
})
