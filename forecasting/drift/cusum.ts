/**
 * Two-sided CUSUM (Page, 1954, Biometrika 41) on daily means of standardised errors. Errors of neighbouring hours and overlapping leads
 * are one piece of weather, so a day is one value; days are still correlated, so a day is measured in units of the long-run standard
 * deviation, sd·√((1+φ)/(1−φ)) of a first-order autoregression, and the thresholds come from simulating that autoregression.
 */
import { WATCHED_BUCKETS } from './standardise.ts'

/**
 * Spread and lag-1 correlation of daily means on stations that did not change (New York ×3, Tokyo, Beijing, Szeged; 40 variable-years):
 * medians over variables. docs/model-life/drift.md has the table.
 */
export const NULL_MODEL = [
  { sd: 0.65, phi: 0.25 },
  { sd: 0.85, phi: 0.52 },
] as const

/** Allowance per day, long-run standard deviations: the drift that is half of the smallest one worth finding. */
const ALLOWANCE = 0.5
/** One day of extreme weather must not alarm by itself. */
const CLIP_SD = 4

/**
 * Threshold (long-run sd) → days between false alarms of one two-sided chart, by simulation of the null model over 4,000,000 days
 * (npm run bench -- drift checks it). Rows as WATCHED_BUCKETS.
 */
const RUN_LENGTHS: ReadonlyArray<ReadonlyArray<readonly [threshold: number, days: number]>> = [
  [
    [2, 36],
    [3, 108],
    [4, 307],
    [5, 840],
    [6, 2222],
    [7, 6192],
  ],
  [
    [2, 86],
    [3, 264],
    [4, 752],
    [5, 2015],
    [6, 5563],
    [7, 15564],
  ],
]

export type Side = {
  readonly sum: number
  /** First day of the present excursion (days since 1970); null at zero. */ readonly since: number | null
}
export type Chart = { readonly up: Side; readonly down: Side }
export const EMPTY_CHART: Chart = { up: { sum: 0, since: null }, down: { sum: 0, since: null } }

export const longRunSd = ({ sd, phi }: { sd: number; phi: number }): number => sd * Math.sqrt((1 + phi) / (1 - phi))

/** The chart after a day with mean standardised error `value`. */
export function advance(chart: Chart, bucket: number, day: number, value: number): Chart {
  const model = NULL_MODEL[bucket] as (typeof NULL_MODEL)[number]
  const clipped = Math.max(-CLIP_SD * model.sd, Math.min(CLIP_SD * model.sd, value)) / longRunSd(model)
  return { up: step(chart.up, day, clipped), down: step(chart.down, day, -clipped) }
}

function step(side: Side, day: number, value: number): Side {
  const sum = Math.max(0, side.sum + value - ALLOWANCE)
  return { sum, since: sum === 0 ? null : (side.since ?? day) }
}

/** The larger side; `direction` is the sign of the error (+1: the forecasts are too high). */
export function leading(chart: Chart): { sum: number; since: number | null; direction: 1 | -1 } {
  return chart.up.sum >= chart.down.sum ? { ...chart.up, direction: 1 } : { ...chart.down, direction: -1 }
}

/**
 * Thresholds per bucket so that all charts of a station together give `falseAlarmsPerStationYear`. Each of `charts` (variables × watched
 * buckets) gets an equal share of the budget (a union bound: dependent charts alarm together, so the true rate is lower).
 */
export function thresholds(falseAlarmsPerStationYear: number, charts: number): number[] {
  const days = (365.25 * charts) / falseAlarmsPerStationYear
  return WATCHED_BUCKETS.map((_, bucket) => interpolate(RUN_LENGTHS[bucket] as ReadonlyArray<readonly [number, number]>, days))
}

/** Run lengths grow exponentially with the threshold: linear in the logarithm. */
function interpolate(table: ReadonlyArray<readonly [number, number]>, days: number): number {
  const wanted = Math.log(days)
  for (let i = 1; i < table.length; i++) {
    const [h0, d0] = table[i - 1] as readonly [number, number]
    const [h1, d1] = table[i] as readonly [number, number]
    if (days <= d1 || i === table.length - 1) return h0 + ((h1 - h0) * (wanted - Math.log(d0))) / (Math.log(d1) - Math.log(d0))
  }
  throw new Error('a table of run lengths needs two rows')
}

/** One run length by simulation: days between alarms of the two-sided chart at `threshold`. `normal` gives standard normal numbers. */
export function simulateRunLength(bucket: number, threshold: number, days: number, normal: () => number): number {
  const model = NULL_MODEL[bucket] as (typeof NULL_MODEL)[number]
  const innovation = Math.sqrt(1 - model.phi ** 2)
  let state = normal()
  let chart = EMPTY_CHART
  let alarms = 0
  for (let day = 0; day < days; day++) {
    state = model.phi * state + innovation * normal()
    chart = advance(chart, bucket, day, state * model.sd)
    if (leading(chart).sum > threshold) {
      alarms++
      chart = EMPTY_CHART
    }
  }
  return days / Math.max(alarms, 1)
}
