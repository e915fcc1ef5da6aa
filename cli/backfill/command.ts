/** `isobar backfill`: forecasts of past hours by the models that served then, behind the live work. */
import { type Command, Option } from 'commander'
import { z } from 'zod'
import { openArtifactStore } from '../../infra/runtime/artifacts/index.ts'
import { openClickHouse } from '../../infra/runtime/clickhouse/index.ts'
import { artifactBlock, clickhouseBlock, kafkaBlock, readConfig, registryBlock } from '../../infra/runtime/config/index.ts'
import { openPublisher, readLags } from '../../infra/runtime/kafka/index.ts'
import { createLogger } from '../../infra/runtime/log.ts'
import { createOthers, WATCHED } from '../../producers/replay/backlog.ts'
import { FORECAST_VARIABLES } from '../../schemas/quantities.ts'
import { countingNumber, instant } from '../arguments.ts'
import { recordWith } from '../audit.ts'
import { CliError, EXIT } from '../exit.ts'
import { printJson, printTable, progressTo, talk } from '../output.ts'
import { serverEnv } from '../running.ts'
import { type Mode, MODES } from './plan.ts'
import { runBackfill } from './run.ts'

type Arguments = {
  readonly from: number
  readonly to: number
  readonly mode: Mode
  readonly station?: string
  readonly concurrency: number
  readonly dryRun?: boolean
  readonly json?: boolean
}

const log = createLogger('backfill', 'error')
/** Hours of the network that the live services may be behind while this goes on. */
const LIVE_MAY_LAG_HOURS = 1

export function register(program: Command): void {
  program
    .command('backfill')
    .description('issue forecasts of past hours, by the models that served then')
    .requiredOption('--from <instant>', 'first hour (ISO 8601)', instant)
    .requiredOption('--to <instant>', 'last hour (ISO 8601)', instant)
    .addOption(
      new Option('--mode <mode>', 'hours without a forecast; with those issued degraded or stale; every hour')
        .choices(MODES)
        .default('missing'),
    )
    .option('--station <id>', 'one station only')
    .option('--concurrency <n>', 'stations at a time', countingNumber, 2)
    .option('--dry-run', 'say what would be issued')
    .option('--json', 'as JSON')
    .addHelpText(
      'after',
      '\nStopped, the same command goes on. It waits while the live services are behind.\n\nExample:\n  isobar backfill --from 2013-07-02T00:00:00Z --to 2013-07-03T00:00:00Z --mode missing --dry-run',
    )
    .action(backfill)
}

async function backfill({ from, to, mode, station, concurrency, dryRun = false, json = false }: Arguments): Promise<void> {
  if (to < from) throw new CliError('--to is before --from', EXIT.usage)
  const env = serverEnv()
  const config = readConfig(
    z.object({ ...kafkaBlock.shape, ...registryBlock.shape, ...clickhouseBlock.shape, ...artifactBlock.shape }),
    env,
  )
  const stop = new AbortController()
  process.once('SIGINT', () => stop.abort())
  const clickhouse = openClickHouse(config)
  const publisher = openPublisher({ config, name: 'backfill', log })
  try {
    const [size] = await clickhouse.query<{ stations: string }>('SELECT toString(uniqExact(stationId)) AS stations FROM station')
    const stations = Math.max(1, Number(size?.stations ?? 1))
    const live = createOthers({
      read: () => readLags(config, log, WATCHED),
      network: { stations, models: stations * FORECAST_VARIABLES.length },
      maxBehindHours: LIVE_MAY_LAG_HOURS,
      nowMs: () => performance.now(),
      log,
    })
    const summaries = await runBackfill(
      {
        clickhouse,
        artifacts: openArtifactStore(config),
        publisher,
        untilLiveKeepsUp: (signal) => live.keptUp(signal),
        signal: stop.signal,
        onProgress: progressTo(process.stderr, 'station-hours'),
      },
      { from, to, mode, stationId: station ?? null, concurrency, dryRun },
    )
    const issued = summaries.reduce((sum, one) => sum + one.issued, 0)
    if (issued > 0) {
      const details = { from: iso(from), to: iso(to), mode, issued: String(issued) }
      await recordWith(publisher, { action: 'forecast.backfill', subject: station ?? 'all stations', details })
    }
    if (json) printJson({ from: iso(from), to: iso(to), mode, dryRun, stopped: stop.signal.aborted, stations: summaries })
    else
      printTable(summaries, [
        { title: 'station', value: ({ stationId }) => stationId },
        { title: 'hours', value: ({ hours }) => hours },
        { title: dryRun ? 'to issue' : 'planned', value: ({ forecasts }) => forecasts },
        { title: 'issued', value: ({ issued }) => issued },
        { title: 'error', value: ({ error }) => error },
      ])
    if (stop.signal.aborted) talk('stopped; the same command goes on')
    if (stop.signal.aborted || summaries.some(({ error }) => error !== null)) process.exitCode = EXIT.failure
  } finally {
    await publisher.close()
    await clickhouse.close()
  }
}

const iso = (at: number): string => new Date(at).toISOString()
