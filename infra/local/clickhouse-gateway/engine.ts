/**
 * The ClickHouse engine in this process, as a pool of sessions over one data directory.
 *
 * A session is reused only with the settings and the database that it is known to have, and never after a failure or a statement
 * that changes sessions, so nothing leaks from one query into another. Every query text starts with a marker comment, by which a
 * control session ends it with KILL QUERY: the engine gives no other way to interrupt a query.
 */
import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Connection } from './native.ts'
import { loadNativeEngine } from './native.ts'
import type { Pipes } from './result-pipes.ts'
import { openResultPipes } from './result-pipes.ts'
import { serverError } from './server-error.ts'
import type { Lane, Slots } from './slots.ts'
import { createSlots } from './slots.ts'
import { quoteName, quoteString } from './sql-tokens.ts'

export type EngineOptions = {
  dataDir: string
  /** Folder for the named pipes of results; its path must be free of glob characters. */
  pipeDir: string
  readSlots: number
  writeSlots: number
  maxWaiting: number
  /** Any query is killed this long after it started, whatever its own settings say. */
  maxExecutionMs: number
  /** `clickhouse local` command-line arguments: server-level limits. */
  engineArgs: readonly string[]
  onError: (error: unknown) => void
}

export type QueryContext = {
  lane: Lane
  database: string | undefined
  settings: ReadonlyMap<string, string>
  signal: AbortSignal
  queryId: string
}
export type QueryStats = { elapsedMs: number; resultRows: number; resultBytes: number; writtenRows: number; writtenBytes: number }
/** `FORMAT` text goes between `head` and `tail`; see Statement. */
export type SelectText = { head: string; format: string; tail: string }

export type Engine = {
  version: string
  /** Streams the result in the select's format, without holding it: reading slowly slows the query. Runs until `consume` is done. */
  select<T>(
    select: SelectText,
    context: QueryContext,
    consume: (chunks: AsyncIterable<Buffer>, finished: Promise<QueryStats>) => Promise<T>,
  ): Promise<T>
  /** Any statement without a large result. */
  run(
    sql: string,
    format: string,
    changesSession: boolean,
    context: QueryContext,
  ): Promise<{ bytes: Uint8Array; stats: QueryStats }>
  /** INSERT … SELECT, or INSERT … FROM INFILE. */
  insert(sql: string, context: QueryContext): Promise<QueryStats>
  /** Waits for running queries (abort them first) and closes the engine. */
  close(): Promise<void>
}

type Session = { connection: Connection; database: string; settings: ReadonlyMap<string, string> }
type RunningCount = { count: number; idle: (() => void) | undefined }

const NO_SETTINGS: ReadonlyMap<string, string> = new Map()
const FIRST_KILL_DELAY_MS = 20
const MAX_KILL_DELAY_MS = 1000
const NO_DATA = Buffer.alloc(0)

/** Throws when another process holds `dataDir`. */
export async function openEngine(options: EngineOptions): Promise<Engine> {
  const native = loadNativeEngine()
  const slots: Slots = createSlots({ read: options.readSlots, write: options.writeSlots, maxWaiting: options.maxWaiting })
  const open = (): Connection => native.CreateConnection(options.dataDir, options.engineArgs)
  const control = { connection: open(), queue: Promise.resolve() }
  const idle: Session[] = []
  const running: RunningCount = { count: 0, idle: undefined }
  const pipes: Pipes = openResultPipes(options.pipeDir, options.readSlots + options.writeSlots)

  function takeSession(context: QueryContext): Session {
    const exact = idle.findIndex(
      (session) => session.database === databaseOf(context) && isSameSettings(session.settings, context.settings),
    )
    const session = exact >= 0 ? idle.splice(exact, 1)[0] : idle.shift()
    return session ?? { connection: open(), database: 'default', settings: NO_SETTINGS }
  }

  /** Brings a session to the wanted settings and database; what the last query had set and this one has not goes back to its default. */
  async function prepare(session: Session, context: QueryContext): Promise<void> {
    const statements: string[] = []
    for (const name of session.settings.keys()) if (!context.settings.has(name)) statements.push(`SET ${name} = DEFAULT`)
    for (const [name, value] of context.settings) {
      if (session.settings.get(name) !== value) statements.push(`SET ${settingName(name)} = ${quoteString(value)}`)
    }
    const database = databaseOf(context)
    // A database may have been dropped since; asking again costs less than a wrong error later.
    if (session.database !== database || database !== 'default') statements.push(`USE ${quoteName(database)}`)
    if (statements.length === 0) return
    await native.QueryAsyncConnection(session.connection, statements.join('; '), 'TabSeparated')
    session.settings = new Map(context.settings)
    session.database = database
  }

  async function withSession<T>(
    context: QueryContext,
    keep: boolean,
    use: (session: Session, marker: string) => Promise<T>,
  ): Promise<T> {
    const release = await slots.acquire(context.lane, context.signal)
    running.count += 1
    let session: Session | undefined
    let isClean = false
    try {
      session = takeSession(context)
      await prepare(session, context)
      if (context.signal.aborted) throw serverError('QUERY_WAS_CANCELLED', 'Query was cancelled.')
      const result = await use(session, `/* ${context.queryId.replace(/[^\w.:-]/g, '_')} ${randomUUID()} */ `)
      isClean = keep
      return result
    } finally {
      if (session && isClean) idle.push(session)
      else if (session) native.CloseConnection(session.connection)
      running.count -= 1
      if (running.count === 0) running.idle?.()
      release()
    }
  }

  /** Waits for the engine itself, also after an abort: a session in use must be neither closed nor reused. */
  async function killable<T>(started: Promise<T>, marker: string, signal: AbortSignal): Promise<T> {
    let isSettled = false
    const onAbort = () => void killUntil(() => isSettled, marker, started)
    const timer = setTimeout(onAbort, options.maxExecutionMs)
    signal.addEventListener('abort', onAbort, { once: true })
    try {
      return await started
    } catch (error) {
      throw withoutMarker(error, marker)
    } finally {
      isSettled = true
      clearTimeout(timer)
      signal.removeEventListener('abort', onAbort)
    }
  }

  // Repeated because a query that is still being parsed is not yet in the process list.
  async function killUntil(isSettled: () => boolean, marker: string, started: Promise<unknown>): Promise<void> {
    for (let delayMs = FIRST_KILL_DELAY_MS; !isSettled(); delayMs = Math.min(delayMs * 2, MAX_KILL_DELAY_MS)) {
      control.queue = control.queue.then(() => kill(marker))
      await control.queue
      await Promise.race([started.catch(() => undefined), sleep(delayMs)])
    }
  }

  async function kill(marker: string): Promise<void> {
    try {
      await native.QueryAsyncConnection(
        control.connection,
        `KILL QUERY WHERE startsWith(query, ${quoteString(marker)}) ASYNC`,
        'Null',
      )
    } catch (error) {
      options.onError(error)
      native.CloseConnection(control.connection)
      control.connection = open()
    }
  }

  const version = await native.QueryAsyncConnection(control.connection, 'SELECT version()', 'TabSeparated')

  return {
    version: Buffer.from(version.bytes).toString().trim(),

    select(select, context, consume) {
      return withSession(context, true, (session, marker) =>
        pipes.use(async (pipe) => {
          const sql = `${marker}${select.head}\nINTO OUTFILE ${quoteString(pipe.path)} TRUNCATE FORMAT ${select.format} ${select.tail}`
          const started = native.QueryAsyncConnection(session.connection, sql, select.format)
          const stop = new AbortController()
          const finished = killable(started, marker, AbortSignal.any([context.signal, stop.signal])).then((result) =>
            statsOf(result, pipe.bytesRead()),
          )
          // The engine's end is the only sure end of the stream, also when nobody reads it any more.
          const closed = finished.then(
            () => pipe.endOfInput(),
            () => pipe.endOfInput(),
          )
          try {
            const result = await consume(pipe.chunks(), finished)
            await finished
            return result
          } catch (error) {
            stop.abort()
            await pipe.discard()
            await finished.catch(() => undefined)
            throw error
          } finally {
            await closed
          }
        }),
      )
    },

    run(sql, format, changesSession, context) {
      return withSession(context, !changesSession, async (session, marker) => {
        const result = await killable(
          native.QueryAsyncConnection(session.connection, marker + sql, format),
          marker,
          context.signal,
        )
        return { bytes: result.bytes, stats: statsOf(result, result.bytes.byteLength) }
      })
    },

    insert(sql, context) {
      return withSession(context, true, async (session, marker) => {
        // The insert entry point, because only it tells how many rows were written.
        const result = await killable(
          native.InsertRawAsyncConnection(session.connection, marker + sql, NO_DATA, false),
          marker,
          context.signal,
        )
        const written = { writtenRows: result.rowsWritten, writtenBytes: result.bytesWritten }
        return { elapsedMs: result.elapsed * 1000, resultRows: 0, resultBytes: 0, ...written }
      })
    },

    async close() {
      if (running.count > 0) await new Promise<void>((resolve) => (running.idle = resolve))
      await control.queue
      for (const session of idle.splice(0)) native.CloseConnection(session.connection)
      native.CloseConnection(control.connection)
      pipes.close()
    },
  }
}

// The engine counts the marker in the position of a syntax error; the client has not written it.
function withoutMarker(error: unknown, marker: string): unknown {
  if (!(error instanceof Error)) return error
  const message = error.message.replace(
    /failed at position (\d+)/,
    (_, position: string) => `failed at position ${Number(position) - marker.length}`,
  )
  return message === error.message ? error : new Error(message, { cause: error })
}

function databaseOf(context: QueryContext): string {
  return context.database ?? 'default'
}

// A setting's name stands unquoted in SET; anything but a name would be SQL.
function settingName(name: string): string {
  if (!/^[A-Za-z_]\w*$/.test(name)) throw serverError('BAD_ARGUMENTS', `Setting name '${name.slice(0, 60)}' is not a name.`)
  return name
}

function isSameSettings(one: ReadonlyMap<string, string>, other: ReadonlyMap<string, string>): boolean {
  return one.size === other.size && [...one].every(([name, value]) => other.get(name) === value)
}

function statsOf(result: { elapsed: number; rowsRead: number }, resultBytes: number): QueryStats {
  return { elapsedMs: result.elapsed * 1000, resultRows: result.rowsRead, resultBytes, writtenRows: 0, writtenBytes: 0 }
}
