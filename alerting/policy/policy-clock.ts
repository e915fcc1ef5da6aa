/**
 * Event time for timers. A live clock moves by itself. A stream clock stands still between events, and a notification that waits
 * for its group must not wait for the next event for ever: while the stream stands, wall time is added, up to `maxAddedMs`
 * (one wait and one interval: enough to tell what is pending, never enough to repeat it).
 */
import type { Clock } from '../../infra/runtime/clock.ts'

export function createPolicyClock(clock: Clock, wallNow: () => number, maxAddedMs: number): { readonly now: () => number } {
  let seen = clock.now()
  let seenAtWallMs = wallNow()
  let latest = 0
  return {
    now() {
      const streamed = clock.now()
      if (clock.mode === 'system' || streamed === 0) return streamed
      if (streamed !== seen) {
        seen = streamed
        seenAtWallMs = wallNow()
      }
      latest = Math.max(latest, streamed + Math.min(maxAddedMs, Math.max(0, wallNow() - seenAtWallMs)))
      return latest
    },
  }
}
