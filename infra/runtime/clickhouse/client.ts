/** The one door to ClickHouse. Everything rejects with AppError by driver code; see errors.ts. */
import { type ClickHouseClient, ClickHouseLogLevel, createClient } from '@clickhouse/client'
import type { ClickHouseConfig } from '../config/index.ts'
import { AppError } from '../errors.ts'
import { classifyClickHouseError } from './errors.ts'

export type QueryParams = Readonly<Record<string, unknown>>

export type ClickHouse = {
  readonly database: string
  /** Rows as JSON objects; instants as text (`fromClickHouseInstant`), 64-bit integers as numbers. `{name:Type}` in the SQL takes params. */
  query<T>(sql: string, params?: QueryParams): Promise<T[]>
  /** The same in chunks as the server produces them; for results that should not be held whole. */
  stream<T>(sql: string, params?: QueryParams): AsyncGenerator<T[]>
  /** Appends rows (objects with the same columns; other columns take their defaults). Resolves when the server has written them. */
  insert(table: string, rows: ReadonlyArray<Readonly<Record<string, unknown>>>): Promise<void>
  /** The same for rows already in the order of `columns`: the fast way. NaN in Float columns and arrays is stored as NaN. */
  insertColumns(table: string, columns: readonly string[], rows: ReadonlyArray<readonly unknown[]>): Promise<void>
  /** Makes the configured database when it is absent. */
  createDatabase(): Promise<void>
  /** A statement without a result. */
  command(sql: string, params?: QueryParams): Promise<void>
  /** Rejects when the server does not answer. */
  ping(): Promise<void>
  close(): Promise<void>
}

export type OpenClickHouseOptions = {
  readonly requestTimeoutMs?: number
  readonly maxConnections?: number
}

export function openClickHouse(config: ClickHouseConfig, options: OpenClickHouseOptions = {}): ClickHouse {
  const access = { url: config.clickhouseUrl, username: config.clickhouseUsername, password: config.clickhousePassword }
  const client: ClickHouseClient = createClient({
    ...access,
    database: config.clickhouseDatabase,
    application: 'isobar',
    request_timeout: options.requestTimeoutMs ?? 60_000,
    max_open_connections: options.maxConnections ?? 8,
    keep_alive: { enabled: true, idle_socket_ttl: 2000 },
    // Errors are thrown; printing them as well, past our log, would only repeat them.
    log: { level: ClickHouseLogLevel.OFF },
    // 64-bit integers as numbers: offsets and counts stay far below 2^53.
    clickhouse_settings: { output_format_json_quote_64bit_integers: 0 },
  })

  async function guarded<T>(operation: string, context: Record<string, unknown>, call: () => Promise<T>): Promise<T> {
    try {
      return await call()
    } catch (error) {
      throw classifyClickHouseError(error, operation, context)
    }
  }

  return {
    database: config.clickhouseDatabase,
    query: <T>(sql: string, params?: QueryParams) =>
      guarded('query', { sql: sql.slice(0, 200) }, async () => {
        const result = await client.query({ query: sql, format: 'JSONEachRow', ...withParams(params) })
        return result.json<T>()
      }),
    async *stream<T>(sql: string, params?: QueryParams) {
      try {
        const result = await client.query({ query: sql, format: 'JSONEachRow', ...withParams(params) })
        for await (const rows of result.stream<T>()) yield rows.map((row) => row.json<T>())
      } catch (error) {
        throw classifyClickHouseError(error, 'query', { sql: sql.slice(0, 200) })
      }
    },
    insert: async (table, rows) => {
      const first = rows[0]
      if (!first) return
      const columns = Object.keys(first)
      await insertColumns(
        table,
        columns,
        rows.map((row) => toColumns(table, columns, row)),
      )
    },
    insertColumns,
    createDatabase: () =>
      guarded('create database', { database: config.clickhouseDatabase }, async () => {
        // A request that names a missing database is refused, also the one that would create it.
        const anywhere = createClient({ ...access, database: 'default' })
        try {
          await anywhere.command({ query: `CREATE DATABASE IF NOT EXISTS ${config.clickhouseDatabase}` })
        } finally {
          await anywhere.close()
        }
      }),
    command: (sql, params) =>
      guarded('command', { sql: sql.slice(0, 200) }, async () => {
        await client.command({ query: sql, ...withParams(params) })
      }),
    ping: () =>
      guarded('ping', {}, async () => {
        const result = await client.ping()
        if (!result.success) throw result.error
      }),
    close: () => client.close(),
  }

  function insertColumns(table: string, columns: readonly string[], rows: ReadonlyArray<readonly unknown[]>): Promise<void> {
    if (rows.length === 0) return Promise.resolve()
    return guarded('insert', { table, rows: rows.length }, async () => {
      await client.insert({
        table,
        columns: columns as [string, ...string[]],
        values: rows,
        format: 'JSONCompactEachRow',
        // JSON has no NaN, so it arrives as null; with the server's default that would be stored as 0, a value nobody observed.
        clickhouse_settings: { input_format_null_as_default: 0 },
      })
    })
  }
}

function withParams(params: QueryParams | undefined): { query_params?: Record<string, unknown> } {
  return params ? { query_params: { ...params } } : {}
}

function toColumns(table: string, columns: readonly string[], row: Readonly<Record<string, unknown>>): unknown[] {
  const values = columns.map((column) => row[column])
  // A column the first row lacks would be dropped silently.
  if (Object.keys(row).length !== columns.length || values.includes(undefined)) {
    throw new AppError(`rows for ${table} differ in their columns: ${columns.join(', ')} and ${Object.keys(row).join(', ')}`, {
      code: 'clickhouse-misuse',
      retry: 'permanent',
      context: { table },
    })
  }
  return values
}
