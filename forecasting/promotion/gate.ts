/**
 * Champion against challenger on the same verified rows, at fixed looks. The score is CRPS (a probability: its Brier score), relative
 * to the champion's mean in the same lead bucket, so that no bucket and no unit outweighs the others by its size.
 *
 * Effect of an hour = Σ_b w_b · (champion_b − challenger_b) / mean champion_b, over the buckets b that verified, w normalised. Its mean
 * is the relative improvement; its interval a moving-block bootstrap (Künsch 1989) with blocks of a day or more, because errors stay
 * correlated that long. A challenger is promoted when the interval lies above 0 and the mean above the minimum effect, no bucket is
 * worse, coverage is not worse, and nothing impossible was forecast. Levels are set by simulation so that all looks together keep the
 * error rates in docs/model-life/gate.md.
 */
import type { BucketMetrics } from '../../schemas/generated/types.ts'
import { emptySums, meanScores, pairedBlockBootstrap, type Rng } from '../verification/index.ts'
import { studentQuantile } from '../verification/student-quantile.ts'
import { coverageProblems } from './coverage.ts'
import { BUCKETS, type Bucket, type PairedHour, type PairedSample } from './pairing.ts'
import { GATE_POLICY, type GatePolicy } from './policy.ts'

export type BucketReport = {
  readonly leadBucket: Bucket
  readonly hours: number
  /** Relative deterioration of CRPS, challenger against champion: negative is better. */
  readonly change: number
  /** Upper bound of it at the policy's confidence. */
  readonly upper: number
  readonly verdict: 'not-worse' | 'worse' | 'too-few-hours'
}

export type GateReport = {
  readonly decision: 'promote' | 'reject' | 'continue'
  /** Machine-readable, the deciding one first: `code` or `code: detail`. */
  readonly reasons: readonly string[]
  readonly hours: number
  readonly rows: number
  readonly dropped: PairedSample['dropped']
  readonly firstHour: number | null
  readonly lastHour: number | null
  /** Relative improvement of CRPS and its interval at 1 − 2·alpha. */
  readonly effect: { readonly mean: number; readonly low: number; readonly high: number } | null
  readonly buckets: readonly BucketReport[]
  /** `candidate` is the challenger. Over the same rows. */
  readonly metrics: readonly BucketMetrics[]
  readonly policy: GatePolicy
  /** The same in words, one sentence a line. */
  readonly text: readonly string[]
}

/** One look. `isLast`: the trial has run out, so that "not yet" becomes a rejection. */
export function judgeChallenger(sample: PairedSample, options: { policy?: GatePolicy; rng: Rng; isLast?: boolean }): GateReport {
  const { policy = GATE_POLICY, rng } = options
  const { hours } = sample
  const isLast = options.isLast === true || hours.length >= policy.maximumHours
  const metrics = [...metricsOf('candidate', hours, 'challenger'), ...metricsOf('champion', hours, 'champion')]
  const base = {
    hours: hours.length,
    rows: sample.rows,
    dropped: sample.dropped,
    firstHour: hours[0]?.observedAt ?? null,
    lastHour: hours.at(-1)?.observedAt ?? null,
    metrics,
    policy,
  }
  const end = (decision: GateReport['decision'], reasons: string[], more: Pick<GateReport, 'effect' | 'buckets'>): GateReport => {
    const report = { ...base, ...more, decision, reasons }
    return { ...report, text: describe(report) }
  }
  if (sample.impossible > 0) {
    return end('reject', [`impossible-values: ${sample.impossible} rows`], { effect: null, buckets: [] })
  }
  if (hours.length < policy.minimumHours) {
    const reason = `too-few-hours: ${hours.length} of ${policy.minimumHours}`
    return end(isLast ? 'reject' : 'continue', [reason], { effect: null, buckets: [] })
  }
  const relative = relativeScores(hours)
  const effect = effectOf(relative, policy, rng)
  const buckets = relative.map((scores, b) => judgeBucket(BUCKETS[b] as Bucket, scores, policy, rng))
  const found = { effect, buckets }

  const size = `${percent(effect.mean)} (${percent(effect.low)} to ${percent(effect.high)}) over ${hours.length} h`
  if (effect.high < 0) return end('reject', [`worse: ${size}`], found)
  const against: string[] = []
  if (effect.low <= 0) against.push(`not-significant: ${size}`)
  const needed = hours.length < policy.earlyHours ? policy.earlyMinimumEffect : policy.minimumEffect
  if (effect.mean < needed) against.push(`below-minimum-effect: ${size}, ${percent(needed)} needed`)
  for (const { leadBucket, verdict, change } of buckets)
    if (verdict === 'worse') against.push(`worse-at-${leadBucket}: ${percent(change)}`)
  against.push(...coverageProblems(metrics, policy))
  if (against.length === 0) return end('promote', [`better: ${size}`], found)
  // Nothing that could still be found would be worth a change.
  if (effect.high < policy.minimumEffect) return end('reject', [`no-improvement: ${size}`, ...against], found)
  return end(isLast ? 'reject' : 'continue', against, found)
}

type BucketScores = {
  readonly champion: Float64Array
  readonly challenger: Float64Array
  /** Index of the hour each belongs to. */
  readonly hourIndex: Int32Array
}

/** Mean CRPS of each bucket and hour, divided by the champion's mean over all hours of the bucket. */
function relativeScores(hours: readonly PairedHour[]): BucketScores[] {
  return BUCKETS.map((_, b) => {
    const index: number[] = []
    hours.forEach(({ buckets }, h) => {
      if ((buckets[b]?.n ?? 0) > 0) index.push(h)
    })
    const read = (side: 'champion' | 'challenger'): Float64Array =>
      Float64Array.from(index, (h) => {
        const bucket = hours[h]?.buckets[b] as PairedHour['buckets'][number]
        return bucket[side].crps / bucket.n
      })
    const champion = read('champion')
    const challenger = read('challenger')
    const mean = champion.reduce((sum, value) => sum + value, 0) / Math.max(1, champion.length)
    // A champion that was never wrong cannot be beaten; the guard keeps the ratio finite.
    const scale = mean > 0 ? 1 / mean : 1
    return {
      champion: champion.map((value) => value * scale),
      challenger: challenger.map((value) => value * scale),
      hourIndex: Int32Array.from(index),
    }
  })
}

function effectOf(scores: readonly BucketScores[], policy: GatePolicy, rng: Rng) {
  const count = Math.max(...scores.flatMap(({ hourIndex }) => [(hourIndex.at(-1) ?? -1) + 1]))
  const champion = new Float64Array(count)
  const challenger = new Float64Array(count)
  const weights = new Float64Array(count)
  scores.forEach((bucket, b) => {
    const weight = policy.bucketWeights[BUCKETS[b] as Bucket]
    bucket.hourIndex.forEach((h, i) => {
      weights[h]! += weight
      champion[h]! += weight * bucket.champion[i]!
      challenger[h]! += weight * bucket.challenger[i]!
    })
  })
  for (let h = 0; h < count; h++) {
    champion[h]! /= weights[h]!
    challenger[h]! /= weights[h]!
  }
  return intervalOf(champion, challenger, policy.alpha, policy, rng)
}

/**
 * Mean of a − b with a one-sided error of `alpha` at either end: standard error from the block bootstrap, tail from Student's t with one
 * degree of freedom less than there are blocks. Percentiles of a handful of blocks would be far too narrow.
 */
function intervalOf(a: Float64Array, b: Float64Array, alpha: number, policy: GatePolicy, rng: Rng) {
  // ±1 standard error is where the normal quantiles at 15.87 % and 84.13 % lie.
  const { mean, low, high, blocks } = pairedBlockBootstrap(a, b, {
    blockLength: policy.blockHours,
    resamples: policy.resamples,
    level: 0.6827,
    rng,
  })
  const spread = studentQuantile(1 - alpha, Math.max(1, blocks - 1)) * ((high - low) / 2)
  return { mean, low: mean - spread, high: mean + spread }
}

function judgeBucket(leadBucket: Bucket, { champion, challenger }: BucketScores, policy: GatePolicy, rng: Rng): BucketReport {
  const hours = champion.length
  if (hours < policy.bucketMinimumHours) {
    return { leadBucket, hours, change: Number.NaN, upper: Number.NaN, verdict: 'too-few-hours' }
  }
  const { mean, high } = intervalOf(challenger, champion, 1 - policy.bucketConfidence, policy, rng)
  const verdict = mean > policy.bucketMargin || high > policy.bucketLimit ? 'worse' : 'not-worse'
  return { leadBucket, hours, change: mean, upper: high, verdict }
}

function metricsOf(model: string, hours: readonly PairedHour[], side: 'champion' | 'challenger'): BucketMetrics[] {
  const rows = BUCKETS.map((leadBucket, b) => ({ leadBucket: leadBucket as string, ...total(hours, [b], side) }))
  rows.push({
    leadBucket: 'all',
    ...total(
      hours,
      BUCKETS.map((_, b) => b),
      side,
    ),
  })
  return rows.flatMap(({ leadBucket, n, sums }) => (n === 0 ? [] : [{ model, leadBucket, n, ...meanScores(n, sums) }]))
}

function total(hours: readonly PairedHour[], buckets: readonly number[], side: 'champion' | 'challenger') {
  const sums = emptySums()
  let n = 0
  for (const hour of hours) {
    for (const b of buckets) {
      const bucket = hour.buckets[b]
      if (!bucket) continue
      n += bucket.n
      const from = bucket[side]
      sums.absolute += from.absolute
      sums.crps += from.crps
      sums.error += from.error
      sums.squared += from.squared
      sums.in80 += from.in80
      sums.in95 += from.in95
    }
  }
  return { n, sums }
}

function describe(report: Omit<GateReport, 'text'>): string[] {
  const { effect, dropped } = report
  const span =
    report.firstHour === null || report.lastHour === null
      ? 'no common hour'
      : `${new Date(report.firstHour).toISOString()} to ${new Date(report.lastHour).toISOString()}`
  const lines = [
    `${WORDS[report.decision]}: ${report.reasons.join('; ')}.`,
    `Compared on ${report.rows} common rows of ${report.hours} verified hours (${span}).`,
    `Left out: ${dropped.unpaired} rows only one model had, ${dropped.beforeChange} rows up to the change point, ${dropped.observedDiffers} rows scored against different observations.`,
  ]
  if (effect) {
    lines.push(
      `CRPS improves by ${percent(effect.mean)}, ${((1 - 2 * report.policy.alpha) * 100).toFixed(1)} % interval ${percent(effect.low)} to ${percent(effect.high)}.`,
    )
  }
  for (const { leadBucket, verdict, change, upper, hours } of report.buckets) {
    lines.push(
      verdict === 'too-few-hours'
        ? `Leads ${leadBucket} h: ${hours} hours, too few to judge.`
        : `Leads ${leadBucket} h: CRPS ${change <= 0 ? 'lower' : 'higher'} by ${percent(Math.abs(change))} (at most ${percent(upper)} higher): ${verdict}.`,
    )
  }
  return lines
}

const WORDS = { promote: 'Promoted', reject: 'Rejected', continue: 'Not decided yet' } as const

function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`
}
