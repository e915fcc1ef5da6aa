/** Mirrors the life of models to an MLflow server. Runs when MLFLOW_TRACKING_URI is set; nothing depends on it. */
import { z } from 'zod'
import { openArtifactStore } from '../../infra/runtime/artifacts/index.ts'
import { artifactBlock, kafkaBlock, mlflowBlock, registryBlock } from '../../infra/runtime/config/index.ts'
import { emit, openPublisher, startProcessor } from '../../infra/runtime/kafka/index.ts'
import { defineService } from '../../infra/runtime/service/index.ts'
import { createMlflowClient } from './client.ts'
import { createMirror, type MirroredEvent, type MirroredTopic } from './mirror.ts'

const MlflowConfig = z.object({ ...kafkaBlock.shape, ...registryBlock.shape, ...artifactBlock.shape, ...mlflowBlock.shape })

/** Events acknowledged together: an interruption repeats at most these. */
const BATCH_EVENTS = 20

export const service = defineService({
  name: 'mlflow',
  config: MlflowConfig,
  async start({ config, own, log, metrics }) {
    const publisher = await own(openPublisher({ config, name: 'mlflow', log }))
    const artifacts = await own(openArtifactStore(config))
    await own(
      startProcessor<MirroredTopic, MirroredEvent>({
        config,
        log,
        metrics,
        publisher,
        name: 'mlflow',
        topics: ['model.lifecycle.v1', 'model.control.v1'],
        maxBatchEvents: BATCH_EVENTS,
        step: (events) => events.map((event) => emit([], [event])),
        sink: createMirror({ mlflow: createMlflowClient(config), artifacts, experiment: config.mlflowExperiment, log }),
      }),
    )
  },
})
