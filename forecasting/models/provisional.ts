/**
 * Models of stations with too little history for a regression, and hence without scores of their own: served because there is nothing better
 * yet, and replaced by the first model that knows more (docs/adr/017-provisional-models.md).
 */
import type { Fitted } from './types.ts'

/** The model of a station without history. */
export const SITE_PRIOR = 'site-prior'

/** What a run and a served model are called instead of their family, and why a forecast of one is degraded. */
const PROVISIONAL = {
  [SITE_PRIOR]: 'no history yet: what is usual at a place like this, and the last report',
  'young-station': 'little history yet: the last departure from what is usual, damped',
} as const

/** Null: a model with scores of its own. */
export function provisionalName(fitted: Pick<Fitted, 'describe'>): keyof typeof PROVISIONAL | null {
  const { youngStation, site } = fitted.describe()
  if (youngStation !== true) return null
  return site === undefined ? 'young-station' : SITE_PRIOR
}

/** Why forecasts of such a model are degraded; null: it is none. */
export function provisionalReason(family: string): string | null {
  return family in PROVISIONAL ? PROVISIONAL[family as keyof typeof PROVISIONAL] : null
}
