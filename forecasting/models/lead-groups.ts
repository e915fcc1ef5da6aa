/** Leads that share a penalty, a fade and a spread model. */
import { HORIZON_HOURS } from '../../schemas/quantities.ts'

export const LEAD_GROUPS = [
  [1, 1],
  [2, 3],
  [4, 6],
  [7, 12],
  [13, 24],
  [25, 48],
  [49, 96],
  [97, 168],
] as const

/** Position in LEAD_GROUPS of each lead (index 0 = lead 1). */
export const GROUP_OF_LEAD: Uint8Array = Uint8Array.from({ length: HORIZON_HOURS }, (_, h) =>
  LEAD_GROUPS.findIndex(([, last]) => h + 1 <= last),
)
