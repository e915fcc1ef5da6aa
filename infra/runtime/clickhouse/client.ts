/** The one door to ClickHouse. Everything rejects with AppError by driver code; see errors.ts. */
import { Readable } from 'node:stream'
import { finished } from 'node:stream/promises'
import { type ClickHouseClient, ClickHouseLogLevel, createClient } from '@clickhouse/client'
import type { ClickHouseConfig } from '../config/index.ts'
import { AppError, messageOf } from '../errors.ts'
import { classifyClickHouseError } from './errors.ts'
import { type ColumnType, createRowBinaryEncoder, type RowBinaryEncoder } from './row-binary.ts'

export type QueryParams = Readonly<Record<string, unknown>>

export type ClickHouse = {
  readonly database: string
  /** Rows as JSON objects; instants as text (`fromClickHouseInstant`), 64-bit integers as numbers. `{name:Type}` in the SQL takes params. */
  query<T>(sql: string, params?: QueryParams): Promise<T[]>
  /** The same in chunks as the server produces them; for results that should not be held whole. */
  stream<T>(sql: string, params?: QueryParams): AsyncGenerator<T[]>
  /** Appends rows (objects with the same columns; other columns take their defaults). Resolves when the server has written them. */
  insert(table: string, rows: ReadonlyArray<Readonly<Record<string, unknown>>>): Promise<void>
  /** The same for rows already in the order of `columns`: the fast way. NaN in Float columns and arrays is stored as NaN; instants may be epoch ms. */
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

  const encoders = new Map<string, RowBinaryEncoder | null>()

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

  async function insertColumns(
    table: string,
    columns: readonly string[],
    rows: ReadonlyArray<readonly unknown[]>,
  ): Promise<void> {
    if (rows.length === 0) return
    await guarded('insert', { table, rows: rows.length }, async () => {
      const encode = await encoderOf(table, columns)
      if (encode === null) {
        await client.insert({
          table,
          columns: columns as [string, ...string[]],
          values: rows,
          format: 'JSONCompactEachRow',
          // JSON has no NaN, so it arrives as null; with the server's default that would be stored as 0, a value nobody observed.
          clickhouse_settings: { input_format_null_as_default: 0 },
        })
        return
      }
      try {
        const body = encodeRows(table, encode, rows)
        const query = `INSERT INTO ${table} (${columns.join(', ')}) FORMAT RowBinaryWithNamesAndTypes`
        const { stream } = await client.exec({ query, values: Readable.from([body], { objectMode: false }) })
        // The answer is empty, but the connection is free only once it has been read.
        stream.resume()
        await finished(stream)
      } catch (error) {
        // The table may have been changed: ask again next time.
        encoders.delete(`${table}(${columns.join()})`)
        throw error
      }
    })
  }

  async function encoderOf(table: string, columns: readonly string[]): Promise<RowBinaryEncoder | null> {
    const key = `${table}(${columns.join()})`
    const known = encoders.get(key)
    if (known !== undefined) return known
    const result = await client.query({ query: `DESCRIBE TABLE ${table}`, format: 'JSONEachRow' })
    const types = new Map((await result.json<{ name: string; type: string }>()).map(({ name, type }) => [name, type]))
    const wanted = columns.map((name) => ({ name, type: types.get(name) }))
    const unknown = wanted.find(({ type }) => type === undefined)
    if (unknown) throw rejected(table, `${table} has no column ${unknown.name}`)
    const encoder = createRowBinaryEncoder(wanted as ColumnType[])
    encoders.set(key, encoder)
    return encoder
  }
}

/** A value that does not fit its column will never fit: the same verdict as the server's on JSON. */
function encodeRows(table: string, encode: RowBinaryEncoder, rows: ReadonlyArray<readonly unknown[]>): Buffer {
  try {
    return encode(rows)
  } catch (error) {
    throw rejected(table, messageOf(error), error)
  }
}

function rejected(table: string, message: string, cause?: unknown): AppError {
  return new AppError(`ClickHouse insert: ${message}`, {
    code: 'clickhouse-rejected',
    retry: 'permanent',
    context: { table },
    ...(cause === undefined ? {} : { cause }),
  })
}

function withParams(params: QueryParams | undefined): { query_params?: Record<string, unknown> } {
  return params ? { query_params: { ...params } } : {}
}

function toColumns(table: string, columns: readonly string[], row: Readonly<Record<string, unknown>>): unknown[] {
  const values: unknown[] = []
  let differs = Object.keys(row).length !== columns.length
  for (const column of columns) {
    const value = row[column]
    if (value === undefined) differs = true
    values.push(value)
  }
  // A column the first row lacks would be dropped silently.
  if (differs) {
    throw new AppError(`rows for ${table} differ in their columns: ${columns.join(', ')} and ${Object.keys(row).join(', ')}`, {
      code: 'clickhouse-misuse',
      retry: 'permanent',
      context: { table },
    })
  }
  return values
}
