/**
 * The history of models as the archive keeps it, also when topics no longer do: events as they were published, topic by topic, oldest first.
 * Of a retrain request the table has the change point that caused it; all of a run's are in its lifecycle events.
 */
import type { ClickHouse } from '../infra/runtime/clickhouse/index.ts'
import type { TopicName } from '../schemas/topics.ts'

/** An event with its offset in its topic, which has one partition. */
export type HistoryLine = { readonly topic: TopicName; readonly offset: number; readonly event: unknown }

const MODEL = "concat(stationId, '/', variable)"
/** Tables that hold the whole event as text, and those that hold its fields. Instants are epoch ms, as in the events. */
const EVENTS: ReadonlyArray<{ readonly topic: TopicName; readonly table: string; readonly subject: string } & Kept> = [
  { topic: 'model.control.v1', table: 'control', subject: MODEL, payload: true },
  { topic: 'model.lifecycle.v1', table: 'lifecycle', subject: MODEL, payload: true },
  {
    topic: 'model.drift.v1',
    table: 'drift',
    subject: MODEL,
    instants: ['at', 'evidenceFrom', 'evidenceTo', 'changePointAt', 'changePointFrom', 'changePointTo'],
  },
  {
    topic: 'model.retrain-request.v1',
    table: 'retrain_request',
    subject: MODEL,
    instants: ['requestedAt', 'changePointAt'],
  },
  { topic: 'audit.v1', table: 'audit', subject: 'subject', instants: ['at'] },
]
type Kept = { readonly payload: true } | { readonly payload?: never; readonly instants: readonly string[] }

/** `model`: station/variable; empty for all. */
export async function* readHistory(clickhouse: Pick<ClickHouse, 'stream'>, model: string): AsyncGenerator<HistoryLine> {
  for (const { topic, table, subject, ...kept } of EVENTS) {
    const columns = kept.payload
      ? 'kafkaOffset, payload'
      : `* EXCEPT (kafkaPartition) REPLACE (${kept.instants.map((name) => `toUnixTimestamp64Milli(${name}) AS ${name}`).join(', ')})`
    const rows = clickhouse.stream<{ kafkaOffset: number; payload?: string }>(
      `SELECT ${columns} FROM ${table} WHERE {model:String} = '' OR ${subject} = {model:String} ORDER BY kafkaOffset`,
      { model },
    )
    for await (const chunk of rows)
      for (const { kafkaOffset, payload, ...fields } of chunk)
        yield { topic, offset: kafkaOffset, event: payload === undefined ? fields : JSON.parse(payload) }
  }
}
