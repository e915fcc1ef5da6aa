/**
 * What a step has made but is not durable yet: a pipelined loop reads on meanwhile, and a partition's offset follows in order, each
 * slice only after all slices before it. Brokers and stores answer in milliseconds to tens of milliseconds: without this, every event
 * would wait for the answers to the ones before.
 */
import { setImmediate as turn } from 'node:timers/promises'
import { createExclusive, type Exclusive } from '../exclusive.ts'

export type InFlight = {
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
export function createInFlight(maxEvents: number, onFailure: (error: unknown) => void): InFlight {
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
      whole.then(
        () => {
          underWay.delete(whole)
          line.splice(line.indexOf(entry), 1)
        },
        (error: unknown) => {
          // Stays in its line: what comes after must fail with it, until the partition is assigned anew.
          underWay.delete(whole)
          onFailure(error)
        },
      )
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

/**
 * One call at a time; what is asked for meanwhile goes into the next, in order, under the first asker's guard. All who share a call
 * share its failure.
 */
export function createTurns<T, Guard>(call: (items: readonly T[], guard: Guard) => Promise<void>) {
  type Job = { readonly items: readonly T[]; readonly guard: Guard; resolve: () => void; reject: (error: unknown) => void }
  let waiting: Job[] = []
  let isBusy = false

  const pump = async (): Promise<void> => {
    isBusy = true
    while (waiting.length > 0) {
      const jobs = waiting
      waiting = []
      try {
        await call(
          jobs.flatMap(({ items }) => items),
          (jobs[0] as Job).guard,
        )
        for (const job of jobs) job.resolve()
      } catch (error) {
        for (const job of jobs) job.reject(error)
      }
    }
    isBusy = false
  }

  return (items: readonly T[], guard: Guard): Promise<void> =>
    new Promise((resolve, reject) => {
      waiting.push({ items, guard, resolve, reject })
      if (!isBusy) void pump()
    })
}

/**
 * What may wait: one call at a time, and before each a turn for the rest of the process, in which what has arrived is stepped and what was
 * made is sent.
 */
export function createSpareTime(): Exclusive {
  const exclusive = createExclusive()
  return (call) => exclusive(() => turn().then(call))
}
