/**
 * The regression for issues near one hour of the day. Rows, inputs, weights, Gram matrix and factors are the same for every variable that
 * was observed in the same hours: they are made once, and each variable adds its right-hand sides, its shares and its spread.
 */
import { COLUMN_COUNT } from '../features/index.ts'
import { HORIZON_HOURS } from '../../schemas/quantities.ts'
import { usualCourse } from './error-course.ts'
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
import { type Part, regressWithBlocks } from './regression.ts'
import { chooseShares, type Damped, type Said, type Shares } from './shares.ts'
import { fitSpread } from './spread.ts'
import { OWN, traitsOf } from './station-climate.ts'
import type { FitOptions } from './types.ts'

const H = HORIZON_HOURS
const RANDOM_LEADS = 96
/**
 * Of the weights of rows in the residual quantiles; see seasonWeight. In part of a year the nearest season is but the newest weather, which says
 * nothing of what follows the sun; of the rest, whose annual cycle is hardly known yet, it does.
 */
const SEASON_OF_QUANTILES = { full: 1, partOfSolar: 0, partOfOther: 2 }

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
  const targets = members.map((member) => departuresOf(station, rows, settings, member))
  const parts = partsOf(random)
  const regressions = regressWithBlocks(
    rows.design,
    targets.map(({ filled }) => filled),
    settings.blocks,
    settings.penalty,
    parts,
  )
  return members.map((member, m) => {
    const { departures } = targets[m]!
    const fits = regressions.fits[m]!
    const said = fits.map(({ leftOut }, k) => ({ values: leftOut, lastLead: parts[k]!.lastLead }))
    const damped = dampedOf(rows, member)
    if (settings.startsDamped) for (const values of [departures, ...fits.map(({ leftOut }) => leftOut)]) addDamped(values, damped)
    const isProbability = member.variable === 'precipitationProbabilityPct'
    const shares = chooseShares(departures, damped, said, { isProbability, leavesRest: station.fittedClimate.leavesOut })
    const beta = mixCoefficients(
      fits.map((fit) => fit.beta),
      shares,
      rows,
      settings,
      member,
    )
    const residuals = subtractShares(departures, damped, said, shares)
    const { isSolar, isBounded } = traitsOf(OWN[member.variable].column)
    const { full, partOfSolar, partOfOther } = SEASON_OF_QUANTILES
    const kappa = settings.knowsSeasons ? full : isSolar ? partOfSolar : partOfOther
    const spread = fitSpread(rows.design, regressions, residuals, {
      linear: LINEAR_COUNT,
      season: Float64Array.from(hours, (at) => seasonWeight(at, station.season, kappa)),
      knowsSeasons: settings.knowsSeasons,
      usual: usualCourse(member.variable, station.fittedClimate.climate.climatologies, settings.knowsSeasons),
      isSolar,
      isBounded,
    })
    const model: MixedModel = { hour, means: rows.means, factors: rows.factors, beta: Float32Array.from(beta), spread, shares }
    member.scores.add({ station, rows, residuals, model })
    member.onLeftOut?.({ variable: member.variable, hour, rows: chosen, residuals })
    return model
  })
}

/** All inputs for leads up to 96 h, beyond which random features never had a share, and the linear inputs alone. */
export function partsOf(random: RandomFeatures): readonly Part[] {
  const linear = { inputs: 1 + LINEAR_COUNT, lastLead: H }
  return random.count > 0 ? [{ inputs: linear.inputs + random.count, lastLead: RANDOM_LEADS }, linear] : [linear]
}

/** The coefficients of all inputs (first of `betas`, p × 168) become those of the mixture; the damped departure in terms of the standardised input. */
export function mixCoefficients(
  betas: readonly Float64Array[],
  shares: Shares,
  { means, factors }: Standard,
  settings: Settings,
  { variable, damping }: Own,
): Float64Array {
  const mixed = new Float64Array(betas[0]!.length)
  const { column, factor } = OWN[variable]
  const own = NEWEST_INPUT[column]!
  for (let h = 0; h < H; h++) {
    const [damped, ...ofRegressions] = shares[GROUP_OF_LEAD[h]!]!
    betas.forEach((beta, k) => {
      for (let i = h; i < beta.length; i += H) mixed[i] = mixed[i]! + ofRegressions[k]! * beta[i]!
    })
    const ownFactor = factors[own]!
    if (ownFactor === 0) continue
    const starting = settings.startsDamped ? ofRegressions.reduce((sum, share) => sum + share, 0) : 0
    const kept = (damped! + starting) * damping.share[h]! * factor
    mixed[(1 + own) * H + h]! += kept / ownFactor
    mixed[h]! += kept * means[own]!
  }
  return mixed
}

/** In the variable's unit. */
function dampedOf({ design: { n }, newest }: HourRows, { variable, damping: { share } }: Own): Damped {
  const { column, factor } = OWN[variable]
  return { share, newest: Float64Array.from({ length: n }, (_, r) => newest[r * COLUMN_COUNT + column]! * factor) }
}

function addDamped(into: Float64Array, { share, newest }: Damped): void {
  for (let r = 0, i = 0; r < newest.length; r++) for (let h = 0; h < H; h++, i++) into[i] = into[i]! + share[h]! * newest[r]!
}

/** Writes departures less the shares of what was said over the departures. */
function subtractShares(
  departures: Float64Array,
  { share, newest }: Damped,
  said: readonly Said[],
  shares: Shares,
): Float64Array {
  const dampedBy = share.map((value, h) => value * shares[GROUP_OF_LEAD[h]!]![0]!)
  for (let r = 0, i = 0; r < newest.length; r++)
    for (let h = 0; h < H; h++, i++) departures[i] = departures[i]! - dampedBy[h]! * newest[r]!
  said.forEach(({ values }, k) => {
    const by = Float64Array.from(GROUP_OF_LEAD, (g) => shares[g]![1 + k]!)
    for (let i = 0; i < departures.length;) for (let h = 0; h < H; h++, i++) departures[i] = departures[i]! - by[h]! * values[i]!
  })
  return departures
}
