/** Whether intervals of a challenger hold less than those of the champion. */
import type { BucketMetrics } from '../../schemas/generated/types.ts'
import type { Bucket } from './pairing.ts'
import type { GatePolicy } from './policy.ts'

const INTERVALS = [
  ['coverage80', 0.8],
  ['coverage95', 0.95],
] as const

/**
 * Reasons against a challenger, none when both intervals are as near to nominal as those of the champion or nearer, `coverageMargin` allowed.
 *
 * Buckets count by the weights of the effect. Of the rows half are of leads beyond three days, which a fortnight sees in one or two kinds of
 * weather: pooled over rows, a champion that was wrong by several degrees kept its place through a heat wave because its intervals had
 * widened with its errors.
 */
export function coverageProblems(metrics: readonly BucketMetrics[], { bucketWeights, coverageMargin }: GatePolicy): string[] {
  return INTERVALS.flatMap(([name, nominal]) => {
    const of = (model: string): number => {
      // All but the row over every lead, which has no weight.
      const rows = metrics.filter((row) => row.model === model && row.leadBucket in bucketWeights)
      const weights = rows.map(({ leadBucket }) => bucketWeights[leadBucket as Bucket])
      const total = weights.reduce((sum, weight) => sum + weight, 0)
      return rows.reduce((sum, row, i) => sum + weights[i]! * row[name], 0) / total
    }
    const [candidate, champion] = [of('candidate'), of('champion')]
    return Math.abs(candidate - nominal) - Math.abs(champion - nominal) > coverageMargin
      ? [`${name}-worse: ${candidate.toFixed(3)} against ${champion.toFixed(3)}, nominal ${nominal}`]
      : []
  })
}
