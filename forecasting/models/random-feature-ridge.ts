/**
 * Random-feature ridge: recentred harmonic climatology plus a direct regression of the departures ahead on the departures seen, fitted
 * for hours of the day near the hour of issue and weighted to the season of issue. Quantiles come from origins that were left out.
 */
import { FEATURE_COUNT } from '../features/index.ts'
import { type ForecastVariable, HORIZON_HOURS } from '../../schemas/quantities.ts'
import { bridgeReports } from './cadence.ts'
import { annualAngle, FULL_YEAR_HOURS } from './climatology.ts'
import { fitHourModels, type Member, type MixedModel } from './hour-model.ts'
import type { Settings, Station } from './hour-rows.ts'
import { createRandomFeatures, LINEAR_COUNT } from './inputs.ts'
import { isSilent } from './late.ts'
import { possibleHistory } from './possible.ts'
import { scoreLeftOut } from './left-out-scores.ts'
import { createFitted, FAMILY, type RidgeState } from './random-feature-state.ts'
import { fitStationClimate, type FittedClimate, missingBefore, OWN } from './station-climate.ts'
import { priorDamping, sitePrior } from './site-prior.ts'
import type { FitOptions, FitResult, ModelFamily, Site, TrainingSet } from './types.ts'
import { type Damping, deviationsOf, fitDamping, sharesOfYoung, youngStationModel } from './young-station.ts'

const H = HORIZON_HOURS
export const SEED = 1
/** Fewest origins worth a regression; with fewer the model of a young station serves (docs/forecasting/experiments.md). */
const MIN_ROWS = 30 * 24
/**
 * Of the 168 h ahead of an origin that is fitted on. What makes a sensor miss hours is often weather, as saturated air with a hygrometer: fitted on
 * whole weeks alone, a station would know nothing of its wet season (docs/forecasting/experiments.md).
 */
const MOST_MISSING = 0.5
/** Of the rows of an hour model, in which each of the 168 leads was observed. */
const LEAST_SEEN = 0.2
/** Rows aimed at in one hour model: with little history it looks at more hours of the day. */
const WANTED_ROWS = 700
const MAX_ROWS = 9500

/** How a family is called, and how many random features it may use. */
export type Kind = { readonly family: string; readonly maxUnits: number }
export const ENGINE: Kind = { family: FAMILY, maxUnits: Number.POSITIVE_INFINITY }

export const randomFeatureRidge: ModelFamily = createFamily(ENGINE)
/** The same without random features at any length of history: what they add is the difference between the two. */
export const linearRidge: ModelFamily = createFamily({ family: 'ridge-direct', maxUnits: 0 })

function createFamily(kind: Kind): ModelFamily {
  return {
    name: kind.family,
    fit: (history, { variable, ...options }) => fitStation(history, [variable], options, kind).results.get(variable)!,
    fitTogether: (history, variables, options) => fitStation(history, variables, options, kind).results,
  }
}

type Plan = {
  readonly hourModels: ReadonlyArray<number>
  readonly halfWidth: number
  readonly settings: Settings & { readonly units: number }
}

/**
 * With less than a year there is no season to bend with, and random features only add noise; the linear part needs more penalty, towards
 * the damped departure. With more the regression does better on its own (docs/forecasting/experiments.md).
 */
const SETTINGS = {
  full: { units: 200, blocks: 6, penalty: 0.003, startsDamped: false, knowsSeasons: true },
  partial: { units: 0, blocks: 4, penalty: 0.1, startsDamped: true, knowsSeasons: false },
}

/** A variable on its way: its hour models come in as they are fitted. */
export type Candidate = Member & { readonly plan: Plan; readonly models: MixedModel[]; rows: number }

/** Variables that were observed in the same hours share all that does not depend on the variable; each gets the bytes that it would get alone. */
export function fitStation(
  reported: TrainingSet,
  variables: readonly ForecastVariable[],
  { originHour, site, onLeftOut }: Omit<FitOptions, 'variable'>,
  kind: Kind,
): { station: Station; candidates: readonly Candidate[]; results: ReadonlyMap<ForecastVariable, FitResult> } {
  const observed = possibleHistory(reported, variables)
  const history = explainable(observed, variables)
  const fittedClimate = fitStationClimate(history, true)
  const results = new Map<ForecastVariable, FitResult>()
  const candidates: Candidate[] = []
  const shared: Shared[] = []
  for (const variable of variables) {
    if (!fittedClimate.climate.climatologies[OWN[variable].column]) {
      const refused = `fewer than 24 observed hours of ${variable}`
      results.set(variable, site ? unseen(kind, variable, site, fittedClimate) : { ok: false, refused })
      continue
    }
    const damping = fitDamping(history, variable, fittedClimate)
    const usable = rowsOf(history, observed, variable)
    results.set(variable, young(kind, variable, fittedClimate, damping))
    if (usable.length < MIN_ROWS) continue
    const plan = planFor(history, usable, originHour)
    const candidate = { variable, damping, plan, scores: scoreLeftOut(variable), onLeftOut, models: [], rows: 0 }
    candidates.push(candidate)
    for (const hour of plan.hourModels) {
      const chosen = near(history, usable, hour, plan.halfWidth)
      if (chosen.length >= MIN_ROWS / 24 && seesEveryLead(history, variable, chosen)) share(shared, hour, chosen, candidate)
    }
  }
  const station = { history, fittedClimate, season: annualAngle(history.featureHours.at(-1)!) }
  // In the order of the hour, so that nobody's models or scores depend on who else is fitted.
  for (const { hour, chosen, members } of shared.toSorted((a, b) => a.hour - b.hour)) {
    const { settings } = members[0]!.plan
    const random = createRandomFeatures(Math.min(settings.units, kind.maxUnits), SEED)
    fitHourModels(station, hour, chosen, random, settings, members).forEach((model, m) => {
      members[m]!.models.push(model)
      members[m]!.rows += chosen.length
    })
  }
  for (const candidate of candidates) {
    const { variable, scores, models, rows } = candidate
    if (models.length === 0) continue
    const fitted = createFitted(stateOf(station, candidate, models, rows, kind))
    results.set(variable, { ok: true, fitted, rows, scores: scores.result() })
  }
  return { station, candidates, results }
}

export function stateOf(
  { fittedClimate }: Station,
  { variable, plan }: Candidate,
  hourModels: readonly MixedModel[],
  rows: number,
  { family, maxUnits }: Kind,
): RidgeState {
  const units = Math.min(plan.settings.units, maxUnits)
  return {
    family,
    variable,
    climate: fittedClimate.climate,
    units,
    seed: SEED,
    hourModels,
    card: {
      rows,
      inputs: LINEAR_COUNT,
      randomFeatures: units,
      hourModels: hourModels.length,
      halfWidthHours: plan.halfWidth,
      blocks: plan.settings.blocks,
      penalty: plan.settings.penalty,
      shares: hourModels.map(({ shares }) => shares.map((members) => members.map((share) => Number(share.toFixed(3))))),
    },
  }
}

type Shared = { readonly hour: number; readonly chosen: readonly number[]; readonly members: Candidate[] }

/** Puts a candidate to those that fit the same rows in the same way. */
function share(shared: Shared[], hour: number, chosen: readonly number[], candidate: Candidate): void {
  const found = shared.find(
    (other) =>
      other.hour === hour &&
      other.members[0]!.plan.settings === candidate.plan.settings &&
      other.chosen.length === chosen.length &&
      other.chosen.every((row, r) => row === chosen[r]),
  )
  if (found) found.members.push(candidate)
  else shared.push({ hour, chosen, members: [candidate] })
}

/** Without left-out scores: there is nothing to leave out yet. */
function young({ family }: Kind, variable: ForecastVariable, { climate }: FittedClimate, damping: Damping): FitResult {
  const { rows } = damping
  const card = { rows, inputs: 1, randomFeatures: 0, hourModels: 1, youngStation: true }
  const share = sharesOfYoung(variable, damping)
  const hourModels = [youngStationModel(variable, { share, deviation: deviationsOf(variable, damping) })]
  return {
    ok: true,
    fitted: createFitted({ family, variable, climate, units: 0, seed: SEED, hourModels, card }),
    rows,
    scores: [],
  }
}

/** A station of which only the site is known. */
function unseen({ family }: Kind, variable: ForecastVariable, site: Site, { climate }: FittedClimate): FitResult {
  const { column } = OWN[variable]
  const climatologies = climate.climatologies.map((known, i) => (i === column ? sitePrior(variable, site) : known))
  const card = { rows: 0, inputs: 1, randomFeatures: 0, hourModels: 1, youngStation: true, site }
  const hourModels = [youngStationModel(variable, priorDamping(variable, site))]
  const state = { family, variable, climate: { ...climate, climatologies }, units: 0, seed: SEED, hourModels, card }
  return { ok: true, fitted: createFitted(state), rows: 0, scores: [] }
}

/** Origins with a vector and enough of the next 168 h observed. */
export function usableRows(history: TrainingSet, target: Float64Array): number[] {
  const missing = missingBefore(target)
  const usable: number[] = []
  for (let row = 0; row < history.featureHours.length; row++) {
    const first = history.featureHours[row]! + 1 - history.startHour
    if (first < 0 || first + H > target.length) continue
    if (missing[first + H]! - missing[first]! <= MOST_MISSING * H) usable.push(row)
  }
  return usable
}

/** Quantiles of a lead are those of its own errors: none may be hardly ever observed, as at a station that is read by day alone. */
function seesEveryLead({ featureHours, startHour, targets }: TrainingSet, variable: ForecastVariable, chosen: readonly number[]) {
  const seen = new Int32Array(H)
  for (const row of chosen) {
    const first = featureHours[row]! + 1 - startHour
    for (let h = 0; h < H; h++) if (!Number.isNaN(targets[variable][first + h]!)) seen[h]!++
  }
  return seen.every((count) => count >= LEAST_SEEN * chosen.length)
}

/** With targets that the regression can be asked to explain: see bridgeReports. The same object where they are hourly. */
export function explainable(history: TrainingSet, variables: readonly ForecastVariable[]): TrainingSet {
  const bridged = variables.map((variable) => [variable, bridgeReports(history.targets[variable], variable)] as const)
  return bridged.every(([variable, target]) => target === history.targets[variable])
    ? history
    : { ...history, targets: { ...history.targets, ...Object.fromEntries(bridged) } }
}

/** Rows to learn a variable from. Where targets were bridged, those of reports only: between them nobody asks. */
export function rowsOf(history: TrainingSet, observed: TrainingSet, variable: ForecastVariable): number[] {
  const rows = usableRows(history, history.targets[variable])
  if (history.targets[variable] === observed.targets[variable]) return rows
  return rows.filter((row) => !isSilent(history.features.subarray(row * FEATURE_COUNT, (row + 1) * FEATURE_COUNT)))
}

function planFor(history: TrainingSet, usable: readonly number[], originHour: number | undefined): Plan {
  const days = usable.length / 24
  const isFull = history.featureHours.at(-1)! - history.featureHours[0]! >= FULL_YEAR_HOURS
  const halfWidth = Math.min(12, Math.max(2, Math.ceil((WANTED_ROWS / days - 1) / 2)))
  const count = isFull && halfWidth <= 2 ? 8 : halfWidth <= 4 ? 4 : 1
  const hourModels =
    originHour === undefined ? Array.from({ length: count }, (_, k) => ((k + 0.5) * 24) / count - 0.5) : [originHour]
  const settings = isFull ? SETTINGS.full : SETTINGS.partial
  return { hourModels, halfWidth: count === 1 ? 12 : count === 4 ? Math.max(3, halfWidth) : halfWidth, settings }
}

/** Rows whose hour of the day is at most `halfWidth` (12 = all) from `hour`. */
export function near(
  history: Pick<TrainingSet, 'featureHours'>,
  usable: readonly number[],
  hour: number,
  halfWidth: number,
  most: number = MAX_ROWS,
): number[] {
  const rows = usable.filter((row) => {
    const away = Math.abs(((((history.featureHours[row]! - hour + 12) % 24) + 24) % 24) - 12)
    return away <= halfWidth + 0.5
  })
  const stride = Math.ceil(rows.length / most)
  return stride > 1 ? rows.filter((_, i) => i % stride === 0) : rows
}
