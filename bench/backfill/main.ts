/**
 * Forecasts of hours that were never issued, by `isobar backfill` as an operator runs it, into a running archive: how many a second from the
 * start of the command to its end, and whether the ledger then has every hour, once.
 */
import { execFile } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { z } from 'zod'
import { deploy } from '../../cli/start/deploy.ts'
import { FEATURE_SET, HOUR_MS } from '../../forecasting/features/index.ts'
import { openArtifactStore } from '../../infra/runtime/artifacts/index.ts'
import { type ClickHouse, openClickHouse, toClickHouseInstant } from '../../infra/runtime/clickhouse/index.ts'
import { clickhouseBlock, kafkaBlock, readConfig, registryBlock } from '../../infra/runtime/config/index.ts'
import { openPublisher } from '../../infra/runtime/kafka/index.ts'
import { createLogger } from '../../infra/runtime/log.ts'
import { type BenchOptions, type Figure, figure } from '../shared/figures.ts'
import { startService } from '../shared/processes.ts'
import { type BenchEnvironment, isolated, withServers } from '../shared/servers.ts'
import { orderOf } from '../shared/stream.ts'
import { makeModels, type MadeModels } from '../swap/artefacts.ts'

const ISOBAR = fileURLToPath(new URL('../../cli/main.ts', import.meta.url))
const runFile = promisify(execFile)
const VARIABLE = 'temperatureC'
const FIRST_HOUR = 381_000
/** A day of 500 stations and six variables within the hour. */
const GOAL_PER_SECOND = (500 * 6 * 24) / 3600
const ARCHIVED_WITHIN_MS = 120_000

type Setting = {
  readonly env: BenchEnvironment
  readonly stations: number
  readonly hours: number
  readonly say: (line: string) => void
}

export async function run({ quick, json }: BenchOptions): Promise<Figure[]> {
  const say = (line: string): void => void (json || process.stderr.write(`${line}\n`))
  return withServers(['kafka', 'registry', 'clickhouse'], say, (servers) =>
    measure({ env: { ...isolated(servers), LOG_LEVEL: 'error' }, stations: quick ? 20 : 60, hours: quick ? 48 : 168, say }),
  )
}

async function measure({ env, stations, hours, say }: Setting): Promise<Figure[]> {
  const log = createLogger('bench', 'error')
  const config = readConfig(z.object({ ...kafkaBlock.shape, ...registryBlock.shape, ...clickhouseBlock.shape }), env)
  await deploy(env, log)
  const clickhouse = openClickHouse(config)
  const publisher = openPublisher({ config, name: 'bench', log })
  // Those that read forecasts: back-fill waits while one of them is behind.
  const readers = startService(['archive', 'alert-rules'], env)
  try {
    const { models, features } = await makeModels(openArtifactStore({ artifactStore: env['ARTIFACT_STORE'] as string }))
    const ids = Array.from({ length: stations }, (_, i) => `bench-${i}`)
    for (const stationId of ids) await storeFeatures(clickhouse, stationId, hours, features)
    await publisher.publish(
      ids.map((stationId, i) => ({
        topic: 'model.control.v1',
        key: `${stationId}/${VARIABLE}`,
        value: orderOf(stationId, VARIABLE, models[0], { changedAtHour: FIRST_HOUR, decisionOffset: i }),
      })),
    )
    await untilCounted(clickhouse, 'control', stations, readers.failed)

    const wanted = stations * hours
    const started = performance.now()
    const issued = await backfill(env, hours)
    const seconds = (performance.now() - started) / 1000
    say(`${issued} forecasts of ${stations} stations in ${seconds.toFixed(1)} s`)
    await untilCounted(clickhouse, 'forecast', issued, readers.failed)
    const [ledger] = await clickhouse.query<{ issues: string }>(
      'SELECT toString(uniqExact(stationId, issuedAt)) AS issues FROM forecast',
    )
    return [
      figure('forecasts issued, start of the command to its end', issued / seconds, '/s', '>=', GOAL_PER_SECOND),
      figure('hours without a forecast after it', wanted - Number(ledger?.issues ?? 0), 'hours', '<=', 0),
      figure('forecasts that the same command issues again', await backfill(env, hours), 'forecasts', '<=', 0),
    ]
  } finally {
    await readers.stop()
    await publisher.close()
    await clickhouse.close()
  }
}

function storeFeatures(clickhouse: ClickHouse, stationId: string, hours: number, values: MadeModels['features']): Promise<void> {
  const rows = Array.from({ length: hours }, (_, i) => {
    const at = toClickHouseInstant((FIRST_HOUR + i) * HOUR_MS)
    return { stationId, validAt: at, knownAt: at, featureSet: FEATURE_SET, values, cause: 'new', version: i }
  })
  return clickhouse.insert('feature_log', rows)
}

/** How many forecasts it issued. */
async function backfill(env: BenchEnvironment, hours: number): Promise<number> {
  const instant = (hour: number): string => new Date(hour * HOUR_MS).toISOString()
  const range = ['--from', instant(FIRST_HOUR), '--to', instant(FIRST_HOUR + hours - 1)]
  const { stdout } = await runFile(
    process.execPath,
    ['--no-warnings=ExperimentalWarning', ISOBAR, 'backfill', ...range, '--mode', 'missing', '--json'],
    { env: { ...process.env, ...env }, maxBuffer: 64 * 1024 * 1024 },
  )
  const { stations } = JSON.parse(stdout) as { stations: ReadonlyArray<{ issued: number; error: string | null }> }
  const failed = stations.find(({ error }) => error !== null)
  if (failed) throw new Error(`backfill: ${failed.error}`)
  return stations.reduce((sum, { issued }) => sum + issued, 0)
}

async function untilCounted(
  clickhouse: ClickHouse,
  view: 'control' | 'forecast',
  wanted: number,
  failed: Promise<never>,
): Promise<void> {
  const deadline = performance.now() + ARCHIVED_WITHIN_MS
  for (;;) {
    const [row] = await clickhouse.query<{ n: string }>(`SELECT toString(count()) AS n FROM ${view}`)
    if (Number(row?.n) === wanted) return
    if (performance.now() > deadline) throw new Error(`the archive has ${row?.n} rows of ${view}, not ${wanted}`)
    await Promise.race([failed, sleep(200)])
  }
}
