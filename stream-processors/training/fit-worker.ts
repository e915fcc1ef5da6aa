/** Fits the models of one history off the main thread, so that nothing stalls. A refusal or a crash is an answer. */
import { parentPort } from 'node:worker_threads'
import { type FamilyAnswer, forecastHeldOut, holdOutNewest } from '../../forecasting/comparison/index.ts'
import {
  type FitResult,
  type ModelScore,
  provisionalName,
  randomFeatureRidge,
  type Site,
  type TrainingSet,
} from '../../forecasting/models/index.ts'
import { lowerThreadPriority } from '../../infra/runtime/service/background.ts'
import type { ForecastVariable } from '../../schemas/quantities.ts'

export type FitRequest = {
  readonly what: 'fit'
  readonly history: TrainingSet
  readonly variables: readonly ForecastVariable[]
  /** Null: not known. */
  readonly site: Site | null
}
export type FitAnswer =
  | {
      readonly ok: true
      readonly family: string
      readonly artefact: Uint8Array
      readonly rows: number
      readonly scores: readonly ModelScore[]
      /** An equal share for each variable that was fitted with it. */
      readonly fitSeconds: number
    }
  | { readonly ok: false; readonly refused: string }
export type FitAnswers = ReadonlyMap<ForecastVariable, FitAnswer>

/** A family's forecasts of the newest weeks from what came before them. */
export type ForecastRequest = Pick<FitRequest, 'history' | 'variables'> & { readonly what: 'forecast'; readonly family: string }

// Live forecasts on the same machine go first.
lowerThreadPriority()

parentPort?.on('message', (request: FitRequest | ForecastRequest) => {
  // A worker thread, not a window: there is no origin.
  // oxlint-disable-next-line unicorn/require-post-message-target-origin
  parentPort?.postMessage(request.what === 'fit' ? fit(request) : forecast(request))
})

function fit({ history, variables, site }: FitRequest): FitAnswers {
  const startedAt = performance.now()
  const results = randomFeatureRidge.fitTogether(history, variables, site ? { site } : {})
  const fitSeconds = (performance.now() - startedAt) / 1000 / variables.length
  return new Map([...results].map(([variable, result]) => [variable, answerOf(result, fitSeconds)]))
}

function answerOf(result: FitResult, fitSeconds: number): FitAnswer {
  if (!result.ok) return { ok: false, refused: `refused: ${result.refused}` }
  const { fitted, rows, scores } = result
  return { ok: true, family: provisionalName(fitted) ?? fitted.family, artefact: fitted.serialise(), rows, scores, fitSeconds }
}

function forecast({ history, variables, family }: ForecastRequest): ReadonlyMap<ForecastVariable, FamilyAnswer> {
  const held = holdOutNewest(history)
  return held.ok
    ? forecastHeldOut(family, held.heldOut, variables, () => performance.now() / 1000)
    : new Map(variables.map((variable) => [variable, held]))
}
