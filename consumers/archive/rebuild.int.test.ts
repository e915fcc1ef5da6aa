import { afterEach, beforeEach, expect, it } from 'vitest'
import type { Audit } from '../../schemas/generated/types.ts'
import { type ClickHouse, applyMigrations, createBatchedWriter, openClickHouse } from '../../infra/runtime/clickhouse/index.ts'
import { type KafkaPublisher, openPublisher, startFollower } from '../../infra/runtime/kafka/index.ts'
import { type TestConfig, deployedConfig, testLog } from '../../infra/runtime/testing/fixtures.ts'
import { rebuildArchive } from './rebuild.ts'
import { ARCHIVED_TOPICS, type ArchivedTopic, type ArchiveRow, toArchiveRow } from './rows.ts'
import { archivedEvent } from './testing/events.ts'

const TOPIC = 'audit.v1'
let config: TestConfig
let current: ClickHouse
let publisher: KafkaPublisher

beforeEach(async () => {
  config = await deployedConfig(ARCHIVED_TOPICS)
  current = openClickHouse(config)
  await applyMigrations(current)
  publisher = openPublisher({ config, name: 'test', log: testLog })
})
afterEach(async () => {
  await publisher.close()
  await current.command(`DROP DATABASE IF EXISTS ${config.clickhouseDatabase}_again`)
  await current.command(`DROP DATABASE IF EXISTS ${config.clickhouseDatabase}`)
  await current.close()
})

const anAudit = (n: number): Audit => ({
  auditId: `a-${n}`,
  actor: 'operator',
  action: 'model.retrain',
  subject: 'jfk/temperatureC',
  reason: n % 2 ? 'new thermometer' : null,
  at: Date.UTC(2013, 0, 1) + n,
  details: { n: String(n) },
  outcome: 'accepted',
})

const publish = (from: number, to: number) =>
  publisher.publish(
    Array.from({ length: to - from }, (_, i) => ({ topic: TOPIC, key: 'operator', value: anAudit(from + i) }) as const),
  )

/** What the archive service would have written. */
async function archived(topics: readonly ArchivedTopic[] = [TOPIC]): Promise<ArchiveRow[]> {
  const rows: ArchiveRow[] = []
  const follower = await startFollower({
    config,
    log: testLog,
    name: 'reader',
    topics,
    from: 'beginning',
    onEvents: (events) => {
      for (const event of events) if (event.value !== null) rows.push(toArchiveRow(event))
    },
  })
  await follower.caughtUp
  await follower.stop()
  return rows
}

it('rebuilds equal rows, finds lost and altered ones, carries what Kafka no longer has, and goes on where it stopped', async () => {
  const into = `${config.clickhouseDatabase}_again`
  await publish(0, 500)
  const rows = await archived()
  expect(rows).toHaveLength(500)
  // One row the archive lost, one altered behind its back, one that no message in the topic explains.
  const written = rows.slice(1).map((entry, i) => (i === 0 ? { ...entry, row: { ...entry.row, reason: 'altered' } } : entry))
  const [first] = rows as [ArchiveRow]
  const stray = { table: first.table, row: { ...first.row, auditId: 'from-nowhere' } }
  await createBatchedWriter(current).write([...written, stray])

  const stopped = new AbortController()
  stopped.abort()
  await expect(rebuildArchive({ config, into, log: testLog, topics: [TOPIC], signal: stopped.signal })).rejects.toMatchObject({
    code: 'rebuild-stopped',
  })
  const progress: Array<[number, number]> = []
  const report = await rebuildArchive({ config, into, log: testLog, topics: [TOPIC], onProgress: (...at) => progress.push(at) })
  expect(report).toEqual([{ table: 'audit_log', equal: 498, different: 1, carried: 1, unexplained: 1, added: 1 }])
  expect(progress.at(-1)).toEqual([500, 500])
  expect(await current.query(`SELECT count() AS n, countIf(reason = 'altered') AS altered FROM ${into}.audit`)).toEqual([
    { n: 501, altered: 0 },
  ])

  // Nothing new: nothing is read or copied again, and the tables differ only as they did.
  const again = await rebuildArchive({ config, into, log: testLog, topics: [TOPIC] })
  expect(again).toEqual([{ table: 'audit_log', equal: 499, different: 1, carried: 0, unexplained: 0, added: 1 }])
  await expect(rebuildArchive({ config, into: config.clickhouseDatabase, log: testLog })).rejects.toMatchObject({
    code: 'rebuild-target',
  })
})

it('rebuilds every table equal, newer events of the same key included', async () => {
  const each = 20
  const events = Array.from({ length: each * ARCHIVED_TOPICS.length }, (_, n) => archivedEvent(n))
  // Everything twice: what is delivered again replaces what was there.
  for (let i = 0; i < 2; i++) await publisher.publish(events)
  const rows = await archived(ARCHIVED_TOPICS)
  expect(rows).toHaveLength(2 * events.length)
  await createBatchedWriter(current).write(rows)
  const report = await rebuildArchive({ config, into: `${config.clickhouseDatabase}_again`, log: testLog })
  expect(report.map(({ table }) => table).toSorted()).toEqual([...new Set(rows.map(({ table }) => table))].toSorted())
  expect(report).toHaveLength(ARCHIVED_TOPICS.length)
  for (const { table, ...counts } of report) {
    // An order is kept for good, by its own offset.
    const equal = table === 'control_log' ? 2 * each : each
    expect(counts, table).toEqual({ equal, different: 0, carried: 0, unexplained: 0, added: 0 })
  }
})
