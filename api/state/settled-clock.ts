/**
 * Event time as it was a moment of wall time ago, for judging how fresh a forecast is in a replay: at some event hours a second, an
 * observation just received is hours "newer" than the forecast it is about to cause. When nothing new comes, a moment later it is the
 * newest event time itself, so that a pipeline that stands still shows.
 */
import type { Clock } from '../../infra/runtime/clock.ts'

/** Wall time the pipeline has from an observation to its forecast before the forecast counts as missing, ms. */
const GRACE_MS = 3000

export function createSettledClock(clock: Clock, wallNow: () => number, graceMs = GRACE_MS) {
  let settled = 0
  /** Event times not settled yet, with the wall instant they were reached; one a tenth of a second at most. */
  const pending: Array<{ wall: number; event: number }> = []
  const settle = (): void => {
    const due = wallNow() - graceMs
    while (pending[0] !== undefined && pending[0].wall <= due) settled = (pending.shift() as { event: number }).event
  }
  return {
    /** Tells it that the clock has moved. */
    note(): void {
      const last = pending.at(-1)
      const wall = wallNow()
      if (last !== undefined && wall - last.wall < 100) last.event = clock.now()
      else pending.push({ wall, event: clock.now() })
    },
    /** A system clock needs no grace: three seconds are nothing to it. */
    now(): number {
      if (clock.mode === 'system') return clock.now()
      settle()
      // Right after a start everything seen is old news.
      return settled === 0 && pending[0] !== undefined ? pending[0].event : settled
    },
  }
}
