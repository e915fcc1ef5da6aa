/** Waiting between attempts: exponential, capped, with full jitter above half, so that many clients do not come back together. */
import { setTimeout as sleep } from 'node:timers/promises'

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
