/**
 * From verified hours to the adaptation that a forecast applies (adaptive.ts), so that every replica applies the same one, also after a restart
 * and in a replay: hours are folded in blocks, a block when the hours after it show that it is complete, and an adaptation counts for issues of
 * later hours only. Event time alone decides; no forecast is adapted by what was verified after its issue.
 */
import type { IntervalAdaptation } from '../../schemas/generated/types.ts'
import type { ForecastVariable } from '../../schemas/quantities.ts'
import { HOUR_MS } from '../features/index.ts'
import { adapt, type Adaptation, NO_ADAPTATION } from './adaptive.ts'

/** Hours folded together; blocks begin at multiples of it since 1970. */
const BLOCK_HOURS = 6
/** Hours after a block of which one must have been scored before it is folded: late observations still count. */
const SETTLE_HOURS = 3
/** Model versions of one station and variable that are adapted, the most recently verified ones: champion, challenger, shadow and one more. */
const MAX_VERSIONS = 4

/**
 * What a version that has not verified begins with, of the factors of the one that has verified newest (of several the one known longest): how a
 * recipe's intervals fail at a station is mostly the station's, and a trial of days is too short to learn it again; but the new version may have
 * learnt from what the old one failed at (docs/forecasting/experiments.md). One that was fitted knowing of a change that the old one did not know
 * inherits nothing (`beginsAnew`): what the old one has learnt since is the change.
 */
const INHERITED = 0.7

/** PITs of one model version at one observed hour, by lead; of a version that changed its role there are two parts. */
export type VerifiedPart = {
  readonly modelVersion: string
  readonly leadHours: ArrayLike<number>
  readonly pit: ArrayLike<number>
}

export type AdaptedVersion = {
  readonly modelVersion: string
  /** Newest hour that was folded, epoch hours. */
  readonly verifiedHour: number
  readonly logFactors: Adaptation
  /** The log factors one block earlier. */
  readonly previousLogFactors: Adaptation
}

export type AdaptationRecord = {
  /** First hour that is not folded, epoch hours; a multiple of BLOCK_HOURS. */
  readonly end: number
  readonly versions: readonly AdaptedVersion[]
}

/** A probability has no interval. */
export const isAdapted = (variable: ForecastVariable): boolean => variable !== 'precipitationProbabilityPct'

/** As published. */
export function recordOf({ verifiedUntil, versions }: Pick<IntervalAdaptation, 'verifiedUntil' | 'versions'>): AdaptationRecord {
  return {
    end: verifiedUntil / HOUR_MS,
    versions: versions.map(({ verifiedAt, ...version }) => ({ ...version, verifiedHour: verifiedAt / HOUR_MS })),
  }
}

/** Up to which hour (exclusive) blocks are complete once `newestHour` has been scored. */
export function completeUntil(newestHour: number): number {
  return Math.floor((newestHour + 1 - SETTLE_HOURS) / BLOCK_HOURS) * BLOCK_HOURS
}

/** First hour of the block an hour lies in. */
export function blockOf(hour: number): number {
  return Math.floor(hour / BLOCK_HOURS) * BLOCK_HOURS
}

/**
 * The record after the block [record.end, record.end + 6 h). `partsOf`: what verified at an hour. `beginsAnew`: of a version that has not verified,
 * whether it inherits nothing.
 */
export function foldBlock(
  record: AdaptationRecord,
  partsOf: (hour: number) => readonly VerifiedPart[],
  beginsAnew: (modelVersion: string) => boolean = () => false,
): AdaptationRecord {
  const end = record.end + BLOCK_HOURS
  const share = inherited(record.versions[0]?.logFactors) ?? NO_ADAPTATION
  const versions = new Map(
    record.versions.map((version) => [version.modelVersion, { ...version, previousLogFactors: version.logFactors }]),
  )
  for (let hour = record.end; hour < end; hour++) {
    for (const [modelVersion, parts] of Map.groupBy(partsOf(hour), (part) => part.modelVersion)) {
      const known = versions.get(modelVersion)
      const beginning = known || !beginsAnew(modelVersion) ? share : NO_ADAPTATION
      const { leadHours, pit } = joined(parts)
      versions.set(modelVersion, {
        modelVersion,
        verifiedHour: hour,
        logFactors: adapt(known?.logFactors ?? beginning, leadHours, pit),
        previousLogFactors: known?.previousLogFactors ?? beginning,
      })
    }
  }
  const newest = [...versions.values()].toSorted((a, b) => b.verifiedHour - a.verifiedHour).slice(0, MAX_VERSIONS)
  return { end, versions: newest }
}

function joined(parts: readonly VerifiedPart[]): Pick<VerifiedPart, 'leadHours' | 'pit'> {
  const [first, ...others] = parts
  if (others.length === 0) return first!
  return {
    leadHours: parts.flatMap(({ leadHours }) => Array.from(leadHours)),
    pit: parts.flatMap(({ pit }) => Array.from(pit)),
  }
}

/**
 * What a forecast issued at an hour by a version applies; null: nothing. From the hour `end + 6 h` on the newest; in the block before, the previous.
 * `beginsAnew`: as in foldBlock, asked only of a version that has not verified.
 */
export function adaptationFor(
  { end, versions }: AdaptationRecord,
  modelVersion: string,
  issueHour: number,
  beginsAnew: (modelVersion: string) => boolean = () => false,
): Adaptation | null {
  if (issueHour < end) return null
  const newest = issueHour >= end + BLOCK_HOURS ? 'logFactors' : 'previousLogFactors'
  const own = versions.find((one) => one.modelVersion === modelVersion)
  if (own) return own[newest]
  return beginsAnew(modelVersion) ? NO_ADAPTATION : inherited(versions[0]?.[newest])
}

/** Whether these are the factors of a version that begins anew. */
export const isUnstretched = (logFactors: ArrayLike<number>): boolean =>
  logFactors.length > 0 && Array.from(logFactors).every((theta) => theta === 0)

function inherited(logFactors: Adaptation | undefined): Adaptation | null {
  return logFactors ? logFactors.map((theta) => INHERITED * theta) : null
}
