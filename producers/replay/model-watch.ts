/** Knows which of the awaited models have a champion, from the events of model.control.v1. */
import { pause } from '../../infra/runtime/backoff.ts'
import type { ModelWatch } from './replay.ts'

export type ControlEvents = ReadonlyArray<{ readonly key: string; readonly value: object | null }>

/** Feed it every control event, in order; a tombstone takes the champion away. */
export function createModelWatch(expected: readonly string[]): ModelWatch & { onEvents(events: ControlEvents): void } {
  const champions = new Set<string>()
  let wake = new AbortController()
  return {
    missing: () => expected.filter((key) => !champions.has(key)),
    changed: (signal, timeoutMs) => pause(timeoutMs, AbortSignal.any([signal, wake.signal])),
    onEvents(events) {
      for (const { key, value } of events) {
        if (value === null) champions.delete(key)
        else champions.add(key)
      }
      wake.abort()
      wake = new AbortController()
    },
  }
}
