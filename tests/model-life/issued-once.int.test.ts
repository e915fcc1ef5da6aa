// A replica dies between the publishing of an hour and its commit, and a promotion comes before another one takes over. On real Kafka with real models.
import { afterEach, beforeEach, expect, it } from 'vitest'
import { HOUR_MS } from '../../forecasting/features/index.ts'
import { readLag, type RunningFollower, startFollower } from '../../infra/runtime/kafka/index.ts'
import type { RunningServices } from '../../infra/runtime/service/index.ts'
import { commitBack, forgetGroup } from '../../infra/runtime/testing/committed.ts'
import { testLog, until } from '../../infra/runtime/testing/fixtures.ts'
import type { Forecast } from '../../schemas/generated/types.ts'
import { type InferenceWorld, openInferenceWorld, STATIONS, T0 } from './support/inference.ts'

const GROUP = 'isobar-inference'
const FEATURES = 'weather.feature.v1'

let world: InferenceWorld
let follower: RunningFollower
let replica: RunningServices | null
/** Champion forecasts in the order of the log. */
let champions: Forecast[]
let shadows: Forecast[]

beforeEach(async () => {
  world = await openInferenceWorld()
  replica = null
  champions = []
  shadows = []
  follower = await startFollower({
    config: world.config,
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
  await world?.close()
})

async function start(replicaId: string): Promise<void> {
  replica = await world.start(replicaId)
}
async function stop(): Promise<void> {
  await replica?.stop()
  replica = null
}
const publishHour = (hour: number) =>
  world.publisher.publish(
    STATIONS.map((stationId) => ({ topic: FEATURES, key: stationId, value: world.featureAt(stationId, T0 + hour * HOUR_MS) })),
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
  await world.order(STATIONS, world.made.models[0])
  await start('a')
  for (let hour = 0; hour < 3; hour++) {
    await publishHour(hour)
    await issued(hour + 1)
  }
  await stop()
}

it('an hour that was issued and not committed stays as it was issued when a champion was promoted in between', async () => {
  await firstReplica()
  const lags = await readLag(world.config, testLog, GROUP, [FEATURES])
  expect(lags.map(({ committed, end }) => [committed ?? 0, end])).toEqual(lags.map(({ end }) => [end, end]))
  const lastHour = lags.map(({ partition, end }) => ({ partition, offset: end - end / 3 }))
  await commitBack(world.config, GROUP, FEATURES, lastHour)

  await world.order(STATIONS, world.made.models[1], world.made.models[0])
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
  expect((await readLag(world.config, testLog, GROUP, [FEATURES])).reduce((sum, { lag }) => sum + lag, 0)).toBe(0)
})

it('so it is when the group had not committed anything', async () => {
  await firstReplica()
  await forgetGroup(world.config, GROUP)
  await world.order(STATIONS, world.made.models[1], world.made.models[0])
  await start('b')
  await publishHour(3)
  await issued(4)
  expect(versions()).toEqual(expected((hour) => (hour < 3 ? 'bench-a' : 'bench-b'), 4))
})
