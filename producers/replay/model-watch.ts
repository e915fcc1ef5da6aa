/** Knows which of the awaited models are served, from the events of model.control.v1 and model.status.v1. */
import { pause } from '../../infra/runtime/backoff.ts'
import { modelKey } from '../../schemas/event-ids.ts'
import type { Control, ReplicaStatus } from '../../schemas/generated/types.ts'
import type { ModelWatch } from './replay.ts'

export type ModelEvents = ReadonlyArray<
  | {
      readonly topic: 'model.control.v1'
      readonly key: string
      readonly value: { readonly champion: Pick<Control['champion'], 'version'> }
    }
  | {
      readonly topic: 'model.status.v1'
      readonly key: string
      readonly value: Pick<ReplicaStatus, 'replicaId' | 'stationId' | 'variable' | 'version'>
    }
  | { readonly topic: 'model.control.v1' | 'model.status.v1'; readonly key: string; readonly value: null }
>

/**
 * A model is awaited until it has a champion and `replicas` replicas have reported on that version, served or refused: an hour that is
 * replayed before would get no forecast. Feed it every event, in order; a tombstone of control takes the champion away.
 */
export function createModelWatch(
  expected: readonly string[],
  replicas: number,
): ModelWatch & { onEvents(events: ModelEvents): void } {
  const champions = new Map<string, string>()
  /** Model and version → replicas that reported on it. */
  const reports = new Map<string, Set<string>>()
  let wake = new AbortController()

  function isServed(key: string): boolean {
    const version = champions.get(key)
    return version !== undefined && (reports.get(`${key}@${version}`)?.size ?? 0) >= replicas
  }

  return {
    missing: () => expected.filter((key) => !isServed(key)),
    changed: (signal, timeoutMs) => pause(timeoutMs, AbortSignal.any([signal, wake.signal])),
    onEvents(events) {
      for (const { topic, key, value } of events) {
        if (topic === 'model.control.v1') {
          if (value === null) champions.delete(key)
          else champions.set(key, value.champion.version)
        } else if (value !== null) {
          const about = `${modelKey(value.stationId, value.variable)}@${value.version}`
          const reported = reports.get(about) ?? new Set()
          reports.set(about, reported.add(value.replicaId))
        }
      }
      wake.abort()
      wake = new AbortController()
    },
  }
}
