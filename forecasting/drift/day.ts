/** What the charts look at: one number a day each, from the verified hours of the day. */
import { mean, median } from 'simple-statistics'
import { within } from './numbers.ts'
import { type ChartLeads, REFERENCE, REFERENCE_INDEX, USUAL_INDEX, WATCHED_LEADS } from './standardise.ts'

/** Standardised errors of one hour by WATCHED_LEADS and at REFERENCE, then what is usual; null: the hour was not verified. */
export type HourOfDay = readonly (number | null)[] | null
/** How late each hour of the day arrived in which the station reported anything that verified, hours. */
export type Arrivals = readonly number[]

/** Fewer hours than this say more about which hours are missing than about the day; days on which a quantity fails are left out so. */
const MIN_HOURS = 18
/** One wild hour is not a wild day: standardised errors count up to here. */
const LARGEST_ERROR = 3
const SMALLEST_SQUARE = 0.1
const HOURS = 24

export type Measure = 'level' | 'mean' | 'spread' | 'clock' | 'apart' | 'missing' | 'late' | 'silent'

/**
 * - level: see level.ts.
 * - mean: of the standardised errors of a lead range, each kept within ±3; what is too high or too low.
 * - spread: ln(mean square + 0.1); what is wilder than the intervals say, their coverage in one number.
 * - clock: Σ error × slope ÷ √(n · Σ slope²), slope: the change of what is usual from the hour before, the first hour after the last. A clock δ hours
 *   late reports what was δ hours ago: errors of δ × slope, which this filter is matched to (North, 1943; Turin, 1960, IRE Trans. IT-6).
 * - apart: a day earlier, departure of the values from their reference less the neighbours' (cause.ts); the weather that all have falls out.
 * - missing: share of the day's hours in which the station reported, but not this quantity, or quality control took it away.
 * - late: median time from observation to arrival, hours, a day at most.
 * - silent: hours of the day in which the station reported nothing.
 */
export function measureDay(
  measure: Exclude<Measure, 'apart' | 'level'>,
  leads: ChartLeads,
  hours: readonly HourOfDay[],
  arrivals: Arrivals,
): number | null {
  if (measure === 'silent') return HOURS - arrivals.length
  if (measure === 'late') return arrivals.length === 0 ? null : Math.min(HOURS, Math.max(0, median(arrivals)))
  if (measure === 'missing') {
    const verified = hours.filter((hour) => hour !== null && hour !== undefined).length
    return arrivals.length === 0 ? null : Math.max(0, arrivals.length - verified) / HOURS
  }
  const index = leads === REFERENCE.name ? REFERENCE_INDEX : WATCHED_LEADS.findIndex(({ name }) => name === leads)
  const values = Array.from({ length: HOURS }, (_, hour) => kept(hours[hour]?.[index] ?? null))
  const known = values.filter((value) => value !== null)
  if (known.length < MIN_HOURS) return null
  switch (measure) {
    case 'mean':
      return mean(known)
    case 'spread':
      return Math.log(mean(known.map((value) => value * value)) + SMALLEST_SQUARE)
    case 'clock':
      return alongSlope(values, hours)
  }
}

function alongSlope(errors: readonly (number | null)[], hours: readonly HourOfDay[]): number | null {
  const usual = Array.from({ length: HOURS }, (_, hour) => hours[hour]?.[USUAL_INDEX] ?? Number.NaN)
  let along = 0
  let squares = 0
  let n = 0
  errors.forEach((error, hour) => {
    const slope = (usual[hour] as number) - (usual.at(hour - 1) as number)
    if (error === null || Number.isNaN(slope)) return
    along += error * slope
    squares += slope * slope
    n++
  })
  return n < MIN_HOURS || squares === 0 ? null : along / Math.sqrt(n * squares)
}

const kept = (value: number | null): number | null => (value === null ? null : within(value, LARGEST_ERROR))
