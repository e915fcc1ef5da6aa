/** What `isobar evaluate` can put side by side: the served engine and the baselines, each refitted on what was known. */
import { FEATURE_COUNT, HOUR_MS } from '../../forecasting/features/index.ts'
import { BASELINES, type Fitted, randomFeatureRidge, type TrainingSet } from '../../forecasting/models/index.ts'
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

export const FAMILY_NAMES = ['isobar', ...BASELINES.map(({ name }) => name)] as const

/** Fresh families: each keeps its last fit. `everyOrigin`: refitted at every origin, so that only the hour of issue has to be fitted. */
export function createFamily(name: string, everyOrigin: boolean): Evaluated {
  const baseline = BASELINES.find((candidate) => candidate.name === name)
  if (baseline) {
    return {
      name,
      forecast(known, variable) {
        const startedAt = performance.now()
        const result = baseline.forecast({ startHour: known.startHour, values: known.targets[variable] }, variable)
        if (!result.ok) return result
        return {
          ok: true,
          quantiles: result.quantiles,
          fitSeconds: (performance.now() - startedAt) / 1000,
          predictMilliseconds: 0,
        }
      },
    }
  }
  let fitted: Fitted | null = null
  return {
    name,
    forecast(known, variable, refit) {
      const last = known.featureHours.length - 1
      const hour = known.featureHours[last]
      if (hour === undefined) return { ok: false, refused: 'nothing observed before the origin' }
      let fitSeconds: number | null = null
      if (refit || !fitted) {
        const startedAt = performance.now()
        const originHour = ((hour % 24) + 24) % 24
        const result = randomFeatureRidge.fit(known, everyOrigin ? { variable, originHour } : { variable })
        if (!result.ok) return result
        fitted = result.fitted
        fitSeconds = (performance.now() - startedAt) / 1000
      }
      const startedAt = performance.now()
      const { quantiles } = fitted.predict({
        validAtMs: hour * HOUR_MS,
        features: known.features.subarray(last * FEATURE_COUNT, (last + 1) * FEATURE_COUNT),
      })
      return { ok: true, quantiles, fitSeconds, predictMilliseconds: performance.now() - startedAt }
    },
  }
}
