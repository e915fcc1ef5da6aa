/** Fits one model off the main thread, so that nothing stalls. A refusal or a crash is an answer. */
import { setPriority } from 'node:os'
import { parentPort } from 'node:worker_threads'
import { randomFeatureRidge, type ModelScore, type TrainingSet } from '../../forecasting/models/index.ts'
import type { ForecastVariable } from '../../schemas/quantities.ts'

export type FitRequest = { readonly id: number; readonly history: TrainingSet; readonly variable: ForecastVariable }
export type FitAnswer = { readonly id: number } & (
  | {
      readonly ok: true
      readonly family: string
      readonly artefact: Uint8Array
      readonly rows: number
      readonly scores: readonly ModelScore[]
      readonly fitSeconds: number
    }
  | { readonly ok: false; readonly refused: string }
)

// Only this thread on Linux: live forecasts on the same machine go first.
setPriority(0, 10)

parentPort?.on('message', ({ id, history, variable }: FitRequest) => {
  const startedAt = performance.now()
  const result = randomFeatureRidge.fit(history, { variable })
  const answer: FitAnswer = result.ok
    ? {
        id,
        ok: true,
        family: result.fitted.family,
        artefact: result.fitted.serialise(),
        rows: result.rows,
        scores: result.scores,
        fitSeconds: (performance.now() - startedAt) / 1000,
      }
    : { id, ok: false, refused: `refused: ${result.refused}` }
  // A worker thread, not a window: there is no origin.
  // oxlint-disable-next-line unicorn/require-post-message-target-origin
  parentPort?.postMessage(answer)
})
