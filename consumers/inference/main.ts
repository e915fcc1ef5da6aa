/** feature → forecast, by the models that model.control.v1 names, stretched as model.adaptation.v1 says. Run one process per replica. */
import { z } from 'zod'
import { type AdaptationRecord, recordOf } from '../../forecasting/models/index.ts'
import { openArtifactStore } from '../../infra/runtime/artifacts/index.ts'
import { artifactBlock, clockBlock, kafkaBlock, registryBlock } from '../../infra/runtime/config/index.ts'
import { openPublisher, readEnds, readTails, startFollower, startProcessor } from '../../infra/runtime/kafka/index.ts'
import { defineService } from '../../infra/runtime/service/index.ts'
import { modelKey } from '../../schemas/event-ids.ts'
import { createControlHandler } from './control.ts'
import { createIssued } from './issued.ts'
import { createModelTable } from './models.ts'
import { createReports } from './reports.ts'
import { startSilence } from './silence.ts'
import { createInferenceStep, createStationClock } from './step.ts'

/** Each makes a forecast per variable and role, about half a millisecond of work and 5 kB: the next heartbeat is never far. */
const MAX_BATCH_EVENTS = 50

const InferenceConfig = z.object({
  ...kafkaBlock.shape,
  ...registryBlock.shape,
  ...artifactBlock.shape,
  ...clockBlock.shape,
  replicaId: z.string().min(1).default('replica-0'),
  liveWithinHours: z.coerce.number().positive().default(3),
  inferenceMaxModels: z.coerce
    .number()
    .int()
    .nonnegative()
    .default(0)
    .meta({ description: 'Models a replica keeps in memory; others are read back when needed. 0: all.', example: '3000' }),
})

export const service = defineService({
  name: 'inference',
  config: InferenceConfig,
  async start({ config, own, clock, log, metrics, addReadiness, fail }) {
    const publisher = await own(openPublisher({ config, name: 'inference', log }))
    const models = createModelTable(await own(openArtifactStore(config)), () => performance.now(), {
      maxLoaded: config.inferenceMaxModels,
      onLost: ({ version, artefact }, error) =>
        log.error({ version, uri: artefact.uri, reason: error.message }, 'a model that was served cannot be read back'),
    })
    const control = createControlHandler({ models, publisher, replicaId: config.replicaId, log, wallNowMs: Date.now, fail })
    const adaptations = new Map<string, AdaptationRecord>()
    let isCaughtUp = false
    addReadiness('models', () =>
      isCaughtUp ? { ready: true } : { ready: false, reason: 'replaying model.control.v1 and model.adaptation.v1' },
    )
    await own({ stop: () => control.stop() })
    const follower = await own(
      startFollower({
        config,
        log,
        name: `inference-control-${config.replicaId}`,
        topics: ['model.control.v1', 'model.adaptation.v1'],
        from: 'beginning',
        onEvents: async (events) => {
          for (const event of events) {
            // What a model serves and how it is stretched is only ever replaced.
            if (event.value === null) continue
            if (event.topic === 'model.control.v1') await control.onEvents([event])
            else adaptations.set(event.key, recordOf(event.value))
          }
        },
      }),
    )
    // A replica that answered before it knew its orders could serve a model that was replaced long ago.
    await follower.caughtUp
    await control.settled()
    isCaughtUp = true
    const serving = {
      models,
      reports: createReports(Date.now),
      adaptationOf: (stationId: string, variable: string) => adaptations.get(modelKey(stationId, variable)),
      liveWithinHours: config.liveWithinHours,
    }
    const stationClock = createStationClock()
    const issued = createIssued({
      ends: () => readEnds(config, log, ['weather.feature.v1', 'weather.forecast.v1']),
      tails: (of) => readTails({ config, log, topic: 'weather.forecast.v1', ...of }),
      log,
    })
    const processor = await own(
      startProcessor({
        config,
        log,
        metrics,
        publisher,
        name: 'inference',
        topics: ['weather.feature.v1'],
        isPipelined: true,
        maxBatchEvents: MAX_BATCH_EVENTS,
        onAssigned: async (owned) => {
          serving.reports.forget()
          stationClock.forget()
          await issued.assigned(owned)
        },
        step: createInferenceStep({
          ...serving,
          issued,
          observeEventTime: (epochMs) => clock.observe(epochMs),
          nowAt: clock.mode === 'stream' ? stationClock.nowAt : () => clock.now(),
        }),
      }),
    )
    await own(
      startSilence({
        ...serving,
        publisher,
        log,
        fail,
        now: () => clock.now(),
        wallNowMs: Date.now,
        listeningMs: (partition) => processor.listeningMs('weather.feature.v1', partition),
      }),
    )
  },
})
