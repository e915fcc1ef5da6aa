/** Feature vectors: one pure function of the hourly grid up to an hour, used online and offline. */
import { COLUMN_COUNT, isWet } from './columns.ts'
import { FEATURES, FEATURE_COUNT, MONTH_HOURS } from './definitions.ts'
import type { HourlyGrid } from './hourly-grid.ts'

/** Longest look-back other than the 30-day means. */
const RECENT = 240

const LAG = 0
const MEAN = 1
const RANGE = 2
const WET = 3
const MONTH = 4

const KIND = Uint8Array.from(FEATURES, ({ kind, window }) =>
  window === MONTH_HOURS ? MONTH : kind === 'lag' ? LAG : kind === 'mean' ? MEAN : kind === 'range' ? RANGE : WET,
)
const COLUMN_OF = Uint8Array.from(FEATURES, ({ column }) => column)
/** First and last position in the scratch of the hours a feature covers. */
const FIRST = Int32Array.from(
  FEATURES,
  ({ column, window, offset }) => column * RECENT + RECENT - offset - Math.min(window, RECENT),
)
const LAST = Int32Array.from(FEATURES, ({ column, offset }) => column * RECENT + RECENT - 1 - offset)
const WINDOW = Int32Array.from(FEATURES, ({ window }) => window)

/** Hours that the features of each column reach back, 30-day means apart. */
const REACH = new Int32Array(COLUMN_COUNT)
for (const { column, window, offset } of FEATURES) {
  if (window < MONTH_HOURS) REACH[column] = Math.max(REACH[column]!, offset + window)
}

const scratch = new Float32Array(RECENT * COLUMN_COUNT)
const monthSums = new Float64Array(COLUMN_COUNT)
const monthCounts = new Float64Array(COLUMN_COUNT)

/**
 * The feature vector of one epoch hour (FEATURE_NAMES order, raw units, NaN where not observed).
 *
 * Uses hours ≤ `hour` only. A mean, range or wet share is taken over what was observed if that is at least half of its hours.
 * `out` (length FEATURE_COUNT) is filled and returned when given, else a new array. About 3 µs a vector.
 */
export function buildFeatures(grid: HourlyGrid, hour: number, out: Float32Array = new Float32Array(FEATURE_COUNT)): Float32Array {
  grid.copyEndingAt(hour, RECENT, REACH, scratch)
  grid.sumInto(hour - MONTH_HOURS + 1, hour, monthSums, monthCounts)
  for (let f = 0; f < FEATURE_COUNT; f++) {
    const kind = KIND[f]!
    const first = FIRST[f]!
    const last = LAST[f]!
    if (kind === LAG) {
      out[f] = scratch[last]!
    } else if (kind === MEAN) {
      let total = 0
      let count = 0
      for (let i = first; i <= last; i++) {
        const x = scratch[i]!
        if (x === x) {
          total += x
          count++
        }
      }
      out[f] = count * 2 >= WINDOW[f]! ? total / count : NaN
    } else if (kind === RANGE) {
      let low = Infinity
      let high = -Infinity
      let count = 0
      for (let i = first; i <= last; i++) {
        const x = scratch[i]!
        if (x === x) {
          if (x < low) low = x
          if (x > high) high = x
          count++
        }
      }
      out[f] = count * 2 >= WINDOW[f]! ? high - low : NaN
    } else if (kind === WET) {
      let wet = 0
      let count = 0
      for (let i = first; i <= last; i++) {
        const x = scratch[i]!
        if (x === x) {
          if (isWet(x)) wet++
          count++
        }
      }
      out[f] = count * 2 >= WINDOW[f]! ? wet / count : NaN
    } else {
      const column = COLUMN_OF[f]!
      const count = monthCounts[column]!
      out[f] = count * 2 >= MONTH_HOURS ? monthSums[column]! / count : NaN
    }
  }
  return out
}
