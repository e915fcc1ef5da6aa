/**
 * Probability that a threshold is crossed at some hour, or at every hour, of a window: P(T ≤ 0 °C in the next 12 h).
 *
 * The hours' own probabilities do not say: errors of neighbouring hours go together, and 1 − Π(1 − p) counts one cold night twelve times. The
 * order of past errors supplies the dependence (Schaake shuffle, Clark et al. 2004; ensemble copula coupling, Schefzik et al. 2013): each past
 * error row is ranked within its hour, u = (rank − ½)/rows; the member of that row lies at level u of every hour's forecast
 * distribution, and crosses "at most" where u ≤ p of that hour. The probability is the share of members that cross, held within the
 * Fréchet bounds that any dependence obeys (with few rows the share of a rare crossing would round to zero).
 */
import { QUANTILE_LEVELS } from '../../schemas/quantities.ts'
import { probabilityAtLeast, probabilityAtMost } from './threshold-probability.ts'

export type WindowQuestion = {
  readonly threshold: number
  readonly side: 'at-most' | 'at-least'
  /** Crossed at some hour, or at every hour. */
  readonly hours: 'any' | 'all'
}

export type WindowProbability = {
  /** 0–1; null with fewer than MIN_ERROR_ROWS complete past rows: then only the bounds are known. */
  readonly probability: number | null
  /** Bounds whatever the dependence. */
  readonly low: number
  readonly high: number
  /** Past rows used. */
  readonly rows: number
  /** Probability of each hour by itself. */
  readonly hourly: readonly number[]
}

/** Below this the ranks of past errors are too coarse to call a dependence. */
export const MIN_ERROR_ROWS = 30

/**
 * `quantiles`: per hour of the window the forecast's quantiles at QUANTILE_LEVELS. `pastErrors`: one row per past forecast, observed minus
 * forecast at the same hours of the window (only their order within each hour matters; scale and bias do not); rows of another length or with a
 * value that is not finite are left out. Rows from overlapping forecasts are fine. Throws RangeError for no hours, or quantiles that are no
 * distribution.
 */
export function probabilityInWindow(
  quantiles: ReadonlyArray<readonly number[]>,
  pastErrors: ReadonlyArray<ArrayLike<number>>,
  question: WindowQuestion,
): WindowProbability {
  if (quantiles.length === 0) throw new RangeError('a window of no hours')
  const { threshold, side, hours } = question
  const hourly = quantiles.map((q) =>
    side === 'at-most' ? probabilityAtMost(q, threshold, QUANTILE_LEVELS) : probabilityAtLeast(q, threshold, QUANTILE_LEVELS),
  )
  const [low, high] = bounds(hourly, hours)
  const rows = pastErrors.filter((row) => row.length === hourly.length && Array.from(row).every(Number.isFinite))
  if (rows.length < MIN_ERROR_ROWS) return { probability: null, low, high, rows: rows.length, hourly }

  const levels = hourly.map((_, hour) => midRankLevels(rows.map((row) => row[hour]!)))
  const crosses = (row: number, hour: number): boolean =>
    side === 'at-most' ? levels[hour]![row]! <= hourly[hour]! : 1 - levels[hour]![row]! <= hourly[hour]!
  const share =
    rows.filter((_, row) =>
      hours === 'any' ? hourly.some((_, hour) => crosses(row, hour)) : hourly.every((_, hour) => crosses(row, hour)),
    ).length / rows.length
  return { probability: Math.min(high, Math.max(low, share)), low, high, rows: rows.length, hourly }
}

/** Fréchet–Hoeffding bounds of a union ('any') or an intersection ('all'). */
function bounds(hourly: readonly number[], hours: 'any' | 'all'): [low: number, high: number] {
  const sum = hourly.reduce((total, p) => total + p, 0)
  const smallest = Math.min(...hourly)
  const largest = Math.max(...hourly)
  // The inner min and max matter only to rounding: a sum of floats may pass the bound it equals.
  return hours === 'any'
    ? [largest, Math.max(largest, Math.min(1, sum))]
    : [Math.min(smallest, Math.max(0, sum - (hourly.length - 1))), smallest]
}

/** (rank − ½)/n of every value; equal values share the mean of their ranks. */
function midRankLevels(values: readonly number[]): number[] {
  const order = values.map((_, i) => i).sort((a, b) => values[a]! - values[b]!)
  const levels = values.map(() => 0)
  for (let from = 0; from < order.length;) {
    let to = from
    while (to + 1 < order.length && values[order[to + 1]!] === values[order[from]!]) to++
    for (let i = from; i <= to; i++) levels[order[i]!] = ((from + to) / 2 + 0.5) / order.length
    from = to + 1
  }
  return levels
}
