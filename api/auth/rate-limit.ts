/** Requests per caller in fixed one-minute windows of wall time, with the RateLimit header fields of the IETF draft. */

type RateDecision = { readonly allowed: boolean; readonly remaining: number; readonly resetSeconds: number }
export type RateLimiter = { readonly limit: number; readonly windowSeconds: number; take(caller: string): RateDecision }

const MAX_CALLERS = 20_000

/** `perMinute` 0 switches limiting off. */
export function createRateLimiter(perMinute: number, wallNow: () => number = Date.now): RateLimiter {
  const windowMs = 60_000
  const callers = new Map<string, { startedAt: number; used: number }>()
  return {
    limit: perMinute,
    windowSeconds: windowMs / 1000,
    take(caller) {
      const now = wallNow()
      let window = callers.get(caller)
      if (window === undefined || now - window.startedAt >= windowMs) {
        if (callers.size >= MAX_CALLERS) forgetOld(callers, now - windowMs)
        window = { startedAt: now, used: 0 }
        callers.set(caller, window)
      }
      window.used++
      const resetSeconds = Math.max(1, Math.ceil((window.startedAt + windowMs - now) / 1000))
      return {
        allowed: perMinute === 0 || window.used <= perMinute,
        remaining: Math.max(0, perMinute - window.used),
        resetSeconds,
      }
    },
  }
}

/** Drops finished windows; when that is not enough (a flood of addresses), drops everything: limits start afresh, memory stays bounded. */
function forgetOld(callers: Map<string, { startedAt: number }>, before: number): void {
  for (const [caller, window] of callers) if (window.startedAt <= before) callers.delete(caller)
  if (callers.size >= MAX_CALLERS) callers.clear()
}
