// The exported history on the real ClickHouse engine, from rows as the archive writes them.
import { afterAll, beforeAll, expect, it } from 'vitest'
import { aControl, aLifecycle, NOON } from '../api/testing/app.ts'
import { type ArchivedTopic, toArchiveRow } from '../consumers/archive/rows.ts'
import { applyMigrations, type ClickHouse, createBatchedWriter, openClickHouse } from '../infra/runtime/clickhouse/index.ts'
import { isolatedConfig } from '../infra/runtime/testing/fixtures.ts'
import type { InboundEvent } from '../infra/runtime/kafka/types.ts'
import type { Audit, Drift, EventByTopic } from '../schemas/generated/types.ts'
import { type HistoryLine, readHistory } from './export-history.ts'

let clickhouse: ClickHouse
const written: HistoryLine[] = []

beforeAll(async () => {
  clickhouse = openClickHouse(isolatedConfig())
  await applyMigrations(clickhouse)
})
afterAll(async () => {
  await clickhouse?.command(`DROP DATABASE IF EXISTS ${clickhouse.database}`)
  await clickhouse?.close()
})

function inbound<T extends ArchivedTopic>(topic: T, offset: number, value: EventByTopic[T]): InboundEvent<T> {
  return { topic, value, offset, key: 'k', partition: 0, headers: {}, timestampMs: 0 }
}
async function archive(...events: ReadonlyArray<InboundEvent<ArchivedTopic>>): Promise<void> {
  await createBatchedWriter(clickhouse).write(events.map(toArchiveRow))
  written.push(...events.map(({ topic, offset, value }) => ({ topic, offset, event: value })))
}
const drift: Drift = {
  eventId: 'drift/1',
  stationId: 'kewr',
  variable: 'temperatureC',
  state: 'confirmed',
  previousState: 'warned',
  at: NOON,
  detector: 'mean 1-3 h',
  statistic: 7.25,
  threshold: 6.5,
  leadBucket: '1-6',
  evidenceFrom: NOON - 86_400_000,
  evidenceTo: NOON,
  cause: 'network',
  modelVersion: 'v1',
  changePointAt: NOON - 3_600_000,
  estimatedOffset: 2.5,
  changePointFrom: null,
  changePointTo: null,
  offsetMargin: null,
  explanation: 'a step',
}
const audit = (auditId: string, subject: string): Audit => ({
  auditId,
  actor: 'operator',
  action: 'model.rollback',
  subject,
  reason: 'worse',
  at: NOON,
  details: { version: 'v1' },
  outcome: 'accepted',
})
async function read(model: string): Promise<HistoryLine[]> {
  const lines: HistoryLine[] = []
  for await (const line of readHistory(clickhouse, model)) lines.push(line)
  return lines
}

it('holds every event as it was published, and of one model those of that model', async () => {
  await archive(
    inbound('model.control.v1', 3, aControl()),
    inbound('model.control.v1', 8, aControl({ reason: 'better' })),
    inbound('model.lifecycle.v1', 2, aLifecycle()),
    inbound('model.drift.v1', 0, drift),
    inbound('audit.v1', 0, audit('a-1', 'kewr/temperatureC')),
    inbound('audit.v1', 1, audit('a-2', 'jfk/pressureHpa')),
  )
  expect(await read('')).toEqual(written)
  expect(await read('jfk/pressureHpa')).toEqual(written.slice(-1))
  expect(await read('nowhere/temperatureC')).toEqual([])
  // Rows that are written again replace themselves.
  await archive(inbound('model.drift.v1', 0, drift))
  expect(await read('')).toHaveLength(written.length - 1)
})
