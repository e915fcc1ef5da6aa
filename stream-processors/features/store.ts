/** ClickHouse side of the features processor: where its state comes back from, and where its rows go before an offset commits. */
import {
  type ClickHouse,
  createTablesSink,
  fromClickHouseInstant,
  toClickHouseInstant,
} from '../../infra/runtime/clickhouse/index.ts'
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

/** Grid rows and feature rows, in that order: a feature without its grid row could not be rebuilt after a crash. */
export function createFeatureSink(clickhouse: ClickHouse): Sink<Row> {
  return createTablesSink(clickhouse, (row: Row) =>
    'hour' in row
      ? {
          table: 'station_hour_log',
          row: {
            stationId: row.hour.stationId,
            validAt: toClickHouseInstant(row.hour.validAt),
            knownAt: toClickHouseInstant(row.hour.knownAt),
            observedAt: toClickHouseInstant(row.hour.observedAt),
            source: row.hour.source,
            values: Array.from(row.hour.values),
            version: row.hour.version,
          },
        }
      : {
          table: 'feature_log',
          row: {
            stationId: row.feature.stationId,
            validAt: toClickHouseInstant(row.feature.validAt),
            knownAt: toClickHouseInstant(row.feature.knownAt),
            featureSet: row.feature.featureSet,
            values: Array.from(row.feature.values),
            cause: row.feature.cause,
            version: row.version,
          },
        },
  )
}
