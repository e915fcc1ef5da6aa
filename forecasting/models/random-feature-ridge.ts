/**
 * Random-feature ridge: recentred harmonic climatology plus a direct regression of the departures ahead on the departures seen, fitted
 * for hours of the day near the hour of issue and weighted to the season of issue. Quantiles come from origins that were left out.
 */
import { COLUMN_COUNT, FEATURE_COUNT } from '../features/index.ts'
import { HORIZON_HOURS } from '../../schemas/quantities.ts'
import { annualAngle, FULL_YEAR_HOURS } from './climatology.ts'
import {
  addRandomFeatures,
  createRandomFeatures,
  LINEAR_COUNT,
  linearInputs,
  NEWEST_INPUT,
  type RandomFeatures,
} from './inputs.ts'
import { LEAD_GROUPS } from './lead-groups.ts'
import { createFitted, FAMILY, type HourModel, type RidgeState } from './random-feature-state.ts'
import { type Design, regressWithBlocks } from './regression.ts'
import { scoreLeftOut } from './left-out-scores.ts'
import { fitSpread } from './spread.ts'
import { fitStationClimate, type FittedClimate, OWN, recentreOffsets } from './station-climate.ts'
import type { FitOptions, FitResult, ModelFamily, TrainingSet } from './types.ts'
import { type Damping, fitDamping, youngStationModel } from './young-station.ts'

const H = HORIZON_HOURS
const SEED = 1
/** Fewest origins worth a regression; with fewer the model of a young station serves (docs/forecasting/experiments.md). */
const MIN_ROWS = 30 * 24
/** Rows aimed at in one hour model: with little history it looks at more hours of the day. */
const WANTED_ROWS = 700
const MAX_ROWS = 9500
/** w = exp(κ·(cos Δseason − 1)): of rows in the regression and in the residual quantiles. */
const SEASON = { regression: 0.7, quantiles: 2 }
const FADES = [0, 0.2, 0.4, 0.6, 0.8, 1]

export const randomFeatureRidge: ModelFamily = { name: FAMILY, fit: (history, options) => fit(history, options) }
/** The same without random features at any length of history: what they add is the difference between the two. */
export const linearRidge: ModelFamily = { name: 'ridge-direct', fit: (history, options) => fit(history, options, 0) }

type Plan = {
  readonly hourModels: ReadonlyArray<number>
  readonly halfWidth: number
  readonly units: number
  readonly blocks: number
  readonly penalty: number
  /** Shrunk to the damped departure instead of to nothing. */
  readonly startsDamped: boolean
}

/**
 * With less than a year there is no season to bend with, and random features only add noise; the linear part needs more penalty, towards
 * the damped departure. With more the regression does better on its own (docs/forecasting/experiments.md).
 */
const SETTINGS = {
  full: { units: 200, blocks: 6, penalty: 0.003, startsDamped: false },
  partial: { units: 0, blocks: 4, penalty: 0.1, startsDamped: true },
}

function fit(history: TrainingSet, { variable, originHour }: FitOptions, maxUnits = SETTINGS.full.units): FitResult {
  const own = OWN[variable]
  const fittedClimate = fitStationClimate(history, true)
  if (!fittedClimate.climate.climatologies[own.column])
    return { ok: false, refused: `fewer than 24 observed hours of ${variable}` }
  const damping = fitDamping(history, variable, fittedClimate)
  const usable = usableRows(history, history.targets[variable])
  if (usable.length < MIN_ROWS) return young(variable, fittedClimate, damping)
  const plan = planFor(history, usable, originHour)
  const units = Math.min(plan.units, maxUnits)
  const random = createRandomFeatures(units, SEED)
  const season = annualAngle(history.featureHours.at(-1)!)
  const scores = scoreLeftOut(variable)
  const models: HourModel[] = []
  let rows = 0
  for (const hour of plan.hourModels) {
    const chosen = near(history, usable, hour, plan.halfWidth)
    if (chosen.length < MIN_ROWS / 24) continue
    rows += chosen.length
    models.push(fitHour({ history, variable, fittedClimate, damping, random, season, hour, chosen, plan, scores }))
  }
  if (models.length === 0) return young(variable, fittedClimate, damping)
  const state: RidgeState = {
    variable,
    climate: fittedClimate.climate,
    units,
    seed: SEED,
    hourModels: models,
    card: {
      rows,
      inputs: LINEAR_COUNT,
      randomFeatures: units,
      hourModels: models.length,
      halfWidthHours: plan.halfWidth,
      blocks: plan.blocks,
      penalty: plan.penalty,
      fade: models[0]!.fade,
    },
  }
  return { ok: true, fitted: createFitted(state), rows, scores: scores.result() }
}

/** Without left-out scores: there is nothing to leave out yet. */
function young(variable: FitOptions['variable'], { climate }: FittedClimate, damping: Damping): FitResult {
  const { rows } = damping
  const card = { rows, inputs: 1, randomFeatures: 0, hourModels: 1, youngStation: true }
  const hourModels = [youngStationModel(variable, damping)]
  return { ok: true, fitted: createFitted({ variable, climate, units: 0, seed: SEED, hourModels, card }), rows, scores: [] }
}

/** Origins with a vector and at least nine tenths of the next 168 h observed. */
export function usableRows(history: TrainingSet, target: Float64Array): number[] {
  const missing = new Int32Array(target.length + 1)
  for (let i = 0; i < target.length; i++) missing[i + 1] = missing[i]! + (Number.isNaN(target[i]!) ? 1 : 0)
  const usable: number[] = []
  for (let row = 0; row < history.featureHours.length; row++) {
    const first = history.featureHours[row]! + 1 - history.startHour
    if (first < 0 || first + H > target.length) continue
    if (missing[first + H]! - missing[first]! <= H / 10) usable.push(row)
  }
  return usable
}

function planFor(history: TrainingSet, usable: readonly number[], originHour: number | undefined): Plan {
  const days = usable.length / 24
  const isFull = history.featureHours.at(-1)! - history.featureHours[0]! >= FULL_YEAR_HOURS
  const halfWidth = Math.min(12, Math.max(2, Math.ceil((WANTED_ROWS / days - 1) / 2)))
  const count = isFull && halfWidth <= 2 ? 8 : halfWidth <= 4 ? 4 : 1
  const hourModels =
    originHour === undefined ? Array.from({ length: count }, (_, k) => ((k + 0.5) * 24) / count - 0.5) : [originHour]
  const settings = isFull ? SETTINGS.full : SETTINGS.partial
  return { hourModels, halfWidth: count === 1 ? 12 : count === 4 ? Math.max(3, halfWidth) : halfWidth, ...settings }
}

/** Rows whose hour of the day is at most `halfWidth` (12 = all) from `hour`. */
export function near(history: TrainingSet, usable: readonly number[], hour: number, halfWidth: number): number[] {
  const rows = usable.filter((row) => {
    const away = Math.abs(((((history.featureHours[row]! - hour + 12) % 24) + 24) % 24) - 12)
    return away <= halfWidth + 0.5
  })
  const stride = Math.ceil(rows.length / MAX_ROWS)
  return stride > 1 ? rows.filter((_, i) => i % stride === 0) : rows
}

type HourFit = {
  readonly history: TrainingSet
  readonly variable: FitOptions['variable']
  readonly fittedClimate: FittedClimate
  readonly damping: Damping
  readonly random: RandomFeatures
  readonly season: number
  readonly hour: number
  readonly chosen: readonly number[]
  readonly plan: Plan
  readonly scores: ReturnType<typeof scoreLeftOut>
}

function fitHour({ history, variable, fittedClimate, damping, random, season, hour, chosen, plan, scores }: HourFit): HourModel {
  const { column, factor } = OWN[variable]
  const { climate, lookupsAt, yearDepartureAt } = fittedClimate
  const target = history.targets[variable]
  const n = chosen.length
  const p = 1 + LINEAR_COUNT + random.count
  const x = new Float64Array(n * p)
  const y = new Float64Array(n * H)
  const bases = new Float64Array(n * H)
  const hours = Float64Array.from(chosen, (row) => history.featureHours[row]!)
  const weights = new Float64Array(n)
  const seasonWeights = new Float64Array(n)
  const yearDeparture = new Float64Array(COLUMN_COUNT)
  const offsets = new Float64Array(COLUMN_COUNT)
  for (let r = 0; r < n; r++) {
    const at = hours[r]!
    const row = chosen[r]!
    const vector = history.features.subarray(row * FEATURE_COUNT, (row + 1) * FEATURE_COUNT)
    const lookups = lookupsAt(at)
    const climatology = lookups[column]!
    yearDepartureAt(at, yearDeparture)
    recentreOffsets(lookups, climate.monthShare, yearDeparture, vector, at, offsets)
    linearInputs(lookups, offsets, vector, at, x.subarray(r * p + 1, r * p + 1 + LINEAR_COUNT))
    const away = Math.cos(annualAngle(at) - season) - 1
    weights[r] = Math.exp(SEASON.regression * away)
    seasonWeights[r] = Math.exp(SEASON.quantiles * away)
    for (let h = 0; h < H; h++) {
      const base = factor * (climatology.at(at + h + 1) + offsets[column]!)
      bases[r * H + h] = base
      y[r * H + h] = target[at + h + 1 - history.startHour]! - base
    }
  }
  const own = NEWEST_INPUT[column]!
  const newest = Float64Array.from({ length: n }, (_, r) =>
    Number.isNaN(x[r * p + 1 + own]!) ? 0 : x[r * p + 1 + own]! * factor,
  )
  const damped = new Float64Array(n * H)
  const share = plan.startsDamped ? damping.share : new Float64Array(H)
  for (let r = 0; r < n; r++) for (let h = 0; h < H; h++) damped[r * H + h] = share[h]! * newest[r]!
  const { means, factors } = standardise(x, n, p)
  for (let r = 0; r < n; r++) {
    x[r * p] = 1
    addRandomFeatures(random, x, r * p + 1, hours[r]!, x, r * p + 1 + LINEAR_COUNT)
  }
  const design: Design = { n, p, x, y: withoutGaps(y, damped), weights, hours }
  const regression = regressWithBlocks(design, plan.blocks, plan.penalty)
  const { beta, leftOut } = regression
  const fade = chooseFades(y, damped, leftOut, n)
  for (let g = 0; g < LEAD_GROUPS.length; g++)
    for (let h = LEAD_GROUPS[g]![0] - 1; h < LEAD_GROUPS[g]![1]; h++) {
      for (let i = 0; i < p; i++) beta[i * H + h] = beta[i * H + h]! * fade[g]!
      for (let r = 0; r < n; r++) leftOut[r * H + h] = leftOut[r * H + h]! * fade[g]! + damped[r * H + h]!
      // The damped departure in terms of the standardised input.
      if (factors[own]! > 0) {
        beta[(1 + own) * H + h]! += (share[h]! * factor) / factors[own]!
        beta[h]! += share[h]! * factor * means[own]!
      }
    }
  const residuals = y.map((value, i) => value - leftOut[i]!)
  const spread = fitSpread(design, regression, residuals, LINEAR_COUNT, seasonWeights)
  const model: HourModel = { hour, means, factors, beta: Float32Array.from(beta), fade, spread }
  scores.add({ history, chosen, design, bases, leftOut, model })
  return model
}

/** Brings each linear input to mean 0 and deviation 1, missing ones to 0; an input that never varies stays 0. */
function standardise(x: Float64Array, n: number, p: number): { means: Float64Array; factors: Float64Array } {
  const means = new Float64Array(LINEAR_COUNT)
  const factors = new Float64Array(LINEAR_COUNT)
  for (let i = 0; i < LINEAR_COUNT; i++) {
    let sum = 0
    let squares = 0
    let count = 0
    for (let r = 0; r < n; r++) {
      const v = x[r * p + 1 + i]!
      if (v !== v) continue
      sum += v
      squares += v * v
      count++
    }
    const mean = count > 0 ? sum / count : 0
    const deviation = count > 0 ? Math.sqrt(Math.max(squares / count - mean * mean, 0)) : 0
    means[i] = mean
    factors[i] = deviation > 1e-6 ? 1 / deviation : 0
    for (let r = 0; r < n; r++) {
      const v = x[r * p + 1 + i]!
      x[r * p + 1 + i] = v === v ? (v - mean) * factors[i]! : 0
    }
  }
  return { means, factors }
}

/** What the damped departure leaves; missing targets take the last value before them, so that a gap adds nothing of its own; 0 before the first. */
function withoutGaps(y: Float64Array, damped: Float64Array): Float64Array {
  const filled = y.map((value, i) => value - damped[i]!)
  for (let i = 0; i < filled.length; i++) if (Number.isNaN(filled[i]!)) filled[i] = i % H === 0 ? 0 : filled[i - 1]!
  return filled
}

/** Per lead group the share of the regression that does best on left-out origins: 0 is the damped departure. */
function chooseFades(y: Float64Array, damped: Float64Array, leftOut: Float64Array, n: number): number[] {
  return LEAD_GROUPS.map(([first, last]) => {
    let best = 0
    let bestLoss = Number.POSITIVE_INFINITY
    for (const fade of FADES) {
      let loss = 0
      for (let r = 0; r < n; r++)
        for (let i = r * H + first - 1; i < r * H + last; i++) {
          const e = y[i]! - damped[i]! - fade * leftOut[i]!
          if (e === e) loss += Math.abs(e)
        }
      if (loss < bestLoss) [best, bestLoss] = [fade, loss]
    }
    return best
  })
}
