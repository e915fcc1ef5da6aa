/** observation → checked observation. */
import { z } from 'zod'
import { clockBlock, kafkaBlock, registryBlock } from '../../infra/runtime/config/index.ts'
import { openPublisher, startProcessor } from '../../infra/runtime/kafka/index.ts'
import { defineService } from '../../infra/runtime/service/index.ts'
import { createQualityControlStep } from './step.ts'

const QualityControlConfig = z.object({ ...kafkaBlock.shape, ...registryBlock.shape, ...clockBlock.shape })

export const service = defineService({
  name: 'quality-control',
  config: QualityControlConfig,
  async start({ config, own, clock, log, metrics }) {
    const publisher = await own(openPublisher({ config, name: 'quality-control', log }))
    const { step, forget } = createQualityControlStep({ observeEventTime: clock.observe, now: clock.now })
    await own(
      startProcessor({ config, log, metrics, publisher, name: 'quality-control', topics: ['weather.observation.v1'], step, onAssigned: async () => forget() }),
    )
  },
})
