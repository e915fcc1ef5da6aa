/**
 * Who may run now. Reads and writes wait in lanes of their own, first come first served, so that slow reads never hold up inserts
 * and a burst of inserts never holds up reads.
 */
import { serverError } from './server-error.ts'

export type Lane = 'read' | 'write'
export type Slots = { acquire(lane: Lane, signal: AbortSignal): Promise<() => void> }
export type SlotLimits = { read: number; write: number; maxWaiting: number }

type Waiting = { grant: () => void }

/** `acquire` rejects with TOO_MANY_SIMULTANEOUS_QUERIES when `maxWaiting` already wait in the lane, and when `signal` aborts the wait. */
export function createSlots(limits: SlotLimits): Slots {
  const free = { read: limits.read, write: limits.write }
  const waiting: Record<Lane, Waiting[]> = { read: [], write: [] }

  const releaseOf = (lane: Lane) => {
    let released = false
    return () => {
      if (released) return
      released = true
      const next = waiting[lane].shift()
      if (next) next.grant()
      else free[lane] += 1
    }
  }

  return {
    async acquire(lane, signal) {
      if (signal.aborted) throw cancelled()
      if (free[lane] > 0) {
        free[lane] -= 1
        return releaseOf(lane)
      }
      if (waiting[lane].length >= limits.maxWaiting) {
        throw serverError('TOO_MANY_SIMULTANEOUS_QUERIES', `Too many simultaneous queries. ${limits.maxWaiting} already wait.`)
      }
      return new Promise((resolve, reject) => {
        const onAbort = () => {
          waiting[lane] = waiting[lane].filter((other) => other !== entry)
          reject(cancelled())
        }
        const entry: Waiting = {
          grant() {
            signal.removeEventListener('abort', onAbort)
            resolve(releaseOf(lane))
          },
        }
        waiting[lane].push(entry)
        signal.addEventListener('abort', onAbort, { once: true })
      })
    },
  }
}

function cancelled(): Error {
  return serverError('QUERY_WAS_CANCELLED', 'Query was cancelled while it waited.')
}
