/** The whole system as a user starts it, in a folder of its own, for tests that break parts of it. */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { type RunRecord, readRunFile, runFilePath } from '../../../infra/local/run-file.ts'

const MAIN = fileURLToPath(new URL('../../../cli/main.ts', import.meta.url))
const START_MS = 180_000

export type System = {
  readonly home: string
  readonly launcher: ChildProcess
  /** What it printed so far. */
  readonly output: () => string
  readonly run: () => RunRecord
  /** Pid of a process by its name in the run file; waits until it is there (it may be restarting). */
  readonly pidOf: (name: string) => Promise<number>
  /** GET on the API. */
  readonly get: (path: string) => Promise<Response>
  /** /readyz of a process of the run: `null` while it cannot be reached. */
  readonly readyz: (process: string) => Promise<{ ready: boolean; reasons: Array<{ name: string; reason: string }> } | null>
  /** The operator's key that the first start prints. */
  readonly key: () => string
  /** Runs `isobar …` against this system. */
  readonly isobar: (...args: string[]) => Promise<{ code: number | null; stdout: string; stderr: string }>
  /** Rows of a query. */
  readonly query: <T = Record<string, unknown>>(sql: string) => Promise<T[]>
  /** Signals the launcher and resolves with its exit code and the seconds it took. */
  readonly end: (signal: NodeJS.Signals) => Promise<{ code: number | null; seconds: number }>
}

export function newHome(): string {
  return mkdtempSync(join(tmpdir(), 'isobar-chaos-'))
}

export function removeHome(home: string): void {
  rmSync(home, { recursive: true, force: true })
}

/** `isobar start …`; resolves when the start screen is there. Rejects with the output when it ends before. */
export async function startSystem(home: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<System> {
  let output = ''
  const launcher = spawn(process.execPath, ['--no-warnings=ExperimentalWarning', MAIN, 'start', ...args], {
    // A replay that waits for a service that is away would spare it the backlog that it is to catch up on.
    env: {
      ...withoutServers(process.env),
      NO_COLOR: '1',
      REPLAY_MAX_BEHIND_HOURS: '0',
      ISOBAR_HOME: join(home, 'data'),
      ...env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  for (const stream of [launcher.stdout, launcher.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => (output += text))
  const file = runFilePath(join(home, 'data'))
  const run = (): RunRecord => {
    const record = readRunFile(file)
    if (record === null) throw new Error(`no run file at ${file}`)
    return record
  }
  const deadline = Date.now() + START_MS
  while (!output.includes('Ctrl-C stops everything')) {
    if (launcher.exitCode !== null || Date.now() > deadline) {
      launcher.kill('SIGTERM')
      throw new Error(`isobar start did not come up:\n${output}`)
    }
    await sleep(100)
  }
  const clickhouseUrl = env['CLICKHOUSE_URL'] ?? run().urls.clickhouseUrl
  return {
    home,
    launcher,
    output: () => output,
    run,
    async pidOf(name) {
      for (let i = 0; i < 600; i++) {
        const found = run().processes.find((process) => process.name === name)
        if (found) return found.pid
        await sleep(50)
      }
      throw new Error(`no process named ${name}:\n${output}`)
    },
    get: (path) => fetch(`${run().extra['httpUrl']}${path}`, { signal: AbortSignal.timeout(20_000) }),
    key() {
      const [key] = /isk_[\w-]+/.exec(output) ?? []
      if (key === undefined) throw new Error(`no key was printed:\n${output}`)
      return key
    },
    async isobar(...args) {
      const child = spawn(process.execPath, ['--no-warnings=ExperimentalWarning', MAIN, ...args], {
        env: { ...withoutServers(process.env), NO_COLOR: '1', ISOBAR_HOME: join(home, 'data') },
        stdio: ['ignore', 'pipe', 'pipe'],
      })
      let stdout = ''
      let stderr = ''
      child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text))
      child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
      const code = await new Promise<number | null>((resolve) => child.once('close', resolve))
      return { code, stdout, stderr }
    },
    async readyz(process) {
      try {
        const response = await fetch(`${run().extra[`probe.${process}`]}/readyz`, { signal: AbortSignal.timeout(5000) })
        return (await response.json()) as { ready: boolean; reasons: Array<{ name: string; reason: string }> }
      } catch {
        return null // restarting
      }
    },
    async query<T>(sql: string) {
      const response = await fetch(`${clickhouseUrl}/?database=isobar&output_format_json_quote_64bit_integers=0`, {
        method: 'POST',
        body: `${sql} FORMAT JSON`,
      })
      const text = await response.text()
      if (!response.ok) throw new Error(`${sql}: ${text}`)
      return (JSON.parse(text) as { data: T[] }).data
    },
    async end(signal) {
      const startedAt = performance.now()
      const code = await new Promise<number | null>((resolve) => {
        if (launcher.exitCode !== null || launcher.signalCode !== null) return resolve(launcher.exitCode)
        launcher.once('exit', resolve)
        launcher.kill(signal)
      })
      return { code, seconds: (performance.now() - startedAt) / 1000 }
    },
  }
}

/** Polls until `check` gives something other than false or null. */
export async function until<T>(what: string, check: () => Promise<T | false | null>, timeoutMs: number): Promise<T> {
  const deadline = Date.now() + timeoutMs
  for (;;) {
    const found = await check()
    if (found !== false && found !== null) return found
    if (Date.now() > deadline) throw new Error(`waited ${timeoutMs / 1000} s in vain until ${what}`)
    await sleep(250)
  }
}

/** Addresses of another stack (an integration run's) must not reach the system under test. */
export function withoutServers(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const servers = ['KAFKA_BROKERS', 'SCHEMA_REGISTRY_URL', 'CLICKHOUSE_URL', 'AMQP_URL', 'SMTP_URL', 'HTTP_PORT']
  return Object.fromEntries(Object.entries(env).filter(([name]) => !servers.includes(name)))
}
