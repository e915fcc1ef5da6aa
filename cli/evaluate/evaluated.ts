/** What a family answers in `isobar evaluate`. */
import type { TrainingSet } from '../../forecasting/models/index.ts'
import type { ForecastVariable } from '../../schemas/quantities.ts'

/** 168 × 7 quantiles, or why there are none. */
export type Answer =
  | {
      readonly ok: true
      readonly quantiles: Float32Array
      readonly fitSeconds: number | null
      readonly predictMilliseconds: number
    }
  | { readonly ok: false; readonly refused: string }

export type Evaluated = {
  readonly name: string
  /** `known`: the history up to the origin. `refit`: learn from it first; else the last fit is used where there is one. */
  forecast(known: TrainingSet, variable: ForecastVariable, refit: boolean): Answer
}
