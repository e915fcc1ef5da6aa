/** How a failed delivery goes on: which tier it waits in, or that it is given up. */
import { RETRY_TIERS_MS } from '../bridge/topology.ts'

export type NextStep =
  | { readonly kind: 'retry'; readonly tierMs: number; readonly attempt: number; readonly notBefore: number }
  | { readonly kind: 'give-up' }

/**
 * Attempt 1 waits 1 s, attempt 2 10 s, later ones 60 s; a receiver's Retry-After is honoured if it asks for more.
 * `attempt` counts from 1; `wallNow` epoch ms.
 */
export function decideRetry(attempt: number, maxAttempts: number, wallNow: number, retryAfterMs = 0): NextStep {
  if (attempt >= maxAttempts) return { kind: 'give-up' }
  const ownMs = RETRY_TIERS_MS[Math.min(attempt, RETRY_TIERS_MS.length) - 1] ?? RETRY_TIERS_MS[2]
  const waitMs = Math.max(ownMs, retryAfterMs)
  return {
    kind: 'retry',
    tierMs: tierFor(waitMs),
    attempt: attempt + 1,
    notBefore: wallNow + (retryAfterMs > 0 ? retryAfterMs : 0),
  }
}

/** The shortest tier that waits long enough; beyond the longest, the message is parked again until its time has come. */
export function tierFor(waitMs: number): number {
  return RETRY_TIERS_MS.find((tierMs) => tierMs >= waitMs) ?? RETRY_TIERS_MS[2]
}

/** Retry-After as seconds or HTTP date → ms from now (≥ 0, at most a day); undefined when absent or unreadable. */
export function parseRetryAfter(header: string | null, wallNow: number): number | undefined {
  if (header === null || header.trim() === '') return undefined
  const seconds = Number(header)
  const ms = Number.isFinite(seconds) ? seconds * 1000 : Date.parse(header) - wallNow
  return Number.isNaN(ms) ? undefined : Math.min(Math.max(0, ms), 86_400_000)
}
