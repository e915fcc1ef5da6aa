/** Waiting between attempts: exponential, capped, with full jitter above half, so that many clients do not come back together. */
import { setTimeout as sleep } from 'node:timers/promises'
import { isTransient, messageOf } from './errors.ts'
import type { Logger } from './log.ts'

export type BackoffOptions = { readonly initialMs: number; readonly maxMs: number }
const DEFAULT_BACKOFF: BackoffOptions = { initialMs: 100, maxMs: 10_000 }

/** Wall milliseconds to wait before attempt `attempt + 1` (attempt counts from 1). `random` in [0, 1). */
export function backoffMs(
  attempt: number,
  options: BackoffOptions = DEFAULT_BACKOFF,
  random: () => number = Math.random,
): number {
  const ceiling = Math.min(options.maxMs, options.initialMs * 2 ** Math.min(attempt - 1, 30))
  return ceiling / 2 + (ceiling / 2) * random()
}

/** Sleeps; resolves early (never rejects) when the signal aborts. */
export async function pause(milliseconds: number, signal?: AbortSignal): Promise<void> {
  try {
    await sleep(milliseconds, undefined, signal ? { signal } : undefined)
  } catch (error) {
    if ((error as Error).name !== 'AbortError') throw error
  }
}

/** Tries again after transient failures until `signal` aborts; then, and for every other failure, rejects with the failure. */
export async function retryTransient<T>(
  what: string,
  call: () => Promise<T>,
  { signal, log }: { readonly signal: AbortSignal; readonly log: Pick<Logger, 'warn' | 'info'> },
): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      const result = await call()
      if (attempt > 1) log.info({ what, attempt }, 'works again')
      return result
    } catch (error) {
      if (!isTransient(error) || signal.aborted) throw error
      log.warn({ what, attempt, reason: messageOf(error) }, 'transient failure; waiting')
      await pause(backoffMs(attempt), signal)
      if (signal.aborted) throw error
    }
  }
}
