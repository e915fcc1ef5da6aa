/**
 * What is normal at a station: a climatology for every hourly column, and how far the station has recently been from it. Inputs and targets of
 * the regressions are departures from both.
 */
import { COLUMN, COLUMN_COUNT, FEATURE_COUNT, FEATURES, MONTH_HOURS, MONTH_MEAN_INDEX } from '../features/index.ts'
import { type ForecastVariable, HORIZON_HOURS } from '../../schemas/quantities.ts'
import {
  type Climatology,
  type ClimatologyLookup,
  createCalendar,
  fitLeavingOut,
  FULL_YEAR_HOURS,
  type HourRange,
  spanOf,
  tabulate,
  type Traits,
} from './climatology.ts'
import { BASELINE_MONTH_SHARE, departureSums, learnMonthShare, PARTIAL_MONTH_SHARE, YEAR_SHARE } from './recentring.ts'
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

/** Held within the bounds of a variable; NaN stays NaN. */
export function clamp(value: number, low: number, high: number): number {
  return value < low ? low : value > high ? high : value
}

const FOLLOWS_THE_SUN: ReadonlySet<number> = new Set([COLUMN.temperatureC, COLUMN.dewPointC])
/** Air is warm and dry by day nearly everywhere, and windier. Three days of another quantity that show a cycle mostly show a front. */
const HAS_A_DAY: ReadonlySet<number> = new Set([COLUMN.temperatureC, COLUMN.relativeHumidityPct, COLUMN.windSpeedMps])
const DAY_DOUBT = { cycle: 0.2, none: 2 }

export function traitsOf(column: number): Traits {
  return {
    isSolar: FOLLOWS_THE_SUN.has(column),
    dayDoubt: HAS_A_DAY.has(column) ? DAY_DOUBT.cycle : DAY_DOUBT.none,
    isBounded: column === COLUMN.relativeHumidityPct,
  }
}

const YEAR_HOURS = 8766

/** By column; null = no climatology. */
export type Lookups = ReadonlyArray<ClimatologyLookup | null>

export type StationClimate = {
  /** By column; null = hardly ever observed. */
  readonly climatologies: ReadonlyArray<Climatology | null>
  /** Mean departure of the last year, by column; 0 when less than a year is known. */
  readonly yearDeparture: Float64Array
  /** Share of the month's departure that lasts, by column: for the forecast, and for the recentred climatology that is published beside it. */
  readonly monthShare: Float64Array
  readonly baselineMonthShare: Float64Array
}

/** How many values of a series are missing before each position (length + 1): a stretch without gaps is one comparison. */
export function missingBefore(series: Float64Array): Int32Array {
  const missing = new Int32Array(series.length + 1)
  for (let i = 0; i < series.length; i++) missing[i + 1] = missing[i]! + (Number.isNaN(series[i]!) ? 1 : 0)
  return missing
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
  /** By column, as a row of that hour must see it: without the hours ahead of the row where the record is long enough. */
  readonly lookupsAt: (hour: number) => Lookups
  /** Whether the record is long enough for that. */
  readonly leavesOut: boolean
  /** Rows × columns: see recentreOffsets; of each row as known at its hour. */
  readonly offsets: Float64Array
  /** The same for rows that came after the fit; the last year's departure stays the one of the fit. */
  readonly offsetsOf: (rows: Pick<TrainingSet, 'featureHours' | 'features'>) => Float64Array
}

/**
 * Records of two years and more: rows are seen through a climatology that leaves out the 91 days they lie in and the horizon after them, as
 * a forecast's climatology has not seen the days to come.
 */
const BLOCK_HOURS = 91 * 24
const MIN_LEFT_OUT_YEARS = 2

/** `leavesOut` false: every row is seen through the climatology of the whole record. */
export function fitStationClimate(history: TrainingSet, leavesOut: boolean): FittedClimate {
  const startHour = history.featureHours[0] ?? history.startHour
  const length = (history.featureHours.at(-1) ?? startHour) - startHour + 1
  const ranges =
    !leavesOut || length < MIN_LEFT_OUT_YEARS * YEAR_HOURS
      ? []
      : Array.from({ length: Math.ceil(length / BLOCK_HOURS) }, (_, k) => ({
          from: k * BLOCK_HOURS,
          to: (k + 1) * BLOCK_HOURS + HORIZON_HOURS,
        }))
  const calendar = createCalendar(startHour - MONTH_HOURS, startHour + length + BLOCK_HOURS + HORIZON_HOURS)
  const columns = Array.from({ length: COLUMN_COUNT }, (_, column) => {
    const series = columnSeries(history, column)
    const isFull = spanOf(series) >= FULL_YEAR_HOURS
    const fitted = fitLeavingOut(startHour, series, traitsOf(column), ranges, calendar)
    if (!fitted) return null
    const whole = tabulate(fitted.whole, startHour - MONTH_HOURS, startHour + length + HORIZON_HOURS, calendar)
    // A season seen once cannot be left out: what would be left knows nothing about it.
    const without = fitted.without.map((climatology, k) => (isSeenInOtherYears(series, ranges[k]!) ? climatology : null))
    return {
      climatology: fitted.whole,
      series,
      whole,
      without,
      blocks: without.map((climatology, k) =>
        climatology
          ? tabulate(climatology, startHour + ranges[k]!.from - MONTH_HOURS, startHour + ranges[k]!.to, calendar)
          : whole,
      ),
      prefix: isFull ? departureSums(whole, startHour, series).sums : null,
    }
  })
  const wholeLookups = columns.map((column) => column?.whole ?? null)
  const blockLookups = ranges.map((_, k) => columns.map((column) => column?.blocks[k] ?? null))
  const blockOf = (hour: number): number => Math.min(Math.max(Math.floor((hour - startHour) / BLOCK_HOURS), 0), ranges.length - 1)
  const yearDepartureOf = (column: number, hour: number, block: number): number => {
    const known = columns[column]
    if (!known?.prefix) return 0
    const { prefix, climatology, without } = known
    const to = Math.min(Math.max(hour - startHour + 1, 0), length)
    const from = Math.max(to - YEAR_HOURS, 0)
    // Divided by the whole year also where less is known: shrunk to nothing. Over a year climatologies differ by their constant terms.
    const other = without[block]
    const shift = other ? (climatology.coefficients[0]! - other.coefficients[0]!) * (to - from) : 0
    return (YEAR_SHARE * (prefix[to]! - prefix[from]! + shift)) / YEAR_HOURS
  }
  const newest = history.featureHours.at(-1) ?? startHour
  const yearDeparture = Float64Array.from({ length: COLUMN_COUNT }, (_, column) => yearDepartureOf(column, newest, -1))
  const baselineMonthShare = Float64Array.from(columns, (known) => (known?.prefix ? BASELINE_MONTH_SHARE : PARTIAL_MONTH_SHARE))
  const monthShare = Float64Array.from(columns, (known, column) => {
    if (!known?.prefix) return PARTIAL_MONTH_SHARE
    const unseen = ranges.flatMap(({ from }, k) =>
      known.without[k]
        ? [
            {
              from: startHour + from,
              to: startHour + Math.min(from + BLOCK_HOURS, length),
              climatology: known.blocks[k]!,
              yearDepartureAt: (hour: number) => yearDepartureOf(column, hour, k),
            },
          ]
        : [],
    )
    return learnMonthShare(column, startHour, known.series, unseen)
  })
  const lookupsAt = (hour: number): Lookups => blockLookups[blockOf(hour)] ?? wholeLookups
  const offsetsOf: FittedClimate['offsetsOf'] = ({ featureHours, features }) => {
    const offsets = new Float64Array(featureHours.length * COLUMN_COUNT)
    const causal = new Float64Array(COLUMN_COUNT)
    featureHours.forEach((hour, row) => {
      const block = blockOf(hour)
      for (let column = 0; column < COLUMN_COUNT; column++) causal[column] = yearDepartureOf(column, hour, block)
      const vector = features.subarray(row * FEATURE_COUNT, (row + 1) * FEATURE_COUNT)
      const out = offsets.subarray(row * COLUMN_COUNT, (row + 1) * COLUMN_COUNT)
      recentreOffsets(lookupsAt(hour), monthShare, causal, vector, hour, out)
    })
    return offsets
  }
  return {
    climate: {
      climatologies: columns.map((column) => column?.climatology ?? null),
      yearDeparture,
      monthShare,
      baselineMonthShare,
    },
    lookupsAt,
    leavesOut: ranges.length > 0,
    offsets: offsetsOf(history),
    offsetsOf,
  }
}

/** Whether other years, taken together, observed the same season for at least half as many hours as the range has. */
function isSeenInOtherYears(series: Float64Array, { from, to }: HourRange): boolean {
  let seen = 0
  for (let shift = (from % YEAR_HOURS) - from; from + shift < series.length; shift += YEAR_HOURS) {
    if (shift === 0) continue
    for (let i = from + shift; i < to + shift && i < series.length; i++) if (!Number.isNaN(series[i]!)) seen++
  }
  return seen * 2 >= to - from
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
  for (let column = 0; column < COLUMN_COUNT; column++)
    out[column] = recentreOffset(column, lookups[column], monthShare[column]!, yearDeparture[column]!, features, hour)
}

/** The same of one column. */
export function recentreOffset(
  column: number,
  climatology: ClimatologyLookup | null | undefined,
  monthShare: number,
  yearDeparture: number,
  features: Float32Array,
  hour: number,
): number {
  const mean = features[MONTH_MEAN_INDEX[column]!]!
  if (!climatology || mean !== mean) return yearDeparture
  return yearDeparture + monthShare * (mean - monthClimatology(climatology, hour) - yearDeparture)
}

/** Mean climatology of the 30 days up to an hour, from five points of the annual cycle. */
function monthClimatology(climatology: ClimatologyLookup, hour: number): number {
  let sum = 0
  for (let k = 0; k < 5; k++) sum += climatology.dailyAt(hour - ((k + 0.5) * MONTH_HOURS) / 5)
  return sum / 5
}
