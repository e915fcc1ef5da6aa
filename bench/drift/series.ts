/** Observations of a station as the pipeline sees them: quality control, then the hourly grid that features are built from. */
import {
  buildFeatures,
  COLUMN,
  createHourlyGrid,
  FEATURE_COUNT,
  FEATURE_REACH_HOURS,
  HOUR_MS,
  hourOf,
  isWet,
  observationToHourlyRow,
} from '../../forecasting/features/index.ts'
import type { TrainingSet } from '../../forecasting/models/index.ts'
import { checkObservation, createStationMemory, QC_VERSION } from '../../forecasting/quality-control/index.ts'
import type { CheckedObservation, Observation } from '../../schemas/generated/types.ts'
import { FORECAST_VARIABLES, type ForecastVariable } from '../../schemas/quantities.ts'
import type { Station } from '../shared/reference.ts'

/** Changes what a station reports; null: it reports nothing. */
export type Alteration = (observation: Observation, hour: number) => Observation | null
export type CheckedHours = {
  readonly training: TrainingSet
  readonly checked: readonly CheckedObservation[]
  readonly endHour: number
}

/**
 * The hours [fromHour, toHour] of a station after an alteration. Features of the first FEATURE_REACH_HOURS lack a part of their past.
 * Of several reports near one hour the nearest counts, as in the features service.
 */
export function checkHours(station: Station, fromHour: number, toHour: number, alter: Alteration): CheckedHours {
  const grid = createHourlyGrid(fromHour, toHour - fromHour + 1)
  const length = toHour - fromHour + 1
  const targets = Object.fromEntries(FORECAST_VARIABLES.map((v) => [v, new Float64Array(length).fill(Number.NaN)])) as Record<
    ForecastVariable,
    Float64Array
  >
  const away = new Float64Array(length).fill(Number.POSITIVE_INFINITY)
  const checked: CheckedObservation[] = []
  let memory = createStationMemory()
  for (const reported of station.observations) {
    const hour = hourOf(reported.observedAt)
    if (hour < fromHour || hour > toHour) continue
    const altered = alter(reported, hour)
    if (altered === null) continue
    const at = hourOf(altered.observedAt)
    if (at < fromHour || at > toHour) continue
    const verdict = checkObservation(memory, altered)
    memory = verdict.memory
    if (verdict.kind === 'duplicate') continue
    const one: CheckedObservation = { ...altered, flags: verdict.flags, rules: verdict.rules, qcVersion: QC_VERSION }
    checked.push(one)
    const distance = Math.abs(altered.observedAt - at * HOUR_MS)
    const row = observationToHourlyRow(one)
    if (row === null || distance > (away[at - fromHour] as number)) continue
    away[at - fromHour] = distance
    grid.set(at, row)
    for (const variable of ['temperatureC', 'dewPointC', 'relativeHumidityPct', 'pressureHpa', 'windSpeedMps'] as const)
      targets[variable][at - fromHour] = row[COLUMN[variable]] as number
    const rain = row[COLUMN.precipitationMm] as number
    targets.precipitationProbabilityPct[at - fromHour] = Number.isNaN(rain) ? Number.NaN : isWet(rain) ? 100 : 0
  }
  const features = new Float32Array(length * FEATURE_COUNT)
  for (let i = 0; i < length; i++)
    buildFeatures(grid, fromHour + i, features.subarray(i * FEATURE_COUNT, (i + 1) * FEATURE_COUNT))
  return {
    training: { startHour: fromHour, targets, features, featureHours: Float64Array.from({ length }, (_, i) => fromHour + i) },
    checked,
    endHour: toHour,
  }
}

export { FEATURE_REACH_HOURS }
