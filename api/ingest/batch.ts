/** A batch of observations against what is known already: accepted, duplicate or rejected, item by item. Pure. */
import { observationEventId } from '../../schemas/event-ids.ts'
import type { Observation } from '../../schemas/generated/types.ts'
import { QUANTITIES, type Quantity } from '../../schemas/quantities.ts'
import type { ProblemError } from '../problems.ts'
import { type ItemContext, readItem, type Reported } from './item.ts'

/** What is known of a station, instant and kind. */
export type Known = { readonly revision: number } & { readonly [Q in Quantity]: number | null }
type ItemResult = {
  readonly index: number
  readonly status: 'accepted' | 'duplicate' | 'rejected'
  readonly stationId: string | null
  readonly observedAt: string | null
  readonly eventId?: string
  /** Counts up with each correction of the same instant. */
  readonly revision?: number
  readonly errors?: readonly ProblemError[]
}
export type BatchVerdict = { readonly results: ItemResult[]; readonly observations: Observation[] }

export function observationKey(o: { stationId: string; observedAt: number; kind: string }): string {
  return `${o.stationId}|${o.observedAt}|${o.kind}`
}

export function readBatch(items: readonly unknown[], pointer: string, context: ItemContext): Array<Reported | ProblemError[]> {
  return items.map((item, index) => readItem(item, `${pointer}/${index}`, context))
}

/**
 * The same values again are a duplicate; other values for the same station, instant and kind are a correction of the whole
 * observation, with the next revision. Items count in the order of the batch.
 */
export function decideBatch(
  items: ReadonlyArray<Reported | ProblemError[]>,
  known: ReadonlyMap<string, Known>,
  options: { source: string; now: number },
): BatchVerdict {
  const current = new Map(known)
  const observations: Observation[] = []
  const results = items.map((item, index): ItemResult => {
    if (Array.isArray(item)) return { index, status: 'rejected', stationId: null, observedAt: null, errors: item }
    const key = observationKey(item)
    const before = current.get(key)
    const observation: Observation = {
      ...item,
      // A replay's clock may not have reached the hour yet (within the tolerance); nothing is received before it happens.
      receivedAt: Math.max(options.now, item.observedAt),
      source: options.source,
      revision: before === undefined ? 0 : before.revision + 1,
    }
    const base = { index, stationId: item.stationId, observedAt: new Date(item.observedAt).toISOString() }
    if (before !== undefined && QUANTITIES.every((quantity) => before[quantity] === item[quantity])) {
      return { ...base, status: 'duplicate', revision: before.revision }
    }
    current.set(key, observation)
    observations.push(observation)
    return { ...base, status: 'accepted', eventId: observationEventId(observation), revision: observation.revision }
  })
  return { results, observations }
}
