import { describe, expect, it } from 'vitest'
import { buildFeatures, createHourlyGrid, FEATURE_COUNT, HOUR_MS } from '../features/index.ts'
import { FORECAST_VARIABLES, type ForecastVariable } from '../../schemas/quantities.ts'
import { createRng, verifyLead } from '../verification/index.ts'
import { analogEnsemble, BASELINES, type Family, type TrainingSet } from './index.ts'

const START_HOUR = 376_944
const HOURS = 200 * 24
const ORIGINS = [0, 1, 2, 3].map((k) => HOURS - 170 - 101 * k)

/** Temperature and rain with a daily cycle and weather that lasts; everything else never observed. */
function station(): TrainingSet {
  const random = createRng(9)
  const grid = createHourlyGrid(START_HOUR, HOURS)
  const targets = Object.fromEntries(FORECAST_VARIABLES.map((v) => [v, new Float64Array(HOURS).fill(Number.NaN)])) as Record<
    ForecastVariable,
    Float64Array
  >
  let weather = 0
  for (let i = 0; i < HOURS; i++) {
    weather = 0.985 * weather + 0.5 * (random() + random() - 1)
    const temperature = Math.fround(10 + 5 * Math.sin((2 * Math.PI * i) / 24) + weather)
    const isWet = weather < -1.5
    grid.set(START_HOUR + i, [temperature, Number.NaN, Number.NaN, Number.NaN, Number.NaN, Number.NaN, Number.NaN, isWet ? 1 : 0])
    targets.temperatureC[i] = temperature
    targets.precipitationProbabilityPct[i] = isWet ? 100 : 0
  }
  const features = new Float32Array(HOURS * FEATURE_COUNT)
  for (let i = 0; i < HOURS; i++)
    buildFeatures(grid, START_HOUR + i, features.subarray(i * FEATURE_COUNT, (i + 1) * FEATURE_COUNT))
  return {
    startHour: START_HOUR,
    targets,
    features,
    featureHours: Float64Array.from({ length: HOURS }, (_, i) => START_HOUR + i),
  }
}

const full = station()
const until = (hours: number): TrainingSet => ({
  startHour: START_HOUR,
  targets: Object.fromEntries(FORECAST_VARIABLES.map((v) => [v, full.targets[v].subarray(0, hours)])) as TrainingSet['targets'],
  features: full.features.subarray(0, hours * FEATURE_COUNT),
  featureHours: full.featureHours.subarray(0, hours),
})
const quantilesAt = (hours: number, variable: ForecastVariable): Float32Array => {
  const result = sayAt(analogEnsemble, hours, variable)
  if ('refused' in result) throw new Error(result.refused)
  return result.quantiles
}
const sayAt = (family: Family, hours: number, variable: ForecastVariable) => {
  const known = until(hours)
  const fit = family.fit(known, { variable })
  if (!fit.ok) throw new Error(fit.refused)
  const validAtMs = (START_HOUR + hours - 1) * HOUR_MS
  return fit.fitted.predict({ validAtMs, features: known.features.subarray(-FEATURE_COUNT), known })
}

describe('analog ensemble', { timeout: 60_000 }, () => {
  it('gives finite ascending quantiles, the same each time, and beats recentred climatology at 1–6 h', () => {
    let [own, reference] = [0, 0]
    for (const origin of ORIGINS) {
      const quantiles = quantilesAt(origin, 'temperatureC')
      for (let i = 0; i < quantiles.length; i++) {
        expect(Number.isFinite(quantiles[i])).toBe(true)
        if (i % 7 > 0) expect(quantiles[i]!).toBeGreaterThanOrEqual(quantiles[i - 1]!)
      }
      const climatology = sayAt(
        BASELINES.find(({ name }) => name === 'recentred-climatology')!,
        origin,
        'temperatureC',
      )
      if ('refused' in climatology) throw new Error(climatology.refused)
      for (let h = 0; h < 6; h++) {
        const observed = full.targets.temperatureC[origin + h]!
        own += Math.abs(verifyLead(quantiles.subarray(h * 7, h * 7 + 7), observed).error)
        reference += Math.abs(verifyLead(climatology.quantiles.subarray(h * 7, h * 7 + 7), observed).error)
      }
    }
    expect(own).toBeLessThan(0.9 * reference)
    expect(quantilesAt(ORIGINS[0]!, 'temperatureC')).toEqual(quantilesAt(ORIGINS[0]!, 'temperatureC'))
  })

  it('gives one probability of rain at a lead, from 0 to 100', () => {
    const quantiles = quantilesAt(ORIGINS[0]!, 'precipitationProbabilityPct')
    for (let h = 0; h < 168; h++) {
      expect(quantiles[h * 7]).toBe(quantiles[h * 7 + 6])
      expect(quantiles[h * 7]!).toBeGreaterThanOrEqual(0)
      expect(quantiles[h * 7]!).toBeLessThanOrEqual(100)
    }
  })

  it.each([
    ['nothing', 0, 'temperatureC', /fewer than 24/],
    ['nine days', 9 * 24, 'temperatureC', /needs 60/],
    ['a variable never observed', HOURS, 'pressureHpa', /fewer than 24 observed hours of pressureHpa/],
  ] as const)('refuses %s as a value', (_, hours, variable, reason) => {
    expect(sayAt(analogEnsemble, hours, variable)).toMatchObject({ refused: expect.stringMatching(reason) })
  })
})
