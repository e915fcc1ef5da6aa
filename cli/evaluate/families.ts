/** What `isobar evaluate` can put side by side: the served engine, other families and the baselines, each refitted on what was known. */
import { FEATURE_COUNT, HOUR_MS } from '../../forecasting/features/index.ts'
import {
  analogEnsemble,
  BASELINES,
  FAMILIES,
  type Family,
  type FamilyFitted,
  type Fitted,
  hourOfDay,
  linearRidge,
  type ModelFamily,
  predictLate,
  randomFeatureRidge,
  silentHours,
  type TrainingSet,
} from '../../forecasting/models/index.ts'
import type { Evaluated } from './evaluated.ts'
import { createPeer, PEER_NAMES } from './peers/family.ts'

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
  const engine = FITTED.get(name)
  if (engine) return createFitted(name, engine, refitHours === 0 || hoursOfDay <= FEW_HOURS)
  if (PEER_NAMES.includes(name)) return createPeer(name, refitHours)
  // Analogs learn nothing that could grow old: the past itself is searched at each origin.
  return createLearnt(
    FAMILIES.find((candidate) => candidate.name === name)!,
    name === analogEnsemble.name,
  )
}

/** Learns when the engine does: climatologies of different age would be no comparison. Newest values and recent level are those of the origin. */
function createLearnt(family: Family, learnsAlways: boolean): Evaluated {
  let fitted: FamilyFitted | null = null
  return {
    name: family.name,
    forecast(known, variable, refit) {
      let startedAt = performance.now()
      let fitSeconds: number | null = null
      const learns = refit || learnsAlways || !fitted
      if (learns) {
        const result = family.fit(known, { variable })
        fitted = result.ok ? result.fitted : null
        if (!result.ok) return result
        fitSeconds = (performance.now() - startedAt) / 1000
        startedAt = performance.now()
      }
      const validAtMs = (known.featureHours.at(-1) ?? known.startHour) * HOUR_MS
      const answer = fitted!.predict({ validAtMs, features: known.features.subarray(-FEATURE_COUNT), known })
      if ('refused' in answer) {
        // Of too little nothing was learnt: the next origin tries again.
        if (learns) fitted = null
        return { ok: false, refused: answer.refused }
      }
      return { ok: true, quantiles: answer.quantiles, fitSeconds, predictMilliseconds: performance.now() - startedAt }
    },
  }
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
