import { coalesce, createBatchedWriter } from '../../infra/runtime/clickhouse/index.ts'
import type { InboundEvent } from '../../infra/runtime/kafka/types.ts'
import { describeSinkContract } from '../../infra/runtime/testing/sink-contract.ts'
import type { AvroType } from '../../schemas/codegen/avro-types.ts'
import { SCHEMA_BY_TOPIC } from '../../schemas/generated/types.ts'
import { ARCHIVED_TOPICS, type ArchivedTopic, toArchiveRow } from './rows.ts'

const T0 = Date.UTC(2013, 0, 1)
const MINUTE_MS = 60_000

/** Events of all archived topics in turn: number n has texts and instants of its own, and the offset n. */
function event(n: number): InboundEvent<ArchivedTopic> {
  const topic = ARCHIVED_TOPICS[n % ARCHIVED_TOPICS.length] as ArchivedTopic
  const value = valueOf(SCHEMA_BY_TOPIC[topic], n)
  return { topic, key: `key-${n}`, value, partition: 0, offset: n, headers: {}, timestampMs: 0 } as InboundEvent<ArchivedTopic>
}

/** The n-th value of an Avro type. */
function valueOf(type: AvroType, n: number): unknown {
  if (Array.isArray(type)) return type.includes('null') ? null : valueOf(type[0] as AvroType, n)
  if (typeof type === 'string') {
    if (type === 'string') return `text-${n}`
    // Small enough for every column of whole numbers.
    return type === 'boolean' ? n % 2 === 0 : n % 100
  }
  switch (type.type) {
    case 'record':
      return Object.fromEntries(type.fields.map(({ name, type: of }) => [name, valueOf(of, n)]))
    case 'array':
      return [valueOf(type.items, n)]
    case 'map':
      return { key: valueOf(type.values, n) }
    case 'string':
      return type.values[0]
    case 'long':
      return T0 + n * MINUTE_MS
  }
}

const tables = ARCHIVED_TOPICS.map((_, i) => toArchiveRow(event(i)).table.replace(/_log$/, ''))

describeSinkContract(
  'archive, as the service writes it, every table',
  (ch) => ({
    sink: coalesce(createBatchedWriter(ch), { windowMs: 10, maxRows: 10_000 }),
    row: (n) => toArchiveRow(event(n)),
    visible: async (reader) => {
      const rows = await reader.query<{ n: string }>(
        tables.map((table) => `SELECT toString(kafkaOffset) AS n FROM ${table}`).join(' UNION ALL '),
      )
      return rows.map(({ n }) => Number(n))
    },
  }),
  { rows: 24_000 },
)
