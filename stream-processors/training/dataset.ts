/** Training data of one station as it was known at a cut-off: features bitemporally, targets from the hourly grid. */
import { COLUMN, FEATURE_COUNT, FEATURE_SET, HOUR_MS, isWet } from '../../forecasting/features/index.ts'
import type { TrainingSet } from '../../forecasting/models/index.ts'
import { type ClickHouse, fromClickHouseInstant, toClickHouseInstant } from '../../infra/runtime/clickhouse/index.ts'

type FeatureRow = { validAt: string; values: Array<number | null> }

/** Null when the station has no features yet. Vectors and hours known after `asOf` (epoch ms) are left out. */
export async function loadTrainingSet(
  clickhouse: Pick<ClickHouse, 'query'>,
  stationId: string,
  asOf: number,
): Promise<TrainingSet | null> {
  const params = { stationId, asOf: toClickHouseInstant(asOf), featureSet: FEATURE_SET }
  const rows = await clickhouse.query<FeatureRow>(
    `SELECT validAt, argMax(values, (knownAt, version)) AS values FROM feature_version
     WHERE stationId = {stationId:String} AND featureSet = {featureSet:String} AND validAt <= {asOf:DateTime64(3)} AND knownAt <= {asOf:DateTime64(3)}
     GROUP BY validAt ORDER BY validAt`,
    params,
  )
  const hours = await clickhouse.query<FeatureRow>(
    `SELECT validAt, values FROM station_hour
     WHERE stationId = {stationId:String} AND validAt <= {asOf:DateTime64(3)} AND knownAt <= {asOf:DateTime64(3)} ORDER BY validAt`,
    params,
  )
  const first = hours[0]
  const last = hours.at(-1)
  if (!first || !last || rows.length === 0) return null
  const startHour = fromClickHouseInstant(first.validAt) / HOUR_MS
  const length = fromClickHouseInstant(last.validAt) / HOUR_MS - startHour + 1
  const series = (): Float64Array => new Float64Array(length).fill(Number.NaN)
  const targets = {
    temperatureC: series(),
    dewPointC: series(),
    relativeHumidityPct: series(),
    pressureHpa: series(),
    windSpeedMps: series(),
    precipitationProbabilityPct: series(),
  }
  for (const { validAt, values } of hours) {
    const i = fromClickHouseInstant(validAt) / HOUR_MS - startHour
    for (const variable of ['temperatureC', 'dewPointC', 'relativeHumidityPct', 'pressureHpa', 'windSpeedMps'] as const) {
      targets[variable][i] = values[COLUMN[variable]] ?? Number.NaN
    }
    const precipitation = values[COLUMN.precipitationMm] ?? Number.NaN
    targets.precipitationProbabilityPct[i] = Number.isNaN(precipitation) ? Number.NaN : isWet(precipitation) ? 100 : 0
  }
  const features = new Float32Array(rows.length * FEATURE_COUNT)
  rows.forEach(({ values }, r) => values.forEach((value, i) => (features[r * FEATURE_COUNT + i] = value ?? Number.NaN)))
  return {
    startHour,
    targets,
    features,
    featureHours: Float64Array.from(rows, ({ validAt }) => fromClickHouseInstant(validAt) / HOUR_MS),
  }
}
