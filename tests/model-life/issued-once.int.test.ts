// A replica dies between the publishing of an hour and its commit, and a promotion comes before another one takes over. On real Kafka with real models.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { makeModels, type MadeModels } from '../../bench/swap/artefacts.ts'
import { HOUR_MS } from '../../forecasting/features/index.ts'
import { openArtifactStore } from '../../infra/runtime/artifacts/index.ts'
import {
  type KafkaPublisher,
  openPublisher,
  readLag,
  type RunningFollower,
  startFollower,
} from '../../infra/runtime/kafka/index.ts'
import { type RunningServices, startServices } from '../../infra/runtime/service/index.ts'
import { commitBack, forgetGroup } from '../../infra/runtime/testing/committed.ts'
import { deployedConfig, environmentOf, type TestConfig, testLog, until } from '../../infra/runtime/testing/fixtures.ts'
import type { Forecast, ServedModel } from '../../schemas/generated/types.ts'
import { service as inference } from '../../consumers/inference/main.ts'

const T0 = Date.UTC(2013, 0, 1)
const GROUP = 'isobar-inference'
const FEATURES = 'weather.feature.v1'
const STATIONS = Array.from({ length: 12 }, (_, i) => `station-${i}`)

let config: TestConfig
let publisher: KafkaPublisher
let follower: RunningFollower
let directory: string
let made: MadeModels
let env: Record<string, string>
let replica: RunningServices | null
/** Champion forecasts in the order of the log. */
let champions: Forecast[]
let shadows: Forecast[]

beforeEach(async () => {
  config = await deployedConfig(['model.control.v1', 'model.adaptation.v1', 'model.status.v1', FEATURES, 'weather.forecast.v1'])
  directory = await mkdtemp(join(tmpdir(), 'isobar-issued-'))
  env = { ...environmentOf(config), ARTIFACT_STORE: `file:${directory}` }
  made = await makeModels(openArtifactStore({ artifactStore: env['ARTIFACT_STORE'] as string }))
  publisher = openPublisher({ config, name: 'test', log: testLog })
  replica = null
  champions = []
  shadows = []
  follower = await startFollower({
    config,
    log: testLog,
    name: 'test',
    topics: ['weather.forecast.v1'],
    from: 'end',
    onEvents: (events) => {
      for (const { value } of events) if (value !== null) (value.role === 'champion' ? champions : shadows).push(value)
    },
  })
})
afterEach(async () => {
  await stop()
  await follower?.stop()
  await publisher?.close()
  if (directory) await rm(directory, { recursive: true })
})

async function start(replicaId: string): Promise<void> {
  const onFailure = (error: unknown): never => {
    throw error
  }
  replica = await startServices([inference] as never, { ...env, REPLICA_ID: replicaId }, { onFailure })
}
async function stop(): Promise<void> {
  await replica?.stop()
  replica = null
}
const order = (champion: ServedModel, previous: ServedModel | null) =>
  publisher.publish(
    STATIONS.map((stationId) => ({
      topic: 'model.control.v1',
      key: `${stationId}/temperatureC`,
      value: {
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
      },
    })),
  )
const publishHour = (hour: number) =>
  publisher.publish(
    STATIONS.map((stationId) => ({
      topic: FEATURES,
      key: stationId,
      value: {
        stationId,
        validAt: T0 + hour * HOUR_MS,
        knownAt: T0 + hour * HOUR_MS,
        featureSet: made.models[0].featureSet,
        values: made.features,
        cause: 'new' as const,
      },
    })),
  )
/** `station hour` → versions of its champion forecasts, in the order of the log. */
const versions = () =>
  new Map(
    [...Map.groupBy(champions, ({ stationId, issuedAt }) => `${stationId} ${(issuedAt - T0) / HOUR_MS}`)].map(
      ([key, forecasts]) => [key, forecasts.map(({ modelVersion }) => modelVersion)],
    ),
  )
const expected = (versionOf: (hour: number) => string, hours: number) =>
  new Map(Array.from({ length: hours }, (_, hour) => STATIONS.map((id) => [`${id} ${hour}`, [versionOf(hour)]] as const)).flat())
const issued = (hours: number) => until(`${hours} hours are issued`, () => versions().size === hours * STATIONS.length)

async function firstReplica(): Promise<void> {
  await order(made.models[0], null)
  await start('a')
  for (let hour = 0; hour < 3; hour++) {
    await publishHour(hour)
    await issued(hour + 1)
  }
  await stop()
}

it('an hour that was issued and not committed stays as it was issued when a champion was promoted in between', async () => {
  await firstReplica()
  const lags = await readLag(config, testLog, GROUP, [FEATURES])
  expect(lags.map(({ committed, end }) => [committed ?? 0, end])).toEqual(lags.map(({ end }) => [end, end]))
  const lastHour = lags.map(({ partition, end }) => ({ partition, offset: end - end / 3 }))
  await commitBack(config, GROUP, FEATURES, lastHour)

  await order(made.models[1], made.models[0])
  await start('b')
  await publishHour(3)
  await issued(4)
  const by = (hour: number): string => (hour < 3 ? 'bench-a' : 'bench-b')
  expect(versions()).toEqual(expected(by, 4))
  // Nor as its own shadow: the former champion has spoken of these hours.
  await until('shadows of the new hour', () => shadows.length === STATIONS.length)
  expect(new Set(shadows.map(({ issuedAt, modelVersion }) => `${(issuedAt - T0) / HOUR_MS} ${modelVersion}`))).toEqual(
    new Set(['3 bench-a']),
  )
  await stop()
  expect((await readLag(config, testLog, GROUP, [FEATURES])).reduce((sum, { lag }) => sum + lag, 0)).toBe(0)
})

it('so it is when the group had not committed anything', async () => {
  await firstReplica()
  await forgetGroup(config, GROUP)
  await order(made.models[1], made.models[0])
  await start('b')
  await publishHour(3)
  await issued(4)
  expect(versions()).toEqual(expected((hour) => (hour < 3 ? 'bench-a' : 'bench-b'), 4))
})
