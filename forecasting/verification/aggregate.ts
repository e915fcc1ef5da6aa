/** Scores over many rows: by lead bucket, against a reference, and the uncertainty of a difference. */
import { LEAD_BUCKETS, type LeadBucketName } from '../../schemas/quantities.ts'
import type { BucketMetrics } from '../../schemas/generated/types.ts'

/** One verified lead. */
export type ScoredRow = {
  readonly leadHours: number
  readonly error: number
  readonly crps: number
  readonly covered80: boolean
  readonly covered95: boolean
}

/** Name of the bucket a lead belongs to; null outside 1–168 h. */
export function bucketOf(leadHours: number): Exclude<LeadBucketName, 'all'> | null {
  return LEAD_BUCKETS.find(({ from, to }) => leadHours >= from && leadHours <= to)?.name ?? null
}

/**
 * MAE = mean |e|, RMSE = √mean e², bias = mean e, mean CRPS and coverages, per bucket and 'all'. Empty buckets are left out; rows with a NaN
 * error are not counted. A reference forecast is a point forecast: pass its error, crps = |error|, covered = false.
 */
export function aggregateByBucket(model: string, rows: Iterable<ScoredRow>): BucketMetrics[] {
  const sums = new Map<LeadBucketName, Float64Array>()
  for (const row of rows) {
    const bucket = bucketOf(row.leadHours)
    if (bucket === null || !Number.isFinite(row.error)) continue
    for (const name of [bucket, 'all'] as const) {
      let s = sums.get(name)
      if (!s) sums.set(name, (s = new Float64Array(7)))
      s[0]! += 1
      s[1]! += Math.abs(row.error)
      s[2]! += row.error * row.error
      s[3]! += row.error
      s[4]! += row.crps
      s[5]! += row.covered80 ? 1 : 0
      s[6]! += row.covered95 ? 1 : 0
    }
  }
  const order: LeadBucketName[] = [...LEAD_BUCKETS.map(({ name }) => name), 'all']
  return order.flatMap((leadBucket) => {
    const s = sums.get(leadBucket)
    if (!s) return []
    const n = s[0]!
    return [
      {
        model,
        leadBucket,
        n,
        mae: s[1]! / n,
        rmse: Math.sqrt(s[2]! / n),
        bias: s[3]! / n,
        crps: s[4]! / n,
        coverage80: s[5]! / n,
        coverage95: s[6]! / n,
      },
    ]
  })
}

/** 1 − score/reference for scores where 0 is perfect: 1 perfect, 0 no better, negative worse. NaN when the reference is perfect. */
export function skillScore(score: number, reference: number): number {
  return reference > 0 ? 1 - score / reference : NaN
}

/** Source of uniform numbers in [0, 1). */
export type Rng = () => number

/** mulberry32 (Tommy Ettinger, public domain): small, seeded, the same on every machine. */
export function createRng(seed: number): Rng {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
}

export type PairedDifference = {
  /** Mean of a − b over the pairs. */
  readonly mean: number
  /** Interval of the mean at `level`. */
  readonly low: number
  readonly high: number
  readonly pairs: number
  readonly blocks: number
}

/**
 * Mean paired difference a − b with a moving-block bootstrap interval (Künsch 1989).
 *
 * `a` and `b`: scores of the same cases in time order. Errors stay correlated for days: draw whole blocks of `blockLength` consecutive cases.
 * Percentile interval at `level` (default 0.95) from `resamples` draws. Throws RangeError when lengths differ or are zero.
 */
export function pairedBlockBootstrap(
  a: ArrayLike<number>,
  b: ArrayLike<number>,
  options: { blockLength: number; rng: Rng; resamples?: number; level?: number },
): PairedDifference {
  const n = a.length
  if (n === 0 || n !== b.length) throw new RangeError(`need the same non-zero number of cases, got ${n} and ${b.length}`)
  const { rng, resamples = 1000, level = 0.95 } = options
  const length = Math.max(1, Math.min(n, Math.floor(options.blockLength)))
  const prefix = new Float64Array(n + 1)
  for (let i = 0; i < n; i++) prefix[i + 1] = prefix[i]! + (a[i]! - b[i]!)
  const blocks = Math.ceil(n / length)
  const means = new Float64Array(resamples)
  for (let r = 0; r < resamples; r++) {
    let total = 0
    for (let k = 0; k < blocks; k++) {
      const start = Math.floor(rng() * (n - length + 1))
      total += prefix[start + length]! - prefix[start]!
    }
    means[r] = total / (blocks * length)
  }
  means.sort()
  const at = (p: number) => means[Math.min(resamples - 1, Math.max(0, Math.round(p * (resamples - 1))))]!
  return { mean: prefix[n]! / n, low: at((1 - level) / 2), high: at((1 + level) / 2), pairs: n, blocks }
}
