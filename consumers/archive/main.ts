/** Keeps every event in ClickHouse. */
import { z } from 'zod'
import { clickhouseBlock, kafkaBlock, registryBlock } from '../../infra/runtime/config/index.ts'
import { createBatchedWriter, openClickHouse } from '../../infra/runtime/clickhouse/index.ts'
import { openPublisher, startProcessor } from '../../infra/runtime/kafka/index.ts'
import { defineService } from '../../infra/runtime/service/index.ts'
import { ARCHIVED_TOPICS } from './rows.ts'
import { createArchiveStep } from './step.ts'

const ArchiveConfig = z.object({ ...kafkaBlock.shape, ...registryBlock.shape, ...clickhouseBlock.shape })

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
        sink: createBatchedWriter(clickhouse),
      }),
    )
    processor.failed.catch(fail)
    addReadiness('processor', () => processor.readiness())
  },
})
