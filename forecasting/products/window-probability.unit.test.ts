import { array, assert, constantFrom, double, integer, property } from 'fast-check'
import { mean } from 'simple-statistics'
import { describe, expect, it } from 'vitest'
import { QUANTILE_LEVELS } from '../../schemas/quantities.ts'
import { brierScore, createRng, decomposeBrier } from '../verification/index.ts'
import { probabilityAtMost } from './threshold-probability.ts'
import { MIN_ERROR_ROWS, probabilityInWindow } from './window-probability.ts'

const Z = [-1.959964, -1.281552, -0.67449, 0, 0.67449, 1.281552, 1.959964]
const FROST = { threshold: 0, side: 'at-most', hours: 'any' } as const

/** Errors of `hours` consecutive hours: stationary AR(1), standard deviation `sigma`. */
function createErrors(seed: number, phi: number, sigma: number) {
  const rng = createRng(seed)
  const shock = () => Math.sqrt(-2 * Math.log(1 - rng())) * Math.cos(2 * Math.PI * rng())
  return {
    rng,
    row(hours: number): number[] {
      let x = shock()
      return Array.from({ length: hours }, () => sigma * (x = phi * x + Math.sqrt(1 - phi * phi) * shock()))
    },
  }
}

describe('probability of crossing a threshold within a window', () => {
  it('scores better than independence on AR(1) errors, which is overconfident that something will happen', () => {
    const errors = createErrors(5, 0.95, 2)
    const past = Array.from({ length: 300 }, () => errors.row(12))
    const outcomes: number[] = []
    const coupled: number[] = []
    const independent: number[] = []
    for (let night = 0; night < 1500; night++) {
      const level = -1 + 8 * errors.rng()
      const forecast = Array.from({ length: 12 }, (_, h) => level + Math.cos((h / 12) * 2 * Math.PI))
      const truth = errors.row(12).map((error, h) => forecast[h]! + error)
      const quantiles = forecast.map((mean) => Z.map((z) => mean + 2 * z))
      outcomes.push(truth.some((t) => t <= 0) ? 1 : 0)
      coupled.push(probabilityInWindow(quantiles, past, FROST).probability!)
      independent.push(1 - quantiles.reduce((none, q) => none * (1 - probabilityAtMost(q, 0)), 1))
    }
    expect(Math.abs(mean(coupled) - mean(outcomes))).toBeLessThan(0.03)
    expect(mean(independent) - mean(outcomes)).toBeGreaterThan(0.08)
    expect(brierScore(coupled, outcomes)).toBeLessThan(0.9 * brierScore(independent, outcomes))
    expect(decomposeBrier(coupled, outcomes).reliability).toBeLessThan(0.003)
    expect(decomposeBrier(independent, outcomes).reliability).toBeGreaterThan(0.02)
  })

  it('is independence where past errors were independent, and one hour where they were the same', () => {
    const quantiles = Array.from({ length: 6 }, () => Z.map((z) => 2 + 2 * z))
    const one = probabilityAtMost(quantiles[0]!, 0)
    const white = createErrors(9, 0, 1)
    const independent = probabilityInWindow(
      quantiles,
      Array.from({ length: 4000 }, () => white.row(6)),
      FROST,
    )
    expect(Math.abs(independent.probability! - (1 - (1 - one) ** 6))).toBeLessThan(0.03)
    const rigid = Array.from({ length: 2000 }, (_, i) => Array.from({ length: 6 }, () => i))
    expect(probabilityInWindow(quantiles, rigid, FROST).probability).toBeCloseTo(one, 3)
  })

  it('for one hour is the probability of that hour, on both sides', () => {
    const q = [Z.map((z) => 1 + z)]
    const past = Array.from({ length: 1000 }, (_, i) => [Math.sin(i)])
    expect(probabilityInWindow(q, past, FROST).probability).toBeCloseTo(probabilityAtMost(q[0]!, 0), 9)
    expect(probabilityInWindow(q, past, { ...FROST, side: 'at-least' }).probability).toBeCloseTo(
      1 - probabilityAtMost(q[0]!, 0),
      9,
    )
  })

  it('does not depend on the scale or bias of the past errors, only on their order', () => {
    const errors = createErrors(2, 0.8, 1)
    const past = Array.from({ length: 100 }, () => errors.row(4))
    const quantiles = Array.from({ length: 4 }, () => Z.map((z) => 1 + z))
    const scaled = past.map((row) => row.map((error, hour) => 7 * error + hour))
    expect(probabilityInWindow(quantiles, scaled, FROST)).toEqual(probabilityInWindow(quantiles, past, FROST))
  })

  it('stays within the bounds of any dependence; every hour is never likelier than some hour', () => {
    const errors = createErrors(3, 0.7, 1)
    const past = Array.from({ length: 60 }, () => errors.row(5))
    const window = array(
      array(double({ min: -20, max: 20, noNaN: true }), { minLength: 7, maxLength: 7 }).map((values) =>
        [...values].sort((a, b) => a - b),
      ),
      { minLength: 5, maxLength: 5 },
    )
    assert(
      property(
        window,
        integer({ min: -20, max: 20 }),
        constantFrom('at-most' as const, 'at-least' as const),
        (quantiles, threshold, side) => {
          const some = probabilityInWindow(quantiles, past, { threshold, side, hours: 'any' })
          const every = probabilityInWindow(quantiles, past, { threshold, side, hours: 'all' })
          for (const { probability, low, high } of [some, every]) {
            expect(low).toBeGreaterThanOrEqual(0)
            expect(high).toBeLessThanOrEqual(1)
            expect(probability!).toBeGreaterThanOrEqual(low)
            expect(probability!).toBeLessThanOrEqual(high)
          }
          expect(every.probability!).toBeLessThanOrEqual(some.probability!)
        },
      ),
    )
  })

  it('names only the bounds while too few complete rows are known', () => {
    const quantiles = [Z.map((z) => 1 + z), Z.map((z) => 1 + z)]
    const p = probabilityAtMost(quantiles[0]!, 0)
    const rows = Array.from({ length: MIN_ERROR_ROWS }, (_, i) => [i, -i])
    expect(probabilityInWindow(quantiles, [...rows.slice(1), [NaN, 1], [1]], FROST)).toEqual({
      probability: null,
      low: p,
      high: 2 * p,
      rows: MIN_ERROR_ROWS - 1,
      hourly: [p, p],
    })
    expect(probabilityInWindow(quantiles, rows, FROST).probability).not.toBeNull()
    expect(() => probabilityInWindow([], rows, FROST)).toThrow(RangeError)
    expect(() => probabilityInWindow([QUANTILE_LEVELS.map((level) => -level)], rows, FROST)).toThrow(RangeError)
  })
})
