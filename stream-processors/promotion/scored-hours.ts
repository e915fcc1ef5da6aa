/** Verified hours of the models that are compared, as they arrive; a later score of the same hour and role replaces the earlier one. */
import type { VerifiedHour } from '../../forecasting/promotion/index.ts'
import type { Verification } from '../../schemas/generated/types.ts'

/** The part of a verification that the gate looks at. */
export type ScoredHour = Pick<
  Verification,
  'modelVersion' | 'role' | 'observedAt' | 'observed' | 'leadHours' | 'error' | 'crps'
> & {
  readonly covered80: readonly boolean[]
  readonly covered95: readonly boolean[]
}

export type ScoredHours = {
  readonly add: (hour: ScoredHour) => void
  readonly newest: () => number
  /** Hours of a model version after `since` and up to `until`, ascending, with the leads of all its roles. */
  readonly of: (version: string, since: number, until: number) => VerifiedHour[]
  /** How many hours after `since` and up to `until` both versions have. */
  readonly countCommon: (a: string, b: string, since: number, until: number) => number
}

export function createScoredHours(): ScoredHours {
  const versions = new Map<string, Map<number, Map<string, VerifiedHour>>>()
  let newest = Number.NEGATIVE_INFINITY
  return {
    add(scored) {
      const hours = versions.get(scored.modelVersion) ?? new Map<number, Map<string, VerifiedHour>>()
      versions.set(scored.modelVersion, hours)
      const roles = hours.get(scored.observedAt) ?? new Map<string, VerifiedHour>()
      hours.set(scored.observedAt, roles)
      roles.set(scored.role, compact(scored))
      newest = Math.max(newest, scored.observedAt)
    },
    newest: () => newest,
    of(version, since, until) {
      const hours = [...(versions.get(version) ?? [])].filter(([at]) => at > since && at <= until)
      return hours.toSorted(([a], [b]) => a - b).map(([, roles]) => mergeRoles([...roles.values()]))
    },
    countCommon(a, b, since, until) {
      const other = versions.get(b)
      let count = 0
      for (const at of versions.get(a)?.keys() ?? []) if (at > since && at <= until && other?.has(at)) count++
      return count
    },
  }
}

function compact({ observedAt, observed, leadHours, error, crps, covered80, covered95 }: ScoredHour): VerifiedHour {
  return {
    observedAt,
    observed,
    leadHours: Uint16Array.from(leadHours),
    error: Float32Array.from(error),
    crps: Float32Array.from(crps),
    covered80: [...covered80],
    covered95: [...covered95],
  }
}

/** A model that changed its role issued some leads of an hour before the change and some after: together they are the hour. */
function mergeRoles(parts: readonly VerifiedHour[]): VerifiedHour {
  const [first] = parts
  if (first && parts.length === 1) return first
  const rows = new Map<number, { part: VerifiedHour; i: number }>()
  for (const part of parts) for (let i = 0; i < part.leadHours.length; i++) rows.set(part.leadHours[i] as number, { part, i })
  const sorted = [...rows].toSorted(([a], [b]) => a - b)
  return {
    observedAt: (first as VerifiedHour).observedAt,
    observed: (first as VerifiedHour).observed,
    leadHours: sorted.map(([lead]) => lead),
    error: sorted.map(([, { part, i }]) => part.error[i] as number),
    crps: sorted.map(([, { part, i }]) => part.crps[i] as number),
    covered80: sorted.map(([, { part, i }]) => part.covered80[i] as boolean),
    covered95: sorted.map(([, { part, i }]) => part.covered95[i] as boolean),
  }
}
