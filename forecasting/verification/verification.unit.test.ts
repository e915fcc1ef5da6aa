import { array, assert, double, property } from 'fast-check'
import { describe, expect, it } from 'vitest'
import { QUANTILE_LEVELS } from '../../schemas/quantities.ts'
import { bucketOf, createBucketScores, createRng, crpsFromQuantiles, skillScore, verifyLead } from './index.ts'
import { pinball } from './scores.ts'

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

  it('computes pinball by hand: 0.9 of what lies above a 90 % quantile, 0.1 of what lies below', () => {
    expect(pinball(10, 14, 0.9)).toBeCloseTo(3.6, 12)
    expect(pinball(10, 6, 0.9)).toBeCloseTo(0.4, 12)
    expect([pinball(10, 10, 0.3), pinball(10, 12, 0.5)]).toEqual([0, 1])
  })

  it('has the quantile of a sample as the minimum of its mean pinball (proper for that level)', () => {
    const sample = Array.from({ length: 999 }, (_, i) => ((i * 577) % 1000) / 10)
    const mean = (q: number, level: number) => sample.reduce((sum, y) => sum + pinball(q, y, level), 0)
    for (const level of QUANTILE_LEVELS) {
      const candidates = Array.from({ length: 1001 }, (_, i) => i / 10)
      const best = candidates.reduce((a, b) => (mean(b, level) < mean(a, level) ? b : a))
      expect(Math.abs(best - 100 * level)).toBeLessThan(0.25)
    }
  })

  it('covers 80 % and 95 % of what comes from the stated distribution', () => {
    const rng = createRng(4)
    let [in80, in95] = [0, 0]
    const n = 20_000
    for (let i = 0; i < n; i++) {
      const y = Math.sqrt(-2 * Math.log(1 - rng())) * Math.cos(2 * Math.PI * rng())
      const { covered80, covered95 } = verifyLead(NORMAL, y, 'temperatureC')
      in80 += covered80 ? 1 : 0
      in95 += covered95 ? 1 : 0
    }
    // Four standard errors of a share.
    expect(Math.abs(in80 / n - 0.8)).toBeLessThan(4 * Math.sqrt(0.16 / n))
    expect(Math.abs(in95 / n - 0.95)).toBeLessThan(4 * Math.sqrt(0.0475 / n))
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

  it('names the buckets 1-6, 7-24, 25-72, 73-168 and counts nothing outside them or without an error', () => {
    expect([0, 1, 6, 7, 24, 25, 72, 73, 168, 169].map(bucketOf)).toEqual([
      null,
      '1-6',
      '1-6',
      '7-24',
      '7-24',
      '25-72',
      '25-72',
      '73-168',
      '73-168',
      null,
    ])
    const scores = createBucketScores()
    const score = { error: 1, crps: 1, covered80: false, covered95: false }
    scores.add(0, score)
    scores.add(169, score)
    scores.add(5, { ...score, error: NaN })
    expect(scores.result()).toEqual([])
  })

  it('gives skill 1 to a perfect forecast, 0 to the reference, none over a perfect reference', () => {
    expect([skillScore(0, 2), skillScore(2, 2), skillScore(3, 2), skillScore(1, 0)]).toEqual([1, 0, -0.5, NaN])
  })

  it('rewards the true distribution: no other seven quantiles score lower in expectation (CRPS is proper)', () => {
    const seven = array(double({ min: -20, max: 20, noNaN: true }), { minLength: 7, maxLength: 7 }).map((values) =>
      [...values].sort((a, b) => a - b),
    )
    // The truth has exactly the distribution the seven quantiles stand for: linear between them, an atom at either end.
    const draws = Array.from({ length: 2000 }, (_, i) => (i + 0.5) / 2000)
    const truth = (q: readonly number[], u: number): number => {
      const i = QUANTILE_LEVELS.findIndex((level) => level >= u)
      if (i === 0) return q[0]!
      if (i === -1) return q[6]!
      const share = (u - QUANTILE_LEVELS[i - 1]!) / (QUANTILE_LEVELS[i]! - QUANTILE_LEVELS[i - 1]!)
      return q[i - 1]! + share * (q[i]! - q[i - 1]!)
    }
    assert(
      property(seven, seven, (honest, other) => {
        const observed = draws.map((u) => truth(honest, u))
        const mean = (q: readonly number[]) => observed.reduce((sum, y) => sum + crpsFromQuantiles(q, y), 0) / observed.length
        expect(mean(honest)).toBeLessThanOrEqual(mean(other) + 0.005)
        expect(mean(honest)).toBeGreaterThanOrEqual(0)
      }),
      { numRuns: 60 },
    )
  })
})
