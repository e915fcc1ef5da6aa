/** ClickHouse side of the features processor: where its state comes back from, and where its rows go before an offset commits. */
import { type ClickHouse, fromClickHouseInstant } from '../../infra/runtime/clickhouse/index.ts'
import type { Sink } from '../../infra/runtime/kafka/types.ts'
import { type StationHour, WINDOW_HOURS } from './station-state.ts'
import type { Row } from './step.ts'

type StoredHour = {
  stationId: string
  validAt: string
  knownAt: string
  observedAt: string
  source: string
  values: Array<number | null>
  version: string
}

export function createHourLoader(clickhouse: ClickHouse) {
  return async (stationIds: readonly string[]): Promise<Map<string, StationHour[]>> => {
    const rows = await clickhouse.query<StoredHour>(
      `SELECT stationId, validAt, knownAt, observedAt, source, values, toString(version) AS version
       FROM station_hour WHERE stationId IN {stationIds:Array(String)}
       ORDER BY stationId, validAt DESC LIMIT {hours:UInt32} BY stationId`,
      { stationIds, hours: WINDOW_HOURS },
    )
    const byStation = new Map<string, StationHour[]>()
    for (const row of rows) {
      const hours = byStation.get(row.stationId) ?? []
      byStation.set(row.stationId, hours)
      hours.push({
        stationId: row.stationId,
        validAt: fromClickHouseInstant(row.validAt),
        knownAt: fromClickHouseInstant(row.knownAt),
        observedAt: fromClickHouseInstant(row.observedAt),
        source: row.source,
        values: row.values.map((v) => v ?? Number.NaN),
        version: Number(row.version),
      })
    }
    return byStation
  }
}

/** Vectors are wide: so many of them make an insert of about 3 MB. */
const ROWS_PER_INSERT = 10_000
const HOUR_COLUMNS = ['stationId', 'validAt', 'knownAt', 'observedAt', 'source', 'values', 'version'] as const
const FEATURE_COLUMNS = ['stationId', 'validAt', 'knownAt', 'featureSet', 'values', 'cause', 'version'] as const

/** Grid rows and feature rows, side by side; the caller advances only when both are in. */
export function createFeatureSink(clickhouse: Pick<ClickHouse, 'insertColumns'>): Sink<Row> {
  async function insert(table: string, columns: readonly string[], rows: ReadonlyArray<readonly unknown[]>): Promise<void> {
    for (let from = 0; from < rows.length; from += ROWS_PER_INSERT) {
      await clickhouse.insertColumns(table, columns, rows.slice(from, from + ROWS_PER_INSERT))
    }
  }
  return {
    async write(rows) {
      const hours: unknown[][] = []
      const features: unknown[][] = []
      for (const row of rows) {
        if ('hour' in row) {
          const { stationId, validAt, knownAt, observedAt, source, values, version } = row.hour
          hours.push([stationId, validAt, knownAt, observedAt, source, values, version])
        } else {
          const { stationId, validAt, knownAt, featureSet, values, cause } = row.feature
          features.push([stationId, validAt, knownAt, featureSet, values, cause, row.version])
        }
      }
      const writes = [insert('station_hour_log', HOUR_COLUMNS, hours), insert('feature_log', FEATURE_COLUMNS, features)]
      // Both settle before a failure is told: the rows are written again as a whole.
      const failed = (await Promise.allSettled(writes)).find((result) => result.status === 'rejected')
      if (failed) throw failed.reason
    },
  }
}
