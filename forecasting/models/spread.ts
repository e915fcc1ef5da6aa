/**
 * How wide: residuals of left-out origins, scaled by how large errors are at that time of the year (error-course.ts) and by what the inputs say
 * about the spread of the day (a ridge on log |residual|), and the season-weighted quantiles of the scaled ones at every lead.
 */
import { HORIZON_HOURS, QUANTILE_LEVELS } from '../../schemas/quantities.ts'
import { normalQuantile, studentQuantile } from '../verification/student-quantile.ts'
import { addCourse, type CourseOptions, fitCourse } from './error-course.ts'
import { LEAD_GROUPS } from './lead-groups.ts'
import { addCross, cholesky, solveColumns } from './linear.ts'
import type { Design, Regression } from './regression.ts'
import { weightedQuantiles } from './weighted-quantiles.ts'

const H = HORIZON_HOURS
const Q = QUANTILE_LEVELS.length
const G = LEAD_GROUPS.length
/** exp(±1) is as far as the day may move the spread. */
const LOG_LIMIT = 1
/** Added to a mean |residual| before the logarithm, as a share of the mean of all. */
const FLOOR_SHARE = 0.08
const MEDIAN = QUANTILE_LEVELS.indexOf(0.5)
/** Days of weather that say as much about the middle of the residuals as one independent draw, where every season was seen. */
const daysPerDraw = (lastLead: number): number => (lastLead <= 24 ? 1 : 3)
/** In less than this, days, how skewed errors near a bound are is that of the season seen. */
const SKEW_DAYS = 182
/**
 * Days of record that say as much about the errors to come as one independent draw: weather stays alike for days, and what follows the sun has
 * errors of its own in seasons that the record has not seen. Chosen on records cut short (docs/forecasting/experiments.md).
 */
function daysPerLesson(lastLead: number, isSolar: boolean): number {
  if (lastLead <= 6) return 8
  return lastLead > 24 && isSolar ? 24 : 16
}
/** Blocks are left out one by one, so that the shortest record says this much. */
const FEWEST_LESSONS = 4

export type Spread = {
  /** (linear inputs + 1) × lead groups: log-scale per standardised input; the first row is the intercept minus the mean. */
  readonly scale: Float64Array
  /** See fitCourse. */
  readonly course: Float64Array
  /** 168 × 7: quantiles of residual ÷ scale. */
  readonly quantiles: Float64Array
}

/**
 * Log of the spread relative to the usual one, of every lead group into out[at…]. `x`: a row of inputs from position `from`, 1 + linear are
 * used; `hour`: of issue.
 */
export function logScales(
  { scale, course }: Pick<Spread, 'scale' | 'course'>,
  linear: number,
  x: Float64Array,
  from: number,
  hour: number,
  out: Float64Array,
  at: number,
): void {
  out.fill(0, at, at + G)
  for (let i = 0; i <= linear; i++) {
    const value = x[from + i]!
    for (let g = 0; g < G; g++) out[at + g] = out[at + g]! + value * scale[i * G + g]!
  }
  for (let g = at; g < at + G; g++) {
    const sum = out[g]!
    out[g] = sum < -LOG_LIMIT ? -LOG_LIMIT : sum > LOG_LIMIT ? LOG_LIMIT : sum
  }
  addCourse(course, hour, out, at)
}

export type SpreadOptions = CourseOptions & {
  /** How many inputs after the constant the scale may use. */
  readonly linear: number
  /** Weight of each row. */
  readonly season: Float64Array
  /** See Traits, as isBounded. */
  readonly isSolar: boolean
  readonly isBounded: boolean
}

/** `residuals`: n × 168, NaN = not observed. */
export function fitSpread(
  design: Design,
  { gram, totalWeight }: Pick<Regression, 'gram' | 'totalWeight'>,
  residuals: Float64Array,
  options: SpreadOptions,
): Spread {
  const { linear } = options
  const { n, p, x, weights, hours } = design
  const width = 1 + linear
  const logs = new Float64Array(n * G)
  const sizes = new Float64Array(n)
  LEAD_GROUPS.forEach(([first, last], g) => {
    meanSizes(residuals, first, last, sizes)
    const total = sizes.reduce((sum, size) => (size === size ? sum + size : sum), 0)
    const floor = (FLOOR_SHARE * total) / n + 1e-9
    for (let r = 0; r < n; r++) logs[r * G + g] = Math.log(sizes[r]! + floor)
  })
  const course = fitCourse(logs, hours, options)
  takeAway(course, design, logs)
  const cross = new Float64Array(p * G)
  addCross(x, p, logs, G, weights, 0, n, cross)
  const factor = cholesky(gram, width, () => totalWeight, p)
  const scale = new Float64Array(width * G)
  solveColumns(factor, cross, G, 0, G, scale)
  return { scale, course, quantiles: scaledQuantiles(design, residuals, { scale, course }, options) }
}

/** Leaves of the logs what the course and their mean do not say, 0 where there was none. */
function takeAway(course: Float64Array, { n, weights, hours }: Design, logs: Float64Array): void {
  const usual = new Float64Array(G)
  const sums = new Float64Array(G)
  const totals = new Float64Array(G)
  for (let r = 0; r < n; r++) {
    addCourse(course, hours[r]!, usual.fill(0), 0)
    for (let g = 0; g < G; g++) {
      const log = logs[r * G + g]! - usual[g]!
      logs[r * G + g] = log
      if (log !== log) continue
      sums[g] = sums[g]! + weights[r]! * log
      totals[g] = totals[g]! + weights[r]!
    }
  }
  for (let g = 0; g < G; g++) {
    const mean = totals[g]! > 0 ? sums[g]! / totals[g]! : 0
    for (let i = g; i < n * G; i += G) logs[i] = Number.isNaN(logs[i]!) ? 0 : logs[i]! - mean
  }
}

/** Mean |residual| of each row over the leads first…last (from 1), NaN where none was observed. */
function meanSizes(residuals: Float64Array, first: number, last: number, out: Float64Array): void {
  for (let r = 0; r < out.length; r++) {
    let sum = 0
    let count = 0
    for (let i = r * H + first - 1; i < r * H + last; i++) {
      const e = residuals[i]!
      if (e !== e) continue
      sum += Math.abs(e)
      count++
    }
    out[r] = count > 0 ? sum / count : Number.NaN
  }
}

/** Leads gathered at once: their residuals of one row lie in the same line of the cache. */
const GATHERED = 8

function scaledQuantiles(
  { n, p, x, hours }: Design,
  residuals: Float64Array,
  parts: Pick<Spread, 'scale' | 'course'>,
  { linear, season, knowsSeasons, isSolar, isBounded }: SpreadOptions,
): Float64Array {
  const table = new Float64Array(H * Q)
  const scales = new Float64Array(n * G)
  for (let r = 0; r < n; r++) logScales(parts, linear, x, r * p, hours[r]!, scales, r * G)
  const unseenSeasons = knowsSeasons ? 1 : Math.max(1, SKEW_DAYS / daysOf(hours)) ** 2
  const shrink = new Float64Array(n)
  const scaled = new Float64Array(GATHERED * n)
  LEAD_GROUPS.forEach(([first, last], g) => {
    for (let r = 0; r < n; r++) shrink[r] = Math.exp(-scales[r * G + g]!)
    for (let from = first - 1; from < last; from += GATHERED) {
      const leads = Math.min(GATHERED, last - from)
      gather(residuals, shrink, from, leads, scaled)
      for (let k = 0; k < leads; k++) weightedQuantiles(scaled.subarray(k * n, (k + 1) * n), season, table, (from + k) * Q)
    }
    const middle = poolOf(residuals, shrink, season, hours, first, last)
    const { median, variance } =
      isSolar && !knowsSeasons
        ? medianOfPart(middle, daysPerDraw(last), daysPerLesson(last, isSolar))
        : medianOf(middle, daysPerDraw(last) * (isBounded && last > 24 ? unseenSeasons : 1))
    const widening = wideningOf(hours, daysPerLesson(last, isSolar))
    for (let h = first - 1; h < last; h++) {
      const own = table[h * Q + MEDIAN]!
      const centre = median + shrunk(own - median, variance)
      for (let q = 0; q < Q; q++) table[h * Q + q] = centre + widening[q]! * (table[h * Q + q]! - own)
    }
  })
  return table
}

/** Residuals of a few leads times the factor of their row, lead after lead. */
function gather(residuals: Float64Array, shrink: Float64Array, from: number, leads: number, out: Float64Array): void {
  const n = shrink.length
  for (let r = 0; r < n; r++) {
    const factor = shrink[r]!
    for (let k = 0; k < leads; k++) out[k * n + r] = residuals[r * H + from + k]! * factor
  }
}

/**
 * By quantile level, how much further from the median than the left-out residuals say: √(1 + 1/ν)·t_ν(p) / z(p), what the next draw of a normal
 * distribution does whose mean and size are known from ν independent draws. The residuals of a short record are few however many rows it
 * has: its climatology, its season and its weather are those of the record, not of the days to come.
 */
function wideningOf(hours: Float64Array, daysEach: number): Float64Array {
  const lessons = Math.max(FEWEST_LESSONS, daysOf(hours) / daysEach)
  return Float64Array.from(QUANTILE_LEVELS, (level) =>
    level === 0.5 ? 1 : (Math.sqrt(1 + 1 / lessons) * studentQuantile(level, lessons)) / normalQuantile(level),
  )
}

function daysOf(hours: Float64Array): number {
  return (hours.at(-1)! - hours[0]!) / 24
}

/** The middle of the season-weighted residuals of a lead group. */
type Middle = {
  readonly median: number
  readonly mean: number
  readonly deviation: number
  /** Days of record, fewer the more the weights differ. */
  readonly days: number
}

function poolOf(
  residuals: Float64Array,
  shrink: Float64Array,
  season: Float64Array,
  hours: Float64Array,
  first: number,
  last: number,
): Middle {
  const n = shrink.length
  const width = last - first + 1
  const stride = Math.max(1, Math.floor(width / 8))
  const perRow = Math.ceil(width / stride)
  const pool = new Float64Array(n * perRow)
  const weights = new Float64Array(n * perRow)
  let sum = 0
  let squares = 0
  let total = 0
  let weight = 0
  for (let r = 0; r < n; r++) {
    sum += season[r]!
    squares += season[r]! * season[r]!
    for (let k = 0; k < perRow; k++) {
      const value = residuals[r * H + first - 1 + k * stride]! * shrink[r]!
      pool[r * perRow + k] = value
      weights[r * perRow + k] = season[r]!
      if (value !== value) continue
      total += season[r]! * value
      weight += season[r]!
    }
  }
  const quantiles = new Float64Array(Q)
  weightedQuantiles(pool, weights, quantiles, 0)
  const deviation = (quantiles[MEDIAN + 1]! - quantiles[MEDIAN - 1]!) / 1.35
  const days = (daysOf(hours) * sum * sum) / (n * squares)
  return { median: quantiles[MEDIAN]!, mean: weight > 0 ? total / weight : 0, deviation, days }
}

/** Squared standard errors of a mean, of a median, and of the difference between them, of n normal draws of deviation 1, times n. */
const OF_MEAN = 1
const OF_MEDIAN = 1.25 ** 2
const OF_SKEW = OF_MEDIAN - OF_MEAN

/**
 * The median, shrunk by how uncertain it is (`daysEach`: days for a draw), and that uncertainty. The mean is the regression's business; what is left is how
 * skewed the errors are and what the season adds, alike at neighbouring leads. A median of its own for every lead is mostly noise.
 */
function medianOf({ median, deviation, days }: Middle, daysEach: number): { median: number; variance: number } {
  const variance = (OF_MEDIAN * deviation ** 2) / Math.max(1, days / daysEach)
  return { median: shrunk(median, variance), variance }
}

/**
 * The same of part of a year, of what follows the sun. What the season adds is that of the seasons seen and says little of those to come; how
 * skewed the errors are shows as well as with a year.
 */
function medianOfPart({ median, mean, deviation, days }: Middle, daysEach: number, daysPerLesson: number) {
  const lessons = Math.max(1, days / daysPerLesson)
  const skew = shrunk(median - mean, (OF_SKEW * deviation ** 2) / Math.max(1, days / daysEach))
  return {
    median: shrunk(mean, (OF_MEAN * deviation ** 2) / lessons) + skew,
    variance: (OF_MEDIAN * deviation ** 2) / lessons,
  }
}

/** An estimate with this variance, shrunk to 0 the more the less it stands out. */
function shrunk(estimate: number, variance: number): number {
  return estimate === 0 ? 0 : estimate ** 3 / (estimate ** 2 + variance)
}
