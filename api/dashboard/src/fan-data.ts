/** Observations and a forecast on one hourly axis, in the column shape uPlot wants. Pure. */
import { PRECIPITATION_EVENT_MM } from '../../../schemas/quantities.ts'
import type { ForecastVariable } from '../../../schemas/quantities.ts'
import { instant } from './format.ts'
import type { CheckedObservation, ForecastBody, HourlyQuantiles } from './wire.ts'

export const LEVELS = ['0.025', '0.1', '0.25', '0.5', '0.75', '0.9', '0.975'] as const

export type FanRow = {
  atMs: number
  /** Observed and not flagged. */
  observed: number | null
  /** Observed but flagged suspect or bad. */
  flagged: number | null
  flag: string | null
  /** In the order of LEVELS; null where there is no forecast. */
  quantiles: Array<number | null> | null
}

export const HISTORY_HOURS = 72
const HOUR_MS = 3_600_000

/** The value a forecast of `variable` is held against; rain in the hour counts as 100 %, none as 0 %. */
export function observedValue(
  observation: CheckedObservation,
  variable: ForecastVariable,
): { value: number | null; flag: string | null } {
  if (variable === 'precipitationProbabilityPct') {
    const mm = observation.precipitationMm ?? null
    return {
      value: mm === null ? null : mm >= PRECIPITATION_EVENT_MM ? 100 : 0,
      flag: observation.flags?.precipitationMm ?? null,
    }
  }
  return { value: observation[variable] ?? null, flag: observation.flags?.[variable] ?? null }
}

export function fanRows(
  observations: readonly CheckedObservation[],
  forecast: ForecastBody | null,
  variable: ForecastVariable,
  nowMs: number | null,
): FanRow[] {
  const rows = new Map<number, FanRow>()
  const at = (ms: number): FanRow => {
    let row = rows.get(ms)
    if (!row) rows.set(ms, (row = { atMs: ms, observed: null, flagged: null, flag: null, quantiles: null }))
    return row
  }
  const issuedAt = forecast ? instant(forecast.issuedAt) : null
  const newest = observations.reduce((max, o) => Math.max(max, instant(o.observedAt) ?? 0), 0)
  const reference = issuedAt ?? nowMs ?? newest
  for (const observation of observations) {
    const ms = instant(observation.observedAt)
    if (ms === null || ms < reference - HISTORY_HOURS * HOUR_MS || observation.kind === 'model-fill') continue
    const { value, flag } = observedValue(observation, variable)
    if (value === null) continue
    const row = at(ms)
    const doubtful = flag === 'bad' || flag === 'suspect'
    if (doubtful) row.flagged = value
    else row.observed = value
    row.flag = flag
  }
  const times = forecast?.hourly.time ?? []
  const series = forecast?.hourly[variable] as HourlyQuantiles | number[] | undefined
  times.forEach((time, i) => {
    const ms = instant(time)
    if (ms === null || series === undefined) return
    const values = Array.isArray(series) ? LEVELS.map(() => series[i] ?? null) : LEVELS.map((level) => series[level]?.[i] ?? null)
    if (values.some((v) => v !== null)) at(ms).quantiles = values
  })
  return [...rows.values()].sort((a, b) => a.atMs - b.atMs)
}

/** Columns: time in seconds, the seven quantiles, observed, flagged. */
export function fanColumns(rows: readonly FanRow[]): [number[], ...Array<Array<number | null>>] {
  return [
    rows.map((row) => row.atMs / 1000),
    ...LEVELS.map((_, level) => rows.map((row) => row.quantiles?.[level] ?? null)),
    rows.map((row) => row.observed),
    rows.map((row) => row.flagged),
  ]
}

/** The y range: everything shown with 6 % air, and at least `minimum` high; an insane flagged value does not flatten the chart. */
export function fanRange(rows: readonly FanRow[], variable: ForecastVariable): [number, number] {
  if (variable === 'precipitationProbabilityPct') return [0, 100]
  let low = Infinity
  let high = -Infinity
  for (const row of rows) {
    for (const value of [row.observed, row.quantiles?.[0], row.quantiles?.[6]]) {
      if (value === null || value === undefined || !Number.isFinite(value)) continue
      low = Math.min(low, value)
      high = Math.max(high, value)
    }
  }
  if (low > high) return [0, 1]
  const air = Math.max((high - low) * 0.06, 0.5)
  low -= air
  high += air
  if (variable === 'relativeHumidityPct') return [Math.max(0, low), Math.min(100, high)]
  if (variable === 'windSpeedMps') return [Math.max(0, low), high]
  return [low, high]
}
