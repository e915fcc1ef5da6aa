/**
 * The newest weeks of a history, held out: every family is fitted on what was known at the first origin in them and asked at each. The same
 * history gives the same origins and the same forecasts.
 */
import { FEATURE_COUNT, HOUR_MS } from '../features/index.ts'
import {
  FAMILIES,
  type FamilyFitted,
  hourOfDay,
  isSilent,
  knownAt,
  linearRidge,
  type ModelFamily,
  provisionalName,
  randomFeatureRidge,
  type TrainingSet,
} from '../models/index.ts'
import { type ForecastVariable, HORIZON_HOURS, QUANTILE_LEVELS } from '../../schemas/quantities.ts'

const DAY_HOURS = 24
/** Origins are a day apart; of the newest week the leads that have been observed are scored. */
export const HELD_OUT_DAYS = 28
/** Three times as much is left to learn from: a comparison of families that know nothing would say nothing. */
const LEAST_DAYS_BEFORE = 84
/** Quantiles of one forecast: leads × levels. */
export const FORECAST_LENGTH = HORIZON_HOURS * QUANTILE_LEVELS.length

export type HeldOut = {
  readonly history: TrainingSet
  /** What was known at the first origin. */
  readonly known: TrainingSet
  /** Vectors of the origins, positions in the history, ascending. */
  readonly rows: readonly number[]
  /** Hours since 1970. */
  readonly origins: readonly number[]
  /** Of the day, UTC. */
  readonly originHour: number
}

/** Forecasts of one variable at the origins, origins × leads × levels, NaN where there is none; or why there are none at all. */
export type FamilyAnswer =
  | {
      readonly ok: true
      readonly quantiles: Float32Array
      /** Why the first origin without a forecast has none. */
      readonly missed: string | null
      /** Wall seconds of fit and forecasts: an equal share for each variable that was computed with it. */
      readonly seconds: number
    }
  | { readonly ok: false; readonly refused: string }

/**
 * Origins: hours of the newest 28 days in which the station reported, at the hour of the day of its newest report, so that a family that is
 * fitted for an hour of issue needs one fit.
 */
export function holdOutNewest(
  history: TrainingSet,
): { readonly ok: true; readonly heldOut: HeldOut } | { readonly ok: false; readonly refused: string } {
  const { featureHours } = history
  const vectorOf = (row: number): Float32Array => history.features.subarray(row * FEATURE_COUNT, (row + 1) * FEATURE_COUNT)
  const end = history.startHour + history.targets.temperatureC.length - 1
  const newest = featureHours.findLastIndex((_, row) => !isSilent(vectorOf(row)))
  const originHour = hourOfDay(featureHours[newest] ?? 0)
  const rows = [...featureHours.keys()].filter((row) => {
    const hour = featureHours[row]!
    return hour >= end - HELD_OUT_DAYS * DAY_HOURS && hour < end && hourOfDay(hour) === originHour && !isSilent(vectorOf(row))
  })
  const origins = rows.map((row) => featureHours[row]!)
  const first = origins[0]
  if (first === undefined) return { ok: false, refused: `no-reports: none in the newest ${HELD_OUT_DAYS} days` }
  const days = Math.floor((first - featureHours[0]!) / DAY_HOURS)
  if (days < LEAST_DAYS_BEFORE)
    return {
      ok: false,
      refused: `too-little-history: ${days} days before the newest ${HELD_OUT_DAYS}, needs ${LEAST_DAYS_BEFORE}`,
    }
  return { ok: true, heldOut: { history, known: knownAt(history, first), rows, origins, originHour } }
}

/** Those whose regressions are made for an hour of issue, all variables of it together. */
const BY_HOUR: readonly ModelFamily[] = [randomFeatureRidge, linearRidge]

/** Fits a family on what was known at the first origin and asks it at every one. `now`: seconds, for what it takes. Unknown names are refused. */
export function forecastHeldOut(
  name: string,
  { history, known, rows, origins, originHour }: HeldOut,
  variables: readonly ForecastVariable[],
  now: () => number,
): ReadonlyMap<ForecastVariable, FamilyAnswer> {
  const startedAt = now()
  const together = BY_HOUR.find((family) => family.name === name)?.fitTogether(known, variables, { originHour })
  const family = FAMILIES.find((one) => one.name === name)
  const share = (now() - startedAt) / variables.length
  return new Map(variables.map((variable) => [variable, answer(variable)]))

  function answer(variable: ForecastVariable): FamilyAnswer {
    if (!family) return { ok: false, refused: `unknown-family: ${name}` }
    const askedAt = now()
    const result = together ? together.get(variable)! : family.fit(known, { variable })
    if (!result.ok) return { ok: false, refused: result.refused }
    const provisional = provisionalName(result.fitted)
    if (provisional !== null) return { ok: false, refused: `provisional: ${provisional}` }
    const forecasts = origins.map((origin, i) => forecast(result.fitted, origin, rows[i]!))
    const quantiles = new Float32Array(origins.length * FORECAST_LENGTH).fill(Number.NaN)
    forecasts.forEach((one, i) => typeof one === 'string' || quantiles.set(one, i * FORECAST_LENGTH))
    const missed = forecasts.find((one) => typeof one === 'string') ?? null
    return { ok: true, quantiles, missed, seconds: share + now() - askedAt }
  }

  /** Quantiles, or why there are none. */
  function forecast(fitted: FamilyFitted, origin: number, row: number): Float32Array | string {
    const features = history.features.subarray(row * FEATURE_COUNT, (row + 1) * FEATURE_COUNT)
    const made = fitted.predict({ validAtMs: origin * HOUR_MS, features, known: knownAt(history, origin) })
    if ('refused' in made) return made.refused
    return made.quantiles.every(Number.isFinite) ? made.quantiles : 'not finite'
  }
}
