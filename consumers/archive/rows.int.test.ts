import { coalesce, createBatchedWriter } from '../../infra/runtime/clickhouse/index.ts'
import { describeSinkContract } from '../../infra/runtime/testing/sink-contract.ts'
import { ARCHIVED_TOPICS, type ArchiveRow, toArchiveRow } from './rows.ts'
import { archivedEvent } from './testing/events.ts'

const row = (n: number): ArchiveRow => toArchiveRow({ ...archivedEvent(n), partition: 0, offset: n, headers: {}, timestampMs: 0 })
const views = ARCHIVED_TOPICS.map((_, i) => row(i).table.replace(/_log$/, ''))

describeSinkContract(
  'archive, as the service writes it, every table',
  (ch) => ({
    sink: coalesce(createBatchedWriter(ch), { windowMs: 10, maxRows: 10_000 }),
    row,
    visible: async (reader) => {
      const rows = await reader.query<{ n: string }>(
        views.map((view) => `SELECT toString(kafkaOffset) AS n FROM ${view}`).join(' UNION ALL '),
      )
      return rows.map(({ n }) => Number(n))
    },
  }),
  { rows: 24_000 },
)
