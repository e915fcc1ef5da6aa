import { describe, expect, it } from 'vitest'
import { buildFeatures, createHourlyGrid, FEATURE_COUNT, HOUR_MS } from '../features/index.ts'
import { FORECAST_VARIABLES, type ForecastVariable } from '../../schemas/quantities.ts'
import { createRng } from '../verification/index.ts'
import { randomFeatureRidge } from './random-feature-ridge.ts'
import { startRolling } from './rolling-fit.ts'
import type { TrainingSet } from './types.ts'

const START_HOUR = 376_944
const DAY = 24

/** Weather that forgets itself in two days on a year's and a day's cycle, with a gap now and then. */
function station(days: number, everyHours = 1): TrainingSet {
  const random = createRng(11)
  const hours = days * DAY
  const grid = createHourlyGrid(START_HOUR, hours)
  const targets = Object.fromEntries(FORECAST_VARIABLES.map((v) => [v, new Float64Array(hours).fill(Number.NaN)])) as Record<
    ForecastVariable,
    Float64Array
  >
  let weather = 0
  for (let i = 0; i < hours; i++) {
    weather = 0.98 * weather + 0.8 * (random() + random() - 1)
    const temperature = 12 - 9 * Math.cos((2 * Math.PI * i) / 8766) + 4 * Math.sin((2 * Math.PI * i) / 24) + weather
    if (random() < 0.004 || i % everyHours > 0) continue
    grid.set(START_HOUR + i, [temperature, temperature - 5, 70 - 4 * weather, 1013 - weather, 1, random(), 3 + random(), 0])
    targets.temperatureC[i] = Math.fround(temperature)
  }
  const features = new Float32Array(hours * FEATURE_COUNT)
  for (let i = 0; i < hours; i++)
    buildFeatures(grid, START_HOUR + i, features.subarray(i * FEATURE_COUNT, (i + 1) * FEATURE_COUNT))
  return {
    startHour: START_HOUR,
    targets,
    features,
    featureHours: Float64Array.from({ length: hours }, (_, i) => START_HOUR + i),
  }
}

function known(full: TrainingSet, days: number): TrainingSet {
  const hours = days * DAY
  return {
    startHour: full.startHour,
    targets: Object.fromEntries(FORECAST_VARIABLES.map((v) => [v, full.targets[v].subarray(0, hours)])) as TrainingSet['targets'],
    features: full.features.subarray(0, hours * FEATURE_COUNT),
    featureHours: full.featureHours.subarray(0, hours),
  }
}

function largest(a: readonly Float64Array[], b: readonly Float64Array[]): number {
  let most = 0
  a.forEach((values, k) => values.forEach((value, i) => (most = Math.max(most, Math.abs(value - b[k]![i]!)))))
  return most
}

// Below 330 days the regression starts from the damped departure; above it has random features.
describe.each([
  ['part of a year, every hour of the day', 100, {}, 1],
  ['a year, one hour of issue', 360, { originHour: 12 }, 1],
  ['reports every three hours', 120, {}, 3],
] as const)('a window that moves on: %s', (_, days, options, everyHours) => {
  const full = station(days + 20, everyHours)
  const begun = startRolling(known(full, days), { variable: 'temperatureC', ...options })
  if (!begun.ok) throw new Error(begun.refused)
  const { rolling, again } = begun

  it('begins as the full fit', () => {
    const fit = randomFeatureRidge.fit(known(full, days), { variable: 'temperatureC', ...options })
    if (!fit.ok) throw new Error(fit.refused)
    const first = rolling.advance(known(full, days), START_HOUR)
    const newest = {
      validAtMs: (START_HOUR + days * DAY - 1) * HOUR_MS,
      features: full.features.subarray((days * DAY - 1) * FEATURE_COUNT, days * DAY * FEATURE_COUNT),
    }
    const [a, b] = [fit.fitted.predict(newest).quantiles, first.fitted.predict(newest).quantiles]
    for (let i = 0; i < a.length; i++) expect(b[i]).toBeCloseTo(a[i]!, 4)
  })

  it('after each of many steps has the coefficients of the same rows added up at once, within 1e-8', () => {
    const random = createRng(days)
    let [to, from] = [days, 0]
    for (let step = 0; step < 5; step++) {
      to += 1 + Math.floor(3 * random())
      from += 1 + Math.floor(3 * random())
      const moved = rolling.advance(known(full, to), START_HOUR + from * DAY)
      const atOnce = again().advance(known(full, to), START_HOUR + from * DAY)
      expect(largest(moved.coefficients, atOnce.coefficients)).toBeLessThan(1e-8)
      expect(moved.fitted.describe()['rows']).toBe(atOnce.fitted.describe()['rows'])
    }
    // Not because nothing moved.
    const before = again().advance(known(full, days), START_HOUR)
    expect(largest(rolling.advance(known(full, to), START_HOUR + from * DAY).coefficients, before.coefficients)).toBeGreaterThan(
      1e-4,
    )
  })
})

it('a young station has no regression that could roll', () => {
  expect(startRolling(known(station(20), 20), { variable: 'temperatureC' }).ok).toBe(false)
})
