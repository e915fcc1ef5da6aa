/** retrain request → model; live feature of a station without models → first request. */
import { z } from 'zod'
import { openArtifactStore } from '../../infra/runtime/artifacts/index.ts'
import { openClickHouse } from '../../infra/runtime/clickhouse/index.ts'
import { artifactBlock, clickhouseBlock, kafkaBlock, registryBlock } from '../../infra/runtime/config/index.ts'
import { openPublisher, startFollower, startProcessor } from '../../infra/runtime/kafka/index.ts'
import { defineService } from '../../infra/runtime/service/index.ts'
import type { Site } from '../../forecasting/models/index.ts'
import type { ServedModel } from '../../schemas/generated/types.ts'
import { FORECAST_VARIABLES } from '../../schemas/quantities.ts'
import { compareFamiliesField, createCompare } from './compare.ts'
import { createColdStartStep } from './cold-start.ts'
import { countObservedHours, loadHistory, untilFeaturesReach } from './dataset.ts'
import { openFitPool } from './fit-pool.ts'
import { createRunBook } from './run-book.ts'
import { createTrainingStep } from './step.ts'

const TrainingConfig = z.object({
  ...kafkaBlock.shape,
  ...registryBlock.shape,
  ...clickhouseBlock.shape,
  ...artifactBlock.shape,
  trainingWorkers: z.coerce.number().int().min(1).max(64).default(1).meta({
    description:
      'Threads that fit models, a station each; free ones share the variables of one. Leave a core to live forecasts; `isobar start` does.',
    example: '3',
  }),
  trainingCores: z.coerce.number().positive().default(0.15).meta({
    description:
      'Cores that retraining takes on average, by resting in between, so that live forecasts stay as fast as they are; without rests while a first model or one that an operator asked for is to be trained. As many as TRAINING_WORKERS: it never rests.',
    fix: 'use a number above 0',
    example: '2',
  }),
  trainingCompareFamilies: compareFamiliesField,
  coldStartMinimumHours: z.coerce.number().int().min(1).default(1).meta({
    description:
      'Hours in which a station must have observed a quantity before its first model is made; below about 900 that is a provisional one.',
    example: '720',
  }),
  liveWithinHours: z.coerce
    .number()
    .positive()
    .default(3)
    .meta({ description: 'A feature known later than this after its hour is back-fill.', example: '3' }),
})

export const service = defineService({
  name: 'training',
  config: TrainingConfig,
  isBackground: true,
  async start({ config, own, log, metrics, signal }) {
    const clickhouse = await own(openClickHouse(config))
    const publisher = await own(openPublisher({ config, name: 'training', log }))
    const champions = new Map<string, ServedModel>()
    const sites = new Map<string, Site>()
    const book = createRunBook()
    const { trainingWorkers: size, trainingCores: cores } = config
    const pool = await own(openFitPool({ size, cores, isAwaited: book.isAwaited, signal }))
    const history = await own(
      startFollower({
        config,
        log,
        name: 'training-history',
        topics: ['weather.station.v1', 'model.control.v1', 'model.lifecycle.v1', 'model.retrain-request.v1'],
        from: 'beginning',
        onEvents: (events) => {
          for (const event of events) {
            if (event.value === null) continue
            if (event.topic === 'weather.station.v1') {
              const { latitude, longitude, elevationM } = event.value
              if (elevationM === null) sites.delete(event.key)
              else sites.set(event.key, { latitude, longitude, elevationM })
            } else if (event.topic === 'model.control.v1') champions.set(event.key, event.value.champion)
            else if (event.topic === 'model.lifecycle.v1') book.onLifecycle(event.value)
            else book.onRequest(event.value)
          }
        },
      }),
    )
    await history.caughtUp
    const shared = { config, log, metrics, publisher }
    await own(
      startProcessor({
        ...shared,
        name: 'training',
        topics: ['model.retrain-request.v1'],
        // A few at a time: a run is registered when the batch it came in is done. A station for each worker: its variables share.
        maxBatchEvents: FORECAST_VARIABLES.length * config.trainingWorkers,
        step: createTrainingStep({
          loadHistory: async (stationId, asOf, changePoints) => {
            await untilFeaturesReach(clickhouse, stationId, asOf)
            return loadHistory(clickhouse, stationId, asOf, changePoints)
          },
          siteOf: (stationId) => sites.get(stationId) ?? null,
          book,
          pool,
          compare: createCompare(pool, config.trainingCompareFamilies),
          artifacts: openArtifactStore(config),
        }),
      }),
    )
    await own(
      startProcessor({
        ...shared,
        name: 'cold-start',
        topics: ['weather.feature.v1'],
        step: createColdStartStep({
          book,
          championOf: (key) => champions.get(key),
          hasSite: (stationId) => sites.has(stationId),
          countHours: async (stationId, upTo) => {
            // Vectors are published before they are stored.
            await untilFeaturesReach(clickhouse, stationId, upTo)
            return countObservedHours(clickhouse, stationId, upTo)
          },
          minimumHours: config.coldStartMinimumHours,
          liveWithinHours: config.liveWithinHours,
        }),
      }),
    )
  },
})
