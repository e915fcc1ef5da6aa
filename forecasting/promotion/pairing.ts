/** The same rows for both: verified hours of two models, lead by lead, as they came from the verification ledger. */
import { LEAD_BUCKETS, type LeadBucketName } from '../../schemas/quantities.ts'
import { addScore, emptySums, type ScoredLead, type ScoreSums } from '../verification/index.ts'

/** One model's scores of one observed hour: arrays over the leads that verified, ascending. */
export type VerifiedHour = {
  readonly observedAt: number
  readonly observed: number
  readonly leadHours: ArrayLike<number>
  readonly error: ArrayLike<number>
  readonly crps: ArrayLike<number>
  readonly covered80: ArrayLike<boolean>
  readonly covered95: ArrayLike<boolean>
}

/** Sums over the leads of one bucket that both models verified in one hour. */
export type PairedBucket = { n: number; readonly champion: ScoreSums; readonly challenger: ScoreSums }
export type PairedHour = { readonly observedAt: number; readonly buckets: readonly PairedBucket[] }

export type PairedSample = {
  /** Ascending. */
  readonly hours: readonly PairedHour[]
  /** Rows (hour × lead) both have. */
  readonly rows: number
  /** Left out: hours before `since`; rows only one of the two has; rows on which they disagree about what was observed. */
  readonly dropped: { readonly beforeChange: number; readonly unpaired: number; readonly observedDiffers: number }
  /** Rows of the challenger that no forecast may have: not a number, or farther off than `impossibleError`. */
  readonly impossible: number
}

export type Bucket = Exclude<LeadBucketName, 'all'>
export const BUCKETS: readonly Bucket[] = LEAD_BUCKETS.map(({ name }) => name)

export type PairingOptions = {
  /** Only hours after this count, epoch ms: before it both models were judged by another instrument or climate. */
  readonly since: number | null
  /** Absolute errors above this are not forecasts, unit of the variable. */
  readonly impossibleError: number
}

/**
 * Joins the hours of both models by instant and lead. Whatever only one of them has is dropped and counted: a model must not look
 * better because it was asked on easier hours.
 */
export function pairHours(
  champion: Iterable<VerifiedHour>,
  challenger: Iterable<VerifiedHour>,
  { since, impossibleError }: PairingOptions,
): PairedSample {
  const theirs = new Map<number, VerifiedHour>()
  for (const hour of champion) theirs.set(hour.observedAt, hour)
  const dropped = { beforeChange: 0, unpaired: 0, observedDiffers: 0 }
  const hours: PairedHour[] = []
  let rows = 0
  let impossible = 0
  for (const ours of challenger) {
    const other = theirs.get(ours.observedAt)
    theirs.delete(ours.observedAt)
    if (since !== null && ours.observedAt <= since) {
      dropped.beforeChange += ours.leadHours.length
      continue
    }
    if (other === undefined) {
      dropped.unpaired += ours.leadHours.length
      continue
    }
    if (Math.abs(other.observed - ours.observed) > 1e-6) {
      dropped.observedDiffers += ours.leadHours.length
      continue
    }
    const paired = emptyHour(ours.observedAt)
    let i = 0
    let k = 0
    while (i < ours.leadHours.length && k < other.leadHours.length) {
      const a = ours.leadHours[i] as number
      const b = other.leadHours[k] as number
      if (a === b) {
        if (!(Math.abs(ours.error[i] as number) <= impossibleError) || !((ours.crps[i] as number) >= 0)) impossible++
        else if (addRow(paired, a, other, k, ours, i)) rows++
        i++
        k++
      } else {
        dropped.unpaired++
        if (a < b) i++
        else k++
      }
    }
    dropped.unpaired += ours.leadHours.length - i + (other.leadHours.length - k)
    if (paired.buckets.some(({ n }) => n > 0)) hours.push(paired)
  }
  for (const alone of theirs.values()) {
    if (since !== null && alone.observedAt <= since) dropped.beforeChange += alone.leadHours.length
    else dropped.unpaired += alone.leadHours.length
  }
  hours.sort((a, b) => a.observedAt - b.observedAt)
  return { hours, rows, dropped, impossible }
}

/** An hour without rows. */
export function emptyHour(observedAt: number): PairedHour {
  return { observedAt, buckets: BUCKETS.map(() => ({ n: 0, champion: emptySums(), challenger: emptySums() })) }
}

/** False when the champion's row is not a number either side could be held against. */
function addRow(hour: PairedHour, lead: number, champion: VerifiedHour, k: number, challenger: VerifiedHour, i: number): boolean {
  const index = LEAD_BUCKETS.findIndex(({ from, to }) => lead >= from && lead <= to)
  const bucket = hour.buckets[index]
  if (!bucket || !Number.isFinite(champion.error[k]) || !Number.isFinite(champion.crps[k])) return false
  bucket.n++
  addScore(bucket.champion, scoreAt(champion, k))
  addScore(bucket.challenger, scoreAt(challenger, i))
  return true
}

function scoreAt({ error, crps, covered80, covered95 }: VerifiedHour, i: number): ScoredLead {
  return { error: error[i]!, crps: crps[i]!, covered80: covered80[i]!, covered95: covered95[i]! }
}
