/** Which numbers of a day are watched, and what each may spend of the budget of false alarms. */
import type { ForecastVariable } from '../../schemas/quantities.ts'
import type { Arrivals, HourOfDay, Measure } from './day.ts'
import { measureDay } from './day.ts'
import { LEVEL_WEIGHTS, measureLevel } from './level.ts'
import { type ChartLeads, REFERENCE } from './standardise.ts'

export type ChartName =
  'mean 1-6' | 'level 1-6' | 'spread 1-3' | 'clock 13-24' | 'reference' | 'apart' | 'missing' | 'late' | 'silent'
export type ChartSpec = {
  readonly name: ChartName
  readonly measure: Measure
  readonly leads: ChartLeads
  /**
   * What the chart speaks of: the errors of the model; the values themselves, whatever the errors; or how the station's observations come,
   * which is no model's doing and outlives them (feed.ts).
   */
  readonly of: 'errors' | 'values' | 'feed'
  /** Upwards only, or both ways. */
  readonly sides: 1 | 2
  /**
   * Taken off per day, in long-run standard deviations: months of weather lean one way by half of one, a change worth a new model by more.
   */
  readonly allowance: number
  /** Share of the false alarms of a variable that this chart may spend; one that only warns, of warnings. 0: a fixed rule instead. */
  readonly share: number
  /** Counts up to a warning. */
  readonly onlyWarns?: true
}

/** What a chart's value is while nothing changes: of a day, and in the long run (cusum.ts). */
export type Usual = { readonly centre: number; readonly sd: number; readonly longRunSd: number }
/** Threshold → days between false alarms. */
export type RunLengths = ReadonlyArray<readonly [threshold: number, days: number]>
/** Charts of which each variable has a table of its own. */
export type ChartByVariable = 'mean 1-6' | 'level 1-6'

/** What alarms leaves a fifth to the fixed rules, which spend about that on clean series. */
export const CHARTS: readonly ChartSpec[] = [
  { name: 'mean 1-6', measure: 'mean', leads: '1-6', of: 'errors', sides: 2, allowance: 0.75, share: 0.3 },
  { name: 'level 1-6', measure: 'level', leads: '1-6', of: 'errors', sides: 2, allowance: 0.5, share: 0.25 },
  { name: 'spread 1-3', measure: 'spread', leads: '1-3', of: 'errors', sides: 1, allowance: 1.25, share: 0.05 },
  { name: 'clock 13-24', measure: 'clock', leads: '13-24', of: 'errors', sides: 2, allowance: 0.75, share: 0.15 },
  {
    name: 'reference',
    measure: 'mean',
    leads: REFERENCE.name,
    of: 'values',
    sides: 2,
    allowance: 0.75,
    share: 0.2,
    onlyWarns: true,
  },
  { name: 'apart', measure: 'apart', leads: REFERENCE.name, of: 'values', sides: 2, allowance: 0.75, share: 0.02 },
  { name: 'missing', measure: 'missing', leads: '1-6', of: 'errors', sides: 1, allowance: 0.25, share: 0 },
  { name: 'late', measure: 'late', leads: '1-6', of: 'feed', sides: 1, allowance: 1, share: 0 },
  { name: 'silent', measure: 'silent', leads: '1-6', of: 'feed', sides: 1, allowance: 1, share: 0 },
]

export const REFERENCE_CHART = CHARTS.findIndex(({ name }) => name === 'reference')

/** What a day brings beside the verified hours of the model. */
export type Surroundings = {
  readonly variable: ForecastVariable
  readonly arrivals: Arrivals
  /** One model of a station tells how the observations of all of them come. */
  readonly carriesFeed: boolean
  /** How far the values were from those of the neighbours (`apart`), expected scales; null: nobody near. */
  readonly apart: number | null
}

/** One value per chart of a closed day; null: too few hours, or not this model's to tell. */
export function measureCharts(
  hours: readonly HourOfDay[],
  { variable, arrivals, carriesFeed, apart }: Surroundings,
): (number | null)[] {
  return CHARTS.map(({ measure, leads, of }) => {
    if (measure === 'apart') return apart
    if (measure === 'level') return measureLevel(hours, LEVEL_WEIGHTS[variable])
    return of === 'feed' && !carriesFeed ? null : measureDay(measure, leads, hours, arrivals)
  })
}
