/**
 * What is known of requests and runs, from their topics: which requests have ended, which are open, when a model was last asked for.
 * Rebuilt from the beginning at every start, so that nothing is trained or asked for twice after a restart.
 */
import { provisionalReason } from '../../forecasting/models/index.ts'
import { modelKey } from '../../schemas/event-ids.ts'
import type { Lifecycle, RetrainRequest } from '../../schemas/generated/types.ts'

export type RunBook = {
  readonly onRequest: (request: RetrainRequest) => void
  readonly onLifecycle: (event: Lifecycle) => void
  /** Whether a run of this request has been registered or has failed for good. */
  readonly hasEnded: (requestId: string) => boolean
  /** Event time of the newest request that is still being worked on, or whose model awaits a decision; null when there is none. */
  readonly openSince: (key: string) => number | null
  /** Event time at which the newest run of a model failed or was rejected; null when none was. */
  readonly refusedAt: (key: string) => number | null
  /** Whether a first model, or one that an operator has asked for, is still to be trained. */
  readonly isAwaited: () => boolean
  /** Hours with an own value that a provisional run has seen; null for any other run. */
  readonly rowsOf: (runId: string) => number | null
}

/** Somebody waits for the model: a station without one, or whoever asked for it. */
const AWAITED: ReadonlySet<RetrainRequest['reason']> = new Set(['cold-start', 'operator'])

export function createRunBook(): RunBook {
  const ended = new Set<string>()
  const open = new Map<string, Map<string, number>>()
  const awaited = new Set<string>()
  const refused = new Map<string, number>()
  const evaluated = new Map<string, number>()
  const rows = new Map<string, number>()
  return {
    onRequest({ requestId, stationId, variable, requestedAt, reason }) {
      if (ended.has(requestId)) return
      if (AWAITED.has(reason)) awaited.add(requestId)
      const key = modelKey(stationId, variable)
      const requests = open.get(key) ?? new Map<string, number>()
      open.set(key, requests.set(requestId, requestedAt))
    },
    onLifecycle({ event, causedBy, stationId, variable, at, runId, ...run }) {
      const key = modelKey(stationId, variable)
      if (event === 'failed' || event === 'rejected') refused.set(key, Math.max(at, refused.get(key) ?? 0))
      if (event === 'evaluated') {
        evaluated.set(key, Math.max(at, evaluated.get(key) ?? 0))
        // Of the others nobody asks.
        if (provisionalReason(run.family) !== null) rows.set(runId, run.rows)
      }
      if ((event !== 'evaluated' && event !== 'failed') || causedBy === null) return
      ended.add(causedBy)
      awaited.delete(causedBy)
      open.get(key)?.delete(causedBy)
    },
    hasEnded: (requestId) => ended.has(requestId),
    openSince(key) {
      const known = [...(open.get(key)?.values() ?? []), ...(evaluated.has(key) ? [evaluated.get(key) as number] : [])]
      return known.length > 0 ? Math.max(...known) : null
    },
    isAwaited: () => awaited.size > 0,
    refusedAt: (key) => refused.get(key) ?? null,
    rowsOf: (runId) => rows.get(runId) ?? null,
  }
}
