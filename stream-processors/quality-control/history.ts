/** The days before an instant, from ClickHouse `observation`. */
import { fromClickHouseInstant, toClickHouseInstant } from '../../infra/runtime/clickhouse/index.ts'
import type { ClickHouse } from '../../infra/runtime/clickhouse/index.ts'
import type { Observation } from '../../schemas/generated/types.ts'
import { QUANTITIES } from '../../schemas/quantities.ts'
import type { ObservationHistory } from './step.ts'

const HOUR_MS = 3_600_000
/** Long enough to know the resolution of the sensors and to have a stuck value's run. */
const HISTORY_HOURS = 72
/** Rows in memory at once stay below about 40,000 for hourly stations. */
const STATIONS_PER_QUERY = 500

type Row = Omit<Observation, 'observedAt' | 'receivedAt'> & { observedAt: string; receivedAt: string }

export function createObservationHistory(clickhouse: Pick<ClickHouse, 'query'>): ObservationHistory {
  return {
    async recent(wanted) {
      const found: Observation[][] = wanted.map(() => [])
      const indexes = new Map(wanted.map(({ stationId, kind }, i) => [`${stationId}/${kind}`, i]))
      for (let from = 0; from < wanted.length; from += STATIONS_PER_QUERY) {
        const chunk = wanted.slice(from, from + STATIONS_PER_QUERY)
        const untils = chunk.map(({ until }) => until)
        const rows = await clickhouse.query<Row>(
          `SELECT stationId, observedAt, receivedAt, source, kind, revision, ${QUANTITIES.join(', ')}
           FROM observation
           WHERE stationId IN {stationIds:Array(String)} AND observedAt > {from:DateTime64(3, 'UTC')} AND observedAt <= {to:DateTime64(3, 'UTC')}
           ORDER BY stationId, observedAt`,
          {
            stationIds: chunk.map(({ stationId }) => stationId),
            from: toClickHouseInstant(Math.min(...untils) - HISTORY_HOURS * HOUR_MS),
            to: toClickHouseInstant(Math.max(...untils)),
          },
        )
        for (const row of rows) {
          const index = indexes.get(`${row.stationId}/${row.kind}`)
          const until = index === undefined ? undefined : wanted[index]?.until
          if (index === undefined || until === undefined) continue
          const observedAt = fromClickHouseInstant(row.observedAt)
          if (observedAt > until || observedAt <= until - HISTORY_HOURS * HOUR_MS) continue
          found[index]?.push({ ...row, observedAt, receivedAt: fromClickHouseInstant(row.receivedAt) })
        }
      }
      return found
    },
  }
}
