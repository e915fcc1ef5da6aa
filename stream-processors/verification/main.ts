/** forecast × checked observation → verification. One process owns all stations: both topics must be read by the same member. */
import { z } from 'zod'
import { openClickHouse } from '../../infra/runtime/clickhouse/index.ts'
import { clickhouseBlock, kafkaBlock, registryBlock } from '../../infra/runtime/config/index.ts'
import { openPublisher, startProcessor } from '../../infra/runtime/kafka/index.ts'
import { defineService } from '../../infra/runtime/service/index.ts'
import { createVerificationStep, type VerificationInput } from './step.ts'
import { createArchiveGate, createLedgerLoader } from './store.ts'

const VerificationConfig = z.object({ ...kafkaBlock.shape, ...registryBlock.shape, ...clickhouseBlock.shape })
const INPUTS: readonly VerificationInput[] = ['weather.forecast.v1', 'weather.observation-checked.v1']

export const service = defineService({
  name: 'verification',
  config: VerificationConfig,
  async start({ config, own, clock, log, metrics, addReadiness, fail }) {
    const clickhouse = await own(openClickHouse(config))
    const publisher = await own(openPublisher({ config, name: 'verification', log }))
    const { step, forget } = createVerificationStep({
      loadLedgers: createLedgerLoader(clickhouse),
      observeEventTime: (eventTimeMs) => clock.observe(eventTimeMs),
    })
    const archiveHolds = createArchiveGate(clickhouse)
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
          await archiveHolds(assignment)
        },
      }),
    )
    processor.failed.catch(fail)
    addReadiness('processor', () => processor.readiness())
  },
})
