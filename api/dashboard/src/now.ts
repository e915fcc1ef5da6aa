/** The station list's numbers, from whatever brings them: REST answers or live events. Older news never replaces newer. */
import { FORECAST_VARIABLES } from '../../../schemas/quantities.ts'
import { observedValue } from './fan-data.ts'
import { instant } from './format.ts'
import type { State } from './state.ts'
import { stationNow } from './state.ts'
import type { CheckedObservation, ForecastBody, HourlyQuantiles, LiveForecast } from './wire.ts'

const LEVEL = { low: 1, median: 3, high: 5 }

/** Whether anything of the kind is known of the station. */
export function isKnown(state: State, stationId: string, kind: 'observedAt' | 'issuedAt'): boolean {
  return [...(state.now.get(stationId)?.values() ?? [])].some((now) => now[kind] !== null)
}

export function noteObservation(state: State, observation: CheckedObservation): boolean {
  const at = instant(observation.observedAt)
  if (at === null || observation.kind === 'model-fill') return false
  let changed = false
  for (const variable of FORECAST_VARIABLES) {
    const { value } = observedValue(observation, variable)
    const now = stationNow(state, observation.stationId, variable)
    if (value === null || at < (now.observedAt ?? -Infinity)) continue
    now.observed = value
    now.observedAt = at
    changed = true
  }
  return changed
}

export function noteForecast(state: State, stationId: string, body: ForecastBody): boolean {
  const issuedAt = instant(body.issuedAt)
  const validAt = instant(body.hourly.time[0])
  if (issuedAt === null) return false
  let changed = false
  for (const variable of FORECAST_VARIABLES) {
    const series = body.hourly[variable] as HourlyQuantiles | undefined
    const now = stationNow(state, stationId, variable)
    if (series === undefined || issuedAt < (now.issuedAt ?? -Infinity)) continue
    now.issuedAt = issuedAt
    now.status = body.status
    now.statusReason = body.statusReason
    now.fallback = body.fallback
    if (validAt !== null)
      now.forecast = {
        validAt,
        median: series['0.5']?.[0] ?? null,
        low: series['0.1']?.[0] ?? null,
        high: series['0.9']?.[0] ?? null,
      }
    changed = true
  }
  return changed
}

export function noteLiveForecast(state: State, forecast: LiveForecast): boolean {
  const issuedAt = instant(forecast.issuedAt)
  const now = stationNow(state, forecast.stationId, forecast.variable)
  if (issuedAt === null || forecast.role !== 'champion' || issuedAt < (now.issuedAt ?? -Infinity)) return false
  now.issuedAt = issuedAt
  now.status = forecast.status
  now.statusReason = forecast.statusReason
  now.fallback = forecast.fallback
  const first = forecast.quantiles?.[0]
  const lead = forecast.leadHours?.[0]
  if (first && lead !== undefined) {
    now.forecast = {
      validAt: issuedAt + lead * 3_600_000,
      median: first[LEVEL.median] ?? null,
      low: first[LEVEL.low] ?? null,
      high: first[LEVEL.high] ?? null,
    }
  }
  return true
}
