// A wave of new models on real servers: canary stations serve theirs first, the others follow or are refused, across a restart.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { service as archive } from '../../consumers/archive/main.ts'
import { isCanaryStation } from '../../forecasting/promotion/index.ts'
import { applyMigrations, type ClickHouse, openClickHouse } from '../../infra/runtime/clickhouse/index.ts'
import { type KafkaPublisher, openPublisher, type RunningFollower, startFollower } from '../../infra/runtime/kafka/index.ts'
import { type RunningServices, startServices } from '../../infra/runtime/service/index.ts'
import { deployedConfig, type TestConfig, testLog, until } from '../../infra/runtime/testing/fixtures.ts'
import { stackUrls } from '../../infra/runtime/testing/stack-urls.ts'
import { verificationEventId } from '../../schemas/event-ids.ts'
import type { Control, Lifecycle, Verification } from '../../schemas/generated/types.ts'
import { TOPIC_NAMES } from '../../schemas/topics.ts'
import { service as promotion } from '../../stream-processors/promotion/main.ts'

const HOUR_MS = 3_600_000
const T0 = Date.UTC(2013, 6, 1)
const SHARE = 0.5
const NAMES = Array.from({ length: 40 }, (_, i) => `station-${i}`)
const CANARY = NAMES.find((id) => isCanaryStation(id, SHARE)) as string
const OTHER = NAMES.find((id) => !isCanaryStation(id, SHARE)) as string
const STATIONS = [CANARY, OTHER]
const LEADS = [1, 3, 6, 12, 24, 48, 72, 100, 168]
type Variable = Lifecycle['variable']

let config: TestConfig
let env: Record<string, string>
let clickhouse: ClickHouse
let publisher: KafkaPublisher
let follower: RunningFollower
let directory: string
const running = new Map<string, RunningServices>()
const failures: unknown[] = []
const controls: Control[] = []
const lifecycle: Lifecycle[] = []

async function start(name: string, service: unknown): Promise<void> {
  const services = [service as Parameters<typeof startServices>[0][number]]
  running.set(name, await startServices(services, env, { onFailure: (error) => failures.push(error) }))
}
async function stop(name: string): Promise<void> {
  await running.get(name)?.stop()
  running.delete(name)
}

beforeAll(async () => {
  config = await deployedConfig(TOPIC_NAMES)
  clickhouse = openClickHouse(config)
  await applyMigrations(clickhouse)
  directory = await mkdtemp(join(tmpdir(), 'isobar-canary-'))
  env = {
    KAFKA_BROKERS: stackUrls().kafkaBrokers,
    KAFKA_TOPIC_PREFIX: config.kafkaTopicPrefix,
    SCHEMA_REGISTRY_URL: stackUrls().schemaRegistryUrl,
    CLICKHOUSE_URL: stackUrls().clickhouseUrl,
    CLICKHOUSE_DATABASE: config.clickhouseDatabase,
    ARTIFACT_STORE: `file:${directory}`,
    CLOCK: 'stream',
    LOG_LEVEL: process.env['LOG_LEVEL'] ?? 'silent',
    PROMOTION_CANARY_SHARE: String(SHARE),
  }
  publisher = openPublisher({ config, name: 'test', log: testLog })
  follower = await startFollower({
    config,
    log: testLog,
    name: 'test',
    topics: ['model.control.v1', 'model.lifecycle.v1'],
    from: 'end',
    onEvents: (events) => {
      for (const event of events) {
        if (event.value === null) continue
        if (event.topic === 'model.control.v1') controls.push(event.value)
        else if (event.topic === 'model.lifecycle.v1') lifecycle.push(event.value)
      }
    },
  })
  await start('archive', archive)
  await start('promotion', promotion)
}, 120_000)
afterAll(async () => {
  for (const name of [...running.keys()].toReversed()) await stop(name)
  await follower?.stop()
  await publisher?.close()
  await clickhouse?.command(`DROP DATABASE IF EXISTS ${config.clickhouseDatabase}`)
  await clickhouse?.close()
  if (directory) await rm(directory, { recursive: true })
}, 60_000)

const runId = (name: 'a' | 'b', stationId: string, variable: Variable): string => `${name}-${stationId}-${variable}`

function evaluated(name: 'a' | 'b', stationId: string, variable: Variable): Lifecycle {
  const run = runId(name, stationId, variable)
  const scores = [
    ['candidate', 2],
    ['persistence', 3],
    ['recentred-climatology', 2.2],
  ] as const
  return {
    eventId: `lifecycle/${run}/evaluated`,
    runId: run,
    stationId,
    variable,
    version: `v-${run}`,
    event: 'evaluated',
    at: T0 + (name === 'a' ? 0 : HOUR_MS),
    family: 'ridge',
    reasons: [],
    metrics: scores.map(([model, mae]) => ({
      model,
      leadBucket: 'all',
      n: 1000,
      mae,
      rmse: mae,
      bias: 0,
      crps: mae,
      coverage80: 0.8,
      coverage95: 0.95,
    })),
    artefact: { uri: `file:${run}`, sha256: run, bytes: 1000 },
    evaluation: null,
    dataFrom: null,
    dataTo: null,
    rows: 1,
    seed: 0,
    featureSet: 'f',
    codeVersion: 't',
    fitSeconds: 1,
    requestReason: name === 'a' ? 'cold-start' : 'schedule',
    causedBy: `request-${run}`,
    actor: 'training',
    changePoints: [],
    waitsFor: [],
  }
}

function verification(name: 'a' | 'b', stationId: string, variable: Variable, hour: number, size: number): Verification {
  const error = LEADS.map((lead) => size * (Math.sin((hour * Math.PI) / 12) + 0.4 * Math.cos(lead + hour / 2)))
  const about = {
    stationId,
    variable,
    observedAt: T0 + hour * HOUR_MS,
    modelVersion: `v-${runId(name, stationId, variable)}`,
    role: name === 'a' ? ('champion' as const) : ('challenger' as const),
  }
  return {
    ...about,
    verificationId: verificationEventId(about),
    observed: 20,
    leadHours: LEADS,
    forecastIds: LEADS.map((lead) => `f-${name}-${hour - lead}`),
    error,
    crps: error.map((e) => 0.7 * Math.abs(e)),
    pit: LEADS.map(() => 0.5),
    expectedScale: LEADS.map(() => 1),
    covered80: LEADS.map((lead) => (lead + hour) % 5 !== 0),
    covered95: LEADS.map((lead) => (lead + hour) % 20 !== 0),
    persistenceError: error,
    recentredClimatologyError: error,
    knownAt: T0 + hour * HOUR_MS,
    fallback: null,
  }
}

async function publishHours(stationId: string, variable: Variable, from: number, to: number, size: { a: number; b: number }) {
  const hours = Array.from({ length: to - from }, (_, i) => from + i)
  await publisher.publish(
    hours.flatMap((hour) =>
      (['a', 'b'] as const).map((name) => ({
        topic: 'weather.verification.v1' as const,
        key: stationId,
        value: verification(name, stationId, variable, hour, size[name]),
      })),
    ),
  )
}
const serving = (stationId: string, variable: Variable): Control | undefined =>
  controls.findLast((control) => control.stationId === stationId && control.variable === variable)
const told = (stationId: string, variable: Variable): Lifecycle[] =>
  lifecycle.filter((event) => event.runId === runId('b', stationId, variable) && event.actor === 'promotion')
const GOOD = { a: 3, b: 1.5 }
const BAD = { a: 1.5, b: 4 }

/** Both stations with a champion and a model in trial; the canary's is promoted, the other's accepted. */
async function tried(variable: Variable): Promise<void> {
  for (const name of ['a', 'b'] as const) {
    await publisher.publish(
      STATIONS.map((stationId) => ({
        topic: 'model.lifecycle.v1' as const,
        key: `${stationId}/${variable}`,
        value: evaluated(name, stationId, variable),
      })),
    )
    await until(`orders for ${name}`, () =>
      STATIONS.every((stationId) => {
        const control = serving(stationId, variable)
        return name === 'a' ? control !== undefined : control?.challengers.length === 1
      }),
    )
  }
  await publishHours(CANARY, variable, 2, 82, GOOD)
  await until('the canary serves the new model', () => serving(CANARY, variable)?.champion.runId === runId('b', CANARY, variable))
  await publishHours(OTHER, variable, 2, 82, GOOD)
  await until('the gate accepts the other one', () => told(OTHER, variable).some(({ event }) => event === 'accepted'))
}

it('models of other stations follow the canaries that pass, and are refused with those that are rolled back', async () => {
  await tried('temperatureC')
  expect(told(OTHER, 'temperatureC')[0]).toMatchObject({
    event: 'accepted',
    waitsFor: [runId('b', CANARY, 'temperatureC')],
    reasons: [expect.stringMatching(/^better/), 'waits-for-canaries: 1 of 1'],
  })
  expect(serving(OTHER, 'temperatureC')).toMatchObject({
    champion: { runId: runId('a', OTHER, 'temperatureC') },
    challengers: [{ runId: runId('b', OTHER, 'temperatureC') }],
  })

  // Who waits is in the log: a restart changes nothing.
  await stop('promotion')
  await start('promotion', promotion)
  await publishHours(CANARY, 'temperatureC', 82, 200, GOOD)
  // The order tells that promotion has read its own decision back.
  await until('the canary has passed', () => serving(CANARY, 'temperatureC')?.shadows.length === 0)
  await publishHours(OTHER, 'temperatureC', 200, 201, GOOD)
  await until('the other follows', () => serving(OTHER, 'temperatureC')?.champion.runId === runId('b', OTHER, 'temperatureC'))
  expect(told(CANARY, 'temperatureC').map(({ event }) => event)).toEqual(['accepted', 'promoted', 'probation-passed'])
  expect(told(OTHER, 'temperatureC').map(({ event }) => event)).toEqual(['accepted', 'promoted'])
  expect(told(OTHER, 'temperatureC')[1]).toMatchObject({
    at: told(CANARY, 'temperatureC').at(-1)?.at,
    reasons: ['canaries-passed: 1 of 1', expect.stringMatching(/^better/), 'waits-for-canaries: 1 of 1'],
  })

  await tried('dewPointC')
  await publishHours(CANARY, 'dewPointC', 82, 200, BAD)
  await until('the canary is rolled back', () => serving(CANARY, 'dewPointC')?.champion.runId === runId('a', CANARY, 'dewPointC'))
  await publishHours(OTHER, 'dewPointC', 200, 201, GOOD)
  await until('the other is refused', () => serving(OTHER, 'dewPointC')?.challengers.length === 0)
  expect(told(OTHER, 'dewPointC').at(-1)).toMatchObject({
    event: 'rejected',
    reasons: [
      `canaries-rolled-back: 1 of 1, ${CANARY}/dewPointC`,
      expect.stringMatching(/^better/),
      'waits-for-canaries: 1 of 1',
    ],
  })
  expect(serving(OTHER, 'dewPointC')?.champion.runId).toBe(runId('a', OTHER, 'dewPointC'))
  expect(failures).toEqual([])
}, 120_000)
