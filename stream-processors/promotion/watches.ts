/** Which comparisons are going on for a model, and how far each has come. */
import {
  GATE_POLICY,
  type GatePolicy,
  type GateReport,
  judgeChallenger,
  lookHours,
  type PairedSample,
  pairHours,
  PROBATION_POLICY,
} from '../../forecasting/promotion/index.ts'
import { createRng } from '../../forecasting/verification/index.ts'
import type { ForecastVariable } from '../../schemas/quantities.ts'
import { type ModelState, waitOf } from './ledger.ts'
import type { ScoredHours } from './scored-hours.ts'

const HOUR_MS = 3_600_000
/** Late observations and forecasts may still change the scores of the last hours: they are looked at once they have settled. */
const SETTLE_MS = 2 * HOUR_MS
/** Event time after which a comparison ends with what there is. */
const LONGEST_MS = 21 * 24 * HOUR_MS

/** Errors larger than this are not forecasts, unit of the variable. */
const IMPOSSIBLE_ERROR: Readonly<Record<ForecastVariable, number>> = {
  temperatureC: 60,
  dewPointC: 60,
  relativeHumidityPct: 101,
  pressureHpa: 150,
  windSpeedMps: 120,
  precipitationProbabilityPct: 101,
}

/**
 * `trial`: may the rival (challenger) replace the incumbent (champion)? `probation`: should the rival (former champion) come back for the
 * incumbent (its successor)? Both ask whether the rival is better.
 */
export type Watch = {
  readonly kind: 'trial' | 'probation'
  readonly id: string
  /** The run on which a decision is made: the challenger, or the champion on probation. */
  readonly runId: string
  readonly incumbent: string
  readonly rival: string
  /** Hours after this count, epoch ms. */
  readonly since: number
  readonly policy: GatePolicy
  /** Common settled hours at the last event. */
  counted: number
  isDecided: boolean
}

export function watchesOf(state: ModelState): Watch[] {
  const { champion, challenger, shadow } = state
  const watches: Watch[] = []
  const progress = { counted: 0, isDecided: false }
  // Accepted, it has won its trial.
  if (champion && challenger && waitOf(state) === null) {
    const lastStep = Math.max(Number.NEGATIVE_INFINITY, ...challenger.changePoints.map(({ at }) => at))
    watches.push({
      kind: 'trial',
      id: `trial/${challenger.runId}/${champion.runId}`,
      runId: challenger.runId,
      incumbent: champion.version,
      rival: challenger.version,
      since: Math.max(challenger.since, champion.since, lastStep),
      policy: GATE_POLICY,
      ...progress,
    })
  }
  if (champion && shadow) {
    watches.push({
      kind: 'probation',
      id: `probation/${champion.runId}/${champion.since}`,
      runId: champion.runId,
      incumbent: champion.version,
      rival: shadow.version,
      since: champion.since,
      policy: PROBATION_POLICY,
      ...progress,
    })
  }
  return watches
}

export function countSettled(watch: Watch, hours: ScoredHours): number {
  return hours.countCommon(watch.incumbent, watch.rival, watch.since, hours.newest() - SETTLE_MS)
}

/** The report of a look if the hours that have come since the last event make one, or if the time is up; else null. */
export function look(watch: Watch, hours: ScoredHours, variable: ForecastVariable): GateReport | null {
  if (watch.isDecided) return null
  const before = watch.counted
  watch.counted = countSettled(watch, hours)
  const isOver = hours.newest() - watch.since > LONGEST_MS
  const due = lookHours(watch.policy, watch.counted)
  if (!isOver && due === lookHours(watch.policy, before)) return null
  const until = hours.newest() - SETTLE_MS
  const sample = firstHours(
    pairHours(hours.of(watch.incumbent, watch.since, until), hours.of(watch.rival, watch.since, until), {
      since: watch.since,
      impossibleError: IMPOSSIBLE_ERROR[variable],
    }),
    isOver ? Number.POSITIVE_INFINITY : due,
  )
  return judgeChallenger(sample, { policy: watch.policy, rng: createRng(seedOf(watch.id, due)), isLast: isOver })
}

/** A look sees the same hours however many came in one go. */
function firstHours(sample: PairedSample, count: number): PairedSample {
  const hours = sample.hours.slice(0, Math.min(count, sample.hours.length))
  return { ...sample, hours, rows: hours.reduce((sum, { buckets }) => sum + buckets.reduce((n, bucket) => n + bucket.n, 0), 0) }
}

/** FNV-1a: the same comparison and look draw the same blocks wherever they are judged. */
function seedOf(id: string, hours: number): number {
  let hash = 0x811c9dc5
  for (const character of `${id}/${hours}`) hash = Math.imul(hash ^ character.charCodeAt(0), 0x01000193)
  return hash >>> 0
}
