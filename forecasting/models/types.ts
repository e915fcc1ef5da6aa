/** What a model family is to the rest of the house: fit → fitted; predict exists only on the fitted model; bytes in, bytes out. */
import { type ForecastVariable, HORIZON_HOURS } from '../../schemas/quantities.ts'
import type { BucketScore } from '../verification/index.ts'

/**
 * History of one station on the hourly grid. `features`: rows × FEATURE_COUNT, row r describes hour `featureHours[r]`, ascending.
 * `targets`: hourly values of every forecast variable from `startHour` on, NaN = not observed (probability: 0 or 100).
 */
export type TrainingSet = {
  readonly startHour: number
  readonly targets: Readonly<Record<ForecastVariable, Float64Array>>
  readonly featureHours: Float64Array
  readonly features: Float32Array
}

export type Site = { readonly latitude: number; readonly longitude: number; readonly elevationM: number }

export type FitOptions = {
  readonly variable: ForecastVariable
  /** Hour of the day (UTC) of the only origins that will be asked for; all hours when left out. */
  readonly originHour?: number
  /** With it a variable that was hardly ever observed gets what is usual at such a site, wide; without it a refusal. */
  readonly site?: Site
  /** Told what the fit leaves of the targets at origins that were left out: what a correction is fitted on. */
  readonly onLeftOut?: (left: LeftOut) => void
}

export type LeftOut = {
  readonly variable: ForecastVariable
  /** Hour of the day that the regression is for. */
  readonly hour: number
  /** Positions in the training set. */
  readonly rows: readonly number[]
  /** rows × 168, unit of the variable; NaN = not observed. */
  readonly residuals: Float64Array
}

export type Prediction = {
  readonly leadHours: Int32Array
  /** 168 × 7, lead-major, ascending within a lead. */
  readonly quantiles: Float32Array
  readonly persistence: Float32Array
  readonly recentredClimatology: Float32Array
  /** What was missing from the input, in words; empty when all was there. */
  readonly degradedBecause: readonly string[]
}

export type Fitted = {
  readonly family: string
  readonly variable: ForecastVariable
  /** A pure function of the vector (FEATURE_NAMES order, NaN = not observed) of the hour `validAtMs`. */
  predict(input: { readonly validAtMs: number; readonly features: Float32Array }): Prediction
  /** JSON header + typed arrays; the same fit gives the same bytes. */
  serialise(): Uint8Array
  /** For the model card: settings, data window, out-of-sample scores. */
  describe(): Readonly<Record<string, unknown>>
}

export type ModelScore = BucketScore & { readonly model: string }

export type FitResult =
  | {
      readonly ok: true
      readonly fitted: Fitted
      readonly rows: number
      /** On origins left out of the fit. */ readonly scores: readonly ModelScore[]
    }
  | { readonly ok: false; readonly refused: string }

export type ModelFamily = {
  readonly name: string
  fit(history: TrainingSet, options: FitOptions): FitResult
  /** Each variable's result is the one that `fit` gives it alone; what they have in common is computed once. */
  fitTogether(
    history: TrainingSet,
    variables: readonly ForecastVariable[],
    options: Omit<FitOptions, 'variable'>,
  ): ReadonlyMap<ForecastVariable, FitResult>
}

/** What was observed, without the vectors. */
export type Observed = Pick<TrainingSet, 'startHour' | 'targets'>

/** What is known at the hour of issue: its vector, and what was observed up to it, the newest last. */
export type Recent<Known = TrainingSet> = { readonly validAtMs: number; readonly features: Float32Array; readonly known: Known }

/** Why there is no answer. */
export type Refusal = { readonly refused: string }

/** Any family, fitted. The engine's `Fitted` is one that needs the vector alone and never refuses. */
export type FamilyFitted<Known = TrainingSet> = Omit<Fitted, 'predict'> & {
  predict(recent: Recent<Known>): Pick<Prediction, 'leadHours' | 'quantiles'> | Refusal
}

/**
 * The one interface of all families: fit → fitted; predict, serialise and describe on the fitted one. `Known`: what of the history it needs. Bytes
 * come back with `deserialiseFamily`.
 */
export type Family<Known = TrainingSet> = {
  readonly name: string
  fit(
    history: Known,
    options: FitOptions,
  ): { readonly ok: true; readonly fitted: FamilyFitted<Known> } | ({ readonly ok: false } & Refusal)
}

/** 1…168. */
export const allLeads = (): Int32Array => Int32Array.from({ length: HORIZON_HOURS }, (_, h) => h + 1)
