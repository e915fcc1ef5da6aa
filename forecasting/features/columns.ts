/**
 * The hourly grid's columns, and how a checked observation becomes one row of it.
 *
 * Every value passes `Math.fround` on entry. The grid in memory is Float32, the stored `station_hour` row is Float64: because the
 * value was already rounded, it comes back from the store bit for bit, and a vector built online equals the one rebuilt offline.
 */
import { PRECIPITATION_EVENT_MM } from '../../schemas/quantities.ts'
import type { CheckedObservation } from '../../schemas/generated/types.ts'

/** Columns of the hourly grid kept per station. Wind components point where the wind blows to (u east, v north), m/s. */
export const HOURLY_COLUMNS = [
  'temperatureC',
  'dewPointC',
  'relativeHumidityPct',
  'pressureHpa',
  'windU',
  'windV',
  'windSpeedMps',
  'precipitationMm',
] as const
export type HourlyColumn = (typeof HOURLY_COLUMNS)[number]
export const COLUMN_COUNT = HOURLY_COLUMNS.length

/** Position of each column in a row. */
export const COLUMN: Readonly<Record<HourlyColumn, number>> = {
  temperatureC: 0,
  dewPointC: 1,
  relativeHumidityPct: 2,
  pressureHpa: 3,
  windU: 4,
  windV: 5,
  windSpeedMps: 6,
  precipitationMm: 7,
}

export const HOUR_MS = 3_600_000

/** Below this an unreported direction means calm air rather than a lost vane, m/s. */
const CALM_MPS = 0.5

/** Nearest whole hour of an instant, hours since 1970-01-01T00Z; half past rounds up. */
export function hourOf(observedAtMs: number): number {
  return Math.floor(observedAtMs / HOUR_MS + 0.5)
}

/** Whether an hour's precipitation counts as the event behind precipitationProbabilityPct. Tolerates Float32 rounding of the threshold. */
export function isWet(precipitationMm: number): boolean {
  return precipitationMm >= PRECIPITATION_EVENT_MM - 1e-6
}

/**
 * One grid row (8 values, Float32-rounded, NaN = not observed) from a checked observation.
 *
 * Values flagged `bad` or `missing` become NaN; `suspect` stays, since a feature may lean on it although a score may not.
 * Null when the row would be empty, or when the source is model fill: a model's guess must not pose as the station's recent past.
 */
export function observationToHourlyRow(observation: CheckedObservation): Float64Array | null {
  if (observation.kind === 'model-fill') return null
  const usable = (value: number | null, flag: string): number => {
    const held = value === null || flag === 'bad' || flag === 'missing' ? NaN : Math.fround(value)
    // Also what is finite only until it is rounded.
    return Number.isFinite(held) ? held : NaN
  }
  const { flags } = observation
  const speed = usable(observation.windSpeedMps, flags.windSpeedMps)
  const direction = usable(observation.windDirectionDeg, flags.windDirectionDeg)
  const [u, v] = windComponents(speed, direction)
  const row = Float64Array.of(
    usable(observation.temperatureC, flags.temperatureC),
    usable(observation.dewPointC, flags.dewPointC),
    usable(observation.relativeHumidityPct, flags.relativeHumidityPct),
    usable(observation.pressureHpa, flags.pressureHpa),
    Math.fround(u),
    Math.fround(v),
    speed,
    usable(observation.precipitationMm, flags.precipitationMm),
  )
  return row.some((value) => !Number.isNaN(value)) ? row : null
}

/** u = −s·sin d, v = −s·cos d (d: where the wind comes from, degrees). Calm without a direction is (0, 0); a lost direction is NaN. */
export function windComponents(speedMps: number, directionDeg: number): [number, number] {
  if (Number.isNaN(speedMps)) return [NaN, NaN]
  if (Number.isNaN(directionDeg)) return speedMps < CALM_MPS ? [0, 0] : [NaN, NaN]
  const angle = (directionDeg * Math.PI) / 180
  return [-speedMps * Math.sin(angle), -speedMps * Math.cos(angle)]
}
