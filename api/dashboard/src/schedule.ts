/** Batches screen updates: any number of changes, at most ten draws a second, none while the page is hidden. */
const FRAME_MS = 100

export type Scheduler<K extends string> = {
  on(keys: readonly K[], draw: () => void): void
  mark(...keys: K[]): void
}

export function createScheduler<K extends string>(
  report: (error: unknown) => void,
  frame: (callback: () => void) => void = (callback) => requestAnimationFrame(() => callback()),
): Scheduler<K> {
  const draws: Array<{ keys: readonly K[]; draw: () => void }> = []
  const dirty = new Set<K>()
  let pending = false
  let drawnAt = -Infinity

  const run = (): void => {
    pending = false
    drawnAt = performance.now()
    const now = new Set(dirty)
    dirty.clear()
    for (const { keys, draw } of draws) {
      if (!keys.some((key) => now.has(key))) continue
      try {
        draw()
      } catch (error) {
        // One panel that cannot draw must not blank the others.
        report(error)
      }
    }
  }

  return {
    on(keys, draw) {
      draws.push({ keys, draw })
    },
    mark(...keys) {
      for (const key of keys) dirty.add(key)
      if (pending) return
      pending = true
      const wait = Math.max(0, FRAME_MS - (performance.now() - drawnAt))
      setTimeout(() => frame(run), wait)
    },
  }
}

/** Calls `work` soon after a request, at most once per `everyMs`; requests in between are one. */
export function throttled(everyMs: number, work: () => void): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined
  let ranAt = -Infinity
  return () => {
    if (timer !== undefined) return
    timer = setTimeout(
      () => {
        timer = undefined
        ranAt = performance.now()
        work()
      },
      Math.max(0, everyMs - (performance.now() - ranAt)),
    )
  }
}
