/**
 * The regression for issues near one hour of the day. Rows, inputs, weights, Gram matrix and factors are the same for every variable that
 * was observed in the same hours: they are made once, and each variable adds its right-hand sides, its shares and its spread.
 */
import { COLUMN_COUNT } from '../features/index.ts'
import { HORIZON_HOURS } from '../../schemas/quantities.ts'
import {
  departuresOf,
  type HourRows,
  hourRows,
  type Own,
  seasonWeight,
  type Settings,
  type Standard,
  type Station,
} from './hour-rows.ts'
import { LINEAR_COUNT, NEWEST_INPUT, type RandomFeatures } from './inputs.ts'
import { GROUP_OF_LEAD } from './lead-groups.ts'
import type { LeftOutScores } from './left-out-scores.ts'
import type { HourModel } from './random-feature-state.ts'
import { regressWithBlocks } from './regression.ts'
import { chooseShares, type Shares } from './shares.ts'
import { fitSpread } from './spread.ts'
import { OWN } from './station-climate.ts'
import type { FitOptions } from './types.ts'

const H = HORIZON_HOURS
/** The constant and the linear inputs. */
const LINEAR_INPUTS = 1 + LINEAR_COUNT
/** Of the weights of rows in the residual quantiles; see seasonWeight. */
const SEASON_OF_QUANTILES = 2

export type Member = Own & { readonly scores: LeftOutScores; readonly onLeftOut: FitOptions['onLeftOut'] }

/**
 * With the shares that its coefficients were mixed by, in this order: the damped departure, the regression on all inputs, and the one on the linear
 * inputs alone where there are others.
 */
export type MixedModel = HourModel & { readonly shares: Shares }

/** One model for each member, all from the rows `chosen`. */
export function fitHourModels(
  station: Station,
  hour: number,
  chosen: readonly number[],
  random: RandomFeatures,
  settings: Settings,
  members: readonly Member[],
): MixedModel[] {
  const rows = hourRows(station, chosen, random, settings)
  const { hours } = rows.design
  const seasonWeights = Float64Array.from(hours, (at) => seasonWeight(at, station.season, SEASON_OF_QUANTILES))
  const targets = members.map((member) => departuresOf(station, rows, settings, member))
  const regressions = regressWithBlocks(
    rows.design,
    targets.map(({ filled }) => filled),
    settings.blocks,
    settings.penalty,
    LINEAR_INPUTS,
  )
  return members.map((member, m) => {
    const { departures } = targets[m]!
    const { beta, leftOut, leading } = regressions.fits[m]!
    const said = [dampedOf(rows, member), leftOut, ...(leading ? [leading.leftOut] : [])]
    if (settings.startsDamped) for (const part of [departures, ...said.slice(1)]) add(part, said[0]!)
    const shares = chooseShares(departures, said, member.variable === 'precipitationProbabilityPct')
    mixCoefficients([beta, ...(leading ? [leading.beta] : [])], shares, rows, settings, member)
    const residuals = subtractShares(departures, said, shares)
    const spread = fitSpread(rows.design, regressions, residuals, LINEAR_COUNT, seasonWeights)
    const model: MixedModel = { hour, means: rows.means, factors: rows.factors, beta: Float32Array.from(beta), spread, shares }
    member.scores.add({ station, rows, residuals, model })
    member.onLeftOut?.({ variable: member.variable, hour, rows: chosen, residuals })
    return model
  })
}

/** Turns the coefficients of all inputs (p × 168) into those of the mixture; the damped departure in terms of the standardised input. */
export function mixCoefficients(
  [beta, linear]: readonly Float64Array[],
  shares: Shares,
  { means, factors }: Standard,
  settings: Settings,
  { variable, damping }: Own,
): void {
  if (!beta) throw new RangeError('no regression to mix')
  const { column, factor } = OWN[variable]
  const own = NEWEST_INPUT[column]!
  for (let h = 0; h < H; h++) {
    const [damped = 0, all = 0, alone = 0] = shares[GROUP_OF_LEAD[h]!]!
    for (let i = h; i < beta.length; i += H) beta[i] = all * beta[i]!
    if (linear) for (let i = h; i < linear.length; i += H) beta[i] = beta[i]! + alone * linear[i]!
    if (factors[own]! > 0) {
      const kept = (settings.startsDamped ? damped + all + alone : damped) * damping.share[h]! * factor
      beta[(1 + own) * H + h]! += kept / factors[own]!
      beta[h]! += kept * means[own]!
    }
  }
}

/** n × 168: the newest departure, damped. */
function dampedOf({ design: { n }, newest }: HourRows, { variable, damping: { share } }: Own): Float64Array {
  const { column, factor } = OWN[variable]
  const damped = new Float64Array(n * H)
  for (let r = 0, i = 0; r < n; r++) {
    const own = newest[r * COLUMN_COUNT + column]! * factor
    for (let h = 0; h < H; h++, i++) damped[i] = share[h]! * own
  }
  return damped
}

function add(into: Float64Array, what: Float64Array): void {
  for (let i = 0; i < into.length; i++) into[i] = into[i]! + what[i]!
}

/** Writes departures less the shares of what was said over the departures. */
function subtractShares(departures: Float64Array, said: readonly Float64Array[], shares: Shares): Float64Array {
  said.forEach((part, m) => {
    const byLead = Float64Array.from(GROUP_OF_LEAD, (g) => shares[g]![m]!)
    for (let i = 0; i < departures.length;)
      for (let h = 0; h < H; h++, i++) departures[i] = departures[i]! - byLead[h]! * part[i]!
  })
  return departures
}
