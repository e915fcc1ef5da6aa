/**
 * How much each member has to say: the damped departure, the regression on everything and the one without random features, by lead group. Shares
 * are ≥ 0 and add up to at most 1; what is left is the climatology's. They are learned on origins that were left out, so that a member
 * without skill at a lead has no share in it.
 */
import { HORIZON_HOURS } from '../../schemas/quantities.ts'
import { simplexMinimum } from './combination.ts'
import { LEAD_GROUPS } from './lead-groups.ts'

const H = HORIZON_HOURS
/** Neighbouring rows say the same: about so many are enough. Of leads in days to come an odd number of hours apart, which visit every hour of the day. */
const ROWS = 3000
const leadStrideOf = (leads: number): number => (leads <= 24 ? 1 : leads <= 48 ? 5 : 7)
/** Least squares first, then twice with weights 1 / (|error| + floor), which come close to least absolute errors. */
const ROUNDS = 3
const FLOOR_SHARE = 0.1

/** By lead group, of each member. */
export type Shares = ReadonlyArray<readonly number[]>

/**
 * `departures`: rows × 168 from the climatology, NaN = not observed; `members`: what each said of them when it had not seen them. `isProbability`:
 * squared errors, for which alone the probability is best; else absolute ones, for which the published median is.
 */
export function chooseShares(departures: Float64Array, members: readonly Float64Array[], isProbability: boolean): Shares {
  const n = departures.length / H
  const rowStride = Math.max(1, Math.floor(n / ROWS))
  // The climatology is a member that says 0.
  const m = members.length + 1
  const errors = new Float64Array(m)
  const products = new Float64Array(m * m)
  return LEAD_GROUPS.map(([first, last]) => {
    const leadStride = leadStrideOf(last - first + 1)
    let weights: readonly number[] = []
    let floor = 0
    for (let round = 0; round < (isProbability ? 1 : ROUNDS); round++) {
      products.fill(0)
      let size = 0
      let count = 0
      for (let r = 0; r < n; r += rowStride)
        for (let i = r * H + first - 1; i < r * H + last; i += leadStride) {
          const departure = departures[i]!
          if (departure !== departure) continue
          size += Math.abs(departure)
          count++
          errors[0] = -departure
          for (let a = 1; a < m; a++) errors[a] = members[a - 1]![i]! - departure
          const weight = round === 0 ? 1 : 1 / (Math.abs(weightedSum(weights, errors)) + floor)
          for (let a = 0; a < m; a++) {
            const own = weight * errors[a]!
            for (let b = a; b < m; b++) products[a * m + b] = products[a * m + b]! + own * errors[b]!
          }
        }
      for (let a = 0; a < m; a++) for (let b = 0; b < a; b++) products[a * m + b] = products[b * m + a]!
      // Nothing to learn from: the climatology alone.
      if (size === 0) return members.map(() => 0)
      weights = simplexMinimum(products, m)
      floor = (FLOOR_SHARE * size) / count
    }
    return weights.slice(1)
  })
}

function weightedSum(weights: readonly number[], errors: Float64Array): number {
  let sum = 0
  for (let a = 0; a < errors.length; a++) sum += weights[a]! * errors[a]!
  return sum
}
