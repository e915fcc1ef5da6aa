import { array, assert, double, property } from 'fast-check'
import { describe, expect, it } from 'vitest'
import { probabilityAtLeast, probabilityAtMost } from './threshold-probability.ts'

const GAUSS = [-1.959964, -1.281552, -0.67449, 0, 0.67449, 1.281552, 1.959964]
const quantiles = array(double({ min: -60, max: 60, noNaN: true }), { minLength: 7, maxLength: 7 }).map((values) =>
  [...values].sort((a, b) => a - b),
)

describe('probability of crossing a threshold', () => {
  it('gives the published level at each quantile', () => {
    const levels = [0.025, 0.1, 0.25, 0.5, 0.75, 0.9, 0.975]
    GAUSS.forEach((value, i) => {
      expect(probabilityAtMost(GAUSS, value)).toBeCloseTo(levels[i] ?? Number.NaN, 12)
      expect(probabilityAtLeast(GAUSS, value)).toBeCloseTo(1 - (levels[i] ?? Number.NaN), 12)
    })
  })

  it('is linear between quantiles', () => {
    expect(probabilityAtMost(GAUSS, 0.67449 / 2)).toBeCloseTo(0.625, 12)
  })

  it('continues the exponential through the two outermost quantiles', () => {
    // One more step of q2 − q1 below q1 divides by the same factor 4 as from q2 to q1.
    const step = -1.281552 + 1.959964
    expect(probabilityAtMost(GAUSS, -1.959964 - step)).toBeCloseTo(0.025 / 4, 12)
    expect(probabilityAtLeast(GAUSS, 1.959964 + step)).toBeCloseTo(0.025 / 4, 12)
  })

  it('stays near the Gaussian inside the published levels and above it in the tail', () => {
    expect(probabilityAtMost(GAUSS, -1)).toBeCloseTo(0.1587, 1)
    expect(probabilityAtMost(GAUSS, -3)).toBeGreaterThan(0.00135)
  })

  it('takes an atom whole on both sides', () => {
    const calm = [0, 0, 0, 1, 2, 3, 4]
    expect(probabilityAtMost(calm, 0)).toBeCloseTo(0.25, 12)
    expect(probabilityAtMost(calm, -0.01)).toBe(0)
    expect(probabilityAtLeast(calm, 0)).toBe(1)
    const certain = [5, 5, 5, 5, 5, 5, 5]
    expect([probabilityAtMost(certain, 4.9), probabilityAtMost(certain, 5), probabilityAtMost(certain, 5.1)]).toEqual([0, 1, 1])
    expect([probabilityAtLeast(certain, 4.9), probabilityAtLeast(certain, 5), probabilityAtLeast(certain, 5.1)]).toEqual([
      1, 1, 0,
    ])
  })

  it('is a probability, rises with the threshold, and its two sides cover everything', () => {
    assert(
      property(
        quantiles,
        double({ min: -100, max: 100, noNaN: true }),
        double({ min: 0, max: 50, noNaN: true }),
        (q, t, more) => {
          const p = probabilityAtMost(q, t)
          expect(p).toBeGreaterThanOrEqual(0)
          expect(p).toBeLessThanOrEqual(1)
          expect(probabilityAtMost(q, t + more)).toBeGreaterThanOrEqual(p - 1e-9)
          expect(p + probabilityAtLeast(q, t)).toBeGreaterThanOrEqual(1 - 1e-9)
        },
      ),
    )
  })

  it('refuses what is no distribution', () => {
    expect(() => probabilityAtMost([1, 2, 3], 0)).toThrow(RangeError)
    expect(() => probabilityAtMost([7, 6, 5, 4, 3, 2, 1], 0)).toThrow(RangeError)
    expect(() => probabilityAtMost([1, 2, 3, Number.NaN, 5, 6, 7], 0)).toThrow(RangeError)
    expect(() => probabilityAtMost(GAUSS, Number.NaN)).toThrow(RangeError)
  })
})
