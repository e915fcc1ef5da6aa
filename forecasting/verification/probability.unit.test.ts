import { array, assert, double, integer, property, tuple } from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  brierScore,
  brierSkillScore,
  createRng,
  decomposeBrier,
  pitHistogram,
  reliabilityBins,
  sharpness,
  verifyLead,
} from './index.ts'

/** Probability-of-precipitation forecasts of the United States, winter 1980/81, n = 12,402 (Wilks 2006, table 7.3, as in the R package `verification`): stated, share, observed. */
const WILKS: ReadonlyArray<readonly [stated: number, share: number, observed: number]> = [
  [0, 0.4112, 0.006],
  [0.05, 0.0671, 0.019],
  [0.1, 0.1833, 0.059],
  [0.2, 0.0986, 0.15],
  [0.3, 0.0616, 0.277],
  [0.4, 0.0366, 0.377],
  [0.5, 0.0303, 0.511],
  [0.6, 0.0275, 0.587],
  [0.7, 0.0245, 0.723],
  [0.8, 0.022, 0.779],
  [0.9, 0.017, 0.934],
  [1, 0.0203, 0.933],
]

function expand(rows: typeof WILKS, n: number): { p: number[]; o: number[] } {
  const p: number[] = []
  const o: number[] = []
  for (const [stated, share, observed] of rows) {
    const count = Math.round(share * n)
    const happened = Math.round(count * observed)
    for (let i = 0; i < count; i++) {
      p.push(stated)
      o.push(i < happened ? 1 : 0)
    }
  }
  return { p, o }
}

describe('probabilities of an event', () => {
  it('computes Brier by hand: (0.1−0)², (0.9−1)², (0.4−1)² average 0.38/3', () => {
    expect(brierScore([0.1, 0.9, 0.4], [0, 1, 1])).toBeCloseTo(0.38 / 3, 12)
    expect(brierScore([], [])).toBeNaN()
  })

  it('splits by hand: two forecasts of 0.2 with one event, two of 0.8 with two', () => {
    // ō = 3/4; REL = ½(0.2−0.5)² + ½(0.8−1)² = 0.065; RES = ½·0.25² + ½·0.25² = 0.0625; UNC = 0.1875; BS = (0.04+0.64+0.04+0.04)/4 = 0.19
    const parts = decomposeBrier([0.2, 0.2, 0.8, 0.8], [0, 1, 1, 1])
    expect(parts.reliability).toBeCloseTo(0.065, 12)
    expect(parts.resolution).toBeCloseTo(0.0625, 12)
    expect(parts.uncertainty).toBeCloseTo(0.1875, 12)
    expect(parts.withinBin).toBeCloseTo(0, 12)
    expect(parts.score).toBeCloseTo(0.19, 12)
  })

  it('splits the published table of Wilks as its own columns do', () => {
    const { p, o } = expand(WILKS, 12_402)
    const parts = decomposeBrier(p, o, 20)
    const baseRate = WILKS.reduce((sum, [, share, observed]) => sum + share * observed, 0)
    expect(baseRate).toBeCloseTo(0.162, 3)
    expect(parts.baseRate).toBeCloseTo(baseRate, 3)
    expect(parts.reliability).toBeCloseTo(
      WILKS.reduce((sum, [y, share, obs]) => sum + share * (y - obs) ** 2, 0),
      4,
    )
    expect(parts.uncertainty).toBeCloseTo(baseRate * (1 - baseRate), 3)
    expect(parts.score).toBeCloseTo(
      WILKS.reduce((sum, [y, share, obs]) => sum + share * (obs * (1 - y) ** 2 + (1 - obs) * y ** 2), 0),
      3,
    )
    const resolution = WILKS.reduce((sum, [, share, obs]) => sum + share * (obs - baseRate) ** 2, 0)
    expect(parts.resolution).toBeCloseTo(resolution, 3)
    expect(brierSkillScore(parts)).toBeCloseTo((parts.resolution - parts.reliability) / parts.uncertainty, 10)
  })

  it('sums exactly for any forecasts, bins and outcomes', () => {
    const cases = array(tuple(double({ min: 0, max: 1, noNaN: true }), integer({ min: 0, max: 1 })), {
      minLength: 1,
      maxLength: 200,
    })
    assert(
      property(cases, integer({ min: 1, max: 25 }), (pairs, bins) => {
        const p = pairs.map(([probability]) => probability)
        const o = pairs.map(([, outcome]) => outcome)
        const d = decomposeBrier(p, o, bins)
        expect(d.reliability - d.resolution + d.uncertainty + d.withinBin).toBeCloseTo(d.score, 10)
        expect(Math.min(d.reliability, d.resolution, d.uncertainty)).toBeGreaterThanOrEqual(0)
        const diagram = reliabilityBins(p, o, bins)
        expect(diagram.reduce((sum, bin) => sum + bin.n, 0)).toBe(p.length)
        for (const bin of diagram) {
          expect(bin.meanProbability).toBeGreaterThanOrEqual(bin.from - 1e-6)
          expect(bin.meanProbability).toBeLessThanOrEqual(bin.to + 1e-9)
        }
      }),
    )
  })

  it('is proper: on simulated events no constant shift of the true probabilities scores lower', () => {
    assert(
      property(integer(), double({ min: -0.5, max: 0.5, noNaN: true }), (seed, shift) => {
        const rng = createRng(seed)
        const truth = Array.from({ length: 4000 }, () => rng())
        const outcomes = truth.map((p) => (rng() < p ? 1 : 0))
        const stated = truth.map((p) => Math.min(1, Math.max(0, p + shift)))
        // Standard error of the difference: |shift|·√(4 p(1−p)/n) at most |shift|/√n; five of them, and rounding of the sums.
        const tolerance = (5 * Math.abs(shift)) / Math.sqrt(4000) + 1e-12
        expect(brierScore(truth, outcomes)).toBeLessThanOrEqual(brierScore(stated, outcomes) + tolerance)
      }),
      { numRuns: 60 },
    )
  })

  it('refuses what is no probability, no outcome, or not paired', () => {
    expect(() => brierScore([1.2], [1])).toThrow(RangeError)
    expect(() => brierScore([NaN], [1])).toThrow(RangeError)
    expect(() => brierScore([0.5], [0.5])).toThrow(RangeError)
    expect(() => decomposeBrier([0.5], [])).toThrow(RangeError)
    expect(() => reliabilityBins([0.5], [1], 0)).toThrow(RangeError)
  })
})

const NORMAL = [-1.959964, -1.281552, -0.67449, 0, 0.67449, 1.281552, 1.959964]

describe('calibration of quantiles', () => {
  it('counts PIT values by bin, edges to the upper bin, 1 to the last', () => {
    const { counts, density, n } = pitHistogram([0, 0.05, 0.1, 0.3, 0.95, 1, NaN, -0.1], 10)
    expect(counts).toEqual([2, 1, 0, 1, 0, 0, 0, 0, 0, 2])
    expect(n).toBe(6)
    expect(density[0]).toBeCloseTo(2 / 0.6, 12)
  })

  it('is flat for a calibrated forecast, ∪ for a narrow one, ∩ for a wide one, sloped for a biased one', () => {
    const rng = createRng(7)
    const draws = Array.from({ length: 20_000 }, () => Math.sqrt(-2 * Math.log(1 - rng())) * Math.cos(2 * Math.PI * rng()))
    const histogram = (scale: number, shift: number) =>
      pitHistogram(
        draws.map(
          (y) =>
            verifyLead(
              NORMAL.map((q) => q * scale + shift),
              y,
              'temperatureC',
            ).pit,
        ),
      )
    const calibrated = histogram(1, 0)
    // Not 0: between its levels seven quantiles of a normal are taken as linear.
    expect(calibrated.reliabilityIndex).toBeLessThan(0.08)
    expect(calibrated.mean).toBeCloseTo(0.5, 2)
    expect(calibrated.variance).toBeCloseTo(1 / 12, 2)
    const narrow = histogram(0.5, 0)
    expect(narrow.density[0]).toBeGreaterThan(2)
    expect(narrow.density[9]).toBeGreaterThan(2)
    expect(narrow.variance).toBeGreaterThan(0.11)
    const wide = histogram(2, 0)
    expect(wide.density[0]).toBeLessThan(0.2)
    expect(wide.density[5]).toBeGreaterThan(1.3)
    expect(histogram(1, -1).mean).toBeGreaterThan(0.7)
  })

  it('is the mean width of the 80 % and 95 % intervals', () => {
    const { meanWidth80, meanWidth95, n } = sharpness([NORMAL, NORMAL.map((q) => 3 * q), [NaN, 0, 0, 0, 0, 0, 0]])
    expect(n).toBe(2)
    expect(meanWidth80).toBeCloseTo(2 * 2 * 1.281552, 9)
    expect(meanWidth95).toBeCloseTo(2 * 2 * 1.959964, 9)
  })
})
