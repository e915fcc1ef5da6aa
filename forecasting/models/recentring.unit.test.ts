import { describe, expect, it } from 'vitest'
import { COLUMN } from '../features/index.ts'
import { createRng } from '../verification/index.ts'
import { learnMonthShare, type Unseen } from './recentring.ts'

const START = 376_944
const DAYS = 1096
const HOURS = DAYS * 24
const T = COLUMN.temperatureC
/** A climatology of 10 all year, and no departure of the year. */
const flat = {
  at: () => 10,
  dailyAt: () => 10,
  copy: (_: number, count: number, out: Float64Array) => void out.fill(10, 0, count),
}

function blocksOf(yearDeparture = 0): Unseen[] {
  return Array.from({ length: Math.ceil(DAYS / 91) }, (_, k) => ({
    from: START + k * 91 * 24,
    to: START + Math.min((k + 1) * 91 * 24, HOURS),
    climatology: flat,
    yearDepartureAt: () => yearDeparture,
  }))
}

/** Normal plus a level that is drawn anew every so many days, plus noise of the day. */
function seriesOf(daysOfLevel: number, level: number, noise: number): Float64Array {
  const rng = createRng(5)
  const out = new Float64Array(HOURS)
  let of = 0
  for (let day = 0; day < DAYS; day++) {
    if (day % daysOfLevel === 0) of = level * (rng() < 0.5 ? -1 : 1)
    const own = noise * (rng() + rng() + rng() - 1.5)
    out.fill(10 + of + own, day * 24, (day + 1) * 24)
  }
  return out
}

describe('the share of a month that lasts', () => {
  it('is nearly all where levels last for seasons', () => {
    expect(learnMonthShare(T, START, seriesOf(300, 2, 1), blocksOf())).toBeGreaterThan(0.85)
  })

  it('is little where every day is a new one: what is usual, as six months of 36', () => {
    const share = learnMonthShare(T, START, seriesOf(1, 0, 3), blocksOf())
    expect(share).toBeGreaterThanOrEqual(0)
    expect(share).toBeLessThan(0.25)
  })

  it('is less when a level lasts for a month than when it lasts for four', () => {
    const ofMonth = learnMonthShare(T, START, seriesOf(30, 2, 1), blocksOf())
    const ofSeason = learnMonthShare(T, START, seriesOf(120, 2, 1), blocksOf())
    expect(ofMonth).toBeLessThan(ofSeason)
  })

  it('is what is usual where nothing was left out or observed', () => {
    expect(learnMonthShare(T, START, seriesOf(300, 2, 1), [])).toBe(0.5)
    expect(learnMonthShare(COLUMN.pressureHpa, START, seriesOf(300, 2, 1), [])).toBe(0.2)
    expect(learnMonthShare(T, START, new Float64Array(HOURS).fill(Number.NaN), blocksOf())).toBe(0.5)
  })

  it('hardly changes with what was not observed', () => {
    const whole = seriesOf(300, 2, 1)
    const gappy = whole.map((value, i) => (i % 5 === 0 || i % 1000 < 200 ? Number.NaN : value))
    expect(learnMonthShare(T, START, gappy, blocksOf())).toBeCloseTo(learnMonthShare(T, START, whole, blocksOf()), 1)
  })

  it('is of what the year does not say already', () => {
    const always = new Float64Array(HOURS).fill(12)
    // All of the departure is the year's: nothing is left to learn from.
    expect(learnMonthShare(T, START, always, blocksOf(2))).toBe(0.5)
    expect(learnMonthShare(T, START, always, blocksOf(0))).toBeGreaterThan(0.9)
  })
})
