/**
 * Probability of crossing a threshold, from a forecast's published quantiles.
 *
 * Inside the published levels the distribution function is linear between quantiles. Outside it decays exponentially, through the
 * two outermost quantiles of that side: F(x) = p₁·exp((x − q₁)/s) with s = (q₂ − q₁)/ln(p₂/p₁) below, mirrored above. An
 * exponential tail is a deliberate over-statement against a Gaussian one: a warning rule must not say "impossible" for what
 * seven quantiles cannot exclude. Where the two outermost quantiles coincide there is no scale and the tail is empty.
 * Equal neighbouring quantiles are an atom (precipitation, calm wind): at the atom itself "at most" takes its whole mass and
 * "at least" takes it too, so P(X ≤ t) + P(X ≥ t) = 1 + mass at t.
 */
import { QUANTILE_LEVELS } from '../../schemas/quantities.ts'

/** P(X ≤ threshold), 0–1. `quantiles` ascending, same length as `levels`, finite; throws RangeError otherwise. */
export function probabilityAtMost(
  quantiles: readonly number[],
  threshold: number,
  levels: readonly number[] = QUANTILE_LEVELS,
): number {
  if (quantiles.length !== levels.length || quantiles.length < 2) {
    throw new RangeError(`expected ${levels.length} quantiles, got ${quantiles.length}`)
  }
  for (let i = 0; i < quantiles.length; i++) {
    if (!Number.isFinite(quantiles[i]) || (i > 0 && at(quantiles, i) < at(quantiles, i - 1))) {
      throw new RangeError(`quantiles must be finite and ascending: ${quantiles.join(', ')}`)
    }
  }
  if (Number.isNaN(threshold)) throw new RangeError('threshold is NaN')
  const last = quantiles.length - 1
  if (threshold < at(quantiles, 0)) {
    return lowerTail(threshold, at(quantiles, 0), at(quantiles, 1), at(levels, 0), at(levels, 1))
  }
  if (threshold >= at(quantiles, last)) {
    // Mirrored: P(X > t) is the lower tail of −X. On the quantile itself this is exactly its level, unless it is an atom.
    return (
      1 - lowerTail(-threshold, -at(quantiles, last), -at(quantiles, last - 1), 1 - at(levels, last), 1 - at(levels, last - 1))
    )
  }
  // The last segment that starts at or below the threshold: an atom counts as a whole.
  let i = last - 1
  while (at(quantiles, i) > threshold) i--
  const from = at(quantiles, i)
  const to = at(quantiles, i + 1)
  return at(levels, i) + ((threshold - from) / (to - from)) * (at(levels, i + 1) - at(levels, i))
}

/** P(X ≥ threshold), 0–1. See probabilityAtMost for the conditions. */
export function probabilityAtLeast(
  quantiles: readonly number[],
  threshold: number,
  levels: readonly number[] = QUANTILE_LEVELS,
): number {
  const mirrored = quantiles.map((q) => -q).reverse()
  const mirroredLevels = levels.map((p) => 1 - p).reverse()
  return probabilityAtMost(mirrored, -threshold, mirroredLevels)
}

function lowerTail(x: number, q1: number, q2: number, p1: number, p2: number): number {
  if (q2 <= q1) return 0
  return p1 * Math.exp(((x - q1) / (q2 - q1)) * Math.log(p2 / p1))
}

function at(values: readonly number[], index: number): number {
  const value = values[index]
  if (value === undefined) throw new RangeError(`no element ${index}`)
  return value
}
