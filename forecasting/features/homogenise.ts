/**
 * After a step in a series (another instrument, another site) hours before it do not compare with those after it. Homogenising shifts
 * the hours before by the size of the step, in the training data and, until the step has left every window, in the inputs of a model
 * that was trained so.
 */
import type { ChangePoint } from '../../schemas/generated/types.ts'
import { COLUMN, HOUR_MS, type HourlyColumn } from './columns.ts'
import { FEATURES } from './definitions.ts'
import type { HourlyWindow } from './hourly-grid.ts'

/** A step in grid terms: hours before `hour` (epoch hours) are shifted by `offset`. */
type Step = { readonly column: number; readonly hour: number; readonly offset: number }

/** Steps in variables that are columns of the hourly grid; others (precipitation, a probability) have no level that could be shifted. */
function stepsOf(changePoints: readonly ChangePoint[]): Step[] {
  return changePoints.flatMap(({ variable, at, offset }) => {
    const column = variable === 'precipitationMm' ? undefined : COLUMN[variable as HourlyColumn]
    return column === undefined || offset === 0 || !Number.isFinite(offset)
      ? []
      : [{ column, hour: Math.ceil(at / HOUR_MS), offset }]
  })
}

/** Shifts the hours before each step, in place. Steps add up: an hour before two of them gets both offsets. */
export function homogeniseGrid(grid: HourlyWindow, columns: number, changePoints: readonly ChangePoint[]): void {
  const steps = stepsOf(changePoints)
  if (steps.length === 0) return
  const last = Math.min(grid.newestHour, Math.max(...steps.map(({ hour }) => hour)) - 1)
  const row = new Float64Array(columns)
  for (let hour = grid.oldestHour; hour <= last; hour++) {
    for (let column = 0; column < columns; column++) row[column] = grid.value(column, hour)
    for (const step of steps) if (hour < step.hour) row[step.column]! += step.offset
    grid.set(hour, row)
  }
}

/**
 * A feature vector of epoch hour `hour` as if the hours before each step had been shifted. Lags are exact; a mean is shifted by the
 * share of its window before the step, which is exact when no hour of the window is missing; a range that spans the step keeps its value.
 * The same array when no step is in reach.
 */
export function homogeniseVector(values: Float32Array, hour: number, changePoints: readonly ChangePoint[]): Float32Array {
  let out = values
  for (const step of stepsOf(changePoints)) {
    FEATURES.forEach(({ kind, column, window, offset }, i) => {
      if (column !== step.column || (kind !== 'lag' && kind !== 'mean')) return
      const first = hour - offset - window + 1
      const share = Math.min(Math.max((step.hour - first) / window, 0), 1)
      if (share === 0) return
      if (out === values) out = Float32Array.from(values)
      out[i]! += share * step.offset
    })
  }
  return out
}
