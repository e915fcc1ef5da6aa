/** `isobar reset --yes`: empties the local data folder. */
import type { Command } from 'commander'
import { DataDirError, defaultDataDir, resetLocalData } from '../infra/local/data-dir.ts'
import { CliError, EXIT } from './exit.ts'

export function register(program: Command): void {
  program
    .command('reset')
    .description('delete all local data (Kafka log, registry, ClickHouse tables, queues, outbox)')
    .option('--yes', 'really do it')
    .action(async ({ yes }: { yes?: boolean }) => {
      const dataDir = defaultDataDir(process.env)
      if (!yes) throw new CliError(`this deletes everything in ${dataDir}; add --yes to do it`, EXIT.usage)
      try {
        const existed = await resetLocalData(dataDir)
        process.stderr.write(existed ? `emptied ${dataDir}\n` : `nothing to delete: ${dataDir} does not exist\n`)
      } catch (error) {
        if (error instanceof DataDirError) throw new CliError(error.message)
        throw error
      }
    })
}
