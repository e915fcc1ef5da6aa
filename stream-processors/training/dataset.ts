/**
 * Training data of one station as it was known at a cut-off. The hours come from the vectors themselves (their newest lags): vectors are
 * kept in every version they were known in, so that a correction that arrives later changes no training set of before.
 */
import {
  buildFeatures,
  COLUMN,
  COLUMN_COUNT,
  createHourlyGrid,
  FEATURE_COUNT,
  FEATURE_SET,
  FEATURES,
  HOUR_MS,
  homogeniseGrid,
  type HourlyColumn,
  type HourlyWindow,
  isWet,
} from '../../forecasting/features/index.ts'
import { OWN, type TrainingSet } from '../../forecasting/models/index.ts'
import { type ClickHouse, fromClickHouseInstant, toClickHouseInstant } from '../../infra/runtime/clickhouse/index.ts'
import type { ChangePoint } from '../../schemas/generated/types.ts'
import { FORECAST_VARIABLES, type ForecastVariable } from '../../schemas/quantities.ts'
import { loadQuarantines, type Quarantine, withhold } from './quarantine.ts'

const WAIT_LIMIT_MS = 3000

type FeatureRow = { validAt: string; values: Array<number | null> }
/** An epoch hour with its vector, or with its columns of the grid. */
type HourRow = { readonly hour: number; readonly values: ReadonlyArray<number | null> }
type History = { readonly grid: HourlyWindow; readonly startHour: number; readonly length: number }

/** Position in the vector of each column at the described hour; precipitation is 1 when wet, 0 when dry. */
const NOW_INDEX = Array.from({ length: COLUMN_COUNT }, (_, column) =>
  FEATURES.findIndex(
    (feature) =>
      feature.column === column &&
      feature.offset === 0 &&
      feature.window === 1 &&
      feature.kind === (column === COLUMN.precipitationMm ? 'wet' : 'lag'),
  ),
)

/** What was known of a station at an instant. */
export type StationHistory = {
  /**
   * Null when the station has no features yet. With change points the hours before them are shifted and every vector is built again from the
   * shifted hours, by the function that builds them online; so it is where hours of a faulty sensor are left out (quarantine.ts). Throws for
   * change points that it was not read for.
   */
  trainingSet(changePoints: readonly ChangePoint[]): TrainingSet | null
}

/** Read once for all the `changePoints` that training sets are wanted with. Vectors known after `asOf` (epoch ms) are left out. */
export async function loadHistory(
  clickhouse: Pick<ClickHouse, 'query'>,
  stationId: string,
  asOf: number,
  changePoints: ReadonlyArray<readonly ChangePoint[]>,
): Promise<StationHistory> {
  const quarantines = await loadQuarantines(clickhouse, stationId, asOf)
  const isRebuilt = (points: readonly ChangePoint[]): boolean => points.length > 0 || quarantines.length > 0
  // Vectors that are built again need the hours alone: a tenth of what there is to read and to send. One core of the store at most, and at
  // low priority where it may set one: live work on the same machine goes first. No FINAL: of rows with the same key the newest version wins here as well.
  const hoursAlone = changePoints.every(isRebuilt)
  const wanted = hoursAlone ? `arrayMap(i -> values[i], [${NOW_INDEX.map((index) => index + 1).join(', ')}])` : 'values'
  const rows = await clickhouse.query<FeatureRow>(
    `SELECT validAt, argMax(${wanted}, (knownAt, version)) AS values FROM feature_log
     WHERE stationId = {stationId:String} AND featureSet = {featureSet:String} AND validAt <= {asOf:DateTime64(3)} AND knownAt <= {asOf:DateTime64(3)}
     GROUP BY validAt ORDER BY validAt SETTINGS max_threads = 1, os_thread_priority = 15`,
    { stationId, asOf: toClickHouseInstant(asOf), featureSet: FEATURE_SET },
  )
  const known = rows.map(({ validAt, values }) => ({ hour: fromClickHouseInstant(validAt) / HOUR_MS, values }))
  return {
    trainingSet(points) {
      if (isRebuilt(points)) return rebuildTrainingSet(hoursAlone ? known : known.map(describedHour), points, quarantines)
      if (hoursAlone) throw new Error('a history of hours alone has no vectors as they were known')
      return toTrainingSet(known)
    },
  }
}

/**
 * The request may be faster than the features of its own hour: waits (wall time, a few seconds at most) until the store holds the hour
 * of `asOf`. A station that fell silent before it never will; then what is there is what was known.
 */
export async function untilFeaturesReach(
  clickhouse: Pick<ClickHouse, 'query'>,
  stationId: string,
  asOf: number,
  limitMs: number = WAIT_LIMIT_MS,
): Promise<void> {
  const deadline = performance.now() + limitMs
  const wanted = Math.floor(asOf / HOUR_MS) * HOUR_MS
  for (;;) {
    const [row] = await clickhouse.query<{ newest: string }>(
      'SELECT max(validAt) AS newest FROM feature_log WHERE stationId = {stationId:String} AND featureSet = {featureSet:String}',
      { stationId, featureSet: FEATURE_SET },
    )
    if (row && fromClickHouseInstant(row.newest) >= wanted) return
    if (performance.now() >= deadline) return
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
}

/** In how many hours up to `upTo` (epoch ms) a station observed each variable. */
export async function countObservedHours(
  clickhouse: Pick<ClickHouse, 'query'>,
  stationId: string,
  upTo: number,
): Promise<Map<ForecastVariable, number>> {
  const counts = FORECAST_VARIABLES.map((variable) => {
    const index = NOW_INDEX[OWN[variable].column]! + 1
    return `toString(uniqExactIf(validAt, isFinite(values[${index}]))) AS ${variable}`
  })
  const [row] = await clickhouse.query<Record<ForecastVariable, string>>(
    `SELECT ${counts.join(', ')} FROM feature_log
     WHERE stationId = {stationId:String} AND featureSet = {featureSet:String} AND validAt <= {upTo:DateTime64(3)}`,
    { stationId, featureSet: FEATURE_SET, upTo: toClickHouseInstant(upTo) },
  )
  return new Map(FORECAST_VARIABLES.map((variable) => [variable, Number(row?.[variable] ?? 0)]))
}

/** A training set from vectors as they were known, ascending by epoch hour. */
export function toTrainingSet(vectors: readonly HourRow[]): TrainingSet | null {
  const history = historyOf(vectors.map(describedHour))
  return history && trainingSetOf(history, vectors, ({ values }, vector) => fill(vector, values))
}

/** A training set from hours in the columns of the grid, ascending by epoch hour: what is shifted and withheld is so in every vector. */
export function rebuildTrainingSet(
  hours: readonly HourRow[],
  changePoints: readonly ChangePoint[],
  quarantines: readonly Quarantine[],
): TrainingSet | null {
  const history = historyOf(hours)
  if (!history) return null
  const { grid, startHour, length } = history
  homogeniseGrid(grid, COLUMN_COUNT, changePoints)
  withhold(grid, startHour, length, quarantines)
  return trainingSetOf(history, hours, ({ hour }, vector) => buildFeatures(grid, hour, vector))
}

function describedHour({ hour, values }: HourRow): HourRow {
  return { hour, values: NOW_INDEX.map((index) => values[index] ?? null) }
}

function historyOf(hours: readonly HourRow[]): History | null {
  const first = hours[0]
  const last = hours.at(-1)
  if (!first || !last) return null
  const length = last.hour - first.hour + 1
  const grid = createHourlyGrid(first.hour, length)
  const row = new Float64Array(COLUMN_COUNT)
  for (const { hour, values } of hours) {
    fill(row, values)
    grid.set(hour, row)
  }
  return { grid, startHour: first.hour, length }
}

function trainingSetOf(
  { grid, startHour, length }: History,
  rows: readonly HourRow[],
  describe: (row: HourRow, vector: Float32Array) => void,
): TrainingSet {
  const features = new Float32Array(rows.length * FEATURE_COUNT)
  rows.forEach((row, r) => describe(row, features.subarray(r * FEATURE_COUNT, (r + 1) * FEATURE_COUNT)))
  const of = (name: HourlyColumn): Float64Array => readColumn(grid, COLUMN[name], startHour, length)
  return {
    startHour,
    targets: {
      temperatureC: of('temperatureC'),
      dewPointC: of('dewPointC'),
      relativeHumidityPct: of('relativeHumidityPct'),
      pressureHpa: of('pressureHpa'),
      windSpeedMps: of('windSpeedMps'),
      precipitationProbabilityPct: of('precipitationMm').map((mm) => (Number.isNaN(mm) ? Number.NaN : isWet(mm) ? 100 : 0)),
    },
    features,
    featureHours: Float64Array.from(rows, ({ hour }) => hour),
  }
}

function fill(row: Float32Array | Float64Array, values: ReadonlyArray<number | null>): void {
  values.forEach((value, i) => (row[i] = value ?? Number.NaN))
}

function readColumn(grid: HourlyWindow, column: number, startHour: number, length: number): Float64Array {
  return Float64Array.from({ length }, (_, i) => grid.value(column, startHour + i))
}
