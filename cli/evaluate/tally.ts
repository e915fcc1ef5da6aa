/** Scores on common support: an origin counts only when every model answered, a lead only when it was observed. */
import { mean } from 'simple-statistics'
import { type BucketScore, createBucketScores, verifyLead } from '../../forecasting/verification/index.ts'
import { HORIZON_HOURS, QUANTILE_LEVELS } from '../../schemas/quantities.ts'
import { withCombination } from './combine.ts'
import { COMBINATION, SERVED } from './families.ts'
import { type IssueOptions, withIssued } from './issued.ts'
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

export type TallyOptions = IssueOptions & {
  readonly models: readonly string[]
  readonly everyHours: number
  /** Earlier origins only teach the intervals. */
  readonly firstScored: number
}

export function createTally(options: TallyOptions) {
  const { variable, models, firstScored } = options
  const added: OriginResult[] = []
  // In order of origin: threads answer in any order, and sums of floating point numbers depend on it.
  const inOrder = (): readonly OriginResult[] => {
    const made = models.includes(COMBINATION) ? withCombination(added, options) : added.toSorted((a, b) => a.origin - b.origin)
    return (models.includes(SERVED) ? withIssued(made, options) : made).filter(({ origin }) => origin >= firstScored)
  }
  const onCommonSupport = () => {
    const results = inOrder()
    const refused: Record<string, { count: number; first: string }> = {}
    for (const { answers } of results)
      for (const model of models) {
        const answer = answers[model]
        if (!answer || answer.ok) continue
        refused[model] ??= { count: 0, first: answer.refused }
        refused[model].count++
      }
    // A model that never answered would leave nothing to compare the others on: it is shown without scores.
    const compared = models.filter((model) => (refused[model]?.count ?? 0) < results.length)
    const common =
      compared.length === 0 ? [] : results.filter(({ answers }) => compared.every((model) => answers[model]?.ok === true))
    return { common, compared, refused }
  }
  return {
    /** Origins that every compared model answered, in order; a model that never answered is not compared. */
    onCommonSupport,
    add(result: OriginResult): void {
      added.push(result)
    },
    result() {
      const { common, refused } = onCommonSupport()
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
        return {
          model,
          fitSeconds: fits.length > 0 ? mean(fits) : null,
          predictMilliseconds: predicts.length > 0 ? mean(predicts) : 0,
          buckets,
        }
      })
      return { origins: common.length, refused, rows }
    },
    /** In order of origin, then model, then lead; with NaN where nothing was observed. */
    *predictions(): Generator<Prediction> {
      for (const { origin, answers, observed } of inOrder())
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
