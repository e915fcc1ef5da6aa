/** What `isobar evaluate` can put side by side: the served engine, other families and the baselines, each refitted on what was known. */
import { FEATURE_COUNT } from '../../forecasting/features/index.ts'
import {
  analogEnsemble,
  type Baseline,
  BASELINES,
  type Fitted,
  type FittedBaseline,
  hourOfDay,
  linearRidge,
  type ModelFamily,
  predictLate,
  randomFeatureRidge,
  type SeriesSoFar,
  silentHours,
  type TrainingSet,
} from '../../forecasting/models/index.ts'
import type { Evaluated } from './evaluated.ts'
import { createPeer, PEER_NAMES } from './peers/family.ts'
import type { ForecastVariable } from '../../schemas/quantities.ts'

/** What the service serves, with its intervals as they would have been issued; and as the model made them (issued.ts). */
export const SERVED = 'isobar'
export const AS_MADE = 'isobar-as-made'
/** Families of the forecast engine's kind: fitted, then asked. */
const FITTED: ReadonlyMap<string, ModelFamily> = new Map([
  [SERVED, randomFeatureRidge],
  ['ridge-direct', linearRidge],
])
/** Made of the answers of others (combine.ts). */
export const COMBINATION = 'combination'
export const COMBINED = [SERVED, 'ridge-direct', analogEnsemble.name] as const
/** Answers made of those of others, which must be asked for too. */
export const MADE_OF: Readonly<Record<string, readonly string[]>> = { [AS_MADE]: [SERVED], [COMBINATION]: COMBINED }

export const FAMILY_NAMES: readonly string[] = [
  SERVED,
  AS_MADE,
  'ridge-direct',
  analogEnsemble.name,
  COMBINATION,
  ...PEER_NAMES,
  ...BASELINES.map(({ name }) => name),
]

/** So few hours of the day are fitted one by one, when they are asked for; the fit for all hours makes up to eight of them. */
const FEW_HOURS = 2

/** A fresh family: it keeps its last fit. `hoursOfDay`: how many there are among the origins. */
export function createFamily(name: string, refitHours: number, hoursOfDay: number): Evaluated {
  const fitted = FITTED.get(name)
  if (fitted) return createFitted(name, fitted, refitHours === 0 || hoursOfDay <= FEW_HOURS)
  if (PEER_NAMES.includes(name)) return createPeer(name, refitHours)
  const baseline = BASELINES.find((candidate) => candidate.name === name)
  if (baseline) return createBaseline(baseline)
  return {
    name,
    // It learns nothing that could grow old: the past itself is searched at each origin.
    forecast(known, variable) {
      const startedAt = performance.now()
      const result = analogEnsemble.forecast(known, variable)
      if (!result.ok) return result
      return { ...result, fitSeconds: (performance.now() - startedAt) / 1000, predictMilliseconds: 0 }
    },
  }
}

/** Learns when the engine does: climatologies of different age would be no comparison. Newest values and recent level are those of the origin. */
function createBaseline({ name, fit }: Baseline): Evaluated {
  let fitted: FittedBaseline | null = null
  return {
    name,
    forecast(known, variable, refit) {
      const series = seriesOf(known, variable)
      let startedAt = performance.now()
      let fitSeconds: number | null = null
      const learns = refit || !fitted
      if (learns) {
        fitted = fit(series, variable)
        fitSeconds = (performance.now() - startedAt) / 1000
        startedAt = performance.now()
      }
      const result = fitted!(series)
      if (!result.ok) {
        // Of too little nothing was learnt: the next origin tries again.
        if (learns) fitted = null
        return result
      }
      return { ok: true, quantiles: result.quantiles, fitSeconds, predictMilliseconds: performance.now() - startedAt }
    },
  }
}

const seen = new WeakMap<TrainingSet, Map<ForecastVariable, SeriesSoFar>>()

/** One object for all baselines of an origin, so that what they have in common is computed once. */
function seriesOf(known: TrainingSet, variable: ForecastVariable): SeriesSoFar {
  const own = seen.get(known) ?? new Map<ForecastVariable, SeriesSoFar>()
  seen.set(known, own)
  const series = own.get(variable) ?? { startHour: known.startHour, values: known.targets[variable] }
  own.set(variable, series)
  return series
}

const NOTHING = new Float32Array(FEATURE_COUNT).fill(Number.NaN)

function createFitted(name: string, family: ModelFamily, hourByHour: boolean): Evaluated {
  let learnt: TrainingSet | null = null
  const byHour = new Map<number | undefined, Fitted>()
  return {
    name,
    forecast(known, variable, refit) {
      const last = known.featureHours.length - 1
      const hour = known.featureHours[last]
      if (hour === undefined) return { ok: false, refused: 'nothing observed before the origin' }
      // Every hour up to the origin has a vector; before the first there is nothing.
      const vectorAt = (at: number): Float32Array => {
        const row = last - (hour - at)
        return row < 0 ? NOTHING : known.features.subarray(row * FEATURE_COUNT, (row + 1) * FEATURE_COUNT)
      }
      if (refit || !learnt || byHour.size === 0) {
        learnt = known
        byHour.clear()
      }
      const originHour = hourByHour ? hourOfDay(hour - silentHours(hour, vectorAt)) : undefined
      let fitted = byHour.get(originHour)
      let fitSeconds: number | null = null
      if (!fitted) {
        const startedAt = performance.now()
        const result = family.fit(learnt, originHour === undefined ? { variable } : { variable, originHour })
        if (!result.ok) return result
        fitted = result.fitted
        byHour.set(originHour, fitted)
        fitSeconds = (performance.now() - startedAt) / 1000
      }
      const startedAt = performance.now()
      const { quantiles } = predictLate(fitted, hour, vectorAt)
      return { ok: true, quantiles, fitSeconds, predictMilliseconds: performance.now() - startedAt }
    },
  }
}
