/**
 * CUSUM charts (Page, 1954, Biometrika 41) on one number a day each (day.ts). Errors of neighbouring hours and overlapping leads are one
 * piece of weather, so a day is one value. Days hang together as well, over weeks of one weather regime, so a day is measured in units of
 * the long-run standard deviation: √7 times the standard deviation of weekly means, which is that of independent days and more for others.
 * Centre, standard deviation and long-run standard deviation begin with what is usual for the variable (usual.ts) and are learnt from the
 * model's own days, three weeks late; the centre forgets within months, so that a season that a model leans in is not a change.
 */
import { mean } from 'simple-statistics'
import type { ForecastVariable } from '../../schemas/quantities.ts'
import type { ChartSpec, RunLengths, Usual } from './charts.ts'
import { CHARTS } from './charts.ts'
import { within } from './numbers.ts'
import { RUN_LENGTHS_BY_VARIABLE, RUN_LENGTHS } from './run-lengths.ts'

/** One day of extreme weather must not alarm by itself, nor teach much: standard deviations. */
const COUNTED_SD = 2.5
const LEARNT_SD = 3.5
/** Nearly a whole day in sum, beyond the quarter of the hours that may be missing for ever, is a sensor that is away. */
const MISSING_THRESHOLD = 0.7
/** Units of feed.ts. */
const FEED_THRESHOLD = 6
/** Days (for the long run: weeks) of the model's own that weigh as much as what is usual for the variable. */
const PRIOR = { centreDays: 15, sdDays: 30, longRunWeeks: 20 }
/** Time constants of forgetting. */
const FORGET = { centreDays: 60, sdDays: 365, longRunWeeks: 52 }
/** Days are learnt from once they are this old: a change must be found before it becomes usual. */
export const LEARNT_AFTER_DAYS = 21
const WEEK = 7

export type Side = {
  readonly sum: number
  /** First day of the present excursion (days since 1970); null at zero. */ readonly since: number | null
}
/** A sum and the weight of what is in it, both fading. */
export type Faded = { readonly weight: number; readonly sum: number }
export type Chart = {
  readonly up: Side
  readonly down: Side
  readonly learnt: {
    /** Values. */ readonly centre: Faded
    /** Squared departures of days. */ readonly days: Faded
    /** Squared departures of weekly means, × 7. */ readonly weeks: Faded
    /** Departures of the week being filled. */ readonly week: readonly number[]
  }
  /** Values not learnt from yet, oldest first. */
  readonly recent: readonly number[]
}
const ZERO: Side = { sum: 0, since: null }
const NOTHING: Faded = { weight: 0, sum: 0 }
export const EMPTY_CHART: Chart = {
  up: ZERO,
  down: ZERO,
  learnt: { centre: NOTHING, days: NOTHING, weeks: NOTHING, week: [] },
  recent: [],
}

/** No excursion; all that was seen stays or becomes usual. */
export const withoutExcursion = (chart: Chart): Chart => ({ ...chart, up: ZERO, down: ZERO })

/** The same knowledge of what is usual, no excursion; what came lately is what the excursion was made of and is not learnt. */
export const afterAlarm = (chart: Chart): Chart => ({
  ...withoutExcursion(chart),
  learnt: { ...chart.learnt, week: [] },
  recent: [],
})

/** The chart after a day on which its measure was `value`. `usual`: null for a chart with a fixed rule. */
export function advance(
  chart: Chart,
  { allowance, sides }: Pick<ChartSpec, 'allowance' | 'sides'>,
  usual: Usual | null,
  day: number,
  value: number,
): Chart {
  if (usual === null) return { ...chart, up: step(chart.up, day, value - allowance) }
  const { centre, sd, longRunSd } = known(chart.learnt, usual)
  const departure = within(value - centre, COUNTED_SD * sd) / longRunSd
  const recent = [...chart.recent, value]
  const old = recent.length > LEARNT_AFTER_DAYS ? (recent.shift() as number) : null
  return {
    up: step(chart.up, day, departure - allowance),
    down: sides === 2 ? step(chart.down, day, -departure - allowance) : ZERO,
    learnt: old === null ? chart.learnt : learn(chart.learnt, old, within(old - centre, LEARNT_SD * sd)),
    recent,
  }
}

/** Learnt and usual, each by its weight. */
function known({ centre, days, weeks }: Chart['learnt'], usual: Usual): Usual {
  const sd = Math.sqrt((PRIOR.sdDays * usual.sd ** 2 + days.sum) / (PRIOR.sdDays + days.weight))
  const longRunSd = Math.sqrt((PRIOR.longRunWeeks * usual.longRunSd ** 2 + weeks.sum) / (PRIOR.longRunWeeks + weeks.weight))
  return {
    centre: (PRIOR.centreDays * usual.centre + centre.sum) / (PRIOR.centreDays + centre.weight),
    sd,
    // Weeks that undo each other's departures are no licence to take a day for more than a day.
    longRunSd: Math.max(sd, longRunSd),
  }
}

function learn({ centre, days, weeks, week }: Chart['learnt'], value: number, departure: number): Chart['learnt'] {
  const filled = [...week, departure]
  const isFull = filled.length === WEEK
  return {
    centre: fade(centre, FORGET.centreDays, value),
    days: fade(days, FORGET.sdDays, departure ** 2),
    weeks: isFull ? fade(weeks, FORGET.longRunWeeks, WEEK * mean(filled) ** 2) : weeks,
    week: isFull ? [] : filled,
  }
}

export function fade({ weight, sum }: Faded, over: number, value: number): Faded {
  const left = 1 - 1 / over
  return { weight: weight * left + 1, sum: sum * left + value }
}

export function step(side: Side, day: number, value: number): Side {
  const sum = Math.max(0, side.sum + value)
  return { sum, since: sum === 0 ? null : (side.since ?? day) }
}

/** The chart with no side above `highest`. */
export function capped(chart: Chart, highest: number): Chart {
  const { up, down } = chart
  if (up.sum <= highest && down.sum <= highest) return chart
  return { ...chart, up: { ...up, sum: Math.min(up.sum, highest) }, down: { ...down, sum: Math.min(down.sum, highest) } }
}

/** The larger side; `direction` is the sign of the error (+1: the forecasts are too high). */
export function leading(chart: Chart): { sum: number; since: number | null; direction: 1 | -1 } {
  return chart.up.sum >= chart.down.sum ? { ...chart.up, direction: 1 } : { ...chart.down, direction: -1 }
}

/**
 * Threshold of each chart so that all charts of a station together give `falseAlarmsPerStationYear`. Each has its share of the budget of
 * one of `variables` (a union bound: dependent charts alarm together, so the true rate is lower).
 */
export function thresholds(falseAlarmsPerStationYear: number, variables: number, variable: ForecastVariable): number[] {
  return CHARTS.map(({ name, share, of }) => {
    const table = name === 'mean 1-6' || name === 'level 1-6' ? RUN_LENGTHS_BY_VARIABLE[name][variable] : RUN_LENGTHS[name]
    if (of === 'feed') return FEED_THRESHOLD
    return table === null ? MISSING_THRESHOLD : interpolate(table, (365.25 * variables) / (falseAlarmsPerStationYear * share))
  })
}

/**
 * What one station may spend, so that a fleet keeps to its own budget as well: many stations are watched more strictly, which costs each
 * of them little, because run lengths grow exponentially with the threshold.
 */
export function stationBudget(perStationYear: number, perFleetWeek: number, stations: number): number {
  return Math.min(perStationYear, (perFleetWeek * 365.25) / 7 / Math.max(stations, 1))
}

/** Run lengths grow exponentially with the threshold: linear in the logarithm. */
function interpolate(table: RunLengths, days: number): number {
  const wanted = Math.log(days)
  for (let i = 1; i < table.length; i++) {
    const [h0, d0] = table[i - 1] as readonly [number, number]
    const [h1, d1] = table[i] as readonly [number, number]
    if (days <= d1 || i === table.length - 1) return h0 + ((h1 - h0) * (wanted - Math.log(d0))) / (Math.log(d1) - Math.log(d0))
  }
  throw new Error('a table of run lengths needs two rows')
}
