/** Families on common support: a row counts only where every family that is scored has a forecast, so that none is scored on easier cases. */
import { type BucketScore, createBucketScores, verifyLead } from '../verification/index.ts'
import { type ForecastVariable, HORIZON_HOURS, QUANTILE_LEVELS } from '../../schemas/quantities.ts'
import { type FamilyAnswer, FORECAST_LENGTH, type HeldOut } from './held-out.ts'

const H = HORIZON_HOURS
const Q = QUANTILE_LEVELS.length
/** Of the origins, that a family must have answered: else the others would be scored on what is left of them. */
const LEAST_ANSWERED = 0.5

type ComparedFamily = {
  readonly family: string
  /** Null: it has scores. */
  readonly refused: string | null
  readonly seconds: number
  readonly metrics: readonly BucketScore[]
}
type Compared = {
  /** That every scored family answered. */
  readonly origins: number
  /** In the order of the answers. */
  readonly families: readonly ComparedFamily[]
}

/** Scores by lead bucket (verifyLead, createBucketScores) of one variable; leads that were not observed are not counted. */
export function scoreTogether(
  { history: { startHour, targets }, origins }: Pick<HeldOut, 'history' | 'origins'>,
  variable: ForecastVariable,
  answers: ReadonlyMap<string, FamilyAnswer>,
): Compared {
  const observed = targets[variable]
  const entrants = [...answers].map(([family, answer]) => {
    if (!answer.ok) return { family, refused: answer.refused, seconds: 0, quantiles: null, scores: createBucketScores() }
    const { quantiles, missed, seconds } = answer
    const answered = origins.filter((_, i) => !Number.isNaN(quantiles[i * FORECAST_LENGTH]!)).length
    const refused =
      answered < LEAST_ANSWERED * origins.length ? `${answered} of ${origins.length} origins answered: ${missed ?? ''}` : null
    return { family, refused, seconds, quantiles: refused === null ? quantiles : null, scores: createBucketScores() }
  })
  const scored = entrants.flatMap(({ quantiles, scores }) => (quantiles ? [{ quantiles, scores }] : []))
  const isAnswered = (i: number): boolean => scored.every(({ quantiles }) => !Number.isNaN(quantiles[i * FORECAST_LENGTH]!))
  const common = [...origins.keys()].filter(isAnswered)
  for (const i of common) {
    for (let h = 0; h < H; h++) {
      const value = observed[origins[i]! + 1 + h - startHour]
      if (value === undefined || Number.isNaN(value)) continue
      const from = i * FORECAST_LENGTH + h * Q
      for (const { quantiles, scores } of scored)
        scores.add(h + 1, verifyLead(quantiles.subarray(from, from + Q), value, variable))
    }
  }
  return {
    origins: scored.length === 0 ? 0 : common.length,
    families: entrants.map(({ family, refused, seconds, scores }) => ({ family, refused, seconds, metrics: scores.result() })),
  }
}
