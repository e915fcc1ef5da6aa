import { describe, expect, it } from 'vitest'
import { FEATURE_COUNT, FEATURE_NAMES, HOUR_MS } from '../features/index.ts'
import { FORECAST_VARIABLES } from '../../schemas/quantities.ts'
import { directLookup } from './climatology.ts'
import { deserialiseModel, randomFeatureRidge, type TrainingSet } from './index.ts'
import { sitePrior } from './site-prior.ts'

const TOKYO = { latitude: 35.69, longitude: 139.75, elevationM: 25 }
const hourOf = (iso: string): number => Date.parse(iso) / HOUR_MS
const at = (site: typeof TOKYO, iso: string): number => directLookup(sitePrior('temperatureC', site)).at(hourOf(iso))

/** A station that has not reported. */
const silent: TrainingSet = {
  startHour: hourOf('2024-01-01T00:00:00Z'),
  targets: Object.fromEntries(FORECAST_VARIABLES.map((v) => [v, new Float64Array(0)])) as TrainingSet['targets'],
  featureHours: new Float64Array(0),
  features: new Float32Array(0),
}
const nothing = new Float32Array(FEATURE_COUNT).fill(Number.NaN)

describe('what is usual at a site', () => {
  it('at 45° has the zonal mean of the source, 14.9 − 28/4, and 5/2 more; colder with height', () => {
    const mean = (elevationM: number): number =>
      sitePrior('temperatureC', { latitude: 45, longitude: 0, elevationM }).coefficients[0]!
    expect(mean(0)).toBeCloseTo(10.4, 10)
    expect(mean(1000)).toBeCloseTo(3.9, 10)
  })
  it('has summer and winter of the hemisphere, and its afternoon at the longitude', () => {
    const sydney = { latitude: -33.9, longitude: 151.2, elevationM: 20 }
    expect(at(TOKYO, '2024-07-20T03:00:00Z')).toBeGreaterThan(at(TOKYO, '2024-01-20T03:00:00Z') + 10)
    expect(at(sydney, '2024-01-20T03:00:00Z')).toBeGreaterThan(at(sydney, '2024-07-20T03:00:00Z') + 10)
    // 15 h in Tokyo is 06 UTC.
    expect(at(TOKYO, '2024-07-20T06:00:00Z')).toBeGreaterThan(at(TOKYO, '2024-07-20T18:00:00Z') + 5)
  })
})

describe.each(FORECAST_VARIABLES)('%s of a station without history', (variable) => {
  const fit = randomFeatureRidge.fit(silent, { variable, site: TOKYO })
  if (!fit.ok) throw new Error(fit.refused)
  const { fitted } = fit

  it('is refused without a site', () => {
    expect(randomFeatureRidge.fit(silent, { variable })).toMatchObject({ ok: false })
  })
  it('is a wide forecast that says what is missing, and comes back from its bytes', () => {
    const input = { validAtMs: silent.startHour * HOUR_MS, features: nothing }
    const { quantiles, degradedBecause } = fitted.predict(input)
    expect(degradedBecause.length).toBeGreaterThan(0)
    for (let i = 0; i < quantiles.length; i++) {
      expect(Number.isFinite(quantiles[i])).toBe(true)
      if (i % 7 > 0) expect(quantiles[i]!).toBeGreaterThanOrEqual(quantiles[i - 1]!)
    }
    expect(deserialiseModel(fitted.serialise()).predict(input).quantiles).toEqual(quantiles)
    if (variable === 'temperatureC') expect(quantiles[5]! - quantiles[1]!).toBeGreaterThan(15)
  })
})

it('the first report moves the forecast and narrows its first hours', () => {
  const fit = randomFeatureRidge.fit(silent, { variable: 'temperatureC', site: TOKYO })
  if (!fit.ok) throw new Error(fit.refused)
  const warm = nothing.slice()
  warm[FEATURE_NAMES.indexOf('temperatureC.lag0h')] = at(TOKYO, '2024-01-01T00:00:00Z') + 10
  const input = { validAtMs: silent.startHour * HOUR_MS }
  const [before, after] = [nothing, warm].map((features) => fit.fitted.predict({ ...input, features }).quantiles)
  expect(after![3]! - before![3]!).toBeGreaterThan(8)
  expect(after![5]! - after![1]!).toBeLessThan(0.5 * (before![5]! - before![1]!))
  // Half a week on most of it is the site's own.
  expect(after![84 * 7 + 3]! - before![84 * 7 + 3]!).toBeGreaterThan(5)
})
