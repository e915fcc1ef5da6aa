import { describe, expect, it } from 'vitest'
import { createBucketScores, crpsFromQuantiles, verifyLead } from './index.ts'

/** Quantiles of the standard normal at the published levels. */
const NORMAL = [-1.959964, -1.281552, -0.67449, 0, 0.67449, 1.281552, 1.959964]

describe('verification scores', () => {
  it('gives |error| as the CRPS of a point forecast', () => {
    expect(crpsFromQuantiles([3, 3, 3, 3, 3, 3, 3], 5)).toBeCloseTo(2, 9)
    expect(crpsFromQuantiles([3, 3, 3, 3, 3, 3, 3], 1)).toBeCloseTo(2, 9)
  })

  it('is near the closed form of a normal forecast: 0.2337 at its centre, 0.6024 one deviation off (Gneiting & Raftery 2007, eq. 21)', () => {
    expect(Math.abs(crpsFromQuantiles(NORMAL, 0) - 0.2337)).toBeLessThan(0.02)
    expect(Math.abs(crpsFromQuantiles(NORMAL, 1) - 0.6024)).toBeLessThan(0.03)
  })

  it('places the observation in the forecast distribution', () => {
    expect(verifyLead(NORMAL, 0, 'temperatureC').pit).toBeCloseTo(0.5, 6)
    expect(verifyLead(NORMAL, 1.281552, 'temperatureC').pit).toBeCloseTo(0.9, 6)
  })

  it('knows coverage, expected scale and the sign of the error', () => {
    const score = verifyLead(NORMAL, 1.5, 'temperatureC')
    expect(score.error).toBe(-1.5)
    expect(score.expectedScale).toBeCloseTo(1, 4)
    expect([score.covered80, score.covered95]).toEqual([false, true])
  })

  it('scores a probability by Brier: 30 % against rain is 0.49', () => {
    expect(verifyLead([30, 30, 30, 30, 30, 30, 30], 100, 'precipitationProbabilityPct').crps).toBeCloseTo(0.49, 9)
  })

  it('adds up by lead bucket and over all leads', () => {
    const scores = createBucketScores()
    scores.add(1, verifyLead([0, 0, 0, 2, 2, 2, 2], 0, 'temperatureC'))
    scores.add(100, verifyLead([0, 0, 0, -4, 0, 0, 0], 0, 'temperatureC'))
    const all = scores.result().find(({ leadBucket }) => leadBucket === 'all')
    expect(all).toMatchObject({ n: 2, mae: 3, bias: -1 })
    expect(scores.result().map(({ leadBucket }) => leadBucket)).toEqual(['1-6', '73-168', 'all'])
  })
})
