/**
 * CUSUM on how the observations of a station come: late, or with hours missing. Both are measured in hours, against what is usual for this
 * station: an aerodrome sends within minutes, another service once a day. Nothing is judged before two weeks have been learnt. There is no
 * budget to calibrate to, because real series do not say when they came; the rule is fixed.
 */
import type { ChartSpec } from './charts.ts'
import { type Chart, fade, LEARNT_AFTER_DAYS, step } from './cusum.ts'
import { within } from './numbers.ts'

/** Irregularity below this is none, hours: the least unit of a departure. */
const SMALLEST_UNIT_HOURS = 1.5
/** One bad day, however bad, is not enough. */
const COUNTED_UNITS = 6
/** Time constant of forgetting: what lasts is usual within two months. */
const FORGET_DAYS = 45
/** Weight of learnt days from which on a feed is judged. */
const JUDGED_FROM_DAYS = 14

/** The chart after a day on which its measure was `hours`. */
export function advanceFeed(chart: Chart, { allowance }: Pick<ChartSpec, 'allowance'>, day: number, hours: number): Chart {
  const { centre, days } = chart.learnt
  const usual = centre.weight > 0 ? centre.sum / centre.weight : hours
  const unit = Math.max(SMALLEST_UNIT_HOURS, days.weight > 0 ? Math.sqrt(days.sum / days.weight) : 0)
  const departure = within((hours - usual) / unit, COUNTED_UNITS)
  const recent = [...chart.recent, hours]
  const old = recent.length > LEARNT_AFTER_DAYS ? (recent.shift() as number) : null
  return {
    ...chart,
    up: centre.weight >= JUDGED_FROM_DAYS ? step(chart.up, day, departure - allowance) : chart.up,
    learnt:
      old === null
        ? chart.learnt
        : { ...chart.learnt, centre: fade(centre, FORGET_DAYS, old), days: fade(days, FORGET_DAYS, (old - usual) ** 2) },
    recent,
  }
}
