/** Trained models → champions. Run one process: it is the only writer of model.control.v1. */
import { z } from 'zod'
import { isCanaryStation } from '../../forecasting/promotion/index.ts'
import { openArtifactStore } from '../../infra/runtime/artifacts/index.ts'
import { openClickHouse } from '../../infra/runtime/clickhouse/index.ts'
import {
  artifactBlock,
  canaryBlock,
  clickhouseBlock,
  clockBlock,
  kafkaBlock,
  registryBlock,
} from '../../infra/runtime/config/index.ts'
import { openPublisher, startFollower, startProcessor } from '../../infra/runtime/kafka/index.ts'
import { defineService } from '../../infra/runtime/service/index.ts'
import type { Control } from '../../schemas/generated/types.ts'
import { createLifecycleFold } from './ledger.ts'
import { createPromotionStep, type PromotionInput } from './step.ts'
import { createScoreLoader, restoreFold } from './store.ts'

const INPUTS: readonly PromotionInput[] = ['model.lifecycle.v1', 'weather.verification.v1', 'audit.v1']

export const service = defineService({
  name: 'promotion',
  config: z.object({
    ...kafkaBlock.shape,
    ...registryBlock.shape,
    ...clickhouseBlock.shape,
    ...artifactBlock.shape,
    ...clockBlock.shape,
    ...canaryBlock.shape,
  }),
  async start({ config, own, clock, log, metrics }) {
    const clickhouse = await own(openClickHouse(config))
    const publisher = await own(openPublisher({ config, name: 'promotion', log }))
    const controls = new Map<string, Control>()
    const follower = await own(
      startFollower({
        config,
        log,
        name: 'promotion-control',
        topics: ['model.control.v1'],
        from: 'beginning',
        onEvents: (events) => {
          for (const { key, value } of events) if (value !== null) controls.set(key, value)
        },
      }),
    )
    await follower.caughtUp
    let fold = createLifecycleFold()
    const { step, forget } = createPromotionStep({
      fold: () => fold,
      controlOfModel: (key) => controls.get(key),
      isCanary: (stationId) => isCanaryStation(stationId, config.promotionCanaryShare),
      artifacts: await own(openArtifactStore(config)),
      loadScored: createScoreLoader(clickhouse),
      observeEventTime: (epochMs) => clock.observe(epochMs),
      now: () => clock.now(),
    })
    await own(
      startProcessor({
        config,
        log,
        metrics,
        publisher,
        name: 'promotion',
        topics: INPUTS,
        step,
        onAssigned: async (assignment) => {
          const position = assignment.find(({ topic }) => topic === 'model.lifecycle.v1')
          fold = await restoreFold({ config, log }, position?.nextOffset ?? null)
          forget()
        },
      }),
    )
  },
})
