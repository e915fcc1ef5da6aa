// `isobar backfill` against running services: told beforehand, killed on the way, gone on with, and done once.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { service as alertRules } from '../../alerting/rules/main.ts'
import { service as archive } from '../../consumers/archive/main.ts'
import { buildFeatures, createHourlyGrid, FEATURE_SET, HOUR_MS } from '../../forecasting/features/index.ts'
import { randomFeatureRidge } from '../../forecasting/models/index.ts'
import { createRng } from '../../forecasting/verification/index.ts'
import { openArtifactStore } from '../../infra/runtime/artifacts/index.ts'
import { applyMigrations, type ClickHouse, openClickHouse, toClickHouseInstant } from '../../infra/runtime/clickhouse/index.ts'
import { openPublisher, type RunningFollower, startFollower } from '../../infra/runtime/kafka/index.ts'
import { type RunningServices, startServices } from '../../infra/runtime/service/index.ts'
import { deployedConfig, type TestConfig, testLog, until } from '../../infra/runtime/testing/fixtures.ts'
import { stackUrls } from '../../infra/runtime/testing/stack-urls.ts'
import { TOPIC_NAMES } from '../../schemas/topics.ts'
import { toTrainingSet } from '../../stream-processors/training/dataset.ts'

const START = Date.UTC(2013, 0, 1) / HOUR_MS
const TRAINED_HOURS = 60 * 24
const MISSING_HOURS = 60 * 24
const FROM = (START + TRAINED_HOURS) * HOUR_MS
const TO = FROM + (MISSING_HOURS - 1) * HOUR_MS
const ISOBAR = fileURLToPath(new URL('../../cli/main.ts', import.meta.url))

let config: TestConfig
let env: Record<string, string>
let clickhouse: ClickHouse
let follower: RunningFollower
let services: RunningServices
let directory: string
let published = 0
const children = new Set<ChildProcess>()
const failures: unknown[] = []

beforeAll(async () => {
  config = await deployedConfig(TOPIC_NAMES)
  clickhouse = openClickHouse(config)
  await applyMigrations(clickhouse)
  directory = await mkdtemp(join(tmpdir(), 'isobar-backfill-'))
  env = {
    KAFKA_BROKERS: stackUrls().kafkaBrokers,
    KAFKA_TOPIC_PREFIX: config.kafkaTopicPrefix,
    SCHEMA_REGISTRY_URL: stackUrls().schemaRegistryUrl,
    CLICKHOUSE_URL: stackUrls().clickhouseUrl,
    CLICKHOUSE_DATABASE: config.clickhouseDatabase,
    ARTIFACT_STORE: `file:${directory}`,
    CLOCK: 'stream',
    LOG_LEVEL: process.env['LOG_LEVEL'] ?? 'silent',
  }
  const rows = madeUpFeatures()
  await clickhouse.insert(
    'feature_log',
    rows.map(({ hour, values }, i) => ({
      stationId: 'jfk',
      validAt: toClickHouseInstant(hour * HOUR_MS),
      knownAt: toClickHouseInstant(hour * HOUR_MS),
      featureSet: FEATURE_SET,
      values,
      cause: 'new',
      version: i,
    })),
  )
  follower = await startFollower({
    config,
    log: testLog,
    name: 'test',
    topics: ['weather.forecast.v1'],
    from: 'beginning',
    onEvents: (events) => void (published += events.length),
  })
  // Those that read forecasts: back-fill waits for them.
  services = await startServices([archive, alertRules], env, { onFailure: (error) => failures.push(error) })
  await publishChampion(rows.slice(0, TRAINED_HOURS))
  await until('the order in the archive', async () => (await count('SELECT count() AS n FROM control')) === 1)
}, 120_000)
afterAll(async () => {
  for (const child of children) child.kill('SIGKILL')
  await services?.stop()
  await follower?.stop()
  await clickhouse?.command(`DROP DATABASE IF EXISTS ${config.clickhouseDatabase}`)
  await clickhouse?.close()
  if (directory) await rm(directory, { recursive: true })
}, 60_000)

function madeUpFeatures(): Array<{ hour: number; values: number[] }> {
  const hours = TRAINED_HOURS + MISSING_HOURS
  const grid = createHourlyGrid(START, hours)
  const rng = createRng(2)
  let weather = 0
  for (let hour = START; hour < START + hours; hour++) {
    weather = 0.96 * weather + rng() + rng() - 1
    const day = Math.sin((2 * Math.PI * hour) / 24)
    grid.set(hour, [15 + 5 * day + weather, 8, 70, 1013 - weather, 1, 1, 3, weather < -1.5 ? 1 : 0])
  }
  return Array.from({ length: hours }, (_, i) => ({ hour: START + i, values: Array.from(buildFeatures(grid, START + i)) }))
}

async function publishChampion(rows: ReturnType<typeof madeUpFeatures>): Promise<void> {
  const history = toTrainingSet(rows, [])
  const fit = history && randomFeatureRidge.fit(history, { variable: 'temperatureC' })
  if (!fit?.ok) throw new Error('no model')
  const artefact = await openArtifactStore({ artifactStore: `file:${directory}` }).put('models/a.bin', fit.fitted.serialise())
  const publisher = openPublisher({ config, name: 'test', log: testLog })
  const champion = {
    version: 'v-a',
    runId: 'a',
    family: fit.fitted.family,
    featureSet: FEATURE_SET,
    artefact,
    since: FROM,
    changePoints: [],
  }
  await publisher.publish([
    {
      topic: 'model.control.v1',
      key: 'jfk/temperatureC',
      value: {
        eventId: 'control/a',
        stationId: 'jfk',
        variable: 'temperatureC',
        champion,
        previous: null,
        challengers: [],
        shadows: [],
        changedAt: FROM,
        changedBy: 'test',
        reason: 'test',
        causedBy: null,
        decisionOffset: 0,
      },
    },
  ])
  await publisher.close()
}

function backfill(...more: string[]): ChildProcess {
  const range = ['--from', new Date(FROM).toISOString(), '--to', new Date(TO).toISOString()]
  const child = spawn(
    process.execPath,
    ['--no-warnings=ExperimentalWarning', ISOBAR, 'backfill', ...range, '--mode', 'missing', '--json', ...more],
    { stdio: ['ignore', 'pipe', 'inherit'], env: { ...process.env, ...env } },
  )
  children.add(child)
  return child
}
type Told = { readonly hours: number; readonly forecasts: number; readonly issued: number; readonly error: string | null }
async function told(child: ChildProcess): Promise<Told> {
  const [output, [code]] = await Promise.all([text(child.stdout as NodeJS.ReadableStream), once(child, 'exit')])
  expect(code).toBe(0)
  const { stations } = JSON.parse(output) as { stations: Told[] }
  expect(stations).toHaveLength(1)
  return stations[0] as Told
}
async function count(query: string): Promise<number> {
  const [row] = await clickhouse.query<{ n: string }>(query.replace('count()', 'toString(count())'))
  return Number(row?.n)
}
const stored = (): Promise<number> => count('SELECT count() AS n FROM forecast')

it('says what is missing, is killed on the way, goes on, and has nothing left to do', async () => {
  expect(await told(backfill('--dry-run'))).toMatchObject({
    hours: MISSING_HOURS,
    forecasts: MISSING_HOURS,
    issued: 0,
    error: null,
  })
  expect(published).toBe(0)

  const first = backfill()
  const gone = once(first, 'exit')
  await until('the first forecasts', () => published > 0, 60_000)
  first.kill('SIGKILL')
  expect((await gone)[1]).toBe('SIGKILL')
  await until('the archive has them', async () => (await stored()) === published)
  const before = await stored()
  expect(before).toBeLessThan(MISSING_HOURS)

  const second = await told(backfill())
  expect(second).toMatchObject({ issued: second.forecasts, error: null })
  expect(second.issued).toBeLessThan(MISSING_HOURS)
  await until('every hour', async () => (await stored()) === MISSING_HOURS)
  expect(
    await count("SELECT count() AS n FROM forecast WHERE role = 'champion' AND modelVersion = 'v-a' AND status = 'stale'"),
  ).toBe(MISSING_HOURS)
  expect(await count('SELECT count() AS n FROM (SELECT DISTINCT issuedAt FROM forecast)')).toBe(MISSING_HOURS)

  expect(await told(backfill())).toMatchObject({ hours: 0, issued: 0, error: null })
  expect(failures).toEqual([])
}, 180_000)
