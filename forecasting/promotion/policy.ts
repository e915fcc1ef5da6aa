/** What the gate asks of a challenger, and when it looks. Levels are set by simulation (simulation.ts). */
import type { Bucket } from './pairing.ts'

export type GatePolicy = {
  /** Paired hours before the first look, and between looks. */
  readonly minimumHours: number
  readonly lookEveryHours: number
  /** Paired hours after which a challenger that has not won is rejected. */
  readonly maximumHours: number
  /** Relative improvement below which a change is not worth it. */
  readonly minimumEffect: number
  /** Looks before this many paired hours promote only on an improvement of `earlyMinimumEffect`: they are there for large effects. */
  readonly earlyHours: number
  readonly earlyMinimumEffect: number
  /** One-sided error of a single look. */
  readonly alpha: number
  readonly blockHours: number
  readonly resamples: number
  /** Weights of the lead buckets: short leads forget faster, so an hour of theirs says more. */
  readonly bucketWeights: Readonly<Record<Bucket, number>>
  /** Paired hours a bucket needs before it is judged on its own. */
  readonly bucketMinimumHours: number
  /** A bucket may look this much worse at most … */
  readonly bucketMargin: number
  /** … and with this one-sided confidence not worse than `bucketLimit`. */
  readonly bucketConfidence: number
  readonly bucketLimit: number
  /** Distance from nominal of a coverage, over the buckets by their weights, may grow by this much. */
  readonly coverageMargin: number
}

export const GATE_POLICY: GatePolicy = {
  minimumHours: 72,
  lookEveryHours: 24,
  maximumHours: 336,
  minimumEffect: 0.025,
  earlyHours: 144,
  earlyMinimumEffect: 0.1,
  alpha: 0.006,
  blockHours: 24,
  resamples: 1000,
  bucketWeights: { '1-6': 0.5, '7-24': 0.3, '25-72': 0.15, '73-168': 0.05 },
  bucketMinimumHours: 48,
  bucketMargin: 0.05,
  bucketConfidence: 0.8,
  bucketLimit: 0.1,
  coverageMargin: 0.05,
}

/**
 * The same question after a promotion, with the former champion as the challenger: sooner, and only for a regression that matters.
 * Each look has few blocks, so they are shorter than a day.
 */
export const PROBATION_POLICY: GatePolicy = {
  ...GATE_POLICY,
  minimumHours: 48,
  maximumHours: 240,
  minimumEffect: 0.05,
  earlyHours: 96,
  earlyMinimumEffect: 0.15,
  alpha: 0.005,
  blockHours: 16,
}

/** Paired hours of the newest look reached; 0 before the first. */
export function lookHours(policy: GatePolicy, hours: number): number {
  const looks = looksDone(policy, hours)
  return looks === 0 ? 0 : Math.min(policy.maximumHours, policy.minimumHours + (looks - 1) * policy.lookEveryHours)
}

function looksDone({ minimumHours, lookEveryHours, maximumHours }: GatePolicy, hours: number): number {
  const counted = Math.min(hours, maximumHours)
  return counted < minimumHours ? 0 : 1 + Math.floor((counted - minimumHours) / lookEveryHours)
}
