/**
 * How much each member has to say: the damped departure, the regression on everything and the one without random features, by lead group. Shares
 * are ≥ 0 and add up to at most 1; what is left is the climatology's. They are learned on origins that were left out, so that a member
 * without skill at a lead has no share in it. The climatology of a short record has seen the very days that it would be judged on, and has none.
 */
import { HORIZON_HOURS } from '../../schemas/quantities.ts'
import { simplexMinimum } from './combination.ts'
import { LEAD_GROUPS } from './lead-groups.ts'

const H = HORIZON_HOURS
/** Neighbouring rows say the same: about so many are enough. Of leads in days to come an odd number of hours apart, which visit every hour of the day. */
const ROWS = 1500
const leadStrideOf = (leads: number): number => (leads <= 24 ? 1 : leads <= 48 ? 5 : 7)
/** Least squares first, then twice with weights 1 / (|error| + floor), which come close to least absolute errors. */
const ROUNDS = 3
const FLOOR_SHARE = 0.1

/** By lead group, of each member. */
export type Shares = ReadonlyArray<readonly number[]>

/** By lead (168) the share of each row's newest departure that is left. */
export type Damped = { readonly share: Float64Array; readonly newest: Float64Array }

/** Rows × 168, for leads up to one. */
export type Said = { readonly values: Float64Array; readonly lastLead: number }

export type Rule = {
  /** Squared errors, for which alone a probability is best; else absolute ones, for which the published median is. */
  readonly isProbability: boolean
  /** Shares may add up to less than 1. */
  readonly leavesRest: boolean
}

/** `departures`: rows × 168 from the climatology, NaN = not observed; `said`: what each regression said of them when it had not seen them. */
export function chooseShares(
  departures: Float64Array,
  { share, newest }: Damped,
  said: readonly Said[],
  { isProbability, leavesRest }: Rule,
): Shares {
  return LEAD_GROUPS.map(([first, last]) => {
    const regressions = said.filter(({ lastLead }) => lastLead >= last)
    // The damped departure, the regressions, the climatology, which says 0.
    const m = 1 + regressions.length + (leavesRest ? 1 : 0)
    const { errors, size, count } = errorsOf(departures, share, newest, regressions, m, first, last)
    // Nothing to learn from: the damped departure alone.
    if (size === 0) return [1, ...said.map(() => 0)]
    const floor = (FLOOR_SHARE * size) / count
    const products = new Float64Array(m * m)
    let weights: readonly number[] = []
    for (let round = 0; round < (isProbability ? 1 : ROUNDS); round++) {
      products.fill(0)
      for (let i = 0; i < count * m; i += m) {
        let error = 0
        for (let a = 0; a < weights.length; a++) error += weights[a]! * errors[i + a]!
        const weight = round === 0 ? 1 : 1 / (Math.abs(error) + floor)
        for (let a = 0; a < m; a++) {
          const own = weight * errors[i + a]!
          for (let b = a; b < m; b++) products[a * m + b] = products[a * m + b]! + own * errors[i + b]!
        }
      }
      for (let a = 0; a < m; a++) for (let b = 0; b < a; b++) products[a * m + b] = products[b * m + a]!
      weights = simplexMinimum(products, m)
    }
    return [weights[0]!, ...said.map((one) => (regressions.includes(one) ? weights[1 + regressions.indexOf(one)]! : 0))]
  })
}

/** Errors of the m members at the rows and leads that are looked at, a member beside the other; sum and count of what was observed there. */
function errorsOf(
  departures: Float64Array,
  share: Float64Array,
  newest: Float64Array,
  regressions: readonly Said[],
  m: number,
  first: number,
  last: number,
) {
  const n = newest.length
  const rowStride = Math.max(1, Math.floor(n / ROWS))
  const leadStride = leadStrideOf(last - first + 1)
  const errors = new Float64Array(Math.ceil(n / rowStride) * Math.ceil((last - first + 1) / leadStride) * m)
  let size = 0
  let count = 0
  for (let r = 0; r < n; r += rowStride)
    for (let h = first - 1; h < last; h += leadStride) {
      const i = r * H + h
      const departure = departures[i]!
      if (departure !== departure) continue
      const at = m * count
      errors[at] = share[h]! * newest[r]! - departure
      for (let a = 1; a < m; a++) errors[at + a] = (regressions[a - 1]?.values[i] ?? 0) - departure
      size += Math.abs(departure)
      count++
    }
  return { errors, size, count }
}
