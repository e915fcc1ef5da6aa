/** Scores on common support: an origin counts only when every model answered, a lead only when it was observed. */
import { type BucketScore, createBucketScores, verifyLead } from '../../forecasting/verification/index.ts'
import { type ForecastVariable, HORIZON_HOURS, QUANTILE_LEVELS } from '../../schemas/quantities.ts'
import type { OriginResult } from './origins.ts'

const Q = QUANTILE_LEVELS.length

export type ModelRow = {
  readonly model: string
  /** Means; null where nothing was fitted. */
  readonly fitSeconds: number | null
  readonly predictMilliseconds: number
  readonly buckets: ReadonlyArray<{ readonly bucket: string } & Omit<BucketScore, 'leadBucket'>>
}

export type Prediction = {
  readonly model: string
  readonly origin: number
  readonly leadHours: number
  readonly quantiles: Float32Array
  readonly observed: number
}

export function createTally(variable: ForecastVariable, models: readonly string[]) {
  const results: OriginResult[] = []
  const refused: Record<string, { count: number; first: string }> = {}
  return {
    add(result: OriginResult): void {
      results.push(result)
      for (const [model, answer] of Object.entries(result.answers)) {
        if (answer.ok) continue
        refused[model] ??= { count: 0, first: answer.refused }
        refused[model].count++
      }
    },
    result() {
      // In order of origin: threads answer in any order, and sums of floating point numbers depend on it.
      const common = results
        .filter(({ answers }) => models.every((model) => answers[model]?.ok === true))
        .toSorted((a, b) => a.origin - b.origin)
      const rows = models.map((model): ModelRow => {
        const scores = createBucketScores()
        const fits: number[] = []
        const predicts: number[] = []
        for (const { answers, observed } of common) {
          const answer = answers[model]
          if (!answer?.ok) continue
          if (answer.fitSeconds !== null) fits.push(answer.fitSeconds)
          predicts.push(answer.predictMilliseconds)
          for (let h = 0; h < HORIZON_HOURS; h++) {
            if (Number.isNaN(observed[h]!)) continue
            scores.add(h + 1, verifyLead(answer.quantiles.subarray(h * Q, (h + 1) * Q), observed[h]!, variable))
          }
        }
        const buckets = scores.result().map(({ leadBucket, ...score }) => ({ bucket: leadBucket, ...score }))
        return { model, fitSeconds: fits.length > 0 ? mean(fits) : null, predictMilliseconds: mean(predicts), buckets }
      })
      return { origins: common.length, refused, rows }
    },
    /** In order of origin, then model, then lead; with NaN where nothing was observed. */
    *predictions(): Generator<Prediction> {
      for (const { origin, answers, observed } of results.toSorted((a, b) => a.origin - b.origin))
        for (const model of models) {
          const answer = answers[model]
          if (!answer?.ok) continue
          for (let h = 0; h < HORIZON_HOURS; h++)
            yield {
              model,
              origin,
              leadHours: h + 1,
              quantiles: answer.quantiles.subarray(h * Q, (h + 1) * Q),
              observed: observed[h]!,
            }
        }
    },
  }
}

function mean(values: readonly number[]): number {
  return values.length > 0 ? values.reduce((a, b) => a + b, 0) / values.length : 0
}
