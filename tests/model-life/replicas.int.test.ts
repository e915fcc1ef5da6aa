// Two replicas on real Kafka with a real model: rebalances, a damaged artefact.
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import { HOUR_MS } from '../../forecasting/features/index.ts'
import { type RunningFollower, startFollower } from '../../infra/runtime/kafka/index.ts'
import type { RunningServices } from '../../infra/runtime/service/index.ts'
import { testLog, until } from '../../infra/runtime/testing/fixtures.ts'
import type { Forecast, ReplicaStatus } from '../../schemas/generated/types.ts'
import { type InferenceWorld, openInferenceWorld, STATIONS, T0 } from './support/inference.ts'

let world: InferenceWorld
let follower: RunningFollower
const running = new Map<string, RunningServices>()
const forecasts: Forecast[] = []
const statuses: ReplicaStatus[] = []

async function start(replicaId: string): Promise<void> {
  running.set(replicaId, await world.start(replicaId))
}
async function stop(replicaId: string): Promise<void> {
  await running.get(replicaId)?.stop()
  running.delete(replicaId)
}

beforeAll(async () => {
  world = await openInferenceWorld()
  follower = await startFollower({
    config: world.config,
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
  await world?.close()
})

/** In one piece: in the order of the hours. */
const publishHours = (from: number, to: number, stations: readonly string[] = STATIONS) =>
  world.publisher.publish(
    Array.from({ length: to - from }, (_, i) => T0 + (from + i) * HOUR_MS).flatMap((at) =>
      stations.map((stationId) => ({
        topic: 'weather.feature.v1' as const,
        key: stationId,
        value: world.featureAt(stationId, at),
      })),
    ),
  )

it('while replicas come, go and come back no hour is left out, and what is issued twice is the same forecast', async () => {
  await world.order(STATIONS, world.made.models[0])
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
  await world.order([stationId], world.made.models[0])
  await start('a')
  await start('b')
  const answered = (state: ReplicaStatus['state'], version: string): boolean =>
    ['a', 'b'].every((id) =>
      statuses.some((s) => s.replicaId === id && s.stationId === stationId && s.state === state && s.version === version),
    )
  await until('both serve', () => answered('serving', 'bench-a'))

  const path = join(world.directory, 'models', 'damaged.bin')
  const good = world.made.models[1].artefact
  const bytes = await readFile(join(world.directory, good.uri.replace(/^file:/, '')))
  bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] as number) ^ 1
  await writeFile(path, bytes)
  await world.order([stationId], { ...world.made.models[1], version: 'damaged', artefact: { ...good, uri: `file:${path}` } })
  await until('both refuse', () => answered('rejected', 'damaged'))
  for (const status of statuses.filter(({ state }) => state === 'rejected')) {
    expect(status.servingVersion).toBe('bench-a')
    expect(status.error).toMatch(/artifact-corrupt/)
  }
  await publishHours(0, 1, [stationId])
  await until('a forecast', () => forecasts.some((one) => one.stationId === stationId))
  expect(forecasts.filter((one) => one.stationId === stationId).map(({ modelVersion }) => modelVersion)).toEqual(['bench-a'])

  await world.order([stationId], world.made.models[1])
  await until('both serve the good one', () => answered('serving', 'bench-b'))
  await publishHours(1, 2, [stationId])
  await until('its forecast', () => forecasts.some((one) => one.stationId === stationId && one.modelVersion === 'bench-b'))
})
