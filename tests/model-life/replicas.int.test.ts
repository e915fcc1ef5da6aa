// Two replicas on real Kafka with a real model: rebalances, a damaged artefact.
import { readFile, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import { makeModels, type MadeModels } from '../../bench/swap/artefacts.ts'
import { HOUR_MS } from '../../forecasting/features/index.ts'
import { openArtifactStore } from '../../infra/runtime/artifacts/index.ts'
import { type KafkaPublisher, openPublisher, type RunningFollower, startFollower } from '../../infra/runtime/kafka/index.ts'
import { type RunningServices, startServices } from '../../infra/runtime/service/index.ts'
import { deployedConfig, environmentOf, type TestConfig, testLog, until } from '../../infra/runtime/testing/fixtures.ts'
import type { Control, Forecast, ReplicaStatus, ServedModel } from '../../schemas/generated/types.ts'
import { service as inference } from '../../consumers/inference/main.ts'

const T0 = Date.UTC(2013, 0, 1)
const STATIONS = Array.from({ length: 12 }, (_, i) => `station-${i}`)
const TOPICS = [
  'model.control.v1',
  'model.adaptation.v1',
  'model.status.v1',
  'weather.feature.v1',
  'weather.forecast.v1',
] as const

let config: TestConfig
let publisher: KafkaPublisher
let follower: RunningFollower
let directory: string
let made: MadeModels
let env: Record<string, string>
const running = new Map<string, RunningServices>()
const forecasts: Forecast[] = []
const statuses: ReplicaStatus[] = []

async function start(replicaId: string): Promise<void> {
  const onFailure = (error: unknown): never => {
    throw error
  }
  running.set(replicaId, await startServices([inference] as never, { ...env, REPLICA_ID: replicaId }, { onFailure }))
}
async function stop(replicaId: string): Promise<void> {
  await running.get(replicaId)?.stop()
  running.delete(replicaId)
}

beforeAll(async () => {
  config = await deployedConfig(TOPICS)
  directory = await mkdtemp(join(tmpdir(), 'isobar-inference-'))
  env = { ...environmentOf(config), ARTIFACT_STORE: `file:${directory}` }
  made = await makeModels(openArtifactStore({ artifactStore: env['ARTIFACT_STORE'] as string }))
  publisher = openPublisher({ config, name: 'test', log: testLog })
  follower = await startFollower({
    config,
    log: testLog,
    name: 'test',
    topics: ['model.status.v1', 'weather.forecast.v1'],
    from: 'end',
    onEvents: (events) => {
      for (const event of events) {
        if (event.value === null) continue
        if (event.topic === 'model.status.v1') statuses.push(event.value)
        else forecasts.push(event.value)
      }
    },
  })
})
afterEach(async () => {
  for (const id of running.keys()) await stop(id)
  forecasts.length = 0
  statuses.length = 0
})
afterAll(async () => {
  await follower?.stop()
  await publisher?.close()
  if (directory) await rm(directory, { recursive: true })
})

function control(stationId: string, champion: ServedModel): Control {
  return {
    eventId: `control/${stationId}/${champion.version}`,
    stationId,
    variable: 'temperatureC',
    champion,
    previous: null,
    challengers: [],
    shadows: [],
    changedAt: T0,
    changedBy: 'test',
    reason: 'test',
    causedBy: null,
    decisionOffset: 0,
  }
}
const order = (stationId: string, champion: ServedModel) =>
  publisher.publish([{ topic: 'model.control.v1', key: `${stationId}/temperatureC`, value: control(stationId, champion) }])
/** In one piece: in the order of the hours. */
const publishHours = (from: number, to: number, stations: readonly string[] = STATIONS) =>
  publisher.publish(
    Array.from({ length: to - from }, (_, i) => T0 + (from + i) * HOUR_MS).flatMap((at) =>
      stations.map((stationId) => ({
        topic: 'weather.feature.v1' as const,
        key: stationId,
        value: {
          stationId,
          validAt: at,
          knownAt: at,
          featureSet: made.models[0].featureSet,
          values: made.features,
          cause: 'new' as const,
        },
      })),
    ),
  )

it('while replicas come, go and come back no hour is left out, and what is issued twice is the same forecast', async () => {
  for (const stationId of STATIONS) await order(stationId, made.models[0])
  await start('a')
  // Backlogs, so that the group changes hands in the middle of them.
  const HOURS = 300
  await publishHours(0, 100)
  await start('b')
  await stop('b')
  await publishHours(100, 200)
  await start('b')
  await stop('a')
  await publishHours(200, HOURS)
  await start('a')
  const byId = (): Map<string, Forecast[]> => Map.groupBy(forecasts, ({ forecastId }) => forecastId)
  await until('every forecast', () => byId().size === HOURS * STATIONS.length)
  for (const same of byId().values()) for (const again of same) expect(again.quantiles).toEqual(same[0]?.quantiles)
  expect(
    forecasts.filter(({ status }) => status !== 'fresh').map(({ forecastId, statusReason }) => [forecastId, statusReason]),
  ).toEqual([])
})

it('a damaged artefact is refused by both replicas, which go on with the old model; a good one is taken up after it', async () => {
  const stationId = 'station-faults'
  await order(stationId, made.models[0])
  await start('a')
  await start('b')
  const answered = (state: ReplicaStatus['state'], version: string): boolean =>
    ['a', 'b'].every((id) =>
      statuses.some((s) => s.replicaId === id && s.stationId === stationId && s.state === state && s.version === version),
    )
  await until('both serve', () => answered('serving', 'bench-a'))

  const path = join(directory, 'models', 'damaged.bin')
  const good = made.models[1].artefact
  const bytes = await readFile(join(directory, good.uri.replace(/^file:/, '')))
  bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] as number) ^ 1
  await writeFile(path, bytes)
  await order(stationId, { ...made.models[1], version: 'damaged', artefact: { ...good, uri: `file:${path}` } })
  await until('both refuse', () => answered('rejected', 'damaged'))
  for (const status of statuses.filter(({ state }) => state === 'rejected')) {
    expect(status.servingVersion).toBe('bench-a')
    expect(status.error).toMatch(/artifact-corrupt/)
  }
  await publishHours(0, 1, [stationId])
  await until('a forecast', () => forecasts.some((one) => one.stationId === stationId))
  expect(forecasts.filter((one) => one.stationId === stationId).map(({ modelVersion }) => modelVersion)).toEqual(['bench-a'])

  await order(stationId, made.models[1])
  await until('both serve the good one', () => answered('serving', 'bench-b'))
  await publishHours(1, 2, [stationId])
  await until('its forecast', () => forecasts.some((one) => one.stationId === stationId && one.modelVersion === 'bench-b'))
})
