/**
 * Limits of quality control. Sources: WMO-No. 305 and the AWS guideline of Zahumenský (2004), MADIS level 1, HadISD v3 records; step and
 * persistence limits widened until clean hourly series of many climates raise (almost) no alarm (docs/quality-control.md).
 */
import type { Quantity } from '../../schemas/quantities.ts'

type Range = { readonly bad: readonly [number, number]; readonly suspect?: readonly [number, number] }

/** Outside `bad` a value is bad, outside `suspect` suspect; bounds inclusive. Units as in the names. */
export const RANGE: Readonly<Record<Quantity, Range>> = {
  temperatureC: { bad: [-80, 60] },
  dewPointC: { bad: [-80, 35] },
  relativeHumidityPct: { bad: [0, 110], suspect: [5, 102] },
  pressureHpa: { bad: [870, 1083.3], suspect: [930, 1060] },
  stationPressureHpa: { bad: [500, 1100] },
  windSpeedMps: { bad: [0, 75], suspect: [0, 45] },
  windGustMps: { bad: [0, 113.2], suspect: [0, 60] },
  windDirectionDeg: { bad: [0, 360] },
  precipitationMm: { bad: [0, 305], suspect: [0, 100] },
  cloudCoverPct: { bad: [0, 100] },
  visibilityM: { bad: [0, 200_000] },
  solarWm2: { bad: [-20, 1500] },
  snowDepthCm: { bad: [0, 1200] },
}

/** Numbers that providers write for "no value". */
const SENTINELS = new Set([-9999, -999.9, -999, -99.9, -99, 9999, 99_999, 999_990, 999_999, 32_767, -32_768])
const OWN_SENTINELS: Partial<Record<Quantity, ReadonlySet<number>>> = {
  // An exact zero is a dropped-out humidity sensor, 255 the all-ones byte.
  relativeHumidityPct: new Set([0, 255]),
  pressureHpa: new Set([0]),
  stationPressureHpa: new Set([0]),
  windSpeedMps: new Set([255]),
  windGustMps: new Set([255]),
}
/** Kelvin zero, rounded by whoever converted it. */
const ABSOLUTE_ZERO_C = -273
const GARBAGE = 1e8

export function isSentinel(quantity: Quantity, value: number): boolean {
  if (!Number.isFinite(value) || Math.abs(value) >= GARBAGE) return true
  // 9999 m is how METAR says "10 km or more".
  if (quantity === 'visibilityM' && value === 9999) return false
  if ((quantity === 'temperatureC' || quantity === 'dewPointC') && value <= ABSOLUTE_ZERO_C) return true
  return SENTINELS.has(value) || OWN_SENTINELS[quantity]?.has(value) === true
}

/** Change in one hour, [suspect, bad]. */
export const STEP: Partial<Record<Quantity, readonly [number, number]>> = {
  temperatureC: [8, 16],
  dewPointC: [8, 20],
  pressureHpa: [5, 12],
  stationPressureHpa: [5, 12],
  relativeHumidityPct: [45, Number.POSITIVE_INFINITY],
  windSpeedMps: [12, 25],
}
/** What a gap of up to so many hours multiplies the step limits by (ratios of WMO-No. 305); beyond 12 h steps are not judged. */
export const GAP_FACTORS: ReadonlyArray<readonly [number, number]> = [
  [1, 1],
  [2, 1.75],
  [3, 2.25],
  [6, 3.75],
  [12, 6.25],
]

/**
 * Hours of one unchanged value, [suspect, bad], for sensors that report tenths. `coarse`: sensors that never change by less than this
 * report whole units and get twice the time.
 */
export const STUCK: Partial<Record<Quantity, { readonly hours: readonly [number, number]; readonly coarse: number }>> = {
  temperatureC: { hours: [8, 16], coarse: 0.45 },
  pressureHpa: { hours: [8, 16], coarse: 0.45 },
  stationPressureHpa: { hours: [8, 16], coarse: 0.45 },
  relativeHumidityPct: { hours: [16, 60], coarse: 0.9 },
  windSpeedMps: { hours: [12, 24], coarse: 0.45 },
  windDirectionDeg: { hours: [24, 48], coarse: Number.POSITIVE_INFINITY },
}
/** Above it humidity sensors legitimately stay at their cap for days. */
export const HUMIDITY_CAP_PCT = 98
/** Below it the vane of a light wind may rest. */
export const DIRECTION_MIN_WIND_MPS = 2
export const LONGEST_CALM_HOURS = 72
/** A longer silence says nothing about whether the value stayed. */
export const STUCK_MAX_GAP_HOURS = 3

/** Dew point above temperature by more than, °C, [suspect, bad]. */
export const SUPERSATURATION_C = [0.5, 1] as const
/** Reported dew point against the one of temperature and humidity, °C, [suspect, bad]. */
export const HUMIDITY_MISMATCH_C = [1, 3] as const
/** Providers round humidity to whole percent; at low humidity that alone moves the dew point by degrees. */
export const HUMIDITY_ROUNDING_PCT = 0.5
/** A temperature that stays for so many hours, [suspect, bad], while contradicting humidity and dew point, is the one at fault. */
export const STUCK_AND_CONTRADICTED_HOURS = [4, 8] as const

export const FUTURE_TOLERANCE_MS = 10 * 60_000
/** Years 1800 to 2200: outside, the number is something else than epoch milliseconds. */
const FIRST_INSTANT = Date.UTC(1800, 0, 1)
const END_INSTANT = Date.UTC(2200, 0, 1)
export function isInstant(epochMs: number): boolean {
  return Number.isInteger(epochMs) && epochMs > FIRST_INSTANT && epochMs < END_INSTANT
}
/** No station network is older. */
export const OLDEST_OBSERVATION = Date.UTC(1850, 0, 1)
