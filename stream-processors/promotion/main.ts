/** evaluated model → model.control.v1. One process: it is the only writer of the control topic. */
import { z } from 'zod'
import { kafkaBlock, registryBlock } from '../../infra/runtime/config/index.ts'
import { openPublisher, startFollower, startProcessor } from '../../infra/runtime/kafka/index.ts'
import { defineService } from '../../infra/runtime/service/index.ts'
import type { Control } from '../../schemas/generated/types.ts'
import { createPromotionStep } from './step.ts'

export const service = defineService({
  name: 'promotion',
  config: z.object({ ...kafkaBlock.shape, ...registryBlock.shape }),
  async start({ config, own, log, metrics }) {
    const publisher = await own(openPublisher({ config, name: 'promotion', log }))
    const champions = new Map<string, Control>()
    const control = await own(
      startFollower({
        config,
        log,
        name: 'promotion-control',
        topics: ['model.control.v1'],
        from: 'beginning',
        onEvents: (events) => {
          for (const { key, value } of events) if (value !== null) champions.set(key, value)
        },
      }),
    )
    await control.caughtUp
    await own(
      startProcessor({
        config,
        log,
        metrics,
        publisher,
        name: 'promotion',
        topics: ['model.lifecycle.v1'],
        step: createPromotionStep({ championOf: (key) => champions.get(key) }),
      }),
    )
  },
})
