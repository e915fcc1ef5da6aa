/**
 * Scores of one forecast of one hour, from its seven quantiles. Names as in WMO-No. 485 and the WWRP verification guidance.
 */
import { type ForecastVariable, QUANTILE_LEVELS } from '../../schemas/quantities.ts'

const LEVELS: readonly number[] = QUANTILE_LEVELS
const MEDIAN = LEVELS.indexOf(0.5)
const Q10 = LEVELS.indexOf(0.1)
const Q90 = LEVELS.indexOf(0.9)
const Q025 = LEVELS.indexOf(0.025)
const Q975 = LEVELS.indexOf(0.975)
/** q90 − q10 of a normal distribution with standard deviation 1. */
const NORMAL_Q80_WIDTH = 2.5631031310892007

export type LeadScore = {
  /** Median minus observed, unit of the variable (probability: percentage points). */
  readonly error: number
  /** Continuous ranked probability score, unit of the variable (probability: Brier score, 0–1). */
  readonly crps: number
  /** Forecast distribution function at the observation, 0–1. Probability: the probability given to what did not happen … see verifyLead. */
  readonly pit: number
  /** Spread the forecast claims: (q90 − q10) / 2.5631, a standard deviation if normal. Probability: √(p(1−p))·100. Never below a floor. */
  readonly expectedScale: number
  readonly covered80: boolean
  readonly covered95: boolean
}

/**
 * Scores one lead.
 *
 * `quantiles`: 7 values at QUANTILE_LEVELS, ascending. `observed`: same unit (precipitationProbabilityPct: 100 if the event happened, else 0).
 *
 * - crps = 2·∫ pinball_τ dτ, the integral taken exactly for a quantile function that is linear between the seven levels and constant
 *   outside them (Gneiting & Raftery 2007, eq. 21 in quantile form; Laio & Tamea 2007).
 * - pit: the level at the observation by linear interpolation; 0.0125 below q2.5 and 0.9875 above q97.5 (the middle of the tail), ties
 *   take the middle of the tied levels.
 * - probability: crps is the Brier score (p/100 − o)², Brier 1950; pit is 1 − p/2 after an event, (1 − p)/2 after none (the mid-point
 *   PIT of a binary forecast, Czado, Gneiting & Held 2009); a probability has no interval, so both covered flags say whether the outcome was
 *   given at least 10 % or 2.5 %.
 */
export function verifyLead(quantiles: ArrayLike<number>, observed: number, variable?: ForecastVariable): LeadScore {
  if (variable === 'precipitationProbabilityPct') return verifyProbability(quantiles[MEDIAN]! / 100, observed > 50)
  return {
    error: quantiles[MEDIAN]! - observed,
    crps: crpsFromQuantiles(quantiles, observed),
    pit: pitFromQuantiles(quantiles, observed),
    expectedScale: claimedScale(quantiles),
    covered80: observed >= quantiles[Q10]! && observed <= quantiles[Q90]!,
    covered95: observed >= quantiles[Q025]! && observed <= quantiles[Q975]!,
  }
}

/** (q90 − q10) / 2.5631, not below 0.01: the standard deviation that a forecast of one lead claims, if normal. */
export function claimedScale(quantiles: ArrayLike<number>): number {
  return Math.max((quantiles[Q90]! - quantiles[Q10]!) / NORMAL_Q80_WIDTH, 0.01)
}

function verifyProbability(probability: number, happened: boolean): LeadScore {
  const outcome = happened ? 1 : 0
  const given = happened ? probability : 1 - probability
  return {
    error: (probability - outcome) * 100,
    crps: (probability - outcome) ** 2,
    pit: happened ? 1 - probability / 2 : (1 - probability) / 2,
    expectedScale: Math.max(Math.sqrt(probability * (1 - probability)) * 100, 1),
    covered80: given >= 0.1,
    covered95: given >= 0.025,
  }
}

/** ρ_τ(y − q) = (y − q)(τ − 1[y < q]), Koenker & Bassett 1978. Unit of the variable. */
export function pinball(quantile: number, observed: number, level: number): number {
  return observed >= quantile ? level * (observed - quantile) : (1 - level) * (quantile - observed)
}

/** CRPS of a piecewise linear quantile function, constant outside its outermost levels. Unit of the variable; ≥ 0; |q − y| when all are equal. */
export function crpsFromQuantiles(quantiles: ArrayLike<number>, observed: number): number {
  const last = LEVELS.length - 1
  let total = constantPart(quantiles[0]!, observed, 0, LEVELS[0]!) + constantPart(quantiles[last]!, observed, LEVELS[last]!, 1)
  for (let i = 0; i < last; i++) total += linearPart(quantiles[i]!, quantiles[i + 1]!, LEVELS[i]!, LEVELS[i + 1]!, observed)
  return 2 * total
}

/** ∫ over [a, b] of the pinball loss for a constant quantile q. */
function constantPart(q: number, y: number, a: number, b: number): number {
  const half = (b * b - a * a) / 2
  return y >= q ? (y - q) * half : (q - y) * (b - a - half)
}

/** ∫ over [a, b] of the pinball loss for q(τ) linear from p to q, in closed form. Split where q(τ) crosses y. */
function linearPart(p: number, q: number, a: number, b: number, y: number): number {
  if (y >= p && y >= q) return belowPart(p, q, a, b, y)
  if (y <= p && y <= q) return abovePart(p, q, a, b, y)
  const crossing = a + ((y - p) / (q - p)) * (b - a)
  return p < q
    ? belowPart(p, y, a, crossing, y) + abovePart(y, q, crossing, b, y)
    : abovePart(p, y, a, crossing, y) + belowPart(y, q, crossing, b, y)
}

/** ∫ over [a, b] of τ·(y − q(τ)). With t = (τ − a)/(b − a) both factors are linear, and the integral is that of a quadratic in t. */
function belowPart(p: number, q: number, a: number, b: number, y: number): number {
  const width = b - a
  return width * (a * (y - p) + (width * (y - p) - a * (q - p)) / 2 - (width * (q - p)) / 3)
}

/** ∫ over [a, b] of (1 − τ)·(q(τ) − y). */
function abovePart(p: number, q: number, a: number, b: number, y: number): number {
  const width = b - a
  return width * ((1 - a) * (p - y) + ((1 - a) * (q - p) - width * (p - y)) / 2 - (width * (q - p)) / 3)
}

function pitFromQuantiles(quantiles: ArrayLike<number>, y: number): number {
  const last = LEVELS.length - 1
  if (y < quantiles[0]!) return LEVELS[0]! / 2
  if (y > quantiles[last]!) return (1 + LEVELS[last]!) / 2
  let low = 0
  while (low < last && quantiles[low]! < y) low++
  if (quantiles[low] === y) {
    let high = low
    while (high < last && quantiles[high + 1] === y) high++
    return (LEVELS[low]! + LEVELS[high]!) / 2
  }
  const share = (y - quantiles[low - 1]!) / (quantiles[low]! - quantiles[low - 1]!)
  return LEVELS[low - 1]! + share * (LEVELS[low]! - LEVELS[low - 1]!)
}
