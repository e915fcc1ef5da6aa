import { describeSinkContract } from '../testing/sink-contract.ts'
import { toClickHouseInstant } from './instants.ts'
import { createBatchedWriter, createTableSink } from './sink.ts'

const HOUR_MS = 3_600_000
const auditRow = (n: number) => ({
  auditId: `audit/${n}`,
  actor: 'test',
  action: 'test',
  subject: String(n),
  reason: null,
  at: toClickHouseInstant(n * HOUR_MS),
  details: { n: String(n) },
  outcome: 'accepted',
  kafkaPartition: 0,
  kafkaOffset: n,
})
const hourRow = (n: number) => ({
  stationId: 'kewr',
  validAt: toClickHouseInstant(Date.UTC(2013, 0, 1) + n * HOUR_MS),
  knownAt: toClickHouseInstant(Date.UTC(2013, 0, 1)),
  observedAt: toClickHouseInstant(Date.UTC(2013, 0, 1)),
  source: 'test',
  values: [n, Number.NaN],
  version: n,
})

describeSinkContract('one table', (ch) => ({
  sink: createTableSink(ch, 'audit_log', (n: number) => auditRow(n), { maxRows: 5000 }),
  row: (n) => n,
  visible: async (reader) =>
    (await reader.query<{ subject: string }>('SELECT subject FROM audit')).map(({ subject }) => Number(subject)),
}))

describeSinkContract(
  'several tables',
  (ch) => ({
    sink: createBatchedWriter(ch, { maxRows: 4000 }),
    row: (n: number) => (n % 2 === 0 ? { table: 'audit_log', row: auditRow(n) } : { table: 'station_hour_log', row: hourRow(n) }),
    visible: async (reader) => [
      ...(await reader.query<{ subject: string }>('SELECT subject FROM audit')).map(({ subject }) => Number(subject)),
      ...(await reader.query<{ version: number }>('SELECT version FROM station_hour')).map(({ version }) => version),
    ],
  }),
  { rows: 12_000 },
)
