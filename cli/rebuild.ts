/** `isobar rebuild`: the archived tables again from Kafka, beside the current ones, with a comparison. */
import type { Command } from 'commander'
import { rebuildArchive } from '../consumers/archive/rebuild.ts'
import { ARCHIVED_TOPICS } from '../consumers/archive/rows.ts'
import { clickhouseBlock, kafkaBlock, readConfig, registryBlock } from '../infra/runtime/config/index.ts'
import { AppError } from '../infra/runtime/errors.ts'
import { readEnds } from '../infra/runtime/kafka/index.ts'
import { createLogger } from '../infra/runtime/log.ts'
import { CliError, EXIT } from './exit.ts'
import { printJson, printTable, progressTo, talk } from './output.ts'
import { serverEnv } from './running.ts'

const log = createLogger('cli', 'error')

export function register(program: Command): void {
  program
    .command('rebuild')
    .description('build the archived tables again from Kafka in another database, and compare')
    .requiredOption('--into <database>', 'database to build; an interrupted rebuild goes on')
    .option('--check', 'exit 1 unless every table equals the current one')
    .option('--json', 'as JSON')
    .option('--dry-run', 'say how many events would be read')
    .addHelpText('after', '\nExample:\n  isobar rebuild --into isobar_again --check')
    .action(async ({ into, check, json, dryRun }: { into: string; check?: boolean; json?: boolean; dryRun?: boolean }) => {
      const env = serverEnv()
      const config = { ...readConfig(kafkaBlock, env), ...readConfig(registryBlock, env), ...readConfig(clickhouseBlock, env) }
      if (dryRun) {
        const events = (await readEnds(config, log, ARCHIVED_TOPICS)).reduce((sum, { low, end }) => sum + end - low, 0)
        return talk(`up to ${events} events would be read into ${into}`)
      }
      const stop = new AbortController()
      process.once('SIGINT', () => stop.abort())
      const tables = await rebuildArchive({
        config,
        into,
        log,
        signal: stop.signal,
        onProgress: progressTo(process.stderr, 'events'),
      }).catch(asCliError)
      if (json) printJson({ into, tables })
      else {
        printTable(tables, [
          { title: 'table', value: ({ table }) => table },
          { title: 'equal', value: ({ equal }) => equal },
          { title: 'different', value: ({ different }) => different },
          { title: 'carried', value: ({ carried }) => carried },
          { title: 'unexplained', value: ({ unexplained }) => unexplained },
          { title: 'added', value: ({ added }) => added },
        ])
      }
      if (check && tables.some(({ different, unexplained, added }) => different + unexplained + added > 0)) {
        throw new CliError(`the tables in ${into} are not those of ${config.clickhouseDatabase}`)
      }
    })
}

function asCliError(error: unknown): never {
  if (!(error instanceof AppError)) throw error
  const code =
    error.code === 'rebuild-target'
      ? EXIT.usage
      : error.retry === 'transient' && error.code !== 'rebuild-stopped'
        ? EXIT.unavailable
        : EXIT.failure
  throw new CliError(error.message, code)
}
