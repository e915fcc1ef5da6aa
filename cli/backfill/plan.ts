/** Which past hours to forecast again: pure. */
import type { Control, Forecast } from '../../schemas/generated/types.ts'

export const MODES = ['missing', 'failed', 'all'] as const
export type Mode = (typeof MODES)[number]

/** A forecast of the ledger, as far as the plan needs it. */
export type Issued = Pick<Forecast, 'variable' | 'issuedAt' | 'modelVersion' | 'role' | 'status' | 'statusReason'>
export type ControlAt = { readonly control: Control; readonly controlOffset: number }
/** What to issue from one hour: variables and the role of each. */
export type Work = { readonly issuedAt: number; readonly roles: ReadonlyMap<Forecast['variable'], Forecast['role']> }

/** Begins the reason of a forecast that was issued after the fact. */
export const BACK_FILLED = 'back-filled'

/**
 * One station's hours, oldest first, in which something is to be issued. An hour without a forecast of its champion of then gets one. What
 * was issued then stays as it was: a forecast again from such an hour is a `shadow`, scored and never served. `failed` takes the hours
 * that were issued degraded or stale as well, `all` every one; what a run before this one has issued is left out, so that a run goes on.
 */
export function planWork(
  hours: readonly number[],
  controls: readonly ControlAt[],
  issued: readonly Issued[],
  mode: Mode,
): Work[] {
  const byHour = Map.groupBy(issued, ({ issuedAt }) => issuedAt)
  const byVariable = Map.groupBy(controls, ({ control }) => control.variable)
  return hours
    .toSorted((a, b) => a - b)
    .flatMap((issuedAt) => {
      const roles = new Map<Forecast['variable'], Forecast['role']>()
      for (const [variable, own] of byVariable) {
        const champion = championAt(own, issuedAt)
        if (champion === null) continue
        const role = roleOf(
          champion,
          (byHour.get(issuedAt) ?? []).filter((one) => one.variable === variable),
          mode,
        )
        if (role !== null) roles.set(variable, role)
      }
      return roles.size > 0 ? [{ issuedAt, roles }] : []
    })
}

/** Version that was champion at an instant; null before the first. */
function championAt(controls: readonly ControlAt[], at: number): string | null {
  const newest = controls
    .filter(({ control }) => control.changedAt <= at)
    .reduce<ControlAt | null>((found, one) => (found === null || one.controlOffset > found.controlOffset ? one : found), null)
  return newest?.control.champion.version ?? null
}

function roleOf(champion: string, issued: readonly Issued[], mode: Mode): Forecast['role'] | null {
  const served = issued.find(({ role }) => role === 'champion')
  if (!served) return 'champion'
  if (mode === 'missing' || isBackFilled(served)) return null
  if (mode === 'failed' && served.status === 'fresh') return null
  return issued.some((one) => one.role === 'shadow' && one.modelVersion === champion && isBackFilled(one)) ? null : 'shadow'
}

const isBackFilled = ({ statusReason }: Pick<Issued, 'statusReason'>): boolean => statusReason?.startsWith(BACK_FILLED) ?? false
