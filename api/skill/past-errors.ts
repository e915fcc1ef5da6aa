/**
 * Past errors read once for all who ask: the store takes a tenth of a second. They hold while nothing more has verified of the model. The archive
 * may be a moment behind the topic that tells of it, so none are kept longer than a minute.
 */
import type { RouteDeps, SkillReader } from '../ports.ts'

const KEPT_MS = 60_000
/** A season at every lead is half a megabyte. */
const MAX_KEPT = 100

type Read = { readonly errors: Promise<number[][]>; readonly verified: number; readonly at: number }

export function createPastErrors({
  snapshot,
  store,
  wallNow,
}: Pick<RouteDeps, 'snapshot' | 'store' | 'wallNow'>): SkillReader['pastErrors'] {
  const reads = new Map<string, Read>()
  return (stationId, variable, issues) => {
    const key = JSON.stringify([stationId, variable, issues])
    const verified = snapshot.verified(stationId, variable)
    const known = reads.get(key)
    if (known?.verified === verified && wallNow() - known.at < KEPT_MS) return known.errors
    const errors = store.skill.pastErrors(stationId, variable, issues)
    errors.catch(() => reads.delete(key))
    if (reads.size >= MAX_KEPT) reads.clear()
    reads.set(key, { errors, verified, at: wallNow() })
    return errors
  }
}
