/**
 * The forecasts every model has to beat. Their intervals are quantiles of their own errors on past origins, so that they are fair
 * opponents in CRPS and coverage, too.
 */
import { type ForecastVariable, HORIZON_HOURS, QUANTILE_LEVELS } from '../../schemas/quantities.ts'
import { type ClimatologyLookup, fitClimatology, FULL_YEAR_HOURS, spanOf, tabulate } from './climatology.ts'
import { GROUP_OF_LEAD, LEAD_GROUPS } from './lead-groups.ts'
import { possibleSeries } from './possible.ts'
import { OWN, traitsOf } from './station-climate.ts'

const H = HORIZON_HOURS
const Q = QUANTILE_LEVELS.length
const YEAR = 8766
const MONTH = 720
/** Past origins used for the intervals and for the damping, about; an odd spacing visits every hour of the day. */
const PAST_ORIGINS = 400
/** How far back a last departure is news, hours. */
const REACH = 72
/** How far back a last value is repeated, hours: a sensor may be silent for days, which should not take the other models out of a comparison. */
const LAST_REACH = 14 * 24

/** Hours between 1970 and `startHour`, and the series up to the origin of the forecast: hourly, NaN = not observed. */
export type SeriesSoFar = { readonly startHour: number; readonly values: Float64Array }

/** 168 central values after the newest hour of the first `length` hours, or null when there is nothing to go by. */
type Centre = (length: number) => Float64Array | null

export type BaselineResult =
  { readonly ok: true; readonly quantiles: Float32Array } | { readonly ok: false; readonly refused: string }
/** Of the same series, or of more of it since: what was learnt stays, what it is applied to (newest values, recent level) is the newest. */
export type FittedBaseline = (series: SeriesSoFar) => BaselineResult
export type Baseline = {
  readonly name: string
  readonly fit: (series: SeriesSoFar, variable: ForecastVariable) => FittedBaseline
}

/** From a series to learn from to what is said of it, or of more of it. */
type Learn = (learnt: SeriesSoFar, variable: ForecastVariable) => (series: SeriesSoFar) => Centre

export const BASELINES: readonly Baseline[] = [
  baseline('persistence', () => persistence),
  baseline('seasonal-naive', () => seasonalNaive),
  baseline('climatology', (learnt, variable) => {
    const lookup = lookupOf(learnt, variable)
    return (series) => climatology(series, lookup, null)
  }),
  baseline('recentred-climatology', recentred),
  baseline('damped-anomaly', dampedAnomaly),
]

function baseline(name: string, learn: Learn): Baseline {
  return {
    name,
    fit(reported, variable) {
      const learnt = possible(reported, variable)
      const centreOf = learn(learnt, variable)
      const residuals = pastResiduals(learnt.values, centreOf(learnt))
      const { low, high } = OWN[variable]
      const isProbability = variable === 'precipitationProbabilityPct'
      return (known) => {
        const series = possible(known, variable)
        const now = centreOf(series)(series.values.length)
        if (!now) return { ok: false, refused: `${name}: too little of ${variable} observed before the origin` }
        const quantiles = new Float32Array(H * Q)
        for (let h = 0; h < H; h++)
          for (let q = 0; q < Q; q++) {
            const value = now[h]! + (isProbability ? 0 : residuals[GROUP_OF_LEAD[h]! * Q + q]!)
            quantiles[h * Q + q] = Math.min(high, Math.max(low, value))
          }
        return { ok: true, quantiles }
      }
    },
  }
}

/** The same object where all is possible: what was computed of it is kept under it. */
function possible(series: SeriesSoFar, variable: ForecastVariable): SeriesSoFar {
  const values = possibleSeries(series.values, variable)
  return values === series.values ? series : { ...series, values }
}

/** Lengths of the series at past origins whose horizon is over. */
function pastOrigins(values: Float64Array): number[] {
  const last = values.length - H
  if (last <= 0) return []
  let step = Math.max(1, Math.floor(last / PAST_ORIGINS))
  if (step % 2 === 0) step++
  const lengths: number[] = []
  for (let length = last; length > REACH; length -= step) lengths.push(length)
  return lengths
}

function pastResiduals(values: Float64Array, centre: Centre): Float64Array {
  const errors: number[][] = LEAD_GROUPS.map(() => [])
  for (const length of pastOrigins(values)) {
    const forecast = centre(length)
    if (!forecast) continue
    for (let h = 0; h < H; h++) {
      const e = values[length + h]! - forecast[h]!
      if (e === e) errors[GROUP_OF_LEAD[h]!]!.push(e)
    }
  }
  const table = new Float64Array(LEAD_GROUPS.length * Q)
  errors.forEach((list, g) => {
    const sorted = Float64Array.from(list).toSorted()
    QUANTILE_LEVELS.forEach((level, q) => {
      table[g * Q + q] = sorted.length > 0 ? sorted[Math.min(sorted.length - 1, Math.floor(level * sorted.length))]! : 0
    })
    // Only the spread: the centre stays what the baseline says, as a plain user of it would have it.
    const median = table[g * Q + QUANTILE_LEVELS.indexOf(0.5)]!
    for (let q = 0; q < Q; q++) table[g * Q + q] = table[g * Q + q]! - median
  })
  return table
}

/** The last value stays. */
function persistence({ values }: SeriesSoFar): Centre {
  return (length) => {
    for (let i = length - 1; i >= Math.max(0, length - LAST_REACH); i--)
      if (!Number.isNaN(values[i]!)) return new Float64Array(H).fill(values[i]!)
    return null
  }
}

/** What was observed at the hour of the day of lead h + 1, on the last day before the origin that has it; NaN when none within reach. */
export function sameHourBefore(values: Float64Array, length: number, h: number): number {
  let at = length + h - 24 * Math.ceil((h + 1) / 24)
  while (at >= Math.max(0, length - LAST_REACH) && Number.isNaN(values[at]!)) at -= 24
  return values[at] ?? Number.NaN
}

/** The same hour of the last day that has it. */
function seasonalNaive({ values }: SeriesSoFar): Centre {
  return (length) => {
    const out = new Float64Array(H)
    for (let h = 0; h < H; h++) {
      const value = sameHourBefore(values, length, h)
      if (Number.isNaN(value)) return null
      out[h] = value
    }
    return out
  }
}

/** Three baselines need the same climatology of the same series. */
const lookups = new WeakMap<SeriesSoFar, Map<ForecastVariable, ClimatologyLookup | null>>()

function lookupOf(series: SeriesSoFar, variable: ForecastVariable): ClimatologyLookup | null {
  const known = lookups.get(series) ?? new Map<ForecastVariable, ClimatologyLookup | null>()
  lookups.set(series, known)
  const found = known.get(variable)
  if (found !== undefined) return found
  const { startHour, values } = series
  const { column } = OWN[variable]
  const fitted = fitClimatology(startHour, values, traitsOf(column))
  const lookup = fitted && tabulate(fitted, startHour, startHour + values.length + H)
  known.set(variable, lookup)
  return lookup
}

/** Harmonic climatology, plus an offset by origin. */
function climatology(
  { startHour }: SeriesSoFar,
  lookup: ClimatologyLookup | null,
  offset: ((length: number) => number) | null,
): Centre {
  return (length) =>
    lookup && Float64Array.from({ length: H }, (_, h) => lookup.at(startHour + length + h) + (offset ? offset(length) : 0))
}

/** Offset of an origin: 0.6 of the mean departure of the year and 0.15 of what the month adds; 0.7 of the month's when less than a year was learnt. */
function offsets({ startHour, values }: SeriesSoFar, lookup: ClimatologyLookup, isFull: boolean): (length: number) => number {
  const sums = new Float64Array(values.length + 1)
  const counts = new Float64Array(values.length + 1)
  values.forEach((value, i) => {
    const isKnown = !Number.isNaN(value)
    sums[i + 1] = sums[i]! + (isKnown ? value - lookup.at(startHour + i) : 0)
    counts[i + 1] = counts[i]! + (isKnown ? 1 : 0)
  })
  return (length) => {
    const year = isFull ? (0.6 * (sums[length]! - sums[Math.max(0, length - YEAR)]!)) / YEAR : 0
    const from = Math.max(0, length - MONTH)
    const count = counts[length]! - counts[from]!
    if (count < MONTH / 4) return year
    return year + (isFull ? 0.15 : 0.7) * ((sums[length]! - sums[from]!) / count - year)
  }
}

function recentred(learnt: SeriesSoFar, variable: ForecastVariable): (series: SeriesSoFar) => Centre {
  const lookup = lookupOf(learnt, variable)
  const isFull = spanOf(learnt.values) >= FULL_YEAR_HOURS
  return (series) => (lookup ? climatology(series, lookup, offsets(series, lookup, isFull)) : () => null)
}

/** Recentred climatology plus the share of the last departure that has lasted to each lead before (least squares through 0); alone without one. */
function dampedAnomaly(learnt: SeriesSoFar, variable: ForecastVariable): (series: SeriesSoFar) => Centre {
  const lookup = lookupOf(learnt, variable)
  if (!lookup) return () => () => null
  const isFull = spanOf(learnt.values) >= FULL_YEAR_HOURS
  const departures = ({ startHour, values }: SeriesSoFar) => {
    const offset = offsets({ startHour, values }, lookup, isFull)
    const newest = (length: number): number | null => {
      for (let i = length - 1; i >= Math.max(0, length - REACH); i--)
        if (!Number.isNaN(values[i]!)) return values[i]! - lookup.at(startHour + i) - offset(length)
      return null
    }
    return { offset, newest }
  }
  const { startHour, values } = learnt
  const { offset, newest } = departures(learnt)
  const products = new Float64Array(H)
  const squares = new Float64Array(H)
  for (const length of pastOrigins(values)) {
    const departure = newest(length)
    if (departure === null) continue
    for (let h = 0; h < H; h++) {
      const y = values[length + h]! - lookup.at(startHour + length + h) - offset(length)
      if (y !== y) continue
      products[h] = products[h]! + departure * y
      squares[h] = squares[h]! + departure * departure
    }
  }
  const share = products.map((product, h) => lastingShare(product, squares[h]!))
  return (series) => {
    const now = departures(series)
    const base = climatology(series, lookup, now.offset)
    return (length) => {
      const departure = now.newest(length) ?? 0
      return base(length)!.map((value, h) => value + share[h]! * departure)
    }
  }
}

/** Share of a departure that lasts, 0–1: least squares through 0, from the sums of products with what came later and of squares. */
export function lastingShare(products: number, squares: number): number {
  return squares > 0 ? Math.min(1, Math.max(0, products / squares)) : 0
}
