/** `isobar reset --yes`: empties the local data folder. */
import { existsSync } from 'node:fs'
import type { Command } from 'commander'
import { DataDirError, defaultDataDir, resetLocalData } from '../infra/local/data-dir.ts'
import { CliError, EXIT } from './exit.ts'
import { printJson, talk } from './output.ts'

export function register(program: Command): void {
  program
    .command('reset')
    .description('delete all local data (Kafka log, registry, ClickHouse tables, queues, outbox)')
    .option('--yes', 'really do it')
    .option('--dry-run', 'say what would be deleted')
    .option('--json', 'what was done as JSON')
    .addHelpText(
      'after',
      '\nExamples:\n  isobar reset --dry-run\n  isobar reset --yes\n  ISOBAR_HOME=/var/tmp/second isobar reset --yes',
    )
    .action(async ({ yes, dryRun, json }: { yes?: boolean; dryRun?: boolean; json?: boolean }) => {
      const dataDir = defaultDataDir(process.env)
      const tell = (existed: boolean, line: string): void => {
        if (json) printJson({ dataDir, existed, deleted: existed && !dryRun })
        else talk(existed ? line : `nothing to delete: ${dataDir} does not exist`)
      }
      if (dryRun) return tell(existsSync(dataDir), `everything in ${dataDir} would be deleted`)
      if (!yes) throw new CliError(`this deletes everything in ${dataDir}; add --yes to do it`, EXIT.usage)
      try {
        tell(await resetLocalData(dataDir), `emptied ${dataDir}`)
      } catch (error) {
        if (error instanceof DataDirError) throw new CliError(error.message)
        throw error
      }
    })
}
