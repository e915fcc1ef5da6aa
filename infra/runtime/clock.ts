/**
 * Event time. `system`: the wall clock, for live data. `stream`: the newest event time seen, for replays and tests, so that
 * the same log gives the same decisions at any speed. Wall time for latency, back-off and timeouts does not come from here.
 */
export type ClockMode = 'system' | 'stream'

export type Clock = {
  readonly mode: ClockMode
  /** Epoch ms of event time. A stream clock that has seen nothing yet answers 0. */
  now(): number
  /** Tells a stream clock an event time it has now reached; never moves it back. No effect on a system clock. */
  observe(eventTimeMs: number): void
}

export function createClock(mode: ClockMode): Clock {
  if (mode === 'system') return { mode, now: () => Date.now(), observe: () => undefined }
  let newest = 0
  return {
    mode,
    now: () => newest,
    observe: (eventTimeMs) => {
      if (eventTimeMs > newest) newest = eventTimeMs
    },
  }
}
