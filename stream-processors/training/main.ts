/** retrain request → model; live feature of a station without models → first request. */
import { z } from 'zod'
import { FEATURE_SET } from '../../forecasting/features/index.ts'
import { openArtifactStore } from '../../infra/runtime/artifacts/index.ts'
import { openClickHouse } from '../../infra/runtime/clickhouse/index.ts'
import { artifactBlock, clickhouseBlock, kafkaBlock, registryBlock } from '../../infra/runtime/config/index.ts'
import { openPublisher, startFollower, startProcessor } from '../../infra/runtime/kafka/index.ts'
import { defineService } from '../../infra/runtime/service/index.ts'
import { createColdStartStep } from './cold-start.ts'
import { loadTrainingSet } from './dataset.ts'
import { openFitPool } from './fit-pool.ts'
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
    .meta({ description: 'Models fitted at once.', example: '2' }),
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
    const control = await own(
      startFollower({
        config,
        log,
        name: 'training-control',
        topics: ['model.control.v1'],
        from: 'beginning',
        onEvents: (events) => {
          for (const { key, value } of events) if (value !== null) champions.add(key)
        },
      }),
    )
    await control.caughtUp
    const shared = { config, log, metrics, publisher }
    await own(
      startProcessor({
        ...shared,
        name: 'training',
        topics: ['model.retrain-request.v1'],
        maxBatchEvents: 24,
        step: createTrainingStep({
          loadTrainingSet: (stationId, asOf) => loadTrainingSet(clickhouse, stationId, asOf),
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
          hasChampion: (key) => champions.has(key),
          countHours: async (stationId) => {
            const [row] = await clickhouse.query<{ hours: number }>(
              'SELECT uniqExact(validAt) AS hours FROM feature_log WHERE stationId = {stationId:String} AND featureSet = {featureSet:String}',
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
