import { describe, expect, it } from 'vitest'
import { createRng } from '../verification/index.ts'
import { annualAngle, type Climatology } from './climatology.ts'
import { addCourse, fitCourse, noCourse, type UsualCourse, usualCourse } from './error-course.ts'
import { LEAD_GROUPS } from './lead-groups.ts'

const G = LEAD_GROUPS.length
const START_HOUR = 420_000

/** Two rows a day from the start on, alike for `daysAlike` days, whose log sizes run with a·cos + b·sin + c·cos 2. */
function rowsOf(days: number, [a, b, c]: readonly [number, number, number], noise = 0.4, daysAlike = 4) {
  const random = createRng(5)
  const n = 2 * days
  const hours = Float64Array.from({ length: n }, (_, r) => START_HOUR + 12 * r)
  const logs = new Float64Array(n * G)
  let shift = 0
  for (let r = 0; r < n; r++) {
    if (r % (2 * daysAlike) === 0) shift = noise * Math.sqrt(12) * (random() - 0.5)
    const angle = annualAngle(hours[r]!)
    logs.fill(1 + a * Math.cos(angle) + b * Math.sin(angle) + c * Math.cos(2 * angle) + shift, r * G, (r + 1) * G)
  }
  return { hours, logs }
}

function courseAt(course: Float64Array, hour: number): number {
  const out = new Float64Array(G)
  addCourse(course, hour, out, 0)
  return out[G - 1]!
}

/** The same at every lead. */
const usually = (cosine: number, sine: number, deviation = 0.15): UsualCourse => ({
  pairs: LEAD_GROUPS.map(() => [cosine, sine] as const),
  deviation,
})

const climatology = (annualCosine: number): Climatology => ({
  annualPairs: 1,
  diurnalPairs: 0,
  coefficients: Float64Array.of(10, annualCosine, 0),
})

describe('course of the year of the errors', () => {
  it('is found from years of record, both pairs', () => {
    const { hours, logs } = rowsOf(5 * 365, [0.3, -0.2, 0.1])
    const course = fitCourse(logs, hours, { usual: usually(0, 0), knowsSeasons: true })
    for (let day = 0; day < 365; day += 30) {
      const angle = annualAngle(START_HOUR + 24 * day)
      const true_ = 0.3 * Math.cos(angle) - 0.2 * Math.sin(angle) + 0.1 * Math.cos(2 * angle)
      expect(Math.abs(courseAt(course, START_HOUR + 24 * day) - true_)).toBeLessThan(0.08)
    }
  })

  it('of part of a year stays near the usual one: what the seasons seen show is little evidence of those ahead', () => {
    // Ninety days in which errors grow steeply, for no reason of the season.
    const { hours, logs } = rowsOf(90, [0, 0, 0])
    for (let r = 0; r < hours.length; r++) for (let g = 0; g < G; g++) logs[r * G + g]! += r / hours.length
    const [own] = fitCourse(logs, hours, { usual: usually(0.1, 0.05), knowsSeasons: false })
    const free = Math.hypot(...fitCourse(logs, hours, { usual: usually(0, 0), knowsSeasons: false }).subarray(0, 2))
    expect(Math.abs(own! - 0.1)).toBeLessThan(0.2)
    expect(free).toBeLessThan(0.3)
    // And has no second pair.
    expect(fitCourse(logs, hours, { usual: usually(0.1, 0.05), knowsSeasons: false })[2]).toBe(0)
  })

  it('leaves out what was not observed, and is the usual one where nothing was said', () => {
    const { hours, logs } = rowsOf(800, [0.3, 0, 0], 0)
    for (let r = 0; r < hours.length; r += 3) logs.fill(Number.NaN, r * G, (r + 1) * G)
    const [found] = fitCourse(logs, hours, { usual: usually(0, 0), knowsSeasons: true })
    expect(found).toBeGreaterThan(0.25)
    const nothing = fitCourse(logs.fill(Number.NaN), hours, { usual: usually(0.1, 0), knowsSeasons: true })
    expect([...nothing]).toEqual([...noCourse()])
  })

  it('of part of a year is believed the less, the less stations are said to differ', () => {
    const { hours, logs } = rowsOf(180, [0.5, 0, 0])
    const away = (deviation: number): number =>
      Math.abs(fitCourse(logs, hours, { usual: usually(0.1, 0.05, deviation), knowsSeasons: false })[0]! - 0.1)
    expect(away(0.1)).toBeLessThan(0.8 * away(0.2))
    expect(away(0.1)).toBeGreaterThan(0.01)
  })

  it('is usually widest late in winter, half a year later in the south, and flat where the year has no seasons', () => {
    for (const knowsSeasons of [true, false]) {
      const cosinesOf = (annual: number): number[] =>
        usualCourse('temperatureC', [climatology(annual)], knowsSeasons).pairs.map(([cosine]) => cosine)
      const north = cosinesOf(-10)
      expect(Math.min(...north)).toBeGreaterThan(0)
      expect(cosinesOf(10)).toEqual(north.map((cosine) => -cosine))
      cosinesOf(-1).forEach((cosine, g) => expect(Math.abs(cosine)).toBeLessThan(north[g]! / 3))
      const unknown = usualCourse('temperatureC', [null], knowsSeasons).pairs
      expect(unknown.flat().every((term) => term === 0)).toBe(true)
    }
  })

  it('of the temperature in part of a year is usually the steeper the longer the lead, and of a year and more alike at every lead', () => {
    const north = [climatology(-10)]
    const part = usualCourse('temperatureC', north, false).pairs.map(([cosine]) => cosine)
    part.slice(1).forEach((cosine, g) => expect(cosine).toBeGreaterThan(part[g]!))
    for (const alike of [usualCourse('temperatureC', north, true), usualCourse('pressureHpa', north, false)])
      alike.pairs.forEach((pair) => expect(pair).toEqual(alike.pairs[0]))
  })
})
