import { describe, expect, it } from 'vitest'
import { FEATURE_COUNT, FEATURE_NAMES, HOUR_MS } from '../features/index.ts'
import { predictLate } from './late.ts'
import type { Fitted, Prediction } from './types.ts'

const HOUR = 400_000
const TEMPERATURE = FEATURE_NAMES.indexOf('temperatureC.lag0h')
const WIND = FEATURE_NAMES.indexOf('windSpeedMps.lag0h')

/** Says when it was asked: quantile = hour asked for + lead. */
const fitted: Fitted = {
  family: 'test',
  variable: 'temperatureC',
  predict: ({ validAtMs, features }): Prediction => ({
    leadHours: Int32Array.from({ length: 168 }, (_, h) => h + 1),
    quantiles: Float32Array.from({ length: 168 * 7 }, (_, i) => validAtMs / HOUR_MS - HOUR + Math.floor(i / 7) / 1000),
    persistence: new Float32Array(168).fill(features[TEMPERATURE]!),
    recentredClimatology: new Float32Array(168),
    degradedBecause: Number.isNaN(features[TEMPERATURE]!) ? ['old'] : [],
  }),
  serialise: () => new Uint8Array(),
  describe: () => ({}),
}
const vector = (position?: number): Float32Array => {
  const features = new Float32Array(FEATURE_COUNT).fill(Number.NaN)
  if (position !== undefined) features[position] = 5
  return features
}

describe('a forecast of a station that has been silent', () => {
  it('is the one of its last report, read further ahead, and says that it is old', () => {
    const { quantiles, persistence, degradedBecause } = predictLate(fitted, HOUR, (hour) =>
      vector(hour <= HOUR - 6 ? TEMPERATURE : undefined),
    )
    expect(quantiles[0]).toBeCloseTo(-6 + 0.006, 5)
    expect(quantiles[161 * 7]).toBeCloseTo(-6 + 0.167, 5)
    // Beyond the horizon of the last report only what is usual is left.
    expect(quantiles[162 * 7]).toBeCloseTo(0.162, 5)
    expect(persistence[0]).toBe(5)
    expect(degradedBecause).toEqual(['old'])
  })
  it('is the plain one where anything was reported, and after five days of silence', () => {
    expect(predictLate(fitted, HOUR, () => vector(WIND)).quantiles[0]).toBe(0)
    expect(predictLate(fitted, HOUR, (hour) => vector(hour < HOUR - 120 ? TEMPERATURE : undefined)).quantiles[0]).toBe(0)
    expect(predictLate(fitted, HOUR, () => vector()).quantiles[0]).toBe(0)
  })
})
