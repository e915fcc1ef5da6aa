// run.json in the data folder: what runs, where it answers, and which processes must be ended when the launcher died without doing so.
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { z } from 'zod'
import type { ProcessIdentity } from './process-identity.ts'
import { isRunning } from './process-identity.ts'

const Identity = z.object({ pid: z.number().int().positive(), startedAt: z.string() })

const UrlsSchema = z.object({
  kafkaBrokers: z.string(),
  schemaRegistryUrl: z.string(),
  clickhouseUrl: z.string(),
  amqpUrl: z.string(),
  smtpUrl: z.string(),
})

const RunSchema = z.object({
  version: z.literal(1),
  /** ISO 8601 UTC. */
  startedAt: z.string(),
  state: z.enum(['starting', 'ready', 'stopping']),
  launcher: Identity,
  urls: UrlsSchema.partial(),
  /** Free for the launcher: the API's address, for instance. */
  extra: z.record(z.string(), z.string()),
  processes: z.array(Identity.extend({ name: z.string(), layer: z.number().int() })),
})

export type StackUrls = z.infer<typeof UrlsSchema>
export type RunRecord = z.infer<typeof RunSchema>
export type RecordedProcess = RunRecord['processes'][number]

export type RunAssessment =
  | { kind: 'none' }
  /** The launcher lives: its stack is to be used, not touched. */
  | { kind: 'running'; run: RunRecord }
  /** The launcher is gone; `orphans` are those of its processes that still run. */
  | { kind: 'stale'; run: RunRecord; orphans: RecordedProcess[] }

export const runFilePath = (dataDir: string): string => join(dataDir, 'run.json')

/** Null when there is no run file or it cannot be understood (another version, torn by a full disk). */
export function readRunFile(file: string): RunRecord | null {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw error
  }
  try {
    return RunSchema.parse(JSON.parse(text))
  } catch {
    return null
  }
}

/** What the run file says about the world now. `alive` is replaced in tests. */
export function assessRun(run: RunRecord | null, alive: (identity: ProcessIdentity) => boolean = isRunning): RunAssessment {
  if (run === null) return { kind: 'none' }
  if (alive(run.launcher)) return { kind: 'running', run }
  return { kind: 'stale', run, orphans: run.processes.filter((process) => alive(process)) }
}

export type RunFile = ReturnType<typeof createRunFile>

/** The launcher's own run file. Every change is written at once and whole (rename), so that a `kill -9` finds the pids recorded. */
export function createRunFile(file: string, launcher: ProcessIdentity) {
  const run: RunRecord = {
    version: 1,
    startedAt: new Date().toISOString(),
    state: 'starting',
    launcher,
    urls: {},
    extra: {},
    processes: [],
  }
  mkdirSync(dirname(file), { recursive: true })
  let removed = false
  const write = (): void => {
    if (removed) return // a run that is over leaves no file behind
    const scratch = `${file}.${process.pid}`
    writeFileSync(scratch, `${JSON.stringify(run, null, 2)}\n`, { mode: 0o600 })
    renameSync(scratch, file)
  }
  write()
  return {
    path: file,
    record: (): RunRecord => structuredClone(run),
    setState(state: RunRecord['state']): void {
      run.state = state
      write()
    },
    setUrls(urls: Partial<StackUrls>): void {
      Object.assign(run.urls, urls)
      write()
    },
    setExtra(extra: Record<string, string>): void {
      Object.assign(run.extra, extra)
      write()
    },
    addProcess(process: RecordedProcess): void {
      run.processes.push(process)
      write()
    },
    removeProcess(pid: number): void {
      run.processes = run.processes.filter((process) => process.pid !== pid)
      write()
    },
    remove(): void {
      removed = true
      rmSync(file, { force: true })
    },
  }
}
