/** What this process has published lately: the store knows it only seconds later, and a repeat may come at once. */
import type { Known } from './batch.ts'

export type RecentObservations = {
  get(key: string): Known | undefined
  remember(key: string, known: Known): void
}

export function createRecentObservations(capacity = 50_000): RecentObservations {
  const entries = new Map<string, Known>()
  return {
    get: (key) => entries.get(key),
    remember(key, known) {
      entries.delete(key)
      entries.set(key, known)
      const oldest = entries.size > capacity ? entries.keys().next().value : undefined
      if (oldest !== undefined) entries.delete(oldest)
    },
  }
}
