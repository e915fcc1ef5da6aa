/**
 * Kafka → the archived tables again, in a database of their own. Reads to the ends the topics had at the start, then takes from the
 * current archive what Kafka no longer holds, and compares the two by key. At least once and resumable: progress is the committed
 * offsets of the group `isobar-rebuild-<target>`; rows replace by deterministic key. The current database is only read.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { TOPICS } from '../../schemas/topics.ts'
import {
  type ClickHouse,
  applyMigrations,
  coalesce,
  createBatchedWriter,
  openClickHouse,
} from '../../infra/runtime/clickhouse/index.ts'
import type { ClickHouseConfig, KafkaConfig, RegistryConfig } from '../../infra/runtime/config/index.ts'
import { AppError } from '../../infra/runtime/errors.ts'
import {
  type PartitionEnd,
  emit,
  openPublisher,
  readEnds,
  readLag,
  skip,
  startProcessor,
} from '../../infra/runtime/kafka/index.ts'
import type { Logger } from '../../infra/runtime/log.ts'
import { createMetrics } from '../../infra/runtime/metrics.ts'
import { ARCHIVED_TOPICS, type ArchiveRow, type ArchivedTopic, toArchiveRow } from './rows.ts'

export type RebuiltTable = {
  readonly table: string
  /** Rows of the current archive up to the ends, byte for byte in the rebuilt table. */
  readonly equal: number
  /** Rows whose key is in both tables and whose content is not the same. */
  readonly different: number
  /** Rows only the current archive had (older than Kafka keeps, or compacted away): copied. */
  readonly carried: number
  /** Of the carried, those that Kafka should still hold: a dead letter redriven under another offset, or a fault. */
  readonly unexplained: number
  /** Rows only the rebuilt table has: the current archive lost them or is behind. */
  readonly added: number
}

export type RebuildOptions = {
  readonly config: KafkaConfig & RegistryConfig & ClickHouseConfig
  /** Database to build; made when absent, gone on with when a rebuild was interrupted. */
  readonly into: string
  readonly log: Logger
  readonly topics?: readonly ArchivedTopic[]
  /** Events done and events in all, at most twice a second. */
  readonly onProgress?: (done: number, total: number) => void
  readonly signal?: AbortSignal
}

const POLL_MS = 500
const MAX_ROWS = 10_000

/** Rejects AppError `rebuild-stopped` (transient) when the signal is aborted; the next call with the same target goes on. */
export async function rebuildArchive(options: RebuildOptions): Promise<RebuiltTable[]> {
  const { config, into, log } = options
  if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(into) || into === config.clickhouseDatabase) {
    throw new AppError(`cannot rebuild into "${into}": give a database name other than the current one`, {
      code: 'rebuild-target',
      retry: 'permanent',
    })
  }
  const topics = options.topics ?? ARCHIVED_TOPICS
  const target = openClickHouse({ ...config, clickhouseDatabase: into })
  try {
    await applyMigrations(target)
    const ends = await readEnds(config, log, topics)
    await readTopics(options, topics, ends, target)
    const tables = Map.groupBy(topics, tableOf)
    const report: RebuiltTable[] = []
    for (const [table, from] of tables) {
      report.push(
        await reconcile(
          target,
          config.clickhouseDatabase,
          table,
          ends.filter(({ topic }) => from.includes(topic as ArchivedTopic)),
        ),
      )
    }
    return report
  } finally {
    await target.close()
  }
}

async function readTopics(
  { config, into, log, onProgress, signal }: RebuildOptions,
  topics: readonly ArchivedTopic[],
  ends: readonly PartitionEnd[],
  target: ClickHouse,
): Promise<void> {
  const groupId = `isobar-rebuild-${into}`
  const endOf = new Map(ends.map(({ topic, partition, end }) => [`${topic}|${partition}`, end]))
  const total = ends.reduce((sum, { low, end }) => sum + end - low, 0)
  const publisher = openPublisher({ config, name: 'rebuild', log })
  const processor = await startProcessor<ArchivedTopic, ArchiveRow>({
    config,
    log,
    publisher,
    metrics: createMetrics('rebuild'),
    name: 'rebuild',
    groupId,
    topics,
    // What arrives meanwhile is left to the archive: the comparison needs one instant.
    step: (events) =>
      events.map((event) =>
        event.offset < (endOf.get(`${event.topic}|${event.partition}`) ?? 0)
          ? emit([], [toArchiveRow(event)])
          : skip('after-the-end'),
      ),
    sink: coalesce(createBatchedWriter(target), { windowMs: 40, maxRows: MAX_ROWS }),
    fetch: { minBytes: 1, maxWaitMs: 250, partitionsAtOnce: 12 },
  })
  try {
    for (;;) {
      const lags = await readLag(config, log, groupId, topics)
      const committed = new Map(lags.map((row) => [`${row.topic}|${row.partition}`, row.committed ?? 0]))
      const left = ends.reduce(
        (sum, { topic, partition, low, end }) =>
          sum + Math.max(0, end - Math.max(low, committed.get(`${topic}|${partition}`) ?? 0)),
        0,
      )
      onProgress?.(total - left, total)
      if (left === 0) return
      if (signal?.aborted)
        throw new AppError('rebuild stopped; the same command goes on from here', { code: 'rebuild-stopped', retry: 'transient' })
      await Promise.race([sleep(POLL_MS), processor.failed])
    }
  } finally {
    await processor.stop()
    await publisher.close()
  }
}

/** Counts what is equal, copies what only the current table has. The hash is over the binary form of the whole row: NaN equals NaN. */
async function reconcile(
  target: ClickHouse,
  current: string,
  table: string,
  ends: readonly PartitionEnd[],
): Promise<RebuiltTable> {
  const [described] = await target.query<{ sorting_key: string }>(
    'SELECT sorting_key FROM system.tables WHERE database = {database:String} AND name = {table:String}',
    { database: target.database, table },
  )
  if (!described) throw new AppError(`no table ${table} in ${target.database}`, { code: 'rebuild-table', retry: 'permanent' })
  const key = `tuple(${described.sorting_key})`
  const within = ends.map(({ partition, end }) => `(kafkaPartition = ${partition} AND kafkaOffset < ${end})`).join(' OR ')
  const held = ends
    .filter(({ topic }) => TOPICS[topic as ArchivedTopic].cleanup === 'delete')
    .map(({ partition, low }) => `(kafkaPartition = ${partition} AND kafkaOffset >= ${low})`)
  const oldRows = `(SELECT * FROM ${current}.${table} FINAL WHERE ${within})`
  const newRows = `${target.database}.${table} FINAL`
  const hash = `cityHash64(formatRow('RowBinary', *))`
  const onlyOld = `${key} NOT IN (SELECT ${key} FROM ${newRows})`
  const one = async (sql: string): Promise<number> => (await target.query<{ n: number }>(sql))[0]?.n ?? 0

  const rows = await one(`SELECT count() AS n FROM ${oldRows}`)
  const equal = await one(`SELECT count() AS n FROM ${oldRows} WHERE ${hash} IN (SELECT ${hash} FROM ${newRows})`)
  const carried = await one(`SELECT count() AS n FROM ${oldRows} WHERE ${onlyOld}`)
  const unexplained =
    held.length === 0 ? 0 : await one(`SELECT count() AS n FROM ${oldRows} WHERE ${onlyOld} AND (${held.join(' OR ')})`)
  const added = await one(
    `SELECT count() AS n FROM ${newRows} WHERE ${key} NOT IN (SELECT ${key} FROM ${current}.${table} FINAL)`,
  )
  if (carried > 0) await target.command(`INSERT INTO ${table} SELECT * FROM ${oldRows} WHERE ${onlyOld}`)
  return { table, equal, different: rows - equal - carried, carried, unexplained, added }
}

const TABLES: { readonly [T in ArchivedTopic]: string } = {
  'weather.station.v1': 'station_log',
  'weather.observation-checked.v1': 'observation_log',
  'weather.forecast.v1': 'forecast_log',
  'weather.verification.v1': 'verification_log',
  'model.drift.v1': 'drift_log',
  'model.retrain-request.v1': 'retrain_request_log',
  'model.lifecycle.v1': 'lifecycle_log',
  'model.control.v1': 'control_log',
  'model.status.v1': 'replica_status_log',
  'alert.v1': 'alert_log',
  'alert.delivery.v1': 'alert_delivery_log',
  'audit.v1': 'audit_log',
}
const tableOf = (topic: ArchivedTopic): string => TABLES[topic]
