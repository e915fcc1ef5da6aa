import { coalesce } from '../../infra/runtime/clickhouse/index.ts'
import { describeSinkContract } from '../../infra/runtime/testing/sink-contract.ts'
import type { Row } from './step.ts'
import { createFeatureSink } from './store.ts'

const HOUR_MS = 3_600_000
const FIRST_HOUR = Date.UTC(2013, 0, 1)

/** Even n: an hour of the grid, odd n: a vector. */
function row(n: number): Row {
  const at = { stationId: 'kewr', validAt: FIRST_HOUR + n * HOUR_MS, knownAt: FIRST_HOUR + n * HOUR_MS }
  return n % 2 === 0
    ? { hour: { ...at, observedAt: at.validAt, source: 'test', values: [n, Number.NaN], version: n } }
    : { feature: { ...at, featureSet: 'test', values: [n, Number.NaN], cause: 'new' }, version: n }
}

describeSinkContract(
  'features, as the service writes them',
  (ch) => ({
    sink: coalesce(createFeatureSink(ch), { windowMs: 10, maxRows: 8000 }),
    row,
    visible: async (reader) => {
      const rows = await reader.query<{ version: string }>(
        'SELECT toString(version) AS version FROM station_hour UNION ALL SELECT toString(version) AS version FROM feature_version',
      )
      return rows.map(({ version }) => Number(version))
    },
  }),
  { rows: 24_000 },
)
