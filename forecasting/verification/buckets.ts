/** Scores added up by lead bucket. */
import { HORIZON_HOURS, LEAD_BUCKETS, type LeadBucketName } from '../../schemas/quantities.ts'
import type { LeadScore } from './scores.ts'

/** Mean scores of the leads of one bucket, unit of the variable; coverages 0–1. */
export type BucketScore = {
  readonly leadBucket: LeadBucketName
  readonly n: number
  readonly mae: number
  readonly rmse: number
  readonly bias: number
  readonly crps: number
  readonly coverage80: number
  readonly coverage95: number
}

/** What a bucket needs of a score. A point forecast has crps = |error| and covers nothing. */
export type ScoredLead = Pick<LeadScore, 'error' | 'crps' | 'covered80' | 'covered95'>

/** Sums of |e|, e², e and CRPS, and how many observations either interval covered. */
export type ScoreSums = { absolute: number; squared: number; error: number; crps: number; in80: number; in95: number }

export function emptySums(): ScoreSums {
  return { absolute: 0, squared: 0, error: 0, crps: 0, in80: 0, in95: 0 }
}

export function addScore(sums: ScoreSums, { error, crps, covered80, covered95 }: ScoredLead): void {
  sums.absolute += Math.abs(error)
  sums.squared += error * error
  sums.error += error
  sums.crps += crps
  if (covered80) sums.in80++
  if (covered95) sums.in95++
}

/** MAE = mean |e|, RMSE = √mean e², bias = mean e (WMO-No. 485: forecast minus observed), mean CRPS and coverages of `n` > 0 scores. */
export function meanScores(n: number, sums: ScoreSums): Omit<BucketScore, 'leadBucket' | 'n'> {
  return {
    mae: sums.absolute / n,
    rmse: Math.sqrt(sums.squared / n),
    bias: sums.error / n,
    crps: sums.crps / n,
    coverage80: sums.in80 / n,
    coverage95: sums.in95 / n,
  }
}

const ORDER: readonly LeadBucketName[] = [...LEAD_BUCKETS.map(({ name }) => name), 'all']

/** Position in ORDER of the bucket of each lead (index 0 = lead 1). */
const BUCKET_OF_LEAD = Uint8Array.from({ length: HORIZON_HOURS }, (_, h) =>
  LEAD_BUCKETS.findIndex(({ from, to }) => h + 1 >= from && h + 1 <= to),
)

/** Name of the bucket a lead belongs to; null outside 1–168 h. */
export function bucketOf(leadHours: number): Exclude<LeadBucketName, 'all'> | null {
  return LEAD_BUCKETS.find(({ from, to }) => leadHours >= from && leadHours <= to)?.name ?? null
}

/**
 * Mean scores per bucket and over 'all' leads. Leads outside 1–168 h and leads whose error is not finite are not counted; empty buckets
 * are left out of the result.
 */
export function createBucketScores() {
  const sums = ORDER.map(() => ({ n: 0, ...emptySums() }))
  const all = sums.at(-1)!
  return {
    add(leadHours: number, score: ScoredLead): void {
      const own = sums[BUCKET_OF_LEAD[leadHours - 1] ?? -1]
      if (!own || !Number.isFinite(score.error)) return
      for (const sum of [own, all]) {
        sum.n++
        addScore(sum, score)
      }
    },
    result(): BucketScore[] {
      return ORDER.flatMap((leadBucket, i) => {
        const { n, ...sum } = sums[i]!
        return n === 0 ? [] : [{ leadBucket, n, ...meanScores(n, sum) }]
      })
    },
  }
}

/** 1 − score/reference for scores where 0 is perfect (WMO-No. 485): 1 perfect, 0 no better, negative worse. NaN when the reference is perfect. */
export function skillScore(score: number, reference: number): number {
  return reference > 0 ? 1 - score / reference : NaN
}
