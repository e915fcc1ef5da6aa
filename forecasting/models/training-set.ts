/** What a station reported as a training set, and the part of one that was known at an hour. */
import { buildFeatures, COLUMN, createHourlyGrid, FEATURE_COUNT, isWet } from '../features/index.ts'
import { FORECAST_VARIABLES, type ForecastVariable } from '../../schemas/quantities.ts'
import type { TrainingSet } from './types.ts'

/** From rows of the hourly grid by hour since 1970, all within `length` hours from `startHour` on. Features of an hour never look past it. */
export function trainingSetOf(
  startHour: number,
  length: number,
  rows: Iterable<readonly [hour: number, row: ArrayLike<number>]>,
): TrainingSet {
  const grid = createHourlyGrid(startHour, length)
  const empty = (): Float64Array => new Float64Array(length).fill(Number.NaN)
  const targets = Object.fromEntries(FORECAST_VARIABLES.map((variable) => [variable, empty()])) as Record<
    ForecastVariable,
    Float64Array
  >
  for (const [hour, row] of rows) {
    grid.set(hour, row)
    const i = hour - startHour
    for (const variable of ['temperatureC', 'dewPointC', 'relativeHumidityPct', 'pressureHpa', 'windSpeedMps'] as const)
      targets[variable][i] = row[COLUMN[variable]]!
    const millimetres = row[COLUMN.precipitationMm]!
    targets.precipitationProbabilityPct[i] = Number.isNaN(millimetres) ? Number.NaN : isWet(millimetres) ? 100 : 0
  }
  const features = new Float32Array(length * FEATURE_COUNT)
  for (let i = 0; i < length; i++)
    buildFeatures(grid, startHour + i, features.subarray(i * FEATURE_COUNT, (i + 1) * FEATURE_COUNT))
  return { startHour, targets, features, featureHours: Float64Array.from({ length }, (_, i) => startHour + i) }
}

/** What was known at `hour` (inclusive); views, not copies. */
export function knownAt({ startHour, targets, featureHours, features }: TrainingSet, hour: number): TrainingSet {
  const length = Math.max(0, hour - startHour + 1)
  const later = featureHours.findIndex((at) => at > hour)
  const rows = later < 0 ? featureHours.length : later
  return {
    startHour,
    targets: Object.fromEntries(
      FORECAST_VARIABLES.map((variable) => [variable, targets[variable].subarray(0, length)]),
    ) as TrainingSet['targets'],
    featureHours: featureHours.subarray(0, rows),
    features: features.subarray(0, rows * FEATURE_COUNT),
  }
}
