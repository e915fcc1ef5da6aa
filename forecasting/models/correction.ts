/** What corrections of a fitted forecast have in common: they move its centre and narrow it by what they were worth on origins left out. */
import { type ForecastVariable, HORIZON_HOURS, QUANTILE_LEVELS } from '../../schemas/quantities.ts'
import { LEAD_GROUPS } from './lead-groups.ts'
import { OWN } from './station-climate.ts'
import type { LeftOut, Prediction } from './types.ts'

const H = HORIZON_HOURS
const Q = QUANTILE_LEVELS.length
const MEDIAN = QUANTILE_LEVELS.indexOf(0.5)
const FADES = [0, 0.2, 0.4, 0.6, 0.8, 1]

/** Residuals of each origin by the regression whose hour of the day is nearest, in time order. `residuals`: origins × 168, NaN = not observed. */
export function nearestResiduals(
  leftOut: readonly LeftOut[],
  featureHours: Float64Array,
): { readonly hours: Float64Array; readonly residuals: Float64Array } {
  const best = new Map<number, { away: number; values: Float64Array }>()
  for (const { hour, rows, residuals } of leftOut)
    rows.forEach((row, r) => {
      const away = Math.abs(((((featureHours[row]! - hour + 12) % 24) + 24) % 24) - 12)
      if (away < (best.get(row)?.away ?? Number.POSITIVE_INFINITY))
        best.set(row, { away, values: residuals.subarray(r * H, (r + 1) * H) })
    })
  const rows = [...best.keys()].toSorted((a, b) => a - b)
  const residuals = new Float64Array(rows.length * H)
  rows.forEach((row, r) => residuals.set(best.get(row)!.values, r * H))
  return { hours: Float64Array.from(rows, (row) => featureHours[row]!), residuals }
}

/** Per lead group the share of a correction that does best on left-out origins. */
export function chooseFades(residuals: Float64Array, corrections: Float64Array, n: number): number[] {
  const losses = new Float64Array(FADES.length)
  return LEAD_GROUPS.map(([first, last]) => {
    addLosses(residuals, corrections, n, first - 1, last, losses.fill(0))
    let best = 0
    for (let f = 1; f < FADES.length; f++) if (losses[f]! < losses[best]!) best = f
    return FADES[best]!
  })
}

/** Adds Σ |residual − fade·corrections| over the leads from…to (exclusive, from 0) for every fade. */
function addLosses(
  residuals: Float64Array,
  corrections: Float64Array,
  n: number,
  from: number,
  to: number,
  losses: Float64Array,
): void {
  for (let f = 0; f < FADES.length; f++) {
    const fade = FADES[f]!
    let loss = 0
    for (let r = 0; r < n; r++)
      for (let i = r * H + from; i < r * H + to; i++) {
        const error = residuals[i]! - fade * corrections[i]!
        if (error === error) loss += Math.abs(error)
      }
    losses[f] = losses[f]! + loss
  }
}

/** Mean |residual| of each lead group after the faded correction over before; both origins × 168. 1 where nothing was observed. */
export function errorShares(residuals: Float64Array, corrections: Float64Array, fade: readonly number[]): number[] {
  return LEAD_GROUPS.map(([first, last], g) => {
    let before = 0
    let after = 0
    for (let row = 0; row < residuals.length; row += H)
      for (let i = row + first - 1; i < row + last; i++) {
        const e = residuals[i]!
        if (e !== e) continue
        before += Math.abs(e)
        after += Math.abs(e - fade[g]! * corrections[i]!)
      }
    return before > 0 ? after / before : 1
  })
}

/** The prediction with each lead (index 0 = lead 1) moved by `shift` and its distances from the median times `width`; a probability has no width. */
export function moved(
  prediction: Prediction,
  variable: ForecastVariable,
  shift: ArrayLike<number>,
  width: ArrayLike<number>,
): Prediction {
  const { low, high } = OWN[variable]
  const isProbability = variable === 'precipitationProbabilityPct'
  const quantiles = prediction.quantiles.slice()
  for (let h = 0; h < H; h++) {
    if (shift[h] === 0 && width[h] === 1) continue
    const centre = prediction.quantiles[h * Q + MEDIAN]!
    for (let q = 0; q < Q; q++) {
      const distance = prediction.quantiles[h * Q + q]! - centre
      quantiles[h * Q + q] = Math.min(high, Math.max(low, centre + shift[h]! + (isProbability ? 1 : width[h]!) * distance))
    }
  }
  return { ...prediction, quantiles }
}
