/** The features processor without its store, in a process of its own: the same step, loop and publisher, in the group BENCH_GROUP. */
import { z } from 'zod'
import { kafkaBlock, registryBlock } from '../../infra/runtime/config/index.ts'
import { openPublisher, startProcessor } from '../../infra/runtime/kafka/index.ts'
import { defineService, runServices } from '../../infra/runtime/service/index.ts'
import { restoreStationState } from '../../stream-processors/features/station-state.ts'
import { createFeatureStep } from '../../stream-processors/features/step.ts'

const service = defineService({
  name: 'features',
  config: z.object({ ...kafkaBlock.shape, ...registryBlock.shape, benchGroup: z.string() }),
  async start({ config, own, clock, log, metrics, fail }) {
    const publisher = await own(openPublisher({ config, name: 'features', log }))
    const { step, forget } = createFeatureStep({
      loadHours: () => Promise.resolve(new Map()),
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
        groupId: config.benchGroup,
        topics: ['weather.observation-checked.v1'],
        // Rows have no sink here; made and dropped they would still cost what they cost in the product.
        step,
        onAssigned: () => Promise.resolve(forget()),
      }),
    )
    processor.failed.catch(fail)
  },
})

await runServices([service], process.env)
