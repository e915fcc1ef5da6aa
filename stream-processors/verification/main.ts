/** forecast × checked observation → verification and adaptation. One process owns all stations: both topics must be read by the same member. */
import { z } from 'zod'
import { openClickHouse } from '../../infra/runtime/clickhouse/index.ts'
import { clickhouseBlock, kafkaBlock, registryBlock } from '../../infra/runtime/config/index.ts'
import { openPublisher, readLag, startProcessor } from '../../infra/runtime/kafka/index.ts'
import type { AdaptationRecord } from '../../forecasting/models/index.ts'
import { defineService } from '../../infra/runtime/service/index.ts'
import { modelKey } from '../../schemas/event-ids.ts'
import { createVerificationStep, type VerificationInput } from './step.ts'
import { createLedgerLoader, readAdaptations, requireArchived } from './store.ts'

const VerificationConfig = z.object({ ...kafkaBlock.shape, ...registryBlock.shape, ...clickhouseBlock.shape })
/** The consumer group of consumers/archive. */
const ARCHIVE_GROUP = 'isobar-archive'
const INPUTS: readonly VerificationInput[] = ['weather.forecast.v1', 'weather.observation-checked.v1']

export const service = defineService({
  name: 'verification',
  config: VerificationConfig,
  async start({ config, own, clock, log, metrics, addReadiness, fail }) {
    const clickhouse = await own(openClickHouse(config))
    const publisher = await own(openPublisher({ config, name: 'verification', log }))
    let loadLedgers = createLedgerLoader(clickhouse, [])
    let adaptations = new Map<string, AdaptationRecord>()
    const { step, forget } = createVerificationStep({
      loadLedgers: (stationIds) => loadLedgers(stationIds),
      loadAdaptation: (stationId, variable) => adaptations.get(modelKey(stationId, variable)) ?? null,
      observeEventTime: (eventTimeMs) => clock.observe(eventTimeMs),
    })
    const processor = await own(
      startProcessor({
        config,
        log,
        metrics,
        publisher,
        name: 'verification',
        topics: INPUTS,
        step,
        onAssigned: async (assignment) => {
          forget()
          requireArchived(assignment, await readLag(config, log, ARCHIVE_GROUP, INPUTS))
          loadLedgers = createLedgerLoader(clickhouse, assignment)
          adaptations = await readAdaptations({ config, log })
        },
      }),
    )
    processor.failed.catch(fail)
    addReadiness('processor', () => processor.readiness())
  },
})
