/** `isobar replay [FILE.csv]`: observations of a file into the topics of a running system, hour after hour, as if they were live. */
import type { Command } from 'commander'
import { pause } from '../infra/runtime/backoff.ts'
import { type ClickHouse, openClickHouse } from '../infra/runtime/clickhouse/index.ts'
import { readConfig } from '../infra/runtime/config/index.ts'
import { openPublisher, readLags } from '../infra/runtime/kafka/index.ts'
import { createLogger } from '../infra/runtime/log.ts'
import { createOthers, WATCHED } from '../producers/replay/backlog.ts'
import { ReplayConfig } from '../producers/replay/config.ts'
import { expectedModels, loadPlan } from '../producers/replay/plan.ts'
import { resumeKey } from '../producers/replay/series.ts'
import { type ReplayPlan, type ReplayProgress, runReplay } from '../producers/replay/replay.ts'
import type { ObservationCsvProblem } from '../producers/shared/observation-csv.ts'
import { createProgress } from '../producers/shared/progress.ts'
import { instant, positiveNumber } from './arguments.ts'
import { EXIT } from './exit.ts'
import { printJson, printTable, progressTo, talk } from './output.ts'
import { serverEnv } from './running.ts'

const log = createLogger('cli', 'error')

type Options = {
  readonly station?: string
  readonly stations?: string
  readonly speed?: number
  readonly backfillUntil?: number
  readonly scenario?: string
  readonly fromBeginning?: boolean
  readonly dryRun?: boolean
  readonly json?: boolean
}

export function register(program: Command): void {
  program
    .command('replay')
    .argument('[file]', 'observation CSV (docs/csv.md; .gz accepted); default: the bundled observations')
    .description('publish the observations of a file in the order of their time, at a pace; Ctrl-C ends it, a second run goes on')
    .option('--station <id>', 'station of rows without a stationId column')
    .option('--stations <file>', 'JSON list of its stations, published first (docs/configuration.md, REPLAY_STATIONS)')
    .option('--speed <hours>', 'hours of data per second of time; 2 by default', positiveNumber)
    .option('--backfill-until <instant>', 'publish everything before at once; default: two thirds of the series', instant)
    .option('--scenario <name>', 'demo, none, or a file: alterations of the data, marked in their source')
    .option('--from-beginning', 'publish again what an earlier run of this file has published (nothing is counted twice)')
    .option('--dry-run', 'read and check the file, and say what would be published')
    .option('--json', 'counts as JSON')
    .addHelpText(
      'after',
      `
The services should run on CLOCK=stream (as isobar start without --live does): their time is then that of the newest event, whatever its
date. Rows that cannot be read are told by line and left out; with such rows the exit code is ${EXIT.failure}.

Examples:
  isobar replay roof.csv.gz --station roof --dry-run
  isobar replay roof.csv.gz --station roof --stations stations.json --backfill-until 2024-06-01 --speed 24`,
    )
    .action(replay)
}

async function replay(file: string | undefined, options: Options): Promise<void> {
  const { dryRun, json } = options
  // Reading the file needs no servers; addresses are asked for when there is something to publish.
  const config = readConfig(ReplayConfig, environment(file, options, dryRun ? NO_SERVERS : serverEnv()))
  let badRows = 0
  const plan = await loadPlan(config, {
    info: () => undefined,
    warn: (problem: unknown) => {
      badRows++
      const { line, what, why, fix } = problem as ObservationCsvProblem
      talk(`${file ?? 'bundled observations'}:${line}: ${what}: ${why}; ${fix}`)
    },
  })
  const shown = dryRun ? describe(plan, badRows) : { ...describe(plan, badRows), ...(await publish(config, plan, options)) }
  if (json) printJson(shown)
  else
    printTable(Object.entries(shown), [
      { title: 'name', value: ([name]) => name },
      { title: 'value', value: ([, value]) => value },
    ])
  if (badRows > 0) process.exitCode = EXIT.failure
}

/** Addresses that nothing is sent to. */
const NO_SERVERS: NodeJS.ProcessEnv = {
  KAFKA_BROKERS: '127.0.0.1:9',
  SCHEMA_REGISTRY_URL: 'http://127.0.0.1:9',
  CLICKHOUSE_URL: 'http://127.0.0.1:9',
}

function environment(
  file: string | undefined,
  { station, stations, speed, backfillUntil, scenario }: Options,
  servers: NodeJS.ProcessEnv,
): NodeJS.ProcessEnv {
  return {
    ...servers,
    ...(file === undefined ? {} : { REPLAY_CSV: file }),
    ...(station === undefined ? {} : { REPLAY_STATION: station }),
    ...(stations === undefined ? {} : { REPLAY_STATIONS: stations }),
    ...(speed === undefined ? {} : { REPLAY_SPEED: String(speed) }),
    ...(backfillUntil === undefined ? {} : { REPLAY_BACKFILL_UNTIL: new Date(backfillUntil).toISOString() }),
    ...(scenario === undefined ? {} : { REPLAY_SCENARIO: scenario }),
  }
}

function describe({ series, stations, backfillUntil, speed }: ReplayPlan, badRows: number) {
  const { observations } = series
  return {
    source: series.source,
    observations: observations.length,
    badRows,
    stations: [...new Set(observations.map(({ stationId }) => stationId))].sort().join(', '),
    describedStations: stations.length,
    from: iso(observations[0]?.observedAt),
    to: iso(observations.at(-1)?.observedAt),
    backfillUntil: iso(backfillUntil),
    speedHoursPerSecond: speed,
  }
}

async function publish(config: ReplayConfig, plan: ReplayPlan, { fromBeginning, speed }: Options) {
  const { observations } = plan.series
  const key = resumeKey(plan.series)
  const stop = new AbortController()
  process.once('SIGINT', () => stop.abort())
  const bar = progressTo(process.stderr, 'observations')
  let last: ReplayProgress | null = null
  let before = 0
  const clickhouse = openClickHouse(config)
  try {
    await tellUndescribed(clickhouse, plan)
    const publisher = openPublisher({ config, name: 'replay', log })
    try {
      const progress = createProgress(clickhouse, 'replay')
      const startAt = fromBeginning ? null : await progress.load(key)
      if (startAt !== null) {
        before = plan.series.hours.reduce((sum, hour) => (hour.startAt <= startAt ? sum + hour.observations.length : sum), 0)
        talk(`published before through ${iso(startAt)}; going on from there (--from-beginning for all of it again)`)
      }
      await runReplay(
        // Whoever names a speed wants it throughout.
        speed === undefined ? plan : { ...plan, fastForward: { until: Number.NEGATIVE_INFINITY, speed } },
        {
          publisher,
          clock: { observe: () => undefined },
          progress: { load: () => Promise.resolve(startAt), save: (through) => progress.save(key, through) },
          models: null,
          others: createOthers({
            read: () => readLags(config, log, WATCHED),
            network: {
              stations: new Set(observations.map(({ stationId }) => stationId)).size,
              models: expectedModels(plan.series).length,
            },
            maxBehindHours: config.replayMaxBehindHours,
            nowMs: () => performance.now(),
            log,
          }),
          pacer: { nowMs: () => performance.now(), sleep: (ms, until) => pause(ms, until) },
          log,
          onProgress: (now) => {
            last = now
            bar(now.publishedObservations, now.totalObservations)
          },
          signal: stop.signal,
        },
      )
    } finally {
      await publisher.close()
    }
  } finally {
    await clickhouse.close()
  }
  const reached = last as ReplayProgress | null
  return {
    published: (reached?.publishedObservations ?? before) - before,
    publishedThrough: iso(reached?.publishedThrough ?? undefined),
    ended: stop.signal.aborted ? 'interrupted' : 'the series has ended',
  }
}

/** Observations alone make forecasts, but nobody can ask for those of a station without a name and a place. */
async function tellUndescribed(clickhouse: Pick<ClickHouse, 'query'>, { series, stations }: ReplayPlan): Promise<void> {
  const known = await clickhouse.query<{ stationId: string }>('SELECT stationId FROM station')
  const described = new Set([...known, ...stations].map(({ stationId }) => stationId))
  for (const stationId of new Set(series.observations.map((observation) => observation.stationId)))
    if (!described.has(stationId))
      talk(
        `${stationId} has no name and place yet, and the API answers 404 for it until it has: give --stations FILE, or isobar stations add ${stationId} …`,
      )
}

const iso = (ms: number | undefined): string | null => (ms === undefined ? null : new Date(ms).toISOString())
