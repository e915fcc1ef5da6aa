/**
 * What is normal at a station: a climatology for every hourly column, and how far the station has recently been from it. Inputs and targets of
 * the regressions are departures from both.
 */
import { COLUMN, COLUMN_COUNT, FEATURE_COUNT, FEATURES, MONTH_HOURS, MONTH_MEAN_INDEX } from '../features/index.ts'
import { type ForecastVariable, HORIZON_HOURS } from '../../schemas/quantities.ts'
import { type Climatology, type ClimatologyLookup, fitClimatology, FULL_YEAR_HOURS, spanOf, tabulate } from './climatology.ts'
import type { TrainingSet } from './types.ts'

/** Position in the vector of each column at the described hour (precipitation: 1 wet, 0 dry). */
export const NEWEST_INDEX: readonly number[] = Array.from({ length: COLUMN_COUNT }, (_, column) =>
  FEATURES.findIndex((feature) => feature.column === column && feature.offset === 0 && feature.window === 1),
)

/** Column, bounds and factor from column unit to variable unit of each forecast variable. */
export const OWN: Readonly<Record<ForecastVariable, { column: number; low: number; high: number; factor: number }>> = {
  temperatureC: { column: COLUMN.temperatureC, low: -95, high: 65, factor: 1 },
  dewPointC: { column: COLUMN.dewPointC, low: -100, high: 45, factor: 1 },
  relativeHumidityPct: { column: COLUMN.relativeHumidityPct, low: 0, high: 100, factor: 1 },
  pressureHpa: { column: COLUMN.pressureHpa, low: 850, high: 1100, factor: 1 },
  windSpeedMps: { column: COLUMN.windSpeedMps, low: 0, high: 120, factor: 1 },
  precipitationProbabilityPct: { column: COLUMN.precipitationMm, low: 0, high: 100, factor: 100 },
}

const FOLLOWS_THE_SUN: ReadonlySet<number> = new Set([COLUMN.temperatureC, COLUMN.dewPointC])

/**
 * Share of the recent mean departure that is taken to last (recentring). With a year or more: 0.6 of the last year's, 0.15 of what the last
 * month adds. With less, the annual cycle is less well known and the last month says more: 0.7 (docs/adr/007-less-than-a-year.md).
 */
const RECENTRE = { full: { year: 0.6, month: 0.15 }, partial: { year: 0, month: 0.7 } }
const YEAR_HOURS = 8766

/** By column; null = no climatology. */
export type Lookups = ReadonlyArray<ClimatologyLookup | null>

export type StationClimate = {
  /** By column; null = hardly ever observed. */
  readonly climatologies: ReadonlyArray<Climatology | null>
  /** Mean departure of the last year, by column; 0 when less than a year is known. */
  readonly yearDeparture: Float64Array
  /** Share of the month's departure that lasts, by column. */
  readonly monthShare: Float64Array
}

/** The series of a column from the vectors' newest values, on the hourly grid of the training set. */
function columnSeries(history: TrainingSet, column: number): Float64Array {
  const first = history.featureHours[0] ?? history.startHour
  const last = history.featureHours.at(-1) ?? first
  const series = new Float64Array(last - first + 1).fill(Number.NaN)
  const index = NEWEST_INDEX[column]!
  history.featureHours.forEach((hour, row) => (series[hour - first] = history.features[row * FEATURE_COUNT + index]!))
  return series
}

export type FittedClimate = {
  readonly climate: StationClimate
  /** By column, for every hour of the history, a month before it and a horizon after it. */
  readonly lookups: Lookups
  /** Mean departure of the year up to the hour, causal, by column. */
  readonly yearDepartureAt: (hour: number, out: Float64Array) => void
}

export function fitStationClimate(history: TrainingSet): FittedClimate {
  const startHour = history.featureHours[0] ?? history.startHour
  const monthShare = new Float64Array(COLUMN_COUNT)
  const prefixes: Array<Float64Array | null> = []
  const lookups: Array<ClimatologyLookup | null> = []
  const climatologies = Array.from({ length: COLUMN_COUNT }, (_, column) => {
    const series = columnSeries(history, column)
    const climatology = fitClimatology(startHour, series, FOLLOWS_THE_SUN.has(column))
    const isFull = spanOf(series) >= FULL_YEAR_HOURS
    monthShare[column] = isFull ? RECENTRE.full.month : RECENTRE.partial.month
    const lookup = climatology ? tabulate(climatology, startHour - MONTH_HOURS, startHour + series.length + HORIZON_HOURS) : null
    lookups.push(lookup)
    prefixes.push(lookup && isFull ? departurePrefix(lookup, startHour, series) : null)
    return climatology
  })
  const yearDepartureAt = (hour: number, out: Float64Array): void => {
    for (let column = 0; column < COLUMN_COUNT; column++) {
      const prefix = prefixes[column]
      if (!prefix) {
        out[column] = 0
        continue
      }
      const to = Math.min(Math.max(hour - startHour + 1, 0), prefix.length - 1)
      // Divided by the whole year also where less is known: shrunk to nothing.
      out[column] = (RECENTRE.full.year * (prefix[to]! - prefix[Math.max(to - YEAR_HOURS, 0)]!)) / YEAR_HOURS
    }
  }
  const yearDeparture = new Float64Array(COLUMN_COUNT)
  yearDepartureAt(history.featureHours.at(-1) ?? startHour, yearDeparture)
  return { climate: { climatologies, yearDeparture, monthShare }, lookups, yearDepartureAt }
}

/** Running sum of observed minus climatology; a missing hour adds nothing. */
function departurePrefix(climatology: ClimatologyLookup, startHour: number, series: Float64Array): Float64Array {
  const prefix = new Float64Array(series.length + 1)
  series.forEach((value, i) => {
    prefix[i + 1] = prefix[i]! + (value === value ? value - climatology.at(startHour + i) : 0)
  })
  return prefix
}

/** What to add to the climatology of each column: the lasting part of the last year's and the last month's departure. */
export function recentreOffsets(
  lookups: Lookups,
  monthShare: Float64Array,
  yearDeparture: Float64Array,
  features: Float32Array,
  hour: number,
  out: Float64Array,
): void {
  for (let column = 0; column < COLUMN_COUNT; column++) {
    const climatology = lookups[column]
    const mean = features[MONTH_MEAN_INDEX[column]!]!
    out[column] = yearDeparture[column]!
    if (!climatology || mean !== mean) continue
    out[column]! += monthShare[column]! * (mean - monthClimatology(climatology, hour) - yearDeparture[column]!)
  }
}

/** Mean climatology of the 30 days up to an hour, from five points of the annual cycle. */
function monthClimatology(climatology: ClimatologyLookup, hour: number): number {
  let sum = 0
  for (let k = 0; k < 5; k++) sum += climatology.dailyAt(hour - ((k + 0.5) * MONTH_HOURS) / 5)
  return sum / 5
}
