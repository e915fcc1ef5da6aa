/**
 * The forecasts every model has to beat. Their intervals are quantiles of their own errors on past origins, so that they are fair
 * opponents in CRPS and coverage, too.
 */
import { FEATURE_SET } from '../features/index.ts'
import { type ForecastVariable, HORIZON_HOURS, QUANTILE_LEVELS } from '../../schemas/quantities.ts'
import { type Climatology, type ClimatologyLookup, fitClimatology, FULL_YEAR_HOURS, spanOf, tabulate } from './climatology.ts'
import { ArtefactError, type Arrays, type Header, pack, takeArray } from './container.ts'
import { GROUP_OF_LEAD, LEAD_GROUPS } from './lead-groups.ts'
import { possibleSeries } from './possible.ts'
import { BASELINE_MONTH_SHARE, departureSums, PARTIAL_MONTH_SHARE, YEAR_SHARE } from './recentring.ts'
import { OWN, traitsOf } from './station-climate.ts'
import { allLeads, type Family, type FamilyFitted, type Observed } from './types.ts'

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

/** An hourly series from `startHour` on (since 1970), NaN = not observed. */
type Series = { readonly startHour: number; readonly values: Float64Array }

/** 168 central values after the newest hour of the first `length` hours, or null when there is nothing to go by. */
type Centre = (length: number) => Float64Array | null

/** What a baseline has learnt; what it is applied to (newest values, recent level) is always the newest. */
type Learnt = {
  readonly climatology: Climatology | null
  /** A year or more was learnt. */
  readonly isFull: boolean
  /** Of the last departure, by lead; null where the baseline has none. */
  readonly share: Float64Array | null
  /** Lead groups × levels: distance from the centre. */
  readonly residuals: Float64Array
}

type Rule = {
  readonly name: string
  readonly learn: (series: Series, variable: ForecastVariable) => Omit<Learnt, 'residuals'>
  readonly centre: (learnt: Omit<Learnt, 'residuals'>, series: Series) => Centre
}

const NOTHING_LEARNT = { climatology: null, isFull: false, share: null }

const withClimatology: Rule['learn'] = (series, variable) => ({
  climatology: climatologyOf(series, variable),
  isFull: spanOf(series.values) >= FULL_YEAR_HOURS,
  share: null,
})

const RULES: readonly Rule[] = [
  { name: 'persistence', learn: () => NOTHING_LEARNT, centre: (_, series) => persistence(series) },
  { name: 'seasonal-naive', learn: () => NOTHING_LEARNT, centre: (_, series) => seasonalNaive(series) },
  {
    name: 'climatology',
    learn: withClimatology,
    centre: ({ climatology }, series) => harmonic(series, lookupOf(climatology, series), null),
  },
  { name: 'recentred-climatology', learn: withClimatology, centre: recentred },
  { name: 'damped-anomaly', learn: learnDamping, centre: dampedAnomaly },
]

/** Of the history they need the targets alone. */
export const BASELINES: ReadonlyArray<Family<Observed>> = RULES.map((rule) => ({
  name: rule.name,
  fit({ startHour, targets }, { variable }) {
    const series = { startHour, values: possibleSeries(targets[variable], variable) }
    const learnt = rule.learn(series, variable)
    const residuals = pastResiduals(series.values, rule.centre(learnt, series))
    return { ok: true, fitted: fittedBaseline(rule, variable, { ...learnt, residuals }) }
  },
}))

function fittedBaseline(rule: Rule, variable: ForecastVariable, learnt: Learnt): FamilyFitted<Observed> {
  const { name } = rule
  const { low, high } = OWN[variable]
  const isProbability = variable === 'precipitationProbabilityPct'
  return {
    family: name,
    variable,
    predict({ known: { startHour, targets } }) {
      const series = { startHour, values: possibleSeries(targets[variable], variable) }
      const now = rule.centre(learnt, series)(series.values.length)
      if (!now) return { refused: `${name}: too little of ${variable} observed before the origin` }
      const quantiles = new Float32Array(H * Q)
      for (let h = 0; h < H; h++)
        for (let q = 0; q < Q; q++) {
          const value = now[h]! + (isProbability ? 0 : learnt.residuals[GROUP_OF_LEAD[h]! * Q + q]!)
          quantiles[h * Q + q] = Math.min(high, Math.max(low, value))
        }
      return { leadHours: allLeads(), quantiles }
    },
    serialise: () => encode(name, variable, learnt),
    describe: () => ({ family: name, variable, climatology: learnt.climatology !== null, knowsTheYear: learnt.isFull }),
  }
}

function encode(family: string, variable: ForecastVariable, { climatology, isFull, share, residuals }: Learnt): Uint8Array {
  const pairs = climatology && [climatology.annualPairs, climatology.diurnalPairs]
  return pack(
    { family, variable, featureSet: FEATURE_SET, golden: [], isFull, pairs },
    {
      residuals,
      ...(climatology ? { climatology: climatology.coefficients } : {}),
      ...(share ? { share } : {}),
    },
  )
}

/** Null: not the artefact of a baseline. Throws ArtefactError when an array is missing. */
export function decodeBaseline(header: Header, arrays: Arrays): FamilyFitted<Observed> | null {
  const rule = RULES.find(({ name }) => name === header.family)
  if (!rule) return null
  const { variable, isFull, pairs } = header as unknown as {
    variable: ForecastVariable
    isFull: boolean
    pairs: readonly [number, number] | null
  }
  if (!(variable in OWN)) throw new ArtefactError('artefact-format', `no forecast variable ${variable}`)
  const take = (name: string, length: number): Float64Array => Float64Array.from(takeArray(arrays, name, length))
  const climatology = pairs && {
    annualPairs: pairs[0],
    diurnalPairs: pairs[1],
    coefficients: take('climatology', (1 + 2 * pairs[0]) * (1 + 2 * pairs[1])),
  }
  return fittedBaseline(rule, variable, {
    climatology,
    isFull,
    share: 'share' in arrays ? take('share', H) : null,
    residuals: take('residuals', LEAD_GROUPS.length * Q),
  })
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
function persistence({ values }: Series): Centre {
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
function seasonalNaive({ values }: Series): Centre {
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

/** Three baselines need the same climatology of the same values. */
const climatologies = new WeakMap<Float64Array, Map<string, Climatology | null>>()

function climatologyOf({ startHour, values }: Series, variable: ForecastVariable): Climatology | null {
  const known = climatologies.get(values) ?? new Map<string, Climatology | null>()
  climatologies.set(values, known)
  const key = `${variable} ${startHour}`
  const found = known.get(key)
  if (found !== undefined) return found
  const fitted = fitClimatology(startHour, values, traitsOf(OWN[variable].column))
  known.set(key, fitted)
  return fitted
}

/** They look it up for the same hours as well; of a longer series the table of a shorter one still holds. */
const lookups = new WeakMap<Climatology, ClimatologyLookup>()

function lookupOf(climatology: Climatology | null, { startHour, values }: Series): ClimatologyLookup | null {
  if (!climatology) return null
  const lookup = lookups.get(climatology) ?? tabulate(climatology, startHour, startHour + values.length + H)
  lookups.set(climatology, lookup)
  return lookup
}

/** Harmonic climatology, plus an offset by origin. */
function harmonic({ startHour }: Series, lookup: ClimatologyLookup | null, offset: ((length: number) => number) | null): Centre {
  return (length) =>
    lookup && Float64Array.from({ length: H }, (_, h) => lookup.at(startHour + length + h) + (offset ? offset(length) : 0))
}

/** Offset of an origin: so much of the mean departure of the year and of what the month adds; of the month's alone when less than a year was learnt. */
function offsets({ startHour, values }: Series, lookup: ClimatologyLookup, isFull: boolean): (length: number) => number {
  const { sums, counts } = departureSums(lookup, startHour, values)
  return (length) => {
    const year = isFull ? (YEAR_SHARE * (sums[length]! - sums[Math.max(0, length - YEAR)]!)) / YEAR : 0
    const from = Math.max(0, length - MONTH)
    const count = counts[length]! - counts[from]!
    if (count < MONTH / 4) return year
    return year + (isFull ? BASELINE_MONTH_SHARE : PARTIAL_MONTH_SHARE) * ((sums[length]! - sums[from]!) / count - year)
  }
}

function recentred({ climatology, isFull }: Omit<Learnt, 'residuals'>, series: Series): Centre {
  const lookup = lookupOf(climatology, series)
  return lookup ? harmonic(series, lookup, offsets(series, lookup, isFull)) : () => null
}

/** The last departure within reach of an origin, or null. */
function newestDeparture({ startHour, values }: Series, lookup: ClimatologyLookup, offset: (length: number) => number) {
  return (length: number): number | null => {
    for (let i = length - 1; i >= Math.max(0, length - REACH); i--)
      if (!Number.isNaN(values[i]!)) return values[i]! - lookup.at(startHour + i) - offset(length)
    return null
  }
}

/** The share of the last departure that has lasted to each lead before (least squares through 0). */
function learnDamping(series: Series, variable: ForecastVariable): Omit<Learnt, 'residuals'> {
  const learnt = withClimatology(series, variable)
  const lookup = lookupOf(learnt.climatology, series)
  if (!lookup) return learnt
  const { startHour, values } = series
  const offset = offsets(series, lookup, learnt.isFull)
  const newest = newestDeparture(series, lookup, offset)
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
  return { ...learnt, share: products.map((product, h) => lastingShare(product, squares[h]!)) }
}

/** Recentred climatology plus the share of the last departure that lasts; alone without one. */
function dampedAnomaly({ climatology, isFull, share }: Omit<Learnt, 'residuals'>, series: Series): Centre {
  const lookup = lookupOf(climatology, series)
  if (!lookup || !share) return () => null
  const offset = offsets(series, lookup, isFull)
  const newest = newestDeparture(series, lookup, offset)
  const base = harmonic(series, lookup, offset)
  return (length) => {
    const departure = newest(length) ?? 0
    return base(length)!.map((value, h) => value + share[h]! * departure)
  }
}

/** Share of a departure that lasts, 0–1: least squares through 0, from the sums of products with what came later and of squares. */
export function lastingShare(products: number, squares: number): number {
  return squares > 0 ? Math.min(1, Math.max(0, products / squares)) : 0
}
