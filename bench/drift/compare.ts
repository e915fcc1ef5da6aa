/** Detectors side by side: alarms on what did not change, share found and delay on what did. */
import type { ForecastVariable } from '../../schemas/quantities.ts'
import type { Compared } from './detectors.ts'
import type { Day } from './days.ts'

export type Clean = { readonly station: string; readonly variable: ForecastVariable; readonly days: readonly Day[] }
export type Injection = {
  readonly station: string
  readonly variable: ForecastVariable
  readonly fault: string
  readonly hour: number
  /** Which way it went, if it has one. */
  readonly sign: 1 | -1
  readonly days: readonly Day[]
}
export type Found = { readonly found: number; readonly of: number; readonly medianHours: number | null }

/** A change is found by an alarm within these days. */
export const FOUND_WITHIN_DAYS = 45
const DAYS_PER_YEAR = 365.25
/** A day is closed this many hours into the next one (stream-processors/drift). */
const LATENESS_HOURS = 3

/** Alarms per year of one variable. */
export function falseAlarms({ alarms }: Compared, setting: number, series: readonly Clean[]): number {
  const days = series.reduce((sum, one) => sum + one.days.length, 0)
  return (series.reduce((sum, one) => sum + alarms(one, setting).length, 0) * DAYS_PER_YEAR) / days
}

/** The most sensitive setting that keeps to the budget on the clean series themselves: in hindsight, which favours who is calibrated so. */
export function calibrate(detector: Compared, series: readonly Clean[], perVariableYear: number): number {
  const { settings } = detector
  if (settings === null) return 0
  return settings.find((setting) => falseAlarms(detector, setting, series) <= perVariableYear) ?? (settings.at(-1) as number)
}

export function detections({ alarms }: Compared, setting: number, injections: readonly Injection[]): Found {
  const delays = injections
    .map((injection) => {
      const { hour } = injection
      const first = alarms(injection, setting).find((day) => (day + 1) * 24 > hour)
      return first === undefined ? Number.POSITIVE_INFINITY : (first + 1) * 24 + LATENESS_HOURS - hour
    })
    .map((delay) => (delay <= FOUND_WITHIN_DAYS * 24 ? delay : Number.POSITIVE_INFINITY))
    .sort((a, b) => a - b)
  const median = delays[Math.floor((delays.length - 1) / 2)] ?? Number.POSITIVE_INFINITY
  return { found: delays.filter(Number.isFinite).length, of: delays.length, medianHours: Number.isFinite(median) ? median : null }
}

/** Alarms by month of the year, January first. */
export function byMonth({ alarms }: Compared, series: readonly Clean[], setting = 0): number[] {
  const months = Array.from({ length: 12 }, () => 0)
  for (const one of series) {
    for (const day of alarms(one, setting)) {
      const month = new Date(day * 86_400_000).getUTCMonth()
      months[month] = (months[month] as number) + 1
    }
  }
  return months
}
