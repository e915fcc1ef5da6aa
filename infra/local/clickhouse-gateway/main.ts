/**
 * The ClickHouse engine behind ClickHouse's HTTP interface, for one machine: `node main.ts --path DIR --port N --host 127.0.0.1`.
 * Prints one line with its address when it answers, and sends `{ type: 'listening', port }` to a parent with an IPC channel.
 */
import { mkdirSync, rmSync } from 'node:fs'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { openEngine } from './engine.ts'
import { createHttpInterface } from './http-interface.ts'
import { lockPath } from './path-lock.ts'

const { values } = parseArgs({
  options: {
    path: { type: 'string' },
    port: { type: 'string', default: '8123' },
    host: { type: 'string', default: '127.0.0.1' },
    'max-body-mb': { type: 'string', default: '128' },
    'max-execution-seconds': { type: 'string', default: '300' },
    'max-memory-mb': { type: 'string', default: '2048' },
  },
})

const READ_SLOTS = 6
const WRITE_SLOTS = 4
const MAX_WAITING = 500
const MIB = 1024 * 1024
/** Every running query holds one thread of libuv's pool; the rest serve KILL, files and compression. */
const THREADS = READ_SLOTS + WRITE_SLOTS + 6
const STOP_GRACE_MS = 3000
const STOP_DEADLINE_MS = 10_000

// libuv reads this once, before any of our code runs: start again with it, in the same process where that is possible.
const threads = Number(process.env['UV_THREADPOOL_SIZE'] ?? 4)
if (threads < THREADS && process.send === undefined && process.execve) {
  process.execve(
    process.execPath,
    [process.execPath, '--disable-warning=ExperimentalWarning', ...process.execArgv, ...process.argv.slice(1)],
    {
      ...process.env,
      UV_THREADPOOL_SIZE: String(THREADS),
    },
  )
}

await main()

async function main(): Promise<void> {
  const port = wholeNumber('port', 0, 65_535)
  const host = values.host
  if (!['127.0.0.1', '::1', 'localhost'].includes(host))
    fail(`--host ${host}: the gateway has no passwords and listens on the loopback interface only.`)
  if (values.path === undefined) fail('--path DIR is missing.')
  const root = path.resolve(values.path)
  if (/[*?{}[\]]/.test(root)) fail(`--path ${root}: the engine would read * ? { } [ ] in it as a pattern.`)
  // Fewer slots than threads, whatever the pool: a query that waits for a thread behind slow ones would defeat the lanes.
  const scale = Math.min(1, Math.max(0, threads - 2) / (READ_SLOTS + WRITE_SLOTS))
  if (scale < 1) report(`UV_THREADPOOL_SIZE is ${threads}; set it to ${THREADS} for full concurrency.`)

  const spoolDir = path.join(root, 'spool')
  mkdirSync(spoolDir, { recursive: true, mode: 0o700 })
  const unlock = lockPath(path.join(root, 'gateway.lock'))
  rmSync(spoolDir, { recursive: true, force: true })
  mkdirSync(spoolDir, { mode: 0o700 })
  const maxExecutionSeconds = wholeNumber('max-execution-seconds', 1, 86_400)
  const engine = await openEngine({
    dataDir: path.join(root, 'engine'),
    pipeDir: spoolDir,
    readSlots: Math.max(1, Math.floor(READ_SLOTS * scale)),
    writeSlots: Math.max(1, Math.floor(WRITE_SLOTS * scale)),
    maxWaiting: MAX_WAITING,
    // The engine's own limit answers first, with its own error.
    maxExecutionMs: (maxExecutionSeconds + 2) * 1000,
    engineArgs: engineArgs(wholeNumber('max-memory-mb', 256, 1_048_576)),
    onError: report,
  })
  const server = createHttpInterface({
    engine,
    spoolDir,
    maxBodyBytes: wholeNumber('max-body-mb', 1, 65_536) * MIB,
    maxExecutionSeconds,
    onError: report,
  })
  server.listen(port, host)
  await once(server, 'listening')
  const address = server.address() as AddressInfo
  process.stdout.write(`ClickHouse ${engine.version} answers at http://${host === '::1' ? '[::1]' : host}:${address.port}\n`)
  process.send?.({ type: 'listening', port: address.port })

  let isStopping = false
  const stop = () => {
    if (isStopping) return
    isStopping = true
    // Running queries get a moment to finish; then their connections are cut, which kills them.
    setTimeout(() => server.closeAllConnections(), STOP_GRACE_MS).unref()
    setTimeout(() => {
      report('Did not stop in time.')
      // exit() waits for the engine's threads, and one of them is what hangs. The engine's files survive this (see the tests).
      process.kill(process.pid, 'SIGKILL')
    }, STOP_DEADLINE_MS).unref()
    server.close(() => {
      void engine.close().then(() => {
        rmSync(spoolDir, { recursive: true, force: true })
        unlock()
        process.exit(0)
      }, crash)
    })
    server.closeIdleConnections()
  }
  process.on('SIGTERM', stop)
  process.on('SIGINT', stop)
  if (process.send !== undefined) process.on('disconnect', stop)
}

/** Server-level limits for one small machine; a server's own defaults take most of the memory for caches. */
function engineArgs(maxMemoryMb: number): string[] {
  const cache = (megabytes: number) => String(megabytes * MIB)
  return [
    '--implicit_select=0',
    // Formatting in parallel fills memory with formatted blocks faster than a client reads them: 570 MB instead of 110 MB
    // for a result of 620 MB. A query's own setting still overrides this.
    '--output_format_parallel_formatting=0',
    `--max_server_memory_usage=${maxMemoryMb * MIB}`,
    `--mark_cache_size=${cache(64)}`,
    `--primary_index_cache_size=${cache(64)}`,
    `--index_mark_cache_size=${cache(16)}`,
    `--compiled_expression_cache_size=${cache(16)}`,
    `--query_condition_cache_size=${cache(16)}`,
    '--background_pool_size=2',
    '--asynchronous_metrics_update_period_s=60',
  ]
}

function wholeNumber(name: 'port' | 'max-body-mb' | 'max-execution-seconds' | 'max-memory-mb', min: number, max: number): number {
  const value = Number(values[name])
  if (!Number.isInteger(value) || value < min || value > max)
    fail(`--${name} ${values[name]}: must be a whole number from ${min} to ${max}.`)
  return value
}

function report(error: unknown): void {
  process.stderr.write(`clickhouse-gateway: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`)
}

function fail(message: string): never {
  report(message)
  process.exit(2)
}

function crash(error: unknown): never {
  report(error)
  process.exit(1)
}
