/** retrain request → model; live feature of a station without models → first request. */
import { z } from 'zod'
import { FEATURE_SET } from '../../forecasting/features/index.ts'
import { openArtifactStore } from '../../infra/runtime/artifacts/index.ts'
import { openClickHouse } from '../../infra/runtime/clickhouse/index.ts'
import { artifactBlock, clickhouseBlock, kafkaBlock, registryBlock } from '../../infra/runtime/config/index.ts'
import { openPublisher, startFollower, startProcessor } from '../../infra/runtime/kafka/index.ts'
import { defineService } from '../../infra/runtime/service/index.ts'
import { FORECAST_VARIABLES } from '../../schemas/quantities.ts'
import { createColdStartStep } from './cold-start.ts'
import { loadTrainingSet, untilFeaturesReach } from './dataset.ts'
import { openFitPool } from './fit-pool.ts'
import { createRunBook } from './run-book.ts'
import { createTrainingStep } from './step.ts'

const TrainingConfig = z.object({
  ...kafkaBlock.shape,
  ...registryBlock.shape,
  ...clickhouseBlock.shape,
  ...artifactBlock.shape,
  trainingWorkers: z.coerce
    .number()
    .int()
    .min(1)
    .max(64)
    .default(2)
    .meta({ description: 'Threads that fit models, a station each; free ones share the variables of one.', example: '2' }),
  coldStartMinimumHours: z.coerce
    .number()
    .int()
    .min(336)
    .default(720)
    .meta({ description: 'Hours of features before a first model is trained.', example: '720' }),
  liveWithinHours: z.coerce
    .number()
    .positive()
    .default(3)
    .meta({ description: 'A feature known later than this after its hour is back-fill.', example: '3' }),
})

export const service = defineService({
  name: 'training',
  config: TrainingConfig,
  async start({ config, own, log, metrics }) {
    const clickhouse = await own(openClickHouse(config))
    const publisher = await own(openPublisher({ config, name: 'training', log }))
    const pool = await own(openFitPool(config.trainingWorkers))
    const champions = new Set<string>()
    const book = createRunBook()
    const history = await own(
      startFollower({
        config,
        log,
        name: 'training-history',
        topics: ['model.control.v1', 'model.lifecycle.v1', 'model.retrain-request.v1'],
        from: 'beginning',
        onEvents: (events) => {
          for (const event of events) {
            if (event.value === null) continue
            if (event.topic === 'model.control.v1') champions.add(event.key)
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
          loadTrainingSet: async (stationId, asOf, changePoints) => {
            await untilFeaturesReach(clickhouse, stationId, asOf)
            return loadTrainingSet(clickhouse, stationId, asOf, changePoints)
          },
          book,
          pool,
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
          hasChampion: (key) => champions.has(key),
          countHours: async (stationId, upTo) => {
            // Vectors are published before they are stored.
            await untilFeaturesReach(clickhouse, stationId, upTo)
            const [row] = await clickhouse.query<{ hours: string }>(
              'SELECT toString(uniqExact(validAt)) AS hours FROM feature_log WHERE stationId = {stationId:String} AND featureSet = {featureSet:String}',
              { stationId, featureSet: FEATURE_SET },
            )
            return Number(row?.hours ?? 0)
          },
          minimumHours: config.coldStartMinimumHours,
          liveWithinHours: config.liveWithinHours,
        }),
      }),
    )
  },
})
