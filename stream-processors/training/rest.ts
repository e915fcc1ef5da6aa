/**
 * Drift comes in storms: what changes for a hundred stations is confirmed at a hundred at once, and to train without a pause takes a core away
 * from live forecasts for minutes. Between batches that drift asked for nothing is trained for as long as the one before took, so that live
 * work has the machine to itself half of the time. A single drift waits for nothing.
 */

/** Live forecasts notice bursts of a few seconds; to sit out more than a minute after one long fit would gain them nothing. */
const LONGEST_REST_MS = 60_000

export type Rest = <T>(work: () => Promise<T>) => Promise<T>

/**
 * One piece of work at a time. `times`: how long to rest after it, in times of what it took (wall time, a minute at most); 0: not at all. `pause`
 * may reject; then the work is not begun.
 */
export function createRest(times: number, wallNowMs: () => number, pause: (milliseconds: number) => Promise<void>): Rest {
  let restedAt = Number.NEGATIVE_INFINITY
  return async (work) => {
    const left = restedAt - wallNowMs()
    if (left > 0) await pause(left)
    const startedAt = wallNowMs()
    try {
      return await work()
    } finally {
      const endedAt = wallNowMs()
      restedAt = endedAt + Math.min(LONGEST_REST_MS, times * (endedAt - startedAt))
    }
  }
}
