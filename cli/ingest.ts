/** `isobar ingest FILE.csv`: observations of a file through the API, answered one by one; a second run duplicates nothing. */
import type { Command } from 'commander'
import { type ObservationCsvProblem, readObservationCsvFile } from '../producers/shared/observation-csv.ts'
import { apiPost } from './api-client.ts'
import { EXIT } from './exit.ts'
import { printJson, talk } from './output.ts'

const BATCH = 2000

type Answer = {
  readonly accepted: number
  readonly duplicates: number
  readonly rejected: number
  readonly results: ReadonlyArray<{ index: number; status: string; errors?: ReadonlyArray<{ detail: string; fix: string }> }>
}

export function register(program: Command): void {
  program
    .command('ingest <file>')
    .description('send the observations of a CSV (docs/csv.md; .gz accepted); key with the scope ingest in ISOBAR_API_KEY')
    .option('--station <id>', 'station of rows without a stationId column')
    .option('--dry-run', 'read and check the file only')
    .option('--json', 'counts as JSON')
    .addHelpText('after', '\nExample:\n  ISOBAR_API_KEY=isk_… isobar ingest roof.csv --station roof')
    .action(async (file: string, { station, dryRun, json }: { station?: string; dryRun?: boolean; json?: boolean }) => {
      const counts = { read: 0, accepted: 0, duplicates: 0, rejected: 0, badRows: 0 }
      const onProblem = ({ line, what, why, fix }: ObservationCsvProblem): void => {
        counts.badRows++
        talk(`${file}:${line}: ${what}: ${why}; ${fix}`)
      }
      let batch: Array<Record<string, unknown>> = []
      const send = async (): Promise<void> => {
        if (batch.length === 0 || dryRun) return
        const sent = batch
        const answer = await apiPost<Answer>('/v1/observations', { observations: sent })
        counts.accepted += answer.accepted
        counts.duplicates += answer.duplicates
        counts.rejected += answer.rejected
        for (const { index, errors } of answer.results)
          for (const { detail, fix } of errors ?? [])
            talk(`${sent[index]?.['stationId']} ${sent[index]?.['observedAt']}: ${detail} ${fix}`)
        talk(
          `${counts.read} rows read, ${counts.accepted} accepted, ${counts.duplicates} known already, ${counts.rejected} rejected`,
        )
      }
      for await (const row of readObservationCsvFile(file, {
        onProblem,
        ...(station === undefined ? {} : { stationId: station }),
      })) {
        counts.read++
        batch.push({ stationId: row.stationId, observedAt: new Date(row.observedAt).toISOString(), ...row.values })
        if (batch.length < BATCH) continue
        await send()
        batch = []
      }
      await send()
      if (json) printJson(counts)
      else
        talk(
          `done: ${counts.read} rows, ${counts.accepted} accepted, ${counts.duplicates} known already, ${counts.rejected} rejected, ${counts.badRows} bad rows`,
        )
      if (counts.rejected + counts.badRows > 0) process.exitCode = EXIT.failure
    })
}
