/** Feature vectors: one pure function of the hourly grid up to an hour, used online and offline. */
import { COLUMN_COUNT, isWet } from './columns.ts'
import { FEATURE_COUNT, type FeatureDefinition, FEATURES, MONTH_HOURS, MONTH_MEAN_INDEX } from './definitions.ts'
import type { HourlyGrid } from './hourly-grid.ts'

/** Features of one kind: where each stands in the vector, of which column it is, how many hours it covers and how many it lies back. */
type Places = {
  readonly feature: Int32Array
  readonly column: Int32Array
  readonly window: Int32Array
  readonly offset: Int32Array
}

/** By kind: one loop that asks each feature for its kind costs more than most of them. */
const LAGS = placesOf(({ kind }) => kind === 'lag')
const MEANS = placesOf(({ kind, window }) => kind === 'mean' && window < MONTH_HOURS)
const RANGES = placesOf(({ kind }) => kind === 'range')
const WETS = placesOf(({ kind, window }) => kind === 'wet' && window < MONTH_HOURS)

function placesOf(isMeant: (definition: FeatureDefinition) => boolean): Places {
  const feature = Int32Array.from(FEATURES.keys()).filter((f) => isMeant(FEATURES[f]!))
  return {
    feature,
    column: feature.map((f) => FEATURES[f]!.column),
    window: feature.map((f) => FEATURES[f]!.window),
    offset: feature.map((f) => FEATURES[f]!.offset),
  }
}

const scratch = new Float32Array(Math.max(...RANGES.window, ...WETS.window))
const monthSums = new Float64Array(COLUMN_COUNT)
const monthCounts = new Float64Array(COLUMN_COUNT)

/**
 * The feature vector of one epoch hour (FEATURE_NAMES order, raw units, NaN where not observed).
 *
 * Uses hours ≤ `hour` only. A mean, range or wet share is taken over what was observed if that is at least half of its hours.
 * `out` (length FEATURE_COUNT) is filled and returned when given, else a new array.
 */
export function buildFeatures(grid: HourlyGrid, hour: number, out: Float32Array = new Float32Array(FEATURE_COUNT)): Float32Array {
  for (let i = 0; i < LAGS.feature.length; i++) out[LAGS.feature[i]!] = grid.value(LAGS.column[i]!, hour - LAGS.offset[i]!)
  for (let i = 0; i < MEANS.feature.length; i++) {
    const window = MEANS.window[i]!
    out[MEANS.feature[i]!] = grid.mean(MEANS.column[i]!, hour - MEANS.offset[i]! - window + 1, window)
  }
  for (let i = 0; i < RANGES.feature.length; i++) {
    const window = RANGES.window[i]!
    grid.copy(RANGES.column[i]!, hour - RANGES.offset[i]! - window + 1, window, scratch)
    out[RANGES.feature[i]!] = rangeOf(window)
  }
  for (let i = 0; i < WETS.feature.length; i++) {
    const window = WETS.window[i]!
    grid.copy(WETS.column[i]!, hour - WETS.offset[i]! - window + 1, window, scratch)
    out[WETS.feature[i]!] = wetShareOf(window)
  }
  grid.sumInto(hour - MONTH_HOURS + 1, hour, monthSums, monthCounts)
  for (let column = 0; column < COLUMN_COUNT; column++) {
    const count = monthCounts[column]!
    out[MONTH_MEAN_INDEX[column]!] = count * 2 >= MONTH_HOURS ? monthSums[column]! / count : NaN
  }
  return out
}

/** Of the first `window` hours of the scratch. */
function rangeOf(window: number): number {
  let low = Infinity
  let high = -Infinity
  let count = 0
  for (let i = 0; i < window; i++) {
    const x = scratch[i]!
    if (x === x) {
      if (x < low) low = x
      if (x > high) high = x
      count++
    }
  }
  return count * 2 >= window ? high - low : NaN
}

function wetShareOf(window: number): number {
  let wet = 0
  let count = 0
  for (let i = 0; i < window; i++) {
    const x = scratch[i]!
    if (x === x) {
      if (isWet(x)) wet++
      count++
    }
  }
  return count * 2 >= window ? wet / count : NaN
}
