/** Which days of a real series may be called clean: a station that leaves hours out is not well, and to be told so is no false alarm. */
import type { Clean } from './compare.ts'
import type { Day } from './days.ts'

const QUARTER_DAYS = 91
/** Share of the hours of a quarter that must have been observed. */
const COMPLETE = 0.93
const MIN_DAYS = 2 * QUARTER_DAYS

/** Stretches of complete quarters, half a year at least; each is watched on its own. */
export function completeStretches(series: Clean): Clean[] {
  const stretches: Day[][] = [[]]
  for (let from = 0; from < series.days.length; from += QUARTER_DAYS) {
    const quarter = series.days.slice(from, from + QUARTER_DAYS)
    const observed = quarter.reduce((sum, day) => sum + day.observed.length, 0)
    if (observed >= COMPLETE * 24 * quarter.length) stretches.at(-1)?.push(...quarter)
    else stretches.push([])
  }
  return stretches.filter(({ length }) => length >= MIN_DAYS).map((days) => ({ ...series, days }))
}

/** The first half of a stretch calibrates, the second is kept for judging. */
export function halves({ days, ...series }: Clean): { calibration: Clean; heldOut: Clean } {
  const middle = days.length >> 1
  return { calibration: { ...series, days: days.slice(0, middle) }, heldOut: { ...series, days: days.slice(middle) } }
}
