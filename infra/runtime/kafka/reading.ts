/**
 * Whether this process listens: what tells a key of which nothing comes from a reader that stands still. Wall time alone cannot: a
 * rebalance, a long batch or a frozen process pauses the reader for longer than a station needs to fall silent in a replay.
 */

export type Reading = {
  /** A fetch came back, with or without events. */
  readonly polled: () => void
  /** A new assignment: nothing has been read of it. */
  readonly assigned: () => void
  /** A batch of the partition begins: what it holds has not been read. */
  readonly begun: (partition: string) => void
  /** A batch has been read to the end of the partition. */
  readonly reachedEnd: (partition: string) => void
  /** For how many milliseconds polls have come back without a break, when the partition has been read to its end; 0 when it has not. */
  readonly listeningMs: (partition: string) => number
}

/** `breakMs`: polls further apart than this are a break. */
export function createReading(breakMs: number, wallNowMs: () => number): Reading {
  const atEnd = new Set<string>()
  let unbrokenSince = Number.POSITIVE_INFINITY
  let lastPoll = Number.NEGATIVE_INFINITY
  return {
    polled() {
      const now = wallNowMs()
      if (now - lastPoll > breakMs) unbrokenSince = now
      lastPoll = now
    },
    assigned() {
      atEnd.clear()
      lastPoll = Number.NEGATIVE_INFINITY
    },
    begun: (partition) => void atEnd.delete(partition),
    reachedEnd: (partition) => void atEnd.add(partition),
    listeningMs(partition) {
      const now = wallNowMs()
      return atEnd.has(partition) && now - lastPoll <= breakMs ? now - unbrokenSince : 0
    },
  }
}
