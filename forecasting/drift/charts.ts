/** Which numbers of a day are watched, and what each may spend of the budget of false alarms. */
import type { HourOfDay, Measure } from './day.ts'
import { measureDay } from './day.ts'
import { WATCHED_LEADS, type WatchedLeads } from './standardise.ts'

export type ChartName = 'mean 1-3' | 'mean 4-6' | 'mean 7-24' | 'spread 1-3' | 'cosine 1-3' | 'sine 1-3' | 'missing'
export type ChartSpec = {
  readonly name: ChartName
  readonly measure: Measure
  readonly leads: WatchedLeads
  /** Upwards only, or both ways. */
  readonly sides: 1 | 2
  /**
   * Taken off per day, in long-run standard deviations: months of weather lean one way by half of one, a change worth a new model by more.
   */
  readonly allowance: number
  /** Share of the false alarms of a variable that this chart may spend. 0: a fixed rule instead of a calibrated one. */
  readonly share: number
}

/** What a chart's value is while nothing changes: of a day, and in the long run (cusum.ts). */
export type Usual = { readonly centre: number; readonly sd: number; readonly longRunSd: number }
/** Threshold → days between false alarms; null: a fixed rule. */
export type RunLengths = Readonly<Record<ChartName, ReadonlyArray<readonly [threshold: number, days: number]> | null>>

export const CHARTS: readonly ChartSpec[] = [
  { name: 'mean 1-3', measure: 'mean', leads: '1-3', sides: 2, allowance: 0.75, share: 0.25 },
  { name: 'mean 4-6', measure: 'mean', leads: '4-6', sides: 2, allowance: 0.75, share: 0.4 },
  { name: 'mean 7-24', measure: 'mean', leads: '7-24', sides: 2, allowance: 0.75, share: 0.05 },
  { name: 'spread 1-3', measure: 'spread', leads: '1-3', sides: 1, allowance: 1, share: 0.15 },
  { name: 'cosine 1-3', measure: 'cosine', leads: '1-3', sides: 2, allowance: 0.75, share: 0.05 },
  { name: 'sine 1-3', measure: 'sine', leads: '1-3', sides: 2, allowance: 0.75, share: 0.1 },
  { name: 'missing', measure: 'missing', leads: '1-3', sides: 1, allowance: 0.25, share: 0 },
]

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
