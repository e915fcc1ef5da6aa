/** Do the quantiles mean what they say (PIT), and how much do they say (sharpness)? */
import { QUANTILE_LEVELS } from '../../schemas/quantities.ts'

export type PitHistogram = {
  readonly counts: readonly number[]
  /** Count over expected count: 1 everywhere when calibrated, ∪ when too narrow, ∩ when too wide, sloped when biased. */
  readonly density: readonly number[]
  /** 1/2 when unbiased; above, the observations lie above the forecasts. */
  readonly mean: number
  /** 1/12 when the spread is right; larger when the forecasts are too narrow. */
  readonly variance: number
  /** Σ |share − 1/bins|, 0 flat (reliability index, Delle Monache et al. 2006). */
  readonly reliabilityIndex: number
  readonly n: number
}

/**
 * Histogram of PIT values (Dawid 1984; Gneiting, Balabdaoui & Raftery 2007) over `bins` (default 10) bins of equal width, each with
 * its lower edge, the last with both. PIT from verifyLead puts a tail's mass in its middle (0.0125 and 0.9875): keep bins at least
 * 0.025 wide. Values that are not in [0, 1] are not counted; no values give NaN means and densities.
 */
export function pitHistogram(pits: Iterable<number>, bins = 10): PitHistogram {
  if (!Number.isInteger(bins) || bins < 1) throw new RangeError(`bins ${bins}`)
  const counts = Array.from({ length: bins }, () => 0)
  let n = 0
  let sum = 0
  let squares = 0
  for (const pit of pits) {
    if (!(pit >= 0 && pit <= 1)) continue
    counts[Math.min(bins - 1, Math.floor(pit * bins + 1e-9))]! += 1
    n++
    sum += pit
    squares += pit * pit
  }
  const mean = sum / n
  return {
    counts,
    density: counts.map((count) => (count / n) * bins),
    mean,
    variance: squares / n - mean * mean,
    reliabilityIndex: counts.reduce((total, count) => total + Math.abs(count / n - 1 / bins), 0),
    n,
  }
}

export type Sharpness = { readonly meanWidth80: number; readonly meanWidth95: number; readonly n: number }

const at = (level: (typeof QUANTILE_LEVELS)[number]): number => QUANTILE_LEVELS.indexOf(level)

/**
 * Mean width of the central 80 % and 95 % intervals, unit of the variable (Gneiting, Balabdaoui & Raftery 2007: the narrowest, subject to
 * calibration). `forecasts`: quantiles at QUANTILE_LEVELS, each; those with a quantile that is not finite are not counted. NaN for none.
 */
export function sharpness(forecasts: Iterable<ArrayLike<number>>): Sharpness {
  let n = 0
  let width80 = 0
  let width95 = 0
  for (const quantiles of forecasts) {
    const inner = quantiles[at(0.9)]! - quantiles[at(0.1)]!
    const outer = quantiles[at(0.975)]! - quantiles[at(0.025)]!
    if (!Number.isFinite(inner) || !Number.isFinite(outer)) continue
    n++
    width80 += inner
    width95 += outer
  }
  return { meanWidth80: width80 / n, meanWidth95: width95 / n, n }
}
