/** ClickHouse's HTTP interface over the engine: what an unmodified @clickhouse/client needs, in the forms in which a server answers. */
import { randomBytes } from 'node:crypto'
import { rmSync } from 'node:fs'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { createServer } from 'node:http'
import path from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import zlib from 'node:zlib'
import type { Engine, QueryContext, QueryStats } from './engine.ts'
import { substituteParameters } from './query-parameters.ts'
import type { QueryRequest } from './request.ts'
import { readQueryRequest, readText, spoolBody } from './request.ts'
import { serverError, toServerError } from './server-error.ts'
import { quoteString } from './sql-tokens.ts'
import type { Statement } from './statement.ts'
import { parseStatement } from './statement.ts'

export type HttpOptions = {
  engine: Engine
  /** Folder for request bodies on their way into the engine. */
  spoolDir: string
  /** Largest request body after decompression. A body is written to disk, not held. */
  maxBodyBytes: number
  maxExecutionSeconds: number
  onError: (error: unknown) => void
}

const MAX_SQL_BYTES = 16 * 1024 * 1024
/** As a server's output buffer: until this much is there, an error can still become the status of the answer. */
const RESPONSE_BUFFER_BYTES = 1024 * 1024
const MAX_WAITED_RESULT_BYTES = 64 * 1024 * 1024
/** A client that takes nothing for this long has its connection closed, so that it cannot hold a slot for ever. */
const SEND_TIMEOUT_MS = 300_000
const KEEP_ALIVE_MS = 30_000

type Shared = HttpOptions & { running: Set<string>; spooled: { count: number } }

export function createHttpInterface(options: HttpOptions): Server {
  const shared: Shared = { ...options, running: new Set(), spooled: { count: 0 } }
  const server = createServer({ maxHeaderSize: 1024 * 1024 }, (request, response) => void handle(request, response, shared))
  server.keepAliveTimeout = KEEP_ALIVE_MS
  return server
}

async function handle(request: IncomingMessage, response: ServerResponse, shared: Shared): Promise<void> {
  const gone = new AbortController()
  response.once('close', () => {
    if (!response.writableFinished) gone.abort()
  })
  try {
    const url = new URL(request.url ?? '/', 'http://gateway')
    // A page in a browser could otherwise reach this password-less port.
    if (request.headers.origin !== undefined) return answerText(response, 403, 'Requests from web pages are refused.\n')
    if (url.pathname === '/ping' || (url.pathname === '/' && request.method === 'GET' && !url.searchParams.has('query')))
      return answerText(response, 200, 'Ok.\n')
    if (url.pathname !== '/') return answerText(response, 404, `There is no handle ${url.pathname}\n`)
    const query = readQueryRequest(request, url, shared.maxExecutionSeconds)
    response.setHeader('X-ClickHouse-Query-Id', query.queryId)
    response.setHeader('X-ClickHouse-Server-Display-Name', 'local-gateway')
    response.setHeader('X-ClickHouse-Timezone', 'UTC')
    if (shared.running.has(query.queryId)) {
      throw serverError('QUERY_WITH_SAME_ID_IS_ALREADY_RUNNING', `Query with id = ${query.queryId} is already running.`)
    }
    shared.running.add(query.queryId)
    try {
      await answerQuery(request, response, query, gone.signal, shared)
    } finally {
      shared.running.delete(query.queryId)
    }
  } catch (error) {
    answerError(request, response, error, gone.signal, shared)
  }
}

async function answerQuery(
  request: IncomingMessage,
  response: ServerResponse,
  query: QueryRequest,
  signal: AbortSignal,
  shared: Shared,
): Promise<void> {
  const fromUrl = query.urlQuery === undefined ? undefined : parse(query.urlQuery, query)
  if (fromUrl?.kind === 'insertData') return insertData(request, response, fromUrl, query, signal, shared)
  const body = await readText(request, MAX_SQL_BYTES)
  const statement =
    fromUrl === undefined || body !== ''
      ? parse(`${query.urlQuery === undefined ? '' : `${query.urlQuery}\n`}${body}`, query)
      : fromUrl
  if (query.isGet && !(statement.kind === 'select' || (statement.kind === 'other' && statement.isRead))) {
    throw serverError(
      'READONLY',
      'Cannot execute query in readonly mode. For queries over HTTP, method GET implies readonly. Use method POST for modifying queries.',
    )
  }
  switch (statement.kind) {
    case 'insertData':
      return insertData(undefined, response, statement, query, signal, shared)
    case 'insertSelect': {
      const stats = await shared.engine.insert(statement.text, contextOf(query, 'write', signal))
      setResultHeaders(response, stats, query.defaultFormat)
      response.end()
      return
    }
    case 'select':
      return answerSelect(response, statement, query, signal, shared)
    case 'other': {
      const result = await shared.engine.run(
        statement.text,
        query.defaultFormat,
        statement.changesSession,
        contextOf(query, 'read', signal),
      )
      setResultHeaders(response, result.stats, query.defaultFormat)
      return send(response, query, Readable.from([Buffer.from(result.bytes)]))
    }
  }
}

/** Parameters are replaced in the query only: the data of an insert may hold anything that looks like one. */
function parse(sql: string, query: QueryRequest): Statement {
  const statement = parseStatement(sql)
  const dataAt = statement.kind === 'insertData' ? sql.length - statement.data.length : sql.length
  const substituted = substituteParameters(sql, query.parameters, dataAt)
  return substituted === sql ? statement : parseStatement(substituted)
}

async function insertData(
  request: IncomingMessage | undefined,
  response: ServerResponse,
  statement: Extract<Statement, { kind: 'insertData' }>,
  query: QueryRequest,
  signal: AbortSignal,
  shared: Shared,
): Promise<void> {
  if (query.isGet) throw serverError('READONLY', 'Cannot execute query in readonly mode. Use method POST for modifying queries.')
  // The whole body first, then one insert: a client that goes away halfway has inserted nothing.
  shared.spooled.count += 1
  const file = path.join(shared.spoolDir, `body-${shared.spooled.count}`)
  try {
    await spoolBody(request ?? emptyRequest(), file, statement.data, shared.maxBodyBytes)
    const sql = `${statement.head} FROM INFILE ${quoteString(file)} COMPRESSION 'none' ${statement.settings} FORMAT ${statement.format}`
    const stats = await shared.engine.insert(sql, contextOf(query, 'write', signal))
    setResultHeaders(response, stats, query.defaultFormat)
    response.end()
  } finally {
    rmSync(file, { force: true })
  }
}

function emptyRequest(): IncomingMessage {
  return Object.assign(Readable.from([]), { headers: {} }) as unknown as IncomingMessage
}

async function answerSelect(
  response: ServerResponse,
  statement: Extract<Statement, { kind: 'select' }>,
  query: QueryRequest,
  signal: AbortSignal,
  shared: Shared,
): Promise<void> {
  const format = statement.format ?? query.defaultFormat
  const select = { head: statement.head, format, tail: statement.tail }
  await shared.engine.select(select, contextOf(query, 'read', signal), async (chunks, finished) => {
    const source = chunks[Symbol.asyncIterator]()
    const held: Buffer[] = []
    let heldBytes = 0
    let isComplete = false
    while (!isComplete && (query.waitEndOfQuery || heldBytes < RESPONSE_BUFFER_BYTES)) {
      const next = await source.next()
      if (next.done) isComplete = true
      else held.push(next.value)
      heldBytes += next.done ? 0 : next.value.length
      if (heldBytes > MAX_WAITED_RESULT_BYTES)
        throw serverError(
          'TOO_MANY_BYTES',
          `The result is larger than ${MAX_WAITED_RESULT_BYTES} bytes, too large for wait_end_of_query.`,
        )
    }
    if (isComplete) {
      setResultHeaders(response, await finished, format, held)
      return send(response, query, Readable.from(held))
    }
    const tag = randomBytes(8).toString('hex')
    setResultHeaders(response, undefined, format)
    response.setHeader('X-ClickHouse-Exception-Tag', tag)
    return send(response, query, Readable.from(rest(held, source, finished, tag, response)))
  })
}

/** What was held back, what follows, and, should the query fail now, the error in the form that a server appends to a begun answer. */
async function* rest(
  held: Buffer[],
  source: AsyncIterator<Buffer>,
  finished: Promise<QueryStats>,
  tag: string,
  response: ServerResponse,
): AsyncGenerator<Buffer> {
  const timer = setTimeout(() => response.destroy(), SEND_TIMEOUT_MS)
  try {
    for (const chunk of held.splice(0)) yield chunk
    for (let next = await source.next(); !next.done; next = await source.next()) {
      timer.refresh()
      yield next.value
    }
    await finished
  } catch (error) {
    const text = `${toServerError(error).message}\n`
    yield Buffer.from(`\r\n__exception__\r\n${tag}\r\n${text}${Buffer.byteLength(text)} ${tag}\r\n__exception__\r\n`)
  } finally {
    clearTimeout(timer)
  }
}

async function send(response: ServerResponse, query: QueryRequest, body: Readable): Promise<void> {
  if (!query.gzipResponse) return pipeline(body, response)
  response.setHeader('Content-Encoding', 'gzip')
  return pipeline(body, zlib.createGzip({ level: 1 }), response)
}

function contextOf(query: QueryRequest, lane: 'read' | 'write', signal: AbortSignal): QueryContext {
  return { lane, database: query.database, settings: query.settings, signal, queryId: query.queryId }
}

const CONTENT_TYPES: [RegExp, string][] = [
  [/^JSON.*EachRow|^JSONLines|^NDJSON|^PrettyNDJSON/, 'application/x-ndjson; charset=UTF-8'],
  [/^JSON|^JSONCompact/, 'application/json; charset=UTF-8'],
  [/^CSV/, 'text/csv; charset=UTF-8; header=absent'],
  [/^(TabSeparated|TSV)/, 'text/tab-separated-values; charset=UTF-8'],
  [/^(Parquet|Arrow|Native|RowBinary|ORC|Avro)/, 'application/octet-stream'],
]

/** Without `stats` the query still runs, as in a server that has begun to answer: the summary then holds no totals. */
function setResultHeaders(response: ServerResponse, stats: QueryStats | undefined, format: string, body: Buffer[] = []): void {
  response.setHeader('Content-Type', CONTENT_TYPES.find(([pattern]) => pattern.test(format))?.[1] ?? 'text/plain; charset=UTF-8')
  response.setHeader('X-ClickHouse-Format', format)
  const read = readTotals(body)
  const summary = {
    read_rows: read.rows,
    read_bytes: read.bytes,
    written_rows: String(stats?.writtenRows ?? 0),
    written_bytes: String(stats?.writtenBytes ?? 0),
    total_rows_to_read: '0',
    result_rows: String(stats?.writtenRows || (stats?.resultRows ?? 0)),
    result_bytes: String(stats?.writtenBytes || (stats?.resultBytes ?? 0)),
    elapsed_ns: String(Math.round((stats?.elapsedMs ?? 0) * 1e6)),
  }
  response.setHeader('X-ClickHouse-Summary', JSON.stringify(summary))
}

/** The engine tells how much a query read only inside the formats that carry statistics; elsewhere the totals are not known. */
function readTotals(body: Buffer[]): { rows: string; bytes: string } {
  const end = body.at(-1)?.subarray(-400).toString('latin1') ?? ''
  const found = /"rows_read":\s*(\d+),\s*"bytes_read":\s*(\d+)\s*\}/.exec(end)
  return { rows: found?.[1] ?? '0', bytes: found?.[2] ?? '0' }
}

function answerText(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { 'Content-Type': 'text/plain; charset=UTF-8' }).end(text)
}

function answerError(
  request: IncomingMessage,
  response: ServerResponse,
  error: unknown,
  gone: AbortSignal,
  shared: Shared,
): void {
  if (gone.aborted || response.destroyed) return
  const failure = toServerError(error)
  if (failure.code === 1002) shared.onError(error)
  if (response.headersSent) return void response.destroy()
  response.removeHeader('Content-Encoding')
  response.setHeader('X-ClickHouse-Exception-Code', String(failure.code))
  // What is left of a refused body is read and dropped, so that the client gets this answer and not a broken pipe.
  if (!request.complete) response.setHeader('Connection', 'close')
  answerText(response, failure.httpStatus, `${failure.message}\n`)
  request.resume()
}
