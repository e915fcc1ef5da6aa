/**
 * How wide: residuals of left-out origins, scaled by what the inputs say about the spread of the day (a ridge on log |residual|), and the
 * season-weighted quantiles of the scaled ones at every lead.
 */
import { HORIZON_HOURS, QUANTILE_LEVELS } from '../../schemas/quantities.ts'
import { LEAD_GROUPS } from './lead-groups.ts'
import { cholesky, solveColumns } from './linear.ts'
import type { Design, Regression } from './regression.ts'

const H = HORIZON_HOURS
const Q = QUANTILE_LEVELS.length
const G = LEAD_GROUPS.length
/** exp(±1) is as far as the day may move the spread. */
const LOG_LIMIT = 1
/** Added to a mean |residual| before the logarithm, as a share of the mean of all. */
const FLOOR_SHARE = 0.08

export type Spread = {
  /** (linear inputs + 1) × lead groups: log-scale per standardised input; the first row is the intercept minus the mean. */
  readonly scale: Float64Array
  /** 168 × 7: quantiles of residual ÷ scale. */
  readonly quantiles: Float64Array
}

/** Log of the spread relative to the usual one, for a lead group. `x`: rows of p inputs, the first 1 + linear are used. */
export function logScale(scale: ArrayLike<number>, at: number, linear: number, x: Float64Array, from: number, group: number): number {
  let sum = 0
  for (let i = 0; i <= linear; i++) sum += x[from + i]! * scale[at + i * G + group]!
  return sum < -LOG_LIMIT ? -LOG_LIMIT : sum > LOG_LIMIT ? LOG_LIMIT : sum
}

/** `residuals`: n × 168, NaN = not observed; `linear`: how many inputs after the constant the scale may use; `season`: weight of each row. */
export function fitSpread(
  design: Design,
  { gram, totalWeight }: Regression,
  residuals: Float64Array,
  linear: number,
  season: Float64Array,
): Spread {
  const { n, p, x, weights } = design
  const width = 1 + linear
  const logs = new Float64Array(n * G)
  const cross = new Float64Array(width * G)
  const means = new Float64Array(G)
  LEAD_GROUPS.forEach(([first, last], g) => {
    let total = 0
    const sizes = new Float64Array(n)
    for (let r = 0; r < n; r++) {
      let sum = 0
      let count = 0
      for (let h = first - 1; h < last; h++) {
        const e = residuals[r * H + h]!
        if (e !== e) continue
        sum += Math.abs(e)
        count++
      }
      sizes[r] = count > 0 ? sum / count : Number.NaN
      if (count > 0) total += sum / count
    }
    const floor = (FLOOR_SHARE * total) / n + 1e-9
    let weighted = 0
    let weight = 0
    for (let r = 0; r < n; r++) {
      if (Number.isNaN(sizes[r]!)) continue
      logs[r * G + g] = Math.log(sizes[r]! + floor)
      weighted += weights[r]! * logs[r * G + g]!
      weight += weights[r]!
    }
    means[g] = weight > 0 ? weighted / weight : 0
    for (let r = 0; r < n; r++) {
      if (Number.isNaN(sizes[r]!)) logs[r * G + g] = means[g]!
      const value = (logs[r * G + g]! - means[g]!) * weights[r]!
      for (let i = 0; i < width; i++) cross[i * G + g] = cross[i * G + g]! + x[r * p + i]! * value
    }
  })
  const factor = cholesky(gram, width, () => totalWeight, p)
  const scale = new Float64Array(width * G)
  solveColumns(factor, width, cross, G, 0, G, scale)
  return { scale, quantiles: scaledQuantiles(design, residuals, scale, linear, season) }
}

function scaledQuantiles(
  { n, p, x }: Design,
  residuals: Float64Array,
  scale: Float64Array,
  linear: number,
  season: Float64Array,
): Float64Array {
  const table = new Float64Array(H * Q)
  const shrink = new Float64Array(n)
  const scaled = new Float64Array(n)
  LEAD_GROUPS.forEach(([first, last], g) => {
    for (let r = 0; r < n; r++) shrink[r] = Math.exp(-logScale(scale, 0, linear, x, r * p, g))
    for (let h = first - 1; h < last; h++) {
      const order: number[] = []
      for (let r = 0; r < n; r++) {
        scaled[r] = residuals[r * H + h]! * shrink[r]!
        if (!Number.isNaN(scaled[r]!)) order.push(r)
      }
      order.sort((a, b) => scaled[a]! - scaled[b]!)
      weightedQuantiles(order, scaled, season, table, h * Q)
    }
  })
  return table
}

/** Quantiles of the weighted sample at QUANTILE_LEVELS, interpolated between the middles of the weights. */
function weightedQuantiles(order: readonly number[], values: Float64Array, weights: Float64Array, out: Float64Array, at: number): void {
  let total = 0
  for (const r of order) total += weights[r]!
  let i = 0
  let below = 0
  QUANTILE_LEVELS.forEach((level, q) => {
    const wanted = level * total
    while (i < order.length - 1 && below + weights[order[i]!]! / 2 < wanted) below += weights[order[i++]!]!
    const here = order[i]
    if (here === undefined) return
    const previous = i > 0 ? order[i - 1]! : here
    const middle = below + weights[here]! / 2
    const before = i > 0 ? below - weights[previous]! / 2 : middle
    const share = middle > before ? Math.min(1, Math.max(0, (wanted - before) / (middle - before))) : 1
    out[at + q] = values[previous]! + share * (values[here]! - values[previous]!)
  })
}
