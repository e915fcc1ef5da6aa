/** Scores of one station with so much record, or with its newest hours missing, at each of its origins. */
import { type StationHours, toFullSet } from '../../cli/evaluate/series.ts'
import { buildFeatures, COLUMN, createHourlyGrid, FEATURE_COUNT, HOUR_MS } from '../../forecasting/features/index.ts'
import {
  BASELINES,
  createIssuer,
  hourOfDay,
  knownAt,
  predictLate,
  randomFeatureRidge,
  type Site,
  type TrainingSet,
} from '../../forecasting/models/index.ts'
import { createBucketScores, sharpness, verifyLead } from '../../forecasting/verification/index.ts'
import { FORECAST_VARIABLES, HORIZON_HOURS, LEAD_BUCKETS, QUANTILE_LEVELS } from '../../schemas/quantities.ts'

const H = HORIZON_HOURS
const Q = QUANTILE_LEVELS.length
const YEAR = 8766
/** 30 days for the longest mean and ten more. */
const WINDOW_HOURS = 960
export const VARIABLES = ['temperatureC', 'dewPointC', 'relativeHumidityPct', 'pressureHpa', 'windSpeedMps'] as const
type Variable = (typeof VARIABLES)[number]
export const ENGINE = 'engine'
/** As the service refits by default, about. */
const VERSION_HOURS = 30 * 24
/** Between forecasts on time, every hour of the day in turn. */
const ON_TIME_EVERY_HOURS = 7
/** Newest hours missing at the time of issue. */
export const STALE_HOURS = [0, 1, 6, 24, 72]

export type Score = {
  readonly mae: number
  readonly covered80: number
  readonly covered95: number
  readonly width80: number
}
/** By the name of the lead bucket; those without an observed lead are left out. */
export type Case = { readonly origin: number; readonly scores: Readonly<Record<string, Score>> }
/** By `variable|model` or `variable|missing hours`, origins in order. */
export type Cases = Record<string, Case[]>

/** In the last year of records of two and more, else in their second half. */
export function originsOf({ startHour, length }: StationHours, everyHours: number): number[] {
  const end = startHour + length - 1 - H
  const from = length >= 2 * YEAR ? end - YEAR : startHour + Math.floor(length / 2)
  const origins: number[] = []
  for (let origin = from; origin <= end; origin += everyHours) origins.push(origin)
  return origins
}

/** `hours` are all that is known at the fit; `fitHours`: for so long it serves the origins that follow, 0: every origin has its own. */
export function scoreLength(
  station: StationHours,
  origins: readonly number[],
  { hours, fitHours }: { hours: number; fitHours: number },
): Cases {
  const cases: Cases = {}
  for (const group of groupsOf(origins, fitHours)) {
    const first = group[0]!
    const from = first - hours + 1
    // Half a year of a quarter is no half a year; the longest lengths take what nine tenths of them have.
    if (from < station.startHour - hours / 10) continue
    const full = toFullSet(cut(station, Math.max(from, station.startHour), group.at(-1)!))
    const learnt = knownAt(full, first)
    const fits = randomFeatureRidge.fitTogether(learnt, VARIABLES, group.length === 1 ? { originHour: hourOfDay(first) } : {})
    for (const variable of VARIABLES) {
      const engine = fits.get(variable)
      if (!engine?.ok) continue
      const fitted = [
        { name: ENGINE, model: engine.fitted },
        ...BASELINES.flatMap((baseline) => {
          const fit = baseline.fit(learnt, { variable })
          return fit.ok ? [{ name: baseline.name, model: fit.fitted }] : []
        }),
      ]
      for (const origin of group) {
        if (!station.rows.has(origin)) continue
        const known = knownAt(full, origin)
        const recent = { validAtMs: origin * HOUR_MS, features: known.features.subarray(-FEATURE_COUNT), known }
        for (const { name, model } of fitted) {
          const said = model.predict(recent)
          if ('quantiles' in said) add(cases, `${variable}|${name}`, station, origin, variable, said.quantiles)
        }
      }
    }
  }
  return cases
}

/** Nothing is known but where the station stands. */
export function scorePrior(station: StationHours, origins: readonly number[], site: Site): Cases {
  const cases: Cases = {}
  const features = new Float32Array(FEATURE_COUNT).fill(Number.NaN)
  const silent = {
    startHour: origins[0]!,
    targets: Object.fromEntries(FORECAST_VARIABLES.map((v) => [v, new Float64Array(0)])) as TrainingSet['targets'],
    featureHours: new Float64Array(0),
    features: new Float32Array(0),
  }
  for (const [variable, fit] of randomFeatureRidge.fitTogether(silent, VARIABLES, { site }))
    for (const origin of origins)
      if (fit.ok) {
        const { quantiles } = fit.fitted.predict({ validAtMs: origin * HOUR_MS, features })
        add(cases, `${variable}|${ENGINE}`, station, origin, variable as Variable, quantiles)
      }
  return cases
}

/**
 * At each origin the newest hours have not arrived. Intervals as issued: a version a month from the year before it, adapted from the verification
 * of forecasts on time, two months of them before the first origin.
 */
export function scoreLate(station: StationHours, origins: readonly number[]): Cases {
  const cases: Cases = {}
  const scored = new Set(origins)
  const [first, last] = [origins[0]!, origins.at(-1)!]
  const issuers = VARIABLES.map((variable) => ({ variable, issuer: createIssuer(variable) }))
  for (let from = first - 2 * VERSION_HOURS, seen = from; from <= last; from += VERSION_HOURS) {
    const set = toFullSet(cut(station, Math.max(station.startHour, from - YEAR), from - 1))
    const fits = randomFeatureRidge.fitTogether(set, VARIABLES, {})
    for (let hour = from; hour < Math.min(from + VERSION_HOURS, last + 1); hour++) {
      if (!scored.has(hour) && (hour - first) % ON_TIME_EVERY_HOURS !== 0) continue
      for (; seen < hour; seen++)
        for (const { variable, issuer } of issuers)
          issuer.observe(seen + 1, station.rows.get(seen + 1)?.[COLUMN[variable]] ?? Number.NaN)
      // On time last: of an hour that is issued again the last verifies.
      for (const stale of scored.has(hour) ? STALE_HOURS.toReversed() : [0]) {
        const vectorAt = staleVectors(station, hour, stale)
        for (const { variable, issuer } of issuers) {
          const fit = fits.get(variable)
          if (!fit?.ok) continue
          const quantiles = issuer.issue(hour, String(from), predictLate(fit.fitted, hour, vectorAt).quantiles)
          if (scored.has(hour)) add(cases, `${variable}|${stale}`, station, hour, variable, quantiles)
        }
      }
    }
  }
  return cases
}

function groupsOf(origins: readonly number[], hours: number): number[][] {
  const groups: number[][] = []
  for (const origin of origins) {
    const last = groups.at(-1)
    if (last && origin - last[0]! < hours) last.push(origin)
    else groups.push([origin])
  }
  return groups
}

function cut({ stationId, rows }: StationHours, from: number, to: number): StationHours {
  const kept = new Map<number, Float64Array>()
  for (let hour = from; hour <= to; hour++) {
    const row = rows.get(hour)
    if (row) kept.set(hour, row)
  }
  return { stationId, startHour: from, length: to - from + 1, rows: kept }
}

/** The vectors up to the hour of issue when the last `stale` hours have not arrived. */
function staleVectors({ rows }: StationHours, origin: number, stale: number): (hour: number) => Float32Array {
  const grid = createHourlyGrid(origin - WINDOW_HOURS + 1, WINDOW_HOURS)
  for (let hour = origin - WINDOW_HOURS + 1; hour <= origin - stale; hour++) {
    const row = rows.get(hour)
    if (row) grid.set(hour, row)
  }
  return (hour) => buildFeatures(grid, hour)
}

function add(
  cases: Cases,
  key: string,
  { rows }: StationHours,
  origin: number,
  variable: Variable,
  quantiles: Float32Array,
): void {
  const sums = createBucketScores()
  const leads = Array.from({ length: H }, (_, h) => quantiles.subarray(h * Q, (h + 1) * Q))
  leads.forEach((lead, h) => {
    const observed = rows.get(origin + h + 1)?.[COLUMN[variable]] ?? Number.NaN
    if (!Number.isNaN(observed)) sums.add(h + 1, verifyLead(lead, observed, variable))
  })
  const scores = sums.result().map(({ leadBucket, mae, coverage80, coverage95 }) => {
    const { from, to } = LEAD_BUCKETS.find(({ name }) => name === leadBucket) ?? { from: 1, to: H }
    const { meanWidth80: width80 } = sharpness(leads.slice(from - 1, to))
    return [leadBucket, rounded({ mae, covered80: coverage80, covered95: coverage95, width80 })] as const
  })
  if (scores.length === 0) return
  cases[key] ??= []
  cases[key].push({ origin, scores: Object.fromEntries(scores) })
}

function rounded(score: Score): Score {
  return Object.fromEntries(Object.entries(score).map(([name, value]) => [name, Number(value.toPrecision(6))])) as Score
}
