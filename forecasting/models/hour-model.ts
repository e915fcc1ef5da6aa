/**
 * The regression for issues near one hour of the day. Rows, inputs, weights, Gram matrix and factors are the same for every variable that
 * was observed in the same hours: they are made once, and each variable adds its right-hand sides, its fades and its spread.
 */
import { HORIZON_HOURS } from '../../schemas/quantities.ts'
import {
  departuresOf,
  hourRows,
  type Own,
  seasonWeight,
  type Settings,
  shareOf,
  type Standard,
  type Station,
} from './hour-rows.ts'
import { LINEAR_COUNT, NEWEST_INPUT, type RandomFeatures } from './inputs.ts'
import { GROUP_OF_LEAD, LEAD_GROUPS } from './lead-groups.ts'
import type { LeftOutScores } from './left-out-scores.ts'
import type { HourModel } from './random-feature-state.ts'
import { regressWithBlocks } from './regression.ts'
import { fitSpread } from './spread.ts'
import { OWN } from './station-climate.ts'
import type { FitOptions } from './types.ts'

const H = HORIZON_HOURS
/** Of the weights of rows in the residual quantiles; see seasonWeight. */
const SEASON_OF_QUANTILES = 2
const FADES = [0, 0.2, 0.4, 0.6, 0.8, 1]

export type Member = Own & { readonly scores: LeftOutScores; readonly onLeftOut: FitOptions['onLeftOut'] }

/** One model for each member, all from the rows `chosen`. */
export function fitHourModels(
  station: Station,
  hour: number,
  chosen: readonly number[],
  random: RandomFeatures,
  settings: Settings,
  members: readonly Member[],
): HourModel[] {
  const rows = hourRows(station, chosen, random)
  const { n, p, hours } = rows.design
  const seasonWeights = Float64Array.from(hours, (at) => seasonWeight(at, station.season, SEASON_OF_QUANTILES))
  const targets = members.map((member) => departuresOf(station, rows, settings, member))
  const regressions = regressWithBlocks(
    rows.design,
    targets.map(({ filled }) => filled),
    settings.blocks,
    settings.penalty,
  )
  return members.map((member, m) => {
    const { departures } = targets[m]!
    const { beta, leftOut } = regressions.fits[m]!
    const fade = chooseFades(departures, leftOut, n)
    finishCoefficients(beta, p, fade, rows, settings, member)
    const residuals = subtractFaded(departures, leftOut, fade, n)
    const spread = fitSpread(rows.design, regressions, residuals, LINEAR_COUNT, seasonWeights)
    const model: HourModel = { hour, means: rows.means, factors: rows.factors, beta: Float32Array.from(beta), fade, spread }
    member.scores.add({ station, rows, residuals, model })
    member.onLeftOut?.({ variable: member.variable, hour, rows: chosen, residuals })
    return model
  })
}

/** Fades the regression, then adds the damped departure in terms of the standardised input. */
export function finishCoefficients(
  beta: Float64Array,
  p: number,
  fade: readonly number[],
  { means, factors }: Standard,
  settings: Settings,
  { variable, damping }: Own,
): void {
  const { column, factor } = OWN[variable]
  const own = NEWEST_INPUT[column]!
  const share = shareOf(settings, damping)
  for (let h = 0; h < H; h++) {
    for (let i = 0; i < p; i++) beta[i * H + h] = beta[i * H + h]! * fade[GROUP_OF_LEAD[h]!]!
    if (factors[own]! > 0) {
      beta[(1 + own) * H + h]! += (share[h]! * factor) / factors[own]!
      beta[h]! += share[h]! * factor * means[own]!
    }
  }
}

/** Per lead group the share of the regression that does best on left-out origins: 0 is the damped departure. */
export function chooseFades(departures: Float64Array, leftOut: Float64Array, n: number): number[] {
  const losses = new Float64Array(FADES.length)
  return LEAD_GROUPS.map(([first, last]) => {
    addLosses(departures, leftOut, n, first - 1, last, losses.fill(0))
    let best = 0
    for (let f = 1; f < FADES.length; f++) if (losses[f]! < losses[best]!) best = f
    return FADES[best]!
  })
}

/** Adds Σ |departure − fade·leftOut| over the leads from…to (exclusive, from 0) for every fade. */
function addLosses(
  departures: Float64Array,
  leftOut: Float64Array,
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
        const error = departures[i]! - fade * leftOut[i]!
        if (error === error) loss += Math.abs(error)
      }
    losses[f] = losses[f]! + loss
  }
}

/** Writes departures − fade·leftOut over the departures. */
function subtractFaded(departures: Float64Array, leftOut: Float64Array, fade: readonly number[], n: number): Float64Array {
  const byLead = Float64Array.from(GROUP_OF_LEAD, (g) => fade[g]!)
  for (let r = 0, i = 0; r < n; r++) for (let h = 0; h < H; h++, i++) departures[i] = departures[i]! - byLead[h]! * leftOut[i]!
  return departures
}
