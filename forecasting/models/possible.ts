/**
 * What no station can have observed counts as not observed, whoever made the history: a sentinel that was left over (−9999), a value that left its
 * range (1e30, ∞). One of them among years would move every mean and coefficient, and one in a vector the whole forecast. Whatever quality
 * control lets through is well within.
 */
import { COLUMN, FEATURE_COUNT, FEATURES } from '../features/index.ts'
import type { ForecastVariable } from '../../schemas/quantities.ts'
import { OWN } from './station-climate.ts'
import type { TrainingSet } from './types.ts'

/** Of a feature in its column's unit: wider than any value, so that made-up vectors (golden vectors) pass, and no sentinel but of two digits does. */
const LOWEST_FEATURE = -300
const HIGHEST_FEATURE = Float64Array.from(FEATURES, ({ column }) => (column === COLUMN.pressureHpa ? 1300 : 300))
/** Wet humidity sensors report up to so much, %. */
const HIGHEST_HUMIDITY_PCT = 110

/** The same vector where all is possible; else one with NaN for what is not. */
export function possibleVector(features: Float32Array): Float32Array {
  return isPossibleVector(features, 0)
    ? features
    : features.map((value, i) => (isWithin(value, LOWEST_FEATURE, HIGHEST_FEATURE[i]!) ? value : Number.NaN))
}

/** The same series of a variable where all is possible; else one with NaN for what is not. */
export function possibleSeries(values: Float64Array, variable: ForecastVariable): Float64Array {
  const { low } = OWN[variable]
  const high = variable === 'relativeHumidityPct' ? HIGHEST_HUMIDITY_PCT : OWN[variable].high
  return values.every((value) => isWithin(value, low, high))
    ? values
    : values.map((value) => (isWithin(value, low, high) ? value : Number.NaN))
}

/** The same history where the vectors and the targets of these variables are possible; else one with NaN for what is not. */
export function possibleHistory(history: TrainingSet, variables: readonly ForecastVariable[]): TrainingSet {
  const targets = { ...history.targets }
  for (const variable of variables) targets[variable] = possibleSeries(history.targets[variable], variable)
  const features = possibleVectors(history.features)
  const isSame = features === history.features && variables.every((name) => targets[name] === history.targets[name])
  return isSame ? history : { ...history, targets, features }
}

/** Row after row, as in a training set. */
export function possibleVectors(features: Float32Array): Float32Array {
  let out = features
  for (let at = 0; at < features.length; at += FEATURE_COUNT) {
    if (isPossibleVector(features, at)) continue
    if (out === features) out = features.slice()
    out.set(possibleVector(features.subarray(at, at + FEATURE_COUNT)), at)
  }
  return out
}

function isPossibleVector(features: Float32Array, at: number): boolean {
  for (let i = 0; i < FEATURE_COUNT; i++) if (!isWithin(features[at + i]!, LOWEST_FEATURE, HIGHEST_FEATURE[i]!)) return false
  return true
}

/** NaN, which says that nothing was observed, lies within. */
function isWithin(value: number, low: number, high: number): boolean {
  return !(value < low || value > high)
}
