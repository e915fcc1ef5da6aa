/** One HTTP request of ClickHouse's interface, read and checked: settings, parameters, and the body's size and encoding. */
import { randomUUID } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import type { IncomingMessage } from 'node:http'
import { Transform, Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import zlib from 'node:zlib'
import { serverError } from './server-error.ts'

export type QueryRequest = {
  queryId: string
  /** From the URL; `undefined` when the body holds it. */
  urlQuery: string | undefined
  isGet: boolean
  database: string | undefined
  defaultFormat: string
  parameters: Map<string, string>
  settings: Map<string, string>
  waitEndOfQuery: boolean
  gzipResponse: boolean
}

// Of the interface itself or without meaning for one local user; everything else in the URL is a setting.
const NOT_SETTINGS = new Set([
  'query',
  'query_id',
  'database',
  'default_format',
  'user',
  'password',
  'quota_key',
  'role',
  'wait_end_of_query',
])
for (const name of [
  'enable_http_compression',
  'http_zlib_compression_level',
  'buffer_size',
  'session_timeout',
  'session_check',
  'client_protocol_version',
])
  NOT_SETTINGS.add(name)
for (const name of [
  'send_progress_in_http_headers',
  'http_headers_progress_interval_ms',
  'http_response_buffer_size',
  'cancel_http_readonly_queries_on_client_close',
]) {
  NOT_SETTINGS.add(name)
}

/** Throws ServerError for what this interface does not offer. `maxExecutionSeconds` bounds the request's own limit. */
export function readQueryRequest(request: IncomingMessage, url: URL, maxExecutionSeconds: number): QueryRequest {
  const query = url.searchParams
  if (query.has('session_id')) {
    throw serverError(
      'NOT_IMPLEMENTED',
      'session_id is not supported by the local gateway: every request stands alone. Put settings into the request itself.',
    )
  }
  if (isOn(query.get('compress')) || isOn(query.get('decompress'))) {
    throw serverError('NOT_IMPLEMENTED', 'The native block compression (compress, decompress) is not supported; use HTTP gzip.')
  }
  if (request.headers['content-type']?.startsWith('multipart/form-data'))
    throw serverError('NOT_IMPLEMENTED', 'multipart/form-data is not supported.')
  const settings = new Map<string, string>()
  const parameters = new Map<string, string>()
  for (const [name, value] of query) {
    if (name.startsWith('param_')) parameters.set(name.slice('param_'.length), value)
    else if (!NOT_SETTINGS.has(name)) settings.set(name, value)
  }
  const asked = Number(settings.get('max_execution_time') ?? 0)
  const limit = asked > 0 ? Math.min(asked, maxExecutionSeconds) : maxExecutionSeconds
  settings.set('max_execution_time', String(limit))
  const defaultFormat = query.get('default_format') ?? single(request.headers['x-clickhouse-format']) ?? 'TabSeparated'
  if (!/^[A-Za-z]\w*$/.test(defaultFormat)) throw serverError('BAD_ARGUMENTS', `Unknown format ${defaultFormat.slice(0, 60)}.`)
  return {
    queryId: query.get('query_id') || single(request.headers['x-clickhouse-query-id']) || randomUUID(),
    urlQuery: query.get('query') ?? undefined,
    isGet: request.method === 'GET',
    database: query.get('database') || single(request.headers['x-clickhouse-database']) || undefined,
    defaultFormat,
    parameters,
    settings,
    waitEndOfQuery: isOn(query.get('wait_end_of_query')),
    gzipResponse: isOn(query.get('enable_http_compression')) && /\bgzip\b/.test(request.headers['accept-encoding'] ?? ''),
  }
}

/** The body as text; throws TOO_MANY_BYTES (413) above `maxBytes`, counted after decompression. */
export async function readText(request: IncomingMessage, maxBytes: number): Promise<string> {
  const chunks: Buffer[] = []
  const collect = new Writable({
    write(chunk: Buffer, _encoding, done) {
      chunks.push(chunk)
      done()
    },
  })
  await pipeline([request, ...decoders(request), limiter(maxBytes), collect])
  return Buffer.concat(chunks).toString('utf8')
}

/** `prefix` and the body into a file, never held in memory; the same limit and error as readText. */
export async function spoolBody(request: IncomingMessage, file: string, prefix: string, maxBytes: number): Promise<void> {
  const target = createWriteStream(file, { mode: 0o600, flags: 'wx' })
  if (prefix !== '') target.write(prefix)
  await pipeline([request, ...decoders(request), limiter(maxBytes), target])
}

function limiter(maxBytes: number): Transform {
  let bytes = 0
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      bytes += chunk.length
      if (bytes > maxBytes)
        done(
          serverError(
            'TOO_MANY_BYTES',
            `The request body is larger than the limit of ${maxBytes} bytes. Send smaller batches.`,
            413,
          ),
        )
      else done(null, chunk)
    },
  })
}

function decoders(request: IncomingMessage): Transform[] {
  const encoding = request.headers['content-encoding'] ?? 'identity'
  if (encoding === 'identity') return []
  if (encoding === 'gzip') return [zlib.createGunzip()]
  if (encoding === 'deflate') return [zlib.createInflate()]
  throw serverError('NOT_IMPLEMENTED', `Content-Encoding ${encoding} is not supported.`)
}

function isOn(value: string | null): boolean {
  return value === '1' || value === 'true'
}

function single(header: string | string[] | undefined): string | undefined {
  return Array.isArray(header) ? header[0] : header
}
