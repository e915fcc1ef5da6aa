/**
 * How much of what has been unusual of late is taken to last through the week ahead: of the last year's mean departure from climatology, and of
 * what the last 30 days add. It differs from place to place and from quantity to quantity by more than any constant can say: of a month's
 * departure of the dew point in the tropics nearly all is there a week later, of the pressure at a mid-latitude coast hardly anything.
 */
import { COLUMN, MONTH_HOURS } from '../features/index.ts'
import type { ClimatologyLookup } from './climatology.ts'

/** Of the last year's mean departure, where a year is known. */
export const YEAR_SHARE = 0.6
/** Of the last month's with less than a year: the annual cycle is less well known and the last month says more (docs/adr/007-less-than-a-year.md). */
export const PARTIAL_MONTH_SHARE = 0.7
/**
 * With more, of the recentred climatology as a yardstick, the one published with a forecast as well, which is what is usual at an hour to whoever
 * looks for drift: that of the recipe, whatever a forecast has learnt.
 */
export const BASELINE_MONTH_SHARE = 0.15
/** With more, of a forecast, where there is nothing to learn it from. Pressure and wind are gone with the weather that brought them. */
const USUAL_MONTH_SHARE = { lasting: 0.5, fleeting: 0.2 }
const FLEETING: ReadonlySet<number> = new Set([COLUMN.pressureHpa, COLUMN.windU, COLUMN.windV])
/** The usual share weighs as much as so many months of the station's own. */
const USUAL_MONTHS = 6
/** The days ahead that the share is learnt from: what is nearer, regressions know better. Hours after the origin. */
const AHEAD = { from: 73, to: 168 }
/** Of the hours of a mean that have to be observed. */
const LEAST_OBSERVED = 0.25
const DAY = 24
const DAYS_A_MONTH = MONTH_HOURS / DAY

/** Rows from `from` to `to` (hours, exclusive), as the regressions see them: through a climatology that has not seen them. */
export type Unseen = {
  readonly from: number
  readonly to: number
  readonly climatology: ClimatologyLookup
  readonly yearDepartureAt: (hour: number) => number
}

/**
 * Least squares through 0 of the mean departure 73 to 168 h ahead on that of the 30 days before, drawn to the usual share. A climatology that has seen
 * its days takes part of what lasts for normal, so that only one that has not can tell; without any it is the usual share.
 */
export function learnMonthShare(column: number, startHour: number, series: Float64Array, blocks: readonly Unseen[]): number {
  let products = 0
  let squares = 0
  let days = 0
  for (const { from, to, climatology, yearDepartureAt } of blocks) {
    const first = from - MONTH_HOURS + 1
    const { sums, counts } = departureSums(climatology, startHour, series, first, to + AHEAD.to)
    const meanOf = (after: number, until: number): number => {
      const count = counts[until + 1 - first]! - counts[after - first]!
      return count >= LEAST_OBSERVED * (until + 1 - after)
        ? (sums[until + 1 - first]! - sums[after - first]!) / count
        : Number.NaN
    }
    for (let hour = from; hour < to; hour += DAY) {
      const year = yearDepartureAt(hour)
      const month = meanOf(hour - MONTH_HOURS + 1, hour) - year
      const ahead = meanOf(hour + AHEAD.from, hour + AHEAD.to) - year
      const product = month * ahead
      if (product !== product) continue
      products += product
      squares += month * month
      days++
    }
  }
  const usual = FLEETING.has(column) ? USUAL_MONTH_SHARE.fleeting : USUAL_MONTH_SHARE.lasting
  if (squares === 0) return usual
  const months = days / DAYS_A_MONTH
  const share = ((months * products) / squares + USUAL_MONTHS * usual) / (months + USUAL_MONTHS)
  return Math.min(1, Math.max(0, share))
}

/**
 * Running sums and counts of observed departures of the hours first…last, those of the series unless said otherwise; a missing hour adds nothing.
 * Position i is before hour first + i.
 */
export function departureSums(
  climatology: ClimatologyLookup,
  startHour: number,
  series: Float64Array,
  first: number = startHour,
  last: number = startHour + series.length - 1,
): { readonly sums: Float64Array; readonly counts: Float64Array } {
  const hours = last - first + 1
  const sums = new Float64Array(hours + 1)
  const counts = new Float64Array(hours + 1)
  for (let i = 0; i < hours; i++) {
    const departure = (series[first + i - startHour] ?? Number.NaN) - climatology.at(first + i)
    const isKnown = departure === departure
    sums[i + 1] = sums[i]! + (isKnown ? departure : 0)
    counts[i + 1] = counts[i]! + (isKnown ? 1 : 0)
  }
  return { sums, counts }
}
