/** Inference replicas on real Kafka with a real model: what is ordered, published and taken down at the end. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { makeModels } from '../../../bench/swap/artefacts.ts'
import { service as inference } from '../../../consumers/inference/main.ts'
import { openArtifactStore } from '../../../infra/runtime/artifacts/index.ts'
import { openPublisher } from '../../../infra/runtime/kafka/index.ts'
import { type RunningServices, startServices } from '../../../infra/runtime/service/index.ts'
import { deployedConfig, environmentOf, testLog } from '../../../infra/runtime/testing/fixtures.ts'
import type { Control, Feature, ServedModel } from '../../../schemas/generated/types.ts'

export const T0 = Date.UTC(2013, 0, 1)
export const STATIONS = Array.from({ length: 12 }, (_, i) => `station-${i}`)
const TOPICS = [
  'model.control.v1',
  'model.adaptation.v1',
  'model.status.v1',
  'weather.feature.v1',
  'weather.forecast.v1',
] as const

export type InferenceWorld = Awaited<ReturnType<typeof openInferenceWorld>>

export async function openInferenceWorld() {
  const config = await deployedConfig(TOPICS)
  const directory = await mkdtemp(join(tmpdir(), 'isobar-inference-'))
  const env = { ...environmentOf(config), ARTIFACT_STORE: `file:${directory}` }
  const made = await makeModels(openArtifactStore({ artifactStore: env.ARTIFACT_STORE }))
  const publisher = openPublisher({ config, name: 'test', log: testLog })
  return {
    config,
    directory,
    made,
    publisher,
    start(replicaId: string): Promise<RunningServices> {
      const onFailure = (error: unknown): never => {
        throw error
      }
      return startServices([inference] as never, { ...env, REPLICA_ID: replicaId }, { onFailure })
    },
    /** Of the temperature; `previous` goes on as a shadow. */
    order(stationIds: readonly string[], champion: ServedModel, previous: ServedModel | null = null): Promise<void> {
      return publisher.publish(
        stationIds.map((stationId) => ({
          topic: 'model.control.v1',
          key: `${stationId}/temperatureC`,
          value: controlOf(stationId, champion, previous),
        })),
      )
    },
    featureAt: (stationId: string, at: number): Feature => ({
      stationId,
      validAt: at,
      knownAt: at,
      featureSet: made.models[0].featureSet,
      values: made.features,
      cause: 'new',
    }),
    async close() {
      await publisher.close()
      await rm(directory, { recursive: true })
    },
  }
}

function controlOf(stationId: string, champion: ServedModel, previous: ServedModel | null): Control {
  return {
    eventId: `control/${stationId}/${champion.version}`,
    stationId,
    variable: 'temperatureC',
    champion,
    previous,
    challengers: [],
    shadows: previous ? [previous] : [],
    changedAt: T0,
    changedBy: 'test',
    reason: 'test',
    causedBy: null,
    decisionOffset: 0,
  }
}
