/** Keeps every event in ClickHouse. */
import { z } from 'zod'
import { clickhouseBlock, kafkaBlock, registryBlock } from '../../infra/runtime/config/index.ts'
import { coalesce, createBatchedWriter, openClickHouse } from '../../infra/runtime/clickhouse/index.ts'
import { openPublisher, startProcessor } from '../../infra/runtime/kafka/index.ts'
import { defineService } from '../../infra/runtime/service/index.ts'
import { ARCHIVED_TOPICS } from './rows.ts'
import { createArchiveStep } from './step.ts'

const ArchiveConfig = z.object({ ...kafkaBlock.shape, ...registryBlock.shape, ...clickhouseBlock.shape })

/** Under this much an insert is not worth a round trip yet; what waits becomes visible after FETCH_WAIT_MS at the latest. */
const FETCH_MIN_BYTES = 512 * 1024
const FETCH_WAIT_MS = 300
/** Partitions of one fetch are decoded one after another; this long the first waits for the others. */
const COALESCE_MS = 40
const MAX_ROWS = 10_000
const PARTITIONS_AT_ONCE = 48

export const service = defineService({
  name: 'archive',
  config: ArchiveConfig,
  async start({ config, own, log, metrics, addReadiness, fail }) {
    const clickhouse = await own(openClickHouse(config))
    const publisher = await own(openPublisher({ config, name: 'archive', log }))
    const processor = await own(
      startProcessor({
        config,
        log,
        metrics,
        publisher,
        name: 'archive',
        topics: [...ARCHIVED_TOPICS],
        step: createArchiveStep(),
        sink: coalesce(createBatchedWriter(clickhouse), { windowMs: COALESCE_MS, maxRows: MAX_ROWS }),
        isPipelined: true,
        fetch: { minBytes: FETCH_MIN_BYTES, maxWaitMs: FETCH_WAIT_MS, partitionsAtOnce: PARTITIONS_AT_ONCE },
      }),
    )
    processor.failed.catch(fail)
    addReadiness('processor', () => processor.readiness())
  },
})
