/**
 * The feature set: what each position of a feature vector means. Raw units, no model in it: any family may use it.
 *
 * `lag k`: the column k hours before the hour described. `mean (window, offset)`: mean of `window` hours ending `offset` hours
 * before it. `range`: maximum − minimum. `wet`: share of hours with ≥ 0.1 mm. A mean, range or share needs half of its hours.
 */
import { COLUMN, HOURLY_COLUMNS } from './columns.ts'
import type { HourlyColumn } from './columns.ts'

export type FeatureKind = 'lag' | 'mean' | 'range' | 'wet'
export type FeatureDefinition = {
  readonly name: string
  readonly kind: FeatureKind
  /** Position in HOURLY_COLUMNS. */
  readonly column: number
  /** Hours covered; 1 for a lag. */
  readonly window: number
  /** Hours between the described hour and the newest hour covered. */
  readonly offset: number
}

/** Bump when the meaning of a name changes. */
const DEFINITION_VERSION = 1

/** Hours a feature vector looks back: a changed observation changes vectors up to this many hours later. */
export const FEATURE_REACH_HOURS = 720
export const MONTH_HOURS = 720

const TEMPERATURE_LAGS = [0, 1, 2, 3, 4, 6, 8, 10, 12, 15, 18, 21, 23, 24, 27, 30, 36, 48]
const PRESSURE_LAGS = [0, 1, 3, 6, 12, 18, 24, 36, 48]
const SHORT_LAGS = [0, 1, 3, 6, 12, 24]

/** Every feature, in vector order. */
export const FEATURES: readonly FeatureDefinition[] = [
  ...lags('temperatureC', TEMPERATURE_LAGS),
  ...means('temperatureC', [24, 0], [24, 24], [24, 48], [24, 72], [24, 96], [120, 120]),
  feature('range', 'temperatureC', 24, 0),
  feature('range', 'temperatureC', 24, 24),
  ...lags('dewPointC', SHORT_LAGS),
  ...means('dewPointC', [24, 0], [24, 24]),
  ...lags('pressureHpa', PRESSURE_LAGS),
  ...means('pressureHpa', [24, 0], [24, 24], [72, 48]),
  ...lags('windU', SHORT_LAGS),
  ...means('windU', [6, 0], [24, 0], [24, 24]),
  ...lags('windV', SHORT_LAGS),
  ...means('windV', [6, 0], [24, 0], [24, 24]),
  ...lags('windSpeedMps', [0, 1, 3, 6, 12]),
  ...means('windSpeedMps', [24, 0], [24, 24]),
  ...lags('relativeHumidityPct', [0, 1, 3, 6, 12]),
  ...means('relativeHumidityPct', [24, 0], [24, 24]),
  feature('wet', 'precipitationMm', 1, 0),
  feature('wet', 'precipitationMm', 3, 0),
  feature('wet', 'precipitationMm', 6, 0),
  feature('wet', 'precipitationMm', 24, 0),
  feature('wet', 'precipitationMm', 72, 0),
  ...HOURLY_COLUMNS.map((column) => feature(column === 'precipitationMm' ? 'wet' : 'mean', column, MONTH_HOURS, 0)),
]

/** Names in vector order. */
export const FEATURE_NAMES: readonly string[] = FEATURES.map((definition) => definition.name)
export const FEATURE_COUNT = FEATURES.length

/** Identity of the feature set: a vector or model made for another one must be refused. */
export const FEATURE_SET = `fs${DEFINITION_VERSION}-${hashText(`${DEFINITION_VERSION}\n${FEATURE_NAMES.join('\n')}`)}`

/** Position of the 30-day mean of each hourly column (precipitation: 30-day wet share). */
export const MONTH_MEAN_INDEX: readonly number[] = HOURLY_COLUMNS.map((column) =>
  FEATURES.findIndex((definition) => definition.window === MONTH_HOURS && definition.column === COLUMN[column]),
)

function feature(kind: FeatureKind, column: HourlyColumn, window: number, offset: number): FeatureDefinition {
  const name = kind === 'lag' ? `${column}.lag${offset}h` : `${column}.${kind}${window}h.before${offset}h`
  return { name, kind, column: COLUMN[column], window, offset }
}
function lags(column: HourlyColumn, hours: readonly number[]): FeatureDefinition[] {
  return hours.map((hour) => feature('lag', column, 1, hour))
}
function means(column: HourlyColumn, ...windows: readonly (readonly [number, number])[]): FeatureDefinition[] {
  return windows.map(([window, offset]) => feature('mean', column, window, offset))
}

/** FNV-1a, 64 bit, hex (Fowler, Noll, Vo; RFC 9923): a short name for a text, no protection against intent. */
function hashText(text: string): string {
  let hash = 0xcbf29ce484222325n
  for (const byte of new TextEncoder().encode(text)) hash = ((hash ^ BigInt(byte)) * 0x100000001b3n) & 0xffffffffffffffffn
  return hash.toString(16).padStart(16, '0')
}
