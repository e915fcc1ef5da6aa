/**
 * Which issue answers a request, and how fresh it is. One answer never mixes issues, and each variable's series is one event's.
 */
import type { Forecast } from '../../schemas/generated/types.ts'
import type { ForecastVariable } from '../../schemas/quantities.ts'
import type { Issue } from '../state/snapshot.ts'

const HOUR_MS = 3_600_000
/** Older than this (event time) is stale: three hourly issues were missed. */
const STALE_AFTER_MS = 3 * HOUR_MS
/** Older than this is not served at all unless asked for by issuedAt. */
export const REFUSE_AFTER_MS = 48 * HOUR_MS
/** Issues come hourly. */
export const ISSUE_INTERVAL_MS = HOUR_MS

type Unavailable = { readonly variable: ForecastVariable; readonly reason: string }
export type Selection = {
  readonly issuedAt: number
  /** In the order asked for. */
  readonly forecasts: readonly Forecast[]
  readonly unavailable: readonly Unavailable[]
}

/**
 * The newest issue that holds every wanted variable that has a champion. Variables without a champion or without any forecast are
 * named as unavailable. Null: nothing can be answered. When no kept issue is complete (a champion stopped issuing), the newest
 * issue holding most of them is used and the missing ones are named.
 */
export function selectIssue(
  issues: readonly Issue[],
  wanted: readonly ForecastVariable[],
  hasChampion: (variable: ForecastVariable) => boolean,
): Selection | null {
  const ever = (variable: ForecastVariable): boolean => issues.some((issue) => issue.byVariable.has(variable))
  const required = wanted.filter((variable) => hasChampion(variable) || ever(variable))
  let best: Issue | null = null
  let bestCount = 0
  for (const issue of issues) {
    const count = required.filter((variable) => issue.byVariable.has(variable)).length
    if (count > bestCount) [best, bestCount] = [issue, count]
    if (count === required.length) break
  }
  if (best === null) return null
  const chosen = best
  const forecasts = wanted.flatMap((variable) => chosen.byVariable.get(variable) ?? [])
  const unavailable = wanted
    .filter((variable) => !chosen.byVariable.has(variable))
    .map((variable) => ({
      variable,
      reason: hasChampion(variable) ? 'The champion has issued nothing at this time.' : 'No model is promoted for it yet.',
    }))
  return { issuedAt: chosen.issuedAt, forecasts, unavailable }
}

export type Freshness = {
  readonly status: Forecast['status']
  readonly reason: string | null
  /** Event time at which this verdict must be made again. */
  readonly validUntil: number
}

/** The worse of what the forecasts say of themselves and their age on the event-time clock. Reasons never hold the age: answers stay byte-stable. */
export function judgeFreshness(selection: Selection, now: number): Freshness {
  const age = now - selection.issuedAt
  const reasons: string[] = []
  let status: Forecast['status'] = 'fresh'
  const own = selection.forecasts.filter((forecast) => forecast.status !== 'fresh')
  for (const forecast of own) {
    if (forecast.status === 'degraded' || status === 'fresh') status = forecast.status
  }
  for (const [reason, said] of Map.groupBy(own, (forecast) => forecast.statusReason ?? forecast.status)) {
    reasons.push(`${said.map(({ variable }) => variable).join(', ')}: ${reason}.`)
  }
  for (const { variable, reason } of selection.unavailable) {
    status = 'degraded'
    reasons.push(`${variable}: ${reason}`)
  }
  if (age > STALE_AFTER_MS) {
    status = status === 'degraded' ? 'degraded' : 'stale'
    reasons.unshift(`Issued more than ${STALE_AFTER_MS / HOUR_MS} h ago; newer issues are missing.`)
  }
  const validUntil = selection.issuedAt + (age <= STALE_AFTER_MS ? STALE_AFTER_MS : REFUSE_AFTER_MS)
  return {
    status,
    reason: reasons.length > 0 ? reasons.join(' ') : null,
    validUntil: age > REFUSE_AFTER_MS ? Infinity : validUntil,
  }
}
