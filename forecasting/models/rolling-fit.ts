/**
 * Refits of a window that moves on, night after night: new rows are added to the normal equations and the oldest taken away, which costs the
 * rows of a day instead of those of years. What the rows are seen through stays as the last full fit left it: climatology, means and
 * deviations of the inputs, season of the weights, shares and spread. A full fit now and then renews them.
 */
import { FEATURE_COUNT } from '../features/index.ts'
import { type MixedModel, mixCoefficients, partsOf } from './hour-model.ts'
import { departuresOf, hourRows, type Station } from './hour-rows.ts'
import { createRandomFeatures } from './inputs.ts'
import { possibleSeries, possibleVectors } from './possible.ts'
import { type Candidate, ENGINE, explainable, fitStation, near, rowsOf, SEED, stateOf } from './random-feature-ridge.ts'
import { createFitted } from './random-feature-state.ts'
import { addRows, emptySums, solveSums, type Sums } from './regression.ts'
import type { Fitted, FitOptions, TrainingSet } from './types.ts'

export type RollingFit = {
  /**
   * Moves the window to the rows of `history` from hour `from` on. `history` must still hold the rows that drop out and may hold later ones
   * than before. Rows that stay in the window are not looked at again.
   */
  advance(
    history: TrainingSet,
    from: number,
  ): {
    readonly fitted: Fitted
    /** Of each hour model, p × 168, as solved: the model holds them rounded to single precision. */
    readonly coefficients: readonly Float64Array[]
  }
}

export type RollingStart =
  | {
      readonly ok: true
      readonly rolling: RollingFit
      /** Another window of the same frozen parts. */ readonly again: () => RollingFit
    }
  | { readonly ok: false; readonly refused: string }

/** A full fit, and empty windows over what it froze: the first `advance` adds up all rows. */
export function startRolling(history: TrainingSet, { variable, ...options }: FitOptions): RollingStart {
  const { station, candidates, results } = fitStation(history, [variable], options, ENGINE)
  const result = results.get(variable)
  if (result && !result.ok) return result
  const candidate = candidates[0]
  if (!candidate || candidate.models.length === 0) return { ok: false, refused: 'too little history for a regression' }
  return { ok: true, rolling: emptyWindow(station, candidate), again: () => emptyWindow(station, candidate) }
}

type HourSums = { readonly model: MixedModel; readonly sums: Sums }

function emptyWindow(station: Station, candidate: Candidate): RollingFit {
  const { variable, plan, models } = candidate
  const { settings, halfWidth } = plan
  const random = createRandomFeatures(settings.units, SEED)
  const hours: HourSums[] = models.map((model) => ({ model, sums: emptySums(1 + model.means.length + random.count, 1) }))
  /** First and last hour of the rows in the sums. */
  let held = { from: Number.POSITIVE_INFINITY, to: Number.NEGATIVE_INFINITY }
  let rows = 0

  /** Adds (sign 1) or takes away (−1) the rows that belong to an hour model. */
  const move = (history: TrainingSet, { model, sums }: HourSums, wanted: readonly number[], sign: number): void => {
    const chosen = near(history, wanted, model.hour, halfWidth, Number.POSITIVE_INFINITY)
    if (chosen.length === 0) return
    const part = partOf(station, history, chosen)
    const positions = chosen.map((_, r) => r)
    const { design, ...inputs } = hourRows(part, positions, random, settings, model)
    const { filled } = departuresOf(part, { design, ...inputs }, settings, candidate)
    const weights = design.weights.map((weight) => sign * weight)
    addRows(design, [filled], weights, 0, chosen.length, sums, partsOf(random))
    rows += sign * chosen.length
  }

  return {
    advance(reported, from) {
      const target = possibleSeries(reported.targets[variable], variable)
      const observed = { ...reported, targets: { ...reported.targets, [variable]: target } }
      const history = explainable(observed, [variable])
      const usable = rowsOf(history, observed, variable)
      const at = (row: number): number => history.featureHours[row]!
      const dropped = usable.filter((row) => at(row) >= held.from && at(row) <= held.to && at(row) < from)
      const added = usable.filter((row) => at(row) >= from && at(row) > held.to)
      for (const hour of hours) {
        move(history, hour, dropped, -1)
        move(history, hour, added, 1)
      }
      held = { from, to: added.length > 0 ? at(added.at(-1)!) : held.to }
      const coefficients = hours.map(({ model, sums }) => {
        const p = 1 + model.means.length + random.count
        const betas = partsOf(random).flatMap((part) => solveSums(sums, p, settings.penalty, part))
        return mixCoefficients(betas, model.shares, model, settings, candidate)
      })
      const refitted = hours.map(({ model }, k) => ({ ...model, beta: Float32Array.from(coefficients[k]!) }))
      return {
        fitted: createFitted(stateOf(station, candidate, refitted, rows, ENGINE)),
        coefficients,
      }
    },
  }
}

/** Only the chosen rows, seen through the frozen climate. */
function partOf(station: Station, history: TrainingSet, chosen: readonly number[]): Station {
  const features = new Float32Array(chosen.length * FEATURE_COUNT)
  chosen.forEach((row, r) =>
    features.set(history.features.subarray(row * FEATURE_COUNT, (row + 1) * FEATURE_COUNT), r * FEATURE_COUNT),
  )
  const rows = {
    featureHours: Float64Array.from(chosen, (row) => history.featureHours[row]!),
    features: possibleVectors(features),
  }
  const fittedClimate = { ...station.fittedClimate, offsets: station.fittedClimate.offsetsOf(rows) }
  return { ...station, history: { ...history, ...rows }, fittedClimate }
}
