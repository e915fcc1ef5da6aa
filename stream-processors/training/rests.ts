/**
 * How long retraining rests so that it takes its share of the machine and no more. Low priority alone does not leave live forecasts as fast
 * as they were: cores share caches and often execution units, and a thread beside a busy one computes at two thirds of its speed.
 */
export type Rests = {
  /** Milliseconds until more may begin. */
  leftMs(): number
  /** A core was worked on from `startedMs` until now. */
  worked(startedMs: number): void
}

/** `cores`: what is taken on average, over stretches of work and rest. `nowMs`: wall time. */
export function createRests(cores: number, nowMs: () => number): Rests {
  let until = Number.NEGATIVE_INFINITY
  return {
    leftMs: () => Math.max(0, until - nowMs()),
    worked(startedMs) {
      until = Math.max(until, startedMs) + (nowMs() - startedMs) / cores
    },
  }
}
