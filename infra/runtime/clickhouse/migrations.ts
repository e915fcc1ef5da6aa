/** Numbered, idempotent migrations. What was applied is recorded with its SHA-256; a file that changed afterwards is refused. */
import { createHash } from 'node:crypto'
import { readFile, readdir } from 'node:fs/promises'
import { AppError } from '../errors.ts'
import type { ClickHouse } from './client.ts'
import { splitStatements } from './statements.ts'

const DEFAULT_DIRECTORY = new URL('../../clickhouse/migrations/', import.meta.url)
/** UNKNOWN_TABLE, UNKNOWN_DATABASE (ClickHouse src/Common/ErrorCodes.cpp). */
const NOTHING_THERE = new Set([60, 81])
const FILE_NAME = /^\d{3}_[a-z0-9_]+\.sql$/

export type MigrationReport = { readonly applied: string[]; readonly alreadyApplied: string[] }

/**
 * Runs infra/clickhouse/migrations/NNN_*.sql in order in the client's database, which is made when absent.
 * A migration that stopped half-way is run again from its start, hence IF NOT EXISTS in each.
 * Throws AppError `migration-changed` (permanent) for an edited file.
 */
export async function applyMigrations(ch: ClickHouse, directory: URL = DEFAULT_DIRECTORY): Promise<MigrationReport> {
  const files = await migrationFiles(directory)
  await ch.createDatabase()
  await ch.command(
    `CREATE TABLE IF NOT EXISTS schema_migration (name String, sha256 String, appliedAt DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC'))
     ENGINE = ReplacingMergeTree(appliedAt) ORDER BY name`,
  )
  const known = await recordedMigrations(ch)
  const report: MigrationReport = { applied: [], alreadyApplied: [] }
  for (const name of files) {
    const sql = await readFile(new URL(name, directory), 'utf8')
    const sha256 = createHash('sha256').update(sql).digest('hex')
    const recorded = known.get(name)
    if (recorded === sha256) {
      report.alreadyApplied.push(name)
      continue
    }
    if (recorded !== undefined) {
      throw new AppError(`migration ${name} was edited after it was applied; add a new numbered file instead`, {
        code: 'migration-changed',
        retry: 'permanent',
        context: { name, recorded, sha256 },
      })
    }
    for (const statement of splitStatements(sql)) await ch.command(statement)
    await ch.insert('schema_migration', [{ name, sha256 }])
    report.applied.push(name)
  }
  return report
}

/** Names that `applyMigrations` would run: all of them where there is no database yet. Changes nothing. */
export async function pendingMigrations(ch: Pick<ClickHouse, 'query'>, directory: URL = DEFAULT_DIRECTORY): Promise<string[]> {
  const files = await migrationFiles(directory)
  try {
    const known = await recordedMigrations(ch)
    return files.filter((name) => !known.has(name))
  } catch (error) {
    if (error instanceof AppError && NOTHING_THERE.has(Number(error.context['clickhouseCode']))) return files
    throw error
  }
}

async function migrationFiles(directory: URL): Promise<string[]> {
  return (await readdir(directory)).filter((name) => FILE_NAME.test(name)).sort()
}

/** Name → SHA-256. */
async function recordedMigrations(ch: Pick<ClickHouse, 'query'>): Promise<Map<string, string>> {
  const rows = await ch.query<{ name: string; sha256: string }>('SELECT name, sha256 FROM schema_migration FINAL')
  return new Map(rows.map(({ name, sha256 }) => [name, sha256]))
}
