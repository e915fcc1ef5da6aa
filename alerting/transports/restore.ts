/** Reads back what was sent before; a store that is down is waited for, because sending without it could send twice. */
import { retryTransient } from '../../infra/runtime/backoff.ts'
import { isTransient } from '../../infra/runtime/errors.ts'
import type { Logger } from '../../infra/runtime/log.ts'
import { type Memory, readStates, type StateReader } from '../../infra/runtime/state/index.ts'

/** The highest version stored; null when told to stop before the store answered. */
export async function restoreUntilDone(options: {
  clickhouse: StateReader
  processor: string
  memory: Memory
  log: Pick<Logger, 'warn' | 'info'>
  signal: AbortSignal
}): Promise<number | null> {
  const { clickhouse, processor, memory, log, signal } = options
  try {
    const read = (): ReturnType<typeof readStates> => readStates(clickhouse, processor)
    const { states, maxVersion } = await retryTransient('reading what was sent before', read, { log, signal })
    memory.restore(states)
    return maxVersion
  } catch (error) {
    if (signal.aborted && isTransient(error)) return null
    throw error
  }
}
