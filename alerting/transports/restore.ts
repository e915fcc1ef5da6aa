/** Reads back what was sent before; a store that is down is waited for, because sending without it could send twice. */
import { backoffMs, pause } from '../../infra/runtime/backoff.ts'
import { isTransient, messageOf } from '../../infra/runtime/errors.ts'
import type { Logger } from '../../infra/runtime/log.ts'
import { type Memory, readStates, type StateReader } from '../../infra/runtime/state/index.ts'

/** The highest version stored; null when told to stop before the store answered. */
export async function restoreUntilDone(options: {
  clickhouse: StateReader
  processor: string
  memory: Memory
  log: Pick<Logger, 'warn'>
  signal: AbortSignal
}): Promise<number | null> {
  const { clickhouse, processor, memory, log, signal } = options
  for (let attempt = 1; !signal.aborted; attempt++) {
    try {
      const { states, maxVersion } = await readStates(clickhouse, processor)
      memory.restore(states)
      return maxVersion
    } catch (error) {
      if (!isTransient(error)) throw error
      log.warn({ attempt, reason: messageOf(error) }, 'cannot read what was sent before; retrying')
      await pause(backoffMs(attempt), signal)
    }
  }
  return null
}
