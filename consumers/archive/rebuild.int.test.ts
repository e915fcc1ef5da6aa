import { afterEach, beforeEach, expect, it } from 'vitest'
import type { Audit } from '../../schemas/generated/types.ts'
import { type ClickHouse, applyMigrations, createBatchedWriter, openClickHouse } from '../../infra/runtime/clickhouse/index.ts'
import { type KafkaPublisher, openPublisher, startFollower } from '../../infra/runtime/kafka/index.ts'
import { type TestConfig, deployedConfig, testLog } from '../../infra/runtime/testing/fixtures.ts'
import { rebuildArchive } from './rebuild.ts'
import { type ArchiveRow, toArchiveRow } from './rows.ts'

const TOPIC = 'audit.v1'
let config: TestConfig
let current: ClickHouse
let publisher: KafkaPublisher

beforeEach(async () => {
  config = await deployedConfig([TOPIC])
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
async function archived(): Promise<ArchiveRow[]> {
  const rows: ArchiveRow[] = []
  const follower = await startFollower({
    config,
    log: testLog,
    name: 'reader',
    topics: [TOPIC],
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
