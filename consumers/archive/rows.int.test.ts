import { coalesce, createBatchedWriter } from '../../infra/runtime/clickhouse/index.ts'
import type { InboundEvent } from '../../infra/runtime/kafka/types.ts'
import { anObservation } from '../../infra/runtime/testing/fixtures.ts'
import { describeSinkContract } from '../../infra/runtime/testing/sink-contract.ts'
import { type ArchivedTopic, toArchiveRow } from './rows.ts'

const HOUR_MS = 3_600_000

/** Even n: a checked observation, odd n: an operator's action. */
function event(n: number): InboundEvent<ArchivedTopic> {
  const position = { partition: 0, offset: n, headers: {}, timestampMs: 0 }
  if (n % 2 === 1) {
    const value = {
      auditId: `a-${n}`,
      actor: 'operator',
      action: 'test',
      subject: String(n),
      reason: null,
      at: n,
      details: {},
      outcome: 'accepted' as const,
    }
    return { ...position, topic: 'audit.v1', key: 'operator', value }
  }
  const at = Date.UTC(2013, 0, 1) + n * HOUR_MS
  const flags = { temperatureC: 'good' }
  const value = { ...anObservation({ observedAt: at, receivedAt: at }), flags, rules: {}, qcVersion: 'test' }
  return { ...position, topic: 'weather.observation-checked.v1', key: 'kewr', value } as InboundEvent<ArchivedTopic>
}

describeSinkContract(
  'archive, as the service writes it',
  (ch) => ({
    sink: coalesce(createBatchedWriter(ch), { windowMs: 10, maxRows: 10_000 }),
    row: (n) => toArchiveRow(event(n)),
    visible: async (reader) => {
      const rows = await reader.query<{ n: string }>(
        'SELECT toString(kafkaOffset) AS n FROM observation UNION ALL SELECT toString(kafkaOffset) AS n FROM audit',
      )
      return rows.map(({ n }) => Number(n))
    },
  }),
  { rows: 24_000 },
)
