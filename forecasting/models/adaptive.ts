/**
 * Online conformal adaptation: intervals that have turned out too narrow grow, too wide ones shrink, from verified forecasts alone.
 *
 * For each lead group and each published level but the median a log factor θ stretches the distance from the median to that quantile. After
 * every verified hour θ moves by step·(missed − nominal), where `missed` is the share of the group's leads whose observation lay beyond the
 * quantile and `nominal` = min(τ, 1 − τ): adaptive conformal inference (Gibbs & Candès 2021), tracking the quantile itself as in conformal PID
 * control (Angelopoulos, Candès & Tibshirani 2023). Whatever the errors do, the mean of `missed` tends to `nominal`, while θ is within LIMIT and every
 * group verifies at every hour, as it does where forecasts are issued hourly. A group that does not, because issues are hours apart, follows the next
 * longer one that does by a part of the way.
 */
import { HORIZON_HOURS, QUANTILE_LEVELS } from '../../schemas/quantities.ts'
import { GROUP_OF_LEAD, LEAD_GROUPS } from './lead-groups.ts'

const Q = QUANTILE_LEVELS.length
const MEDIAN = QUANTILE_LEVELS.indexOf(0.5)
/**
 * Of θ per verified hour, for the first and the last lead group, geometric between. Errors of long leads stay alike for days: they need
 * a longer memory (docs/forecasting/experiments.md).
 */
const STEP = { first: 0.01, last: 0.0015 }
/** Of the way that the next longer group goes, for one of which nothing verified at the hour (docs/forecasting/experiments.md). */
const FOLLOWED = 0.2
/** Of |θ|: intervals change at most by e^±1.4. */
const LIMIT = 1.4

/** Log factors, lead group major, one of each level (that of the median is 0). Plain numbers: JSON in, JSON out. */
export type Adaptation = readonly number[]

export const NO_ADAPTATION: Adaptation = Array.from({ length: LEAD_GROUPS.length * Q }, () => 0)

const STEPS = LEAD_GROUPS.map((_, g) => STEP.first * (STEP.last / STEP.first) ** (g / (LEAD_GROUPS.length - 1)))

/**
 * After one observed hour: `leadHours` that verified, and `pit`, the level at which each observation lay in the forecast as issued, that is
 * with the adaptation of its time (verifyLead). Leads outside 1–168 h and values that are not finite count for nothing.
 */
export function adapt(state: Adaptation, leadHours: ArrayLike<number>, pit: ArrayLike<number>): Adaptation {
  const missed = new Float64Array(state.length)
  const verified = new Int32Array(LEAD_GROUPS.length)
  for (let i = 0; i < leadHours.length; i++) {
    const lead = leadHours[i]!
    const level = pit[i]!
    if (!(lead >= 1 && lead <= HORIZON_HOURS) || !Number.isFinite(level)) continue
    const group = GROUP_OF_LEAD[lead - 1]!
    verified[group] = verified[group]! + 1
    QUANTILE_LEVELS.forEach((tau, q) => {
      if (q < MEDIAN ? level < tau : level > tau) missed[group * Q + q]!++
    })
  }
  const followed = LEAD_GROUPS.map((_, g) => verified.findIndex((count, longer) => longer >= g && count > 0))
  return state.map((theta, k) => {
    const group = Math.floor(k / Q)
    const q = k % Q
    const from = followed[group]!
    if (q === MEDIAN || from < 0) return theta
    const nominal = Math.min(QUANTILE_LEVELS[q]!, 1 - QUANTILE_LEVELS[q]!)
    // A missed quantile moves further than a kept one, in the proportion that is nothing on the mean; all levels at about one pace.
    const step = from === group ? STEPS[group]! : FOLLOWED * STEPS[group]!
    const moved = theta + (step * (missed[from * Q + q]! / verified[from]! - nominal)) / Math.sqrt(nominal)
    return Math.min(LIMIT, Math.max(-LIMIT, moved))
  })
}

/** The seven quantiles of one lead as they were before `withAdaptation`; those that it kept at a bound stay nearer to the median than they were. */
export function withoutAdaptation(quantiles: ArrayLike<number>, lead: number, state: ArrayLike<number>): Float64Array {
  const group = GROUP_OF_LEAD[lead - 1]! * Q
  const median = quantiles[MEDIAN]!
  return Float64Array.from({ length: Q }, (_, q) => median + Math.exp(-state[group + q]!) * (quantiles[q]! - median))
}

/** Quantiles (168 × 7, lead-major) stretched about their median; ascending stays ascending. `low`, `high`: bounds of the variable. */
export function withAdaptation(quantiles: Float32Array, state: Adaptation, low: number, high: number): Float32Array {
  const out = Float32Array.from(quantiles)
  const factors = state.map(Math.exp)
  for (let h = 0; h < HORIZON_HOURS; h++) {
    const at = h * Q
    const group = GROUP_OF_LEAD[h]! * Q
    const median = quantiles[at + MEDIAN]!
    const stretched = (q: number): number =>
      Math.min(high, Math.max(low, median + factors[group + q]! * (quantiles[at + q]! - median)))
    for (let q = MEDIAN + 1; q < Q; q++) out[at + q] = Math.max(stretched(q), out[at + q - 1]!)
    for (let q = MEDIAN - 1; q >= 0; q--) out[at + q] = Math.min(stretched(q), out[at + q + 1]!)
  }
  return out
}
