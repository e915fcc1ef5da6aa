/** Is one model better than another? The uncertainty of a mean paired difference whose cases are correlated in time. */
import { studentTwoSided } from './student-tail.ts'

/** Source of uniform numbers in [0, 1). */
export type Rng = () => number

/** mulberry32 (Tommy Ettinger, public domain): small, seeded, the same on every machine. */
export function createRng(seed: number): Rng {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
}

export type PairedDifference = {
  /** Mean of a − b over the pairs. */
  readonly mean: number
  /** Interval of the mean at `level`. */
  readonly low: number
  readonly high: number
  readonly pairs: number
  readonly blocks: number
}

/**
 * Mean paired difference a − b with a moving-block bootstrap interval (Künsch 1989).
 *
 * `a` and `b`: scores of the same cases in time order. Errors stay correlated for days: draw whole blocks of `blockLength` consecutive cases.
 * Percentile interval at `level` (default 0.95) from `resamples` draws. Throws RangeError when lengths differ or are zero.
 */
export function pairedBlockBootstrap(
  a: ArrayLike<number>,
  b: ArrayLike<number>,
  options: { blockLength: number; rng: Rng; resamples?: number; level?: number },
): PairedDifference {
  const n = a.length
  if (n === 0 || n !== b.length) throw new RangeError(`need the same non-zero number of cases, got ${n} and ${b.length}`)
  const { rng, resamples = 1000, level = 0.95 } = options
  const length = Math.max(1, Math.min(n, Math.floor(options.blockLength)))
  const prefix = new Float64Array(n + 1)
  for (let i = 0; i < n; i++) prefix[i + 1] = prefix[i]! + (a[i]! - b[i]!)
  const blocks = Math.ceil(n / length)
  const means = new Float64Array(resamples)
  for (let r = 0; r < resamples; r++) {
    let total = 0
    for (let k = 0; k < blocks; k++) {
      const start = Math.floor(rng() * (n - length + 1))
      total += prefix[start + length]! - prefix[start]!
    }
    means[r] = total / (blocks * length)
  }
  means.sort()
  const at = (p: number) => means[Math.min(resamples - 1, Math.max(0, Math.round(p * (resamples - 1))))]!
  return { mean: prefix[n]! / n, low: at((1 - level) / 2), high: at((1 + level) / 2), pairs: n, blocks }
}

export type DieboldMariano = {
  /** Mean of a − b. */
  readonly mean: number
  /** Standard error of that mean, HAC. */
  readonly standardError: number
  /** Corrected statistic; negative when a scores lower (is better). NaN when the variance is zero. */
  readonly statistic: number
  /** Two-sided, Student t with n − 1 degrees of freedom. NaN with the statistic. */
  readonly pValue: number
  readonly pairs: number
  /** Lags of the Bartlett kernel. */
  readonly lags: number
}

/**
 * Test of equal accuracy, H₀: E(a − b) = 0 (Diebold & Mariano 1995), `a` and `b` losses of the same cases in time order.
 *
 * d = a − b; V = (γ₀ + 2·Σ_{k=1}^{L} (1 − k/(L+1))·γ_k)/n with γ_k = (1/n)·Σ (d_t − d̄)(d_{t−k} − d̄) (Newey & West 1987: never negative);
 * DM = d̄/√V, times √((n + 1 − 2h + h(h−1)/n)/n) (Harvey, Leybourne & Newbold 1997), against t(n − 1).
 *
 * `horizon` h: steps a forecast looks ahead, in cases, so that errors h apart are independent under H₀; `lags` L defaults to h − 1. Scores of
 * 168 h forecasts issued every 12 h: h = 14. Throws RangeError when lengths differ, there are fewer than two pairs, or h is not in 1…n.
 */
export function dieboldMariano(
  a: ArrayLike<number>,
  b: ArrayLike<number>,
  options: { horizon: number; lags?: number },
): DieboldMariano {
  const n = a.length
  if (n < 2 || n !== b.length) throw new RangeError(`need the same number of cases, at least 2, got ${n} and ${b.length}`)
  const { horizon: h, lags = h - 1 } = options
  if (!Number.isInteger(h) || h < 1 || h > n) throw new RangeError(`horizon ${h} is not in 1…${n}`)
  if (!Number.isInteger(lags) || lags < 0 || lags >= n) throw new RangeError(`lags ${lags} is not in 0…${n - 1}`)
  const d = Float64Array.from({ length: n }, (_, i) => a[i]! - b[i]!)
  const mean = d.reduce((sum, value) => sum + value, 0) / n
  const covariance = (lag: number): number => {
    let sum = 0
    for (let t = lag; t < n; t++) sum += (d[t]! - mean) * (d[t - lag]! - mean)
    return sum / n
  }
  let longRun = covariance(0)
  for (let k = 1; k <= lags; k++) longRun += 2 * (1 - k / (lags + 1)) * covariance(k)
  const standardError = Math.sqrt(Math.max(0, longRun) / n)
  const correction = Math.sqrt((n + 1 - 2 * h + (h * (h - 1)) / n) / n)
  const statistic = standardError > 0 ? (correction * mean) / standardError : NaN
  return { mean, standardError, statistic, pValue: studentTwoSided(statistic, n - 1), pairs: n, lags }
}
