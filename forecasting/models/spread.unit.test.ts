import { describe, expect, it } from 'vitest'
import { HORIZON_HOURS, QUANTILE_LEVELS } from '../../schemas/quantities.ts'
import { createRng } from '../verification/index.ts'
import { usualCourse } from './error-course.ts'
import { fitSpread } from './spread.ts'

const H = HORIZON_HOURS
const Q = QUANTILE_LEVELS.length
const NORMAL = [-1.96, -1.2816, -0.6745, 0, 0.6745, 1.2816, 1.96]

const normal = (random: () => number): number => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random())
/** Mean 0, deviation 1, median ln 2 − 1. */
const skewed = (random: () => number): number => -Math.log(1 - random()) - 1

/** Twelve rows a day, whose residuals are independent draws, of a normal distribution unless said, and nothing but a constant to explain their size. */
function quantilesAfter(days: number, isSolar = true, draw = normal, isBounded = false): Float64Array {
  const n = days * 12
  const random = createRng(3)
  const residuals = Float64Array.from({ length: n * H }, () => draw(random))
  const ones = new Float64Array(n).fill(1)
  const design = { n, p: 1, x: ones, weights: ones, hours: Float64Array.from({ length: n }, (_, r) => 480_000 + 2 * r) }
  const options = {
    linear: 0,
    season: ones,
    knowsSeasons: days >= 330,
    usual: usualCourse('windSpeedMps', [null], true),
    isSolar,
    isBounded,
  }
  return fitSpread(design, { gram: Float64Array.of(n), totalWeight: n }, residuals, options).quantiles
}

/** Mean over leads of how much wider than the residuals, by quantile level. */
function widening(quantiles: Float64Array, first: number, last: number): number[] {
  return NORMAL.map((normal, q) => {
    let sum = 0
    for (let lead = first; lead <= last; lead++) sum += quantiles[(lead - 1) * Q + q]! - quantiles[(lead - 1) * Q + 3]!
    return q === 3 ? 1 : sum / (last - first + 1) / normal
  })
}

describe('spread', () => {
  it('of a short record is that of a next draw after a few: wider at long leads, most so in the tails', () => {
    // 192 days: ν = 8 beyond a day, 24 within six hours; t of 0.9 and 0.975 from tables, times √(1 + 1/ν).
    const quantiles = quantilesAfter(192)
    const late = widening(quantiles, 25, 168)
    expect(late[5]!).toBeCloseTo((1.397 / 1.2816) * Math.sqrt(1 + 1 / 8), 1)
    expect(late[6]!).toBeCloseTo((2.306 / 1.96) * Math.sqrt(1 + 1 / 8), 1)
    expect(late[6]!).toBeGreaterThan(late[5]! + 0.05)
    expect(late[0]!).toBeCloseTo(late[6]!, 1)
    const early = widening(quantiles, 1, 6)
    expect(early[6]!).toBeLessThan(late[6]! - 0.1)
    expect(early[6]!).toBeGreaterThan(1)
  })

  it('of what does not follow the sun is less wide at long leads', () => {
    const [solar, other] = [quantilesAfter(192), quantilesAfter(192, false)].map((quantiles) => widening(quantiles, 25, 168))
    expect(other![6]!).toBeCloseTo((2.179 / 1.96) * Math.sqrt(1 + 1 / 12), 1)
    expect(other![6]!).toBeLessThan(solar![6]! - 0.05)
  })

  it('of years is that of its residuals', () => {
    for (const factor of widening(quantilesAfter(1800), 25, 168)) expect(Math.abs(factor - 1)).toBeLessThan(0.04)
  })

  it('of part of a year keeps how skewed the errors are, but hardly what the season seen was off by', () => {
    const medianAfter = (days: number, draw: typeof normal): number => quantilesAfter(days, true, draw)[100 * Q + 3]!
    expect(medianAfter(192, skewed)).toBeCloseTo(Math.LN2 - 1, 1)
    const off = (random: () => number): number => normal(random) + 0.2
    expect(medianAfter(192, off)).toBeLessThan(0.1)
    expect(medianAfter(400, off)).toBeGreaterThan(0.15)
  })

  it('of a quantity with a bound believes its skewness when half the year was seen, hardly after two months', () => {
    const medianAfter = (days: number): number => quantilesAfter(days, false, skewed, true)[100 * Q + 3]!
    expect(medianAfter(192)).toBeCloseTo(Math.LN2 - 1, 1)
    expect(Math.abs(medianAfter(45))).toBeLessThan(0.15)
    expect(quantilesAfter(45, false, skewed)[100 * Q + 3]!).toBeLessThan(-0.2)
  })
})
