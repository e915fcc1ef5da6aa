/**
 * What was published but is not yet durable everywhere: the loop reads on while a sink still writes, and a partition's offset follows
 * in order, each slice only after all slices before it. A store answers in tens of milliseconds, the next hop in one: without this,
 * every event would wait for the rows of the one before.
 */

export type WriteBehind = {
  /**
   * Calls `acknowledge` once `durable` and everything pushed before for this partition is; resolves as soon as there is room for more.
   * Rejects, like everything after it in the partition, with what `durable` rejected with.
   */
  push(partition: string, events: number, durable: Promise<void>, acknowledge: () => void): Promise<void>
  /** A new assignment: what is under way is no longer waited for by what comes. */
  reset(): void
  /** Resolves when nothing is under way, well or badly. */
  settled(): Promise<void>
}

type Line = { readonly durable: Promise<void>; readonly events: number }

/**
 * `maxEvents`: so many events of a partition may be under way beside one slice; more wait, which is back-pressure. `onFailure` hears
 * what became of a slice that nobody waits for any more.
 */
export function createWriteBehind(maxEvents: number, onFailure: (error: unknown) => void): WriteBehind {
  let lines = new Map<string, Line[]>()
  const underWay = new Set<Promise<void>>()

  return {
    async push(partition, events, durable, acknowledge) {
      const line = lines.get(partition) ?? []
      lines.set(partition, line)
      const before = line.at(-1)?.durable
      const whole = Promise.all([before, durable]).then(acknowledge)
      const entry = { durable: whole, events }
      line.push(entry)
      underWay.add(whole)
      const leave = (): void => {
        underWay.delete(whole)
        // Kept on failure: what comes after must fail with it, until the partition is assigned anew.
        line.splice(line.indexOf(entry), 1)
      }
      whole.then(leave, (error: unknown) => {
        underWay.delete(whole)
        onFailure(error)
      })
      while (line.reduce((sum, { events: count }) => sum + count, 0) - (line.at(-1)?.events ?? 0) > maxEvents) {
        await (line[0] as Line).durable
      }
    },
    reset() {
      lines = new Map()
    },
    async settled() {
      while (underWay.size > 0) await Promise.allSettled(underWay)
    },
  }
}
