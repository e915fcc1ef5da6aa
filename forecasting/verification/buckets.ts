/** Scores added up by lead bucket. */
import { LEAD_BUCKETS } from '../../schemas/quantities.ts'
import type { LeadScore } from './scores.ts'

export type BucketScore = {
  readonly leadBucket: string
  readonly n: number
  readonly mae: number
  readonly rmse: number
  readonly bias: number
  readonly crps: number
  readonly coverage80: number
  readonly coverage95: number
}

/** Adds up scores by lead bucket and over all leads. */
export function createBucketScores() {
  const sums = new Map<
    string,
    { n: number; absolute: number; squared: number; error: number; crps: number; in80: number; in95: number }
  >()
  return {
    add(leadHours: number, score: LeadScore): void {
      const bucket = LEAD_BUCKETS.find(({ from, to }) => leadHours >= from && leadHours <= to)?.name
      for (const name of bucket ? [bucket, 'all'] : ['all']) {
        const sum = sums.get(name) ?? { n: 0, absolute: 0, squared: 0, error: 0, crps: 0, in80: 0, in95: 0 }
        sums.set(name, sum)
        sum.n++
        sum.absolute += Math.abs(score.error)
        sum.squared += score.error ** 2
        sum.error += score.error
        sum.crps += score.crps
        sum.in80 += score.covered80 ? 1 : 0
        sum.in95 += score.covered95 ? 1 : 0
      }
    },
    result(): BucketScore[] {
      return [...LEAD_BUCKETS.map(({ name }) => name as string), 'all'].flatMap((leadBucket) => {
        const sum = sums.get(leadBucket)
        if (!sum) return []
        const { n } = sum
        return [
          {
            leadBucket,
            n,
            mae: sum.absolute / n,
            rmse: Math.sqrt(sum.squared / n),
            bias: sum.error / n,
            crps: sum.crps / n,
            coverage80: sum.in80 / n,
            coverage95: sum.in95 / n,
          },
        ]
      })
    },
  }
}
