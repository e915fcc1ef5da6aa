/** Quantiles of weighted samples. */
import { QUANTILE_LEVELS } from '../../schemas/quantities.ts'

const Q = QUANTILE_LEVELS.length
const BINS = 4096
const histogram = new Float64Array(BINS)

/** Quantiles of the weighted sample (NaN left out) at QUANTILE_LEVELS, from a histogram of 4096 bins, linear within a bin. */
export function weightedQuantiles(values: Float64Array, weights: Float64Array, out: Float64Array, at: number): void {
  let low = Number.POSITIVE_INFINITY
  let high = Number.NEGATIVE_INFINITY
  for (let r = 0; r < values.length; r++) {
    const value = values[r]!
    if (value < low) low = value
    if (value > high) high = value
  }
  if (!(low < high)) {
    out.fill(low === high ? low : 0, at, at + Q)
    return
  }
  histogram.fill(0)
  const width = (high - low) / BINS
  let total = 0
  for (let r = 0; r < values.length; r++) {
    const value = values[r]!
    if (value !== value) continue
    const bin = Math.min(BINS - 1, Math.floor((value - low) / width))
    histogram[bin] = histogram[bin]! + weights[r]!
    total += weights[r]!
  }
  let bin = 0
  let below = 0
  for (let q = 0; q < Q; q++) {
    const wanted = QUANTILE_LEVELS[q]! * total
    while (bin < BINS - 1 && below + histogram[bin]! < wanted) below += histogram[bin++]!
    out[at + q] = low + width * (bin + (histogram[bin]! > 0 ? (wanted - below) / histogram[bin]! : 0))
  }
}
