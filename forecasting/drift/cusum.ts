/**
 * CUSUM charts (Page, 1954, Biometrika 41) on one number a day each (day.ts). Errors of neighbouring hours and overlapping leads are one
 * piece of weather, so a day is one value; days are still correlated, so a day is measured in units of the long-run standard deviation,
 * sd·√((1+φ)/(1−φ)) of a first-order autoregression, and run lengths come from simulating that autoregression.
 */
import type { HourOfDay, Measure } from './day.ts'
import { measureDay } from './day.ts'
import { RUN_LENGTHS } from './run-lengths.ts'
import { WATCHED_LEADS, type WatchedLeads } from './standardise.ts'

type NullModel = { readonly centre: number; readonly sd: number; readonly phi: number }
export type ChartSpec = {
  readonly name: string
  readonly measure: Measure
  readonly leads: WatchedLeads
  /** Upwards only, or both ways. */
  readonly sides: 1 | 2
  /** The measure while nothing changes; docs/model-life/drift.md has what was measured. Null: a fixed rule instead of a calibrated one. */
  readonly usual: NullModel | null
  /** Share of the false alarms of a variable that this chart may spend. */
  readonly share: number
  /**
   * The simulated threshold is multiplied by this: weather has months as well as days, which a first-order autoregression has not, and
   * the short leads show them most. Chosen on real series that did not change (npm run bench -- drift).
   */
  readonly realWeather: number
}

export const CHARTS: readonly ChartSpec[] = [
  {
    name: 'mean 1-3',
    measure: 'mean',
    leads: '1-3',
    sides: 2,
    usual: { centre: 0, sd: 0.36, phi: 0.2 },
    share: 0.3,
    realWeather: 1.8,
  },
  {
    name: 'mean 7-24',
    measure: 'mean',
    leads: '7-24',
    sides: 2,
    usual: { centre: 0, sd: 0.65, phi: 0.3 },
    share: 0.3,
    realWeather: 1,
  },
  {
    name: 'mean 25-72',
    measure: 'mean',
    leads: '25-72',
    sides: 2,
    usual: { centre: 0, sd: 0.85, phi: 0.6 },
    share: 0.1,
    realWeather: 1.4,
  },
  {
    name: 'spread 1-3',
    measure: 'spread',
    leads: '1-3',
    sides: 1,
    usual: { centre: 0, sd: 0.52, phi: 0.25 },
    share: 0.1,
    realWeather: 1.8,
  },
  {
    name: 'cosine 1-3',
    measure: 'cosine',
    leads: '1-3',
    sides: 2,
    usual: { centre: 0, sd: 0.33, phi: 0.2 },
    share: 0.1,
    realWeather: 1.8,
  },
  {
    name: 'sine 1-3',
    measure: 'sine',
    leads: '1-3',
    sides: 2,
    usual: { centre: 0, sd: 0.33, phi: 0.2 },
    share: 0.1,
    realWeather: 1.8,
  },
  { name: 'missing', measure: 'missing', leads: '1-3', sides: 1, usual: null, share: 0, realWeather: 1 },
]

/** Allowance per day, long-run standard deviations: half of the smallest change worth finding. */
const ALLOWANCE = 0.5
/** One day of extreme weather must not alarm by itself. */
const CLIP_SD = 4
/** A quarter of the hours may be missing for ever; nearly a whole day in sum beyond that is a sensor that is away. */
const MISSING = { allowance: 0.25, threshold: 0.7 }
/** What is usual for one model is learnt from its own days, beginning with what is usual for all; this many days weigh as much as that. */
const CENTRE_PRIOR_DAYS = 20
const SPREAD_PRIOR_DAYS = 60
/** Days are learnt from once they are this old: a change must be found before it becomes usual. */
const LEARNT_AFTER_DAYS = 21

export type Side = {
  readonly sum: number
  /** First day of the present excursion (days since 1970); null at zero. */ readonly since: number | null
}
export type Chart = {
  readonly up: Side
  readonly down: Side
  /** Of the days learnt from: how many, sum and sum of squares of value minus what is usual for all. */
  readonly learnt: { readonly days: number; readonly sum: number; readonly squares: number }
  /** Values not learnt from yet, oldest first. */
  readonly recent: readonly number[]
}
const ZERO: Side = { sum: 0, since: null }
export const EMPTY_CHART: Chart = { up: ZERO, down: ZERO, learnt: { days: 0, sum: 0, squares: 0 }, recent: [] }

/** The same knowledge of what is usual, no excursion; what came lately is what the excursion was made of and is not learnt. */
export const afterAlarm = (chart: Chart): Chart => ({ ...chart, up: ZERO, down: ZERO, recent: [] })

export const longRunSd = ({ sd, phi }: { sd: number; phi: number }): number => sd * Math.sqrt((1 + phi) / (1 - phi))

/** One value per chart of a closed day; null: too few hours. `aliveHours`: hours in which the station reported anything that verified. */
export function measureCharts(hours: readonly HourOfDay[], aliveHours: number): (number | null)[] {
  return CHARTS.map(({ measure, leads }) =>
    measureDay(
      measure,
      WATCHED_LEADS.findIndex(({ name }) => name === leads),
      hours,
      aliveHours,
    ),
  )
}

/** The chart after a day on which its measure was `value`. */
export function advance(chart: Chart, { usual, sides }: Pick<ChartSpec, 'usual' | 'sides'>, day: number, value: number): Chart {
  if (usual === null) return { ...chart, up: step(chart.up, day, value - MISSING.allowance) }
  const { days, sum, squares } = chart.learnt
  const learntCentre = sum / (days + CENTRE_PRIOR_DAYS)
  const learntSd = Math.sqrt((SPREAD_PRIOR_DAYS * usual.sd ** 2 + squares) / (SPREAD_PRIOR_DAYS + days))
  const clip = (x: number): number => Math.max(-CLIP_SD * learntSd, Math.min(CLIP_SD * learntSd, x))
  const departure = clip(value - usual.centre - learntCentre) / longRunSd({ sd: learntSd, phi: usual.phi })
  const recent = [...chart.recent, value - usual.centre]
  const old = recent.length > LEARNT_AFTER_DAYS ? (recent.shift() as number) : null
  return {
    up: step(chart.up, day, departure - ALLOWANCE),
    down: sides === 2 ? step(chart.down, day, -departure - ALLOWANCE) : ZERO,
    learnt: old === null ? chart.learnt : { days: days + 1, sum: sum + old, squares: squares + clip(old - learntCentre) ** 2 },
    recent,
  }
}

function step(side: Side, day: number, value: number): Side {
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
export function thresholds(falseAlarmsPerStationYear: number, variables: number): number[] {
  return CHARTS.map((chart, i) => {
    if (chart.usual === null) return MISSING.threshold
    const days = (365.25 * variables) / (falseAlarmsPerStationYear * chart.share)
    return chart.realWeather * interpolate(RUN_LENGTHS[i] as ReadonlyArray<readonly [number, number]>, days)
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
function interpolate(table: ReadonlyArray<readonly [number, number]>, days: number): number {
  const wanted = Math.log(days)
  for (let i = 1; i < table.length; i++) {
    const [h0, d0] = table[i - 1] as readonly [number, number]
    const [h1, d1] = table[i] as readonly [number, number]
    if (days <= d1 || i === table.length - 1) return h0 + ((h1 - h0) * (wanted - Math.log(d0))) / (Math.log(d1) - Math.log(d0))
  }
  throw new Error('a table of run lengths needs two rows')
}

/** Run lengths by simulation: days between alarms of a chart at each threshold, what is usual known. `normal` gives standard normal numbers. */
export function simulateRunLengths(spec: ChartSpec, limits: readonly number[], days: number, normal: () => number): number[] {
  const { sd, phi } = spec.usual as NullModel
  const innovation = Math.sqrt(1 - phi ** 2)
  const unit = longRunSd({ sd, phi })
  const up = limits.map(() => 0)
  const down = limits.map(() => 0)
  const alarms = limits.map(() => 0)
  let state = normal()
  for (let day = 0; day < days; day++) {
    state = phi * state + innovation * normal()
    const x = (Math.max(-CLIP_SD, Math.min(CLIP_SD, state)) * sd) / unit
    limits.forEach((limit, i) => {
      up[i] = Math.max(0, (up[i] as number) + x - ALLOWANCE)
      down[i] = spec.sides === 2 ? Math.max(0, (down[i] as number) - x - ALLOWANCE) : 0
      if ((up[i] as number) <= limit && (down[i] as number) <= limit) return
      alarms[i] = (alarms[i] as number) + 1
      up[i] = 0
      down[i] = 0
    })
  }
  return alarms.map((n) => days / Math.max(n, 1))
}
