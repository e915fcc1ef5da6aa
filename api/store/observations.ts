/** Checked observations, and the newest feature vector of a station. Instants are epoch ms. */
import { type ClickHouse, fromClickHouseInstant, nanFromNull, toClickHouseInstant } from '../../infra/runtime/clickhouse/index.ts'
import type { CheckedObservation, Feature } from '../../schemas/generated/types.ts'
import type { ObservationReader } from '../ports.ts'

type ObservationRow = Omit<CheckedObservation, 'observedAt' | 'receivedAt'> & { observedAt: string; receivedAt: string }
type FeatureRow = Omit<Feature, 'validAt' | 'knownAt' | 'values'> & {
  validAt: string
  knownAt: string
  values: Array<number | null>
}

const COLUMNS = '* EXCEPT (kafkaPartition, kafkaOffset)'

export function createObservationReader(clickhouse: Pick<ClickHouse, 'query'>): ObservationReader {
  return {
    async range(stationId, { from, to, limit }) {
      const rows = await clickhouse.query<ObservationRow>(
        `SELECT * FROM (SELECT ${COLUMNS} FROM observation WHERE stationId = {stationId:String} AND observedAt >= {from:DateTime64(3)} AND observedAt <= {to:DateTime64(3)}
         ORDER BY observedAt DESC, kind LIMIT {limit:UInt32}) ORDER BY observedAt, kind`,
        { stationId, from: toClickHouseInstant(from), to: toClickHouseInstant(to), limit },
      )
      return rows.map(toObservation)
    },
    async latest(stationId) {
      const [row] = await clickhouse.query<ObservationRow>(
        `SELECT ${COLUMNS} FROM observation WHERE stationId = {stationId:String} AND kind = 'observation' ORDER BY observedAt DESC LIMIT 1`,
        { stationId },
      )
      return row === undefined ? null : toObservation(row)
    },
    async existing(keys) {
      if (keys.length === 0) return []
      const wanted = new Set(keys.map(keyOf))
      const instants = [...new Set(keys.map(({ observedAt }) => observedAt))]
      // The caller has checked the ids against the stations; instants are numbers. Both go into the statement's body: parameters travel
      // in the address, which is too short for a batch.
      const ids = [...new Set(keys.map(({ stationId }) => stationId))].map((id) => `'${id.replaceAll(/[^a-z0-9_-]/g, '')}'`)
      const rows = await clickhouse.query<ObservationRow>(
        `SELECT ${COLUMNS} FROM observation WHERE stationId IN (${ids.join(',')})
         AND observedAt >= {from:DateTime64(3)} AND observedAt <= {to:DateTime64(3)} AND toUnixTimestamp64Milli(observedAt) IN (${instants.join(',')})`,
        {
          from: toClickHouseInstant(instants.reduce((a, b) => Math.min(a, b))),
          to: toClickHouseInstant(instants.reduce((a, b) => Math.max(a, b))),
        },
      )
      return rows.map(toObservation).filter((row) => wanted.has(keyOf(row)))
    },
    async newestFeature(stationId) {
      const [row] = await clickhouse.query<FeatureRow>(
        `SELECT stationId, validAt, knownAt, featureSet, values, cause FROM feature_version WHERE stationId = {stationId:String}
         ORDER BY validAt DESC, knownAt DESC LIMIT 1`,
        { stationId },
      )
      if (row === undefined) return null
      return {
        ...row,
        validAt: fromClickHouseInstant(row.validAt),
        knownAt: fromClickHouseInstant(row.knownAt),
        values: nanFromNull(row.values),
      }
    },
  }
}

function keyOf(o: { stationId: string; observedAt: number; kind: string }): string {
  return `${o.stationId}|${o.observedAt}|${o.kind}`
}

function toObservation(row: ObservationRow): CheckedObservation {
  return { ...row, observedAt: fromClickHouseInstant(row.observedAt), receivedAt: fromClickHouseInstant(row.receivedAt) }
}
