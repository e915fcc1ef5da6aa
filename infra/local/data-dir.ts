// The one folder that holds everything the local stack writes: data, logs, outbox, run file.
import { mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { endOrphans } from './orphans.ts'
import { assessRun, readRunFile, runFilePath } from './run-file.ts'

const MARKER = 'isobar-data'
const projectDir = fileURLToPath(new URL('../../', import.meta.url))

/** `ISOBAR_HOME`, else `.isobar` in the project; absolute. */
export function defaultDataDir(env: NodeJS.ProcessEnv): string {
  return resolve(env['ISOBAR_HOME'] || join(projectDir, '.isobar'))
}

export const outboxDir = (dataDir: string): string => join(dataDir, 'outbox')

export class DataDirError extends Error {
  override name = 'DataDirError'
  readonly code = 'DATA_DIR'
}

/** Creates the folder and marks it as ours. Refuses a folder with somebody else's files in it, because `reset` empties it. */
export function claimDataDir(dataDir: string): void {
  mkdirSync(dataDir, { recursive: true })
  if (isClaimed(dataDir)) return
  const present = readdirSync(dataDir)
  if (present.length > 0) {
    throw new DataDirError(
      `${dataDir} is not empty and was not made by Isobar (found ${present.slice(0, 3).join(', ')}); set ISOBAR_HOME to a new folder`,
    )
  }
  writeFileSync(join(dataDir, MARKER), 'Local data of Isobar. Empty it with: isobar reset --yes\n')
}

function isClaimed(dataDir: string): boolean {
  return statSync(join(dataDir, MARKER), { throwIfNoEntry: false })?.isFile() === true
}

/**
 * Deletes all local data: Kafka's log together with the registry (their ids belong together), the ClickHouse tables, queues, outbox, logs.
 * Throws DataDirError while a stack runs on it, or when the folder was not made by Isobar. Resolves false when there was nothing.
 */
export async function resetLocalData(dataDir: string): Promise<boolean> {
  if (statSync(dataDir, { throwIfNoEntry: false }) === undefined) return false
  if (!isClaimed(dataDir)) throw new DataDirError(`${dataDir} was not made by Isobar; it is left alone`)
  const run = assessRun(readRunFile(runFilePath(dataDir)))
  if (run.kind === 'running') {
    throw new DataDirError(
      `Isobar is running on ${dataDir} (process ${run.run.launcher.pid}); stop it first (Ctrl-C in its terminal, or kill ${run.run.launcher.pid})`,
    )
  }
  if (run.kind === 'stale') await endOrphans(run.orphans)
  rmSync(dataDir, { recursive: true, force: true })
  return true
}
