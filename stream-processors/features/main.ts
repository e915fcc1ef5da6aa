/** checked observation → hourly grid and feature vectors (Kafka and ClickHouse). */
import { z } from 'zod'
import { coalesce, openClickHouse } from '../../infra/runtime/clickhouse/index.ts'
import { clickhouseBlock, kafkaBlock, registryBlock } from '../../infra/runtime/config/index.ts'
import { openPublisher, startProcessor } from '../../infra/runtime/kafka/index.ts'
import { defineService } from '../../infra/runtime/service/index.ts'
import { restoreStationState } from './station-state.ts'
import { createFeatureStep } from './step.ts'
import { createFeatureSink, createHourLoader } from './store.ts'

/** An insert costs the store the same for one row as for a thousand: rows gather this long. Events do not wait for them. */
const COALESCE_MS = 1000
const MAX_ROWS = 8000

const FeaturesConfig = z.object({ ...kafkaBlock.shape, ...registryBlock.shape, ...clickhouseBlock.shape })

export const service = defineService({
  name: 'features',
  config: FeaturesConfig,
  async start({ config, own, clock, log, metrics, addReadiness, fail }) {
    const clickhouse = await own(openClickHouse(config))
    const publisher = await own(openPublisher({ config, name: 'features', log }))
    const { step, forget } = createFeatureStep({
      loadHours: createHourLoader(clickhouse),
      restore: restoreStationState,
      observeEventTime: (eventTimeMs) => clock.observe(eventTimeMs),
    })
    const processor = await own(
      startProcessor({
        config,
        log,
        metrics,
        publisher,
        name: 'features',
        topics: ['weather.observation-checked.v1'],
        step,
        sink: coalesce(createFeatureSink(clickhouse), { windowMs: COALESCE_MS, maxRows: MAX_ROWS }),
        isPipelined: true,
        onAssigned: async () => forget(),
      }),
    )
    processor.failed.catch(fail)
    addReadiness('processor', () => processor.readiness())
  },
})
