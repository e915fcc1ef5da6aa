/**
 * Combination of families: quantiles averaged with weights by lead group that are ≥ 0 and add up to 1 (Vincent 1912; Timmermann 2006),
 * learned on forecasts that have verified. A group keeps the base family alone unless left-out blocks show, in a paired test, that weights pay.
 */
import { dieboldMariano } from '../verification/index.ts'
import { LEAD_GROUPS } from './lead-groups.ts'

/** Verified forecasts of all members, in time order: medians[member][row] and what was observed; NaN where not. */
export type Verified = {
  /** By member: rows × 168. */
  readonly medians: readonly Float64Array[]
  /** rows × 168. */
  readonly observed: Float64Array
  readonly rows: number
  readonly leads: number
}

export type GroupWeights = { readonly weights: readonly number[]; readonly pValue: number | null }

/** Fewest verified origins worth weights. */
const MIN_ROWS = 40
const BLOCKS = 5
const LEVEL = 0.05
const STEPS = 300

/**
 * One set of weights for each lead group; member 0 is the base. `horizonRows`: rows until a forecast's errors are independent of the next one's
 * (168 h ÷ hours between origins), for the test's variance and for the gap around a left-out block.
 */
export function learnWeights(verified: Verified, horizonRows: number): GroupWeights[] {
  const members = verified.medians.length
  const alone = Array.from({ length: members }, (_, m) => (m === 0 ? 1 : 0))
  return LEAD_GROUPS.map(([first, last]) => {
    if (verified.rows < Math.max(MIN_ROWS, 2 * horizonRows)) return { weights: alone, pValue: null }
    const group = { ...verified, first: first - 1, last }
    const combined: number[] = []
    const base: number[] = []
    for (let b = 0; b < BLOCKS; b++) {
      const from = Math.floor((b * verified.rows) / BLOCKS)
      const to = Math.floor(((b + 1) * verified.rows) / BLOCKS)
      const weights = simplexWeights(group, (r) => r < from - horizonRows || r >= to + horizonRows)
      for (let r = from; r < to; r++) {
        const own = meanError(group, weights, r)
        if (Number.isNaN(own)) continue
        combined.push(own)
        base.push(meanError(group, alone, r))
      }
    }
    if (combined.length <= horizonRows) return { weights: alone, pValue: null }
    const { mean, pValue } = dieboldMariano(combined, base, { horizon: Math.max(1, horizonRows) })
    const pays = mean < 0 && pValue < LEVEL
    return { weights: pays ? simplexWeights(group, () => true) : alone, pValue: Number.isNaN(pValue) ? null : pValue }
  })
}

type Group = Verified & { readonly first: number; readonly last: number }

/** Least squares on the simplex. */
function simplexWeights({ medians, observed, leads, rows, first, last }: Group, isUsed: (row: number) => boolean): number[] {
  const m = medians.length
  // Σ (y − Σ w f)² = Σ (Σ w e)² since weights add up to 1: only the members' error products matter.
  const products = new Float64Array(m * m)
  const errors = new Float64Array(m)
  for (let r = 0; r < rows; r++) {
    if (!isUsed(r)) continue
    for (let i = r * leads + first; i < r * leads + last; i++) {
      for (let a = 0; a < m; a++) errors[a] = medians[a]![i]! - observed[i]!
      if (errors.some(Number.isNaN)) continue
      for (let a = 0; a < m; a++) for (let b = 0; b < m; b++) products[a * m + b] = products[a * m + b]! + errors[a]! * errors[b]!
    }
  }
  return simplexMinimum(products, m)
}

/**
 * Weights w ≥ 0, Σ w = 1, that make wᵀPw small, by exponentiated gradient (Kivinen & Warmuth 1997): deterministic, always inside. `products`: m × m. Members hardly told apart by it stay close to
 * equal shares.
 */
export function simplexMinimum(products: Float64Array, m: number): number[] {
  let weights = Array.from({ length: m }, () => 1 / m)
  let scale = 0
  for (let a = 0; a < m; a++) scale = Math.max(scale, products[a * m + a]!)
  if (scale === 0) return weights
  for (let k = 0; k < STEPS; k++) {
    const gradient = weights.map((_, a) => weights.reduce((sum, w, b) => sum + (w * products[a * m + b]!) / scale, 0))
    const grown = weights.map((w, a) => w * Math.exp(-4 * gradient[a]!))
    const total = grown.reduce((a, b) => a + b, 0)
    weights = grown.map((w) => w / total)
  }
  return weights
}

/** Mean |error| of the weighted median over the leads of the group; NaN where none verified. */
function meanError({ medians, observed, leads, first, last }: Group, weights: readonly number[], row: number): number {
  let sum = 0
  let count = 0
  for (let i = row * leads + first; i < row * leads + last; i++) {
    let value = 0
    for (let a = 0; a < medians.length; a++) value += weights[a]! * medians[a]![i]!
    const e = Math.abs(value - observed[i]!)
    if (e !== e) continue
    sum += e
    count++
  }
  return count > 0 ? sum / count : Number.NaN
}
