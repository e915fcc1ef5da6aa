/**
 * Deterministic event ids: the same fact always gets the same id, so a redelivery or a re-fetch duplicates nothing.
 * Instants are epoch milliseconds and appear as ISO 8601 in ids.
 */
import type { Forecast, Verification } from './generated/types.ts'

const iso = (instantMs: number): string => new Date(instantMs).toISOString()

export function observationEventId(o: { stationId: string; observedAt: number; source: string; revision: number }): string {
  return `obs/${o.stationId}/${iso(o.observedAt)}/${o.source}/${o.revision}`
}

export function featureEventId(f: { stationId: string; validAt: number; knownAt: number }): string {
  return `feature/${f.stationId}/${iso(f.validAt)}/${iso(f.knownAt)}`
}

export function forecastEventId(f: Pick<Forecast, 'stationId' | 'variable' | 'issuedAt' | 'modelVersion' | 'role'>): string {
  return `forecast/${f.stationId}/${f.variable}/${iso(f.issuedAt)}/${f.modelVersion}/${f.role}`
}

export function verificationEventId(
  v: Pick<Verification, 'stationId' | 'variable' | 'observedAt' | 'modelVersion' | 'role'>,
): string {
  return `verification/${v.stationId}/${v.variable}/${iso(v.observedAt)}/${v.modelVersion}/${v.role}`
}

/** Key of every model event, and the model id. */
export function modelKey(stationId: string, variable: string): string {
  return `${stationId}/${variable}`
}
