/** The bundled stations as models see them: hourly grid, features, and forecasts of a model trained on the first half of the year. */
import {
  buildFeatures,
  COLUMN,
  createHourlyGrid,
  FEATURE_COUNT,
  HOUR_MS,
  isWet,
  windComponents,
} from '../../forecasting/features/index.ts'
import { type Fitted, randomFeatureRidge, type TrainingSet } from '../../forecasting/models/index.ts'
import { BUNDLED_OBSERVATIONS, loadSeries } from '../../producers/replay/series.ts'
import type { Observation } from '../../schemas/generated/types.ts'
import { FORECAST_VARIABLES, type ForecastVariable } from '../../schemas/quantities.ts'
import { knownUntil } from './known-until.ts'

export type Alteration = (observation: Observation, hour: number) => Observation
export type BenchStation = {
  readonly stationId: string
  readonly history: TrainingSet
  readonly features: Float32Array
  readonly endHour: number
}

export const TRAINED_UNTIL = Date.parse('2013-07-01T00:00:00Z') / HOUR_MS

/** The three stations after an alteration of what they report. Reported instants are taken as they are; one observation an hour. */
export async function loadStations(alter: Alteration): Promise<BenchStation[]> {
  const { observations } = await loadSeries(BUNDLED_OBSERVATIONS, () => {})
  const byStation = Map.groupBy(observations, ({ stationId }) => stationId)
  return [...byStation].map(([stationId, own]) => toStation(stationId, own, alter))
}

function toStation(stationId: string, observations: readonly Observation[], alter: Alteration): BenchStation {
  const hourOf = ({ observedAt }: Observation): number => Math.round(observedAt / HOUR_MS)
  const startHour = hourOf(observations[0] as Observation)
  const length = hourOf(observations.at(-1) as Observation) - startHour + 1
  const grid = createHourlyGrid(startHour, length)
  const targets = Object.fromEntries(FORECAST_VARIABLES.map((v) => [v, new Float64Array(length).fill(Number.NaN)])) as Record<
    ForecastVariable,
    Float64Array
  >
  for (const reported of observations) {
    const hour = hourOf(reported)
    const observation = alter(reported, hour)
    const value = (x: number | null): number => x ?? Number.NaN
    const speed = value(observation.windSpeedMps)
    const row = new Float64Array(Object.keys(COLUMN).length).fill(Number.NaN)
    row[COLUMN.temperatureC] = value(observation.temperatureC)
    row[COLUMN.dewPointC] = value(observation.dewPointC)
    row[COLUMN.relativeHumidityPct] = value(observation.relativeHumidityPct)
    row[COLUMN.pressureHpa] = value(observation.pressureHpa)
    // The file has one wind of 1,048 mph; quality control would not let it pass either.
    row[COLUMN.windSpeedMps] = speed > 100 ? Number.NaN : speed
    ;[row[COLUMN.windU], row[COLUMN.windV]] = windComponents(
      row[COLUMN.windSpeedMps] as number,
      value(observation.windDirectionDeg),
    )
    row[COLUMN.precipitationMm] = value(observation.precipitationMm)
    grid.set(hour, row)
    const i = hour - startHour
    for (const variable of ['temperatureC', 'dewPointC', 'relativeHumidityPct', 'pressureHpa', 'windSpeedMps'] as const)
      targets[variable][i] = row[COLUMN[variable]] as number
    const rain = row[COLUMN.precipitationMm] as number
    targets.precipitationProbabilityPct[i] = Number.isNaN(rain) ? Number.NaN : isWet(rain) ? 100 : 0
  }
  const features = new Float32Array(length * FEATURE_COUNT)
  for (let i = 0; i < length; i++)
    buildFeatures(grid, startHour + i, features.subarray(i * FEATURE_COUNT, (i + 1) * FEATURE_COUNT))
  const featureHours = Float64Array.from({ length }, (_, i) => startHour + i)
  return { stationId, history: { startHour, targets, features, featureHours }, features, endHour: startHour + length - 1 }
}

/** A model of what was known at TRAINED_UNTIL. */
export function trainModel({ history }: BenchStation, variable: ForecastVariable): Fitted {
  const result = randomFeatureRidge.fit(knownUntil(history, TRAINED_UNTIL), { variable })
  if (!result.ok) throw new Error(`${variable}: ${result.refused}`)
  return result.fitted
}
