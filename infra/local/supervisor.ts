// Runs child processes: starts them, waits until they answer, restarts them with back-off when they crash, stops them in order.
// Used for the servers of the local stack and for Isobar's own services alike. Every pid is in the run file before anything waits on it.
import type { ChildProcess } from 'node:child_process'
import { spawn } from 'node:child_process'
import { closeSync, mkdirSync, openSync, readFileSync, renameSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { ProcessIdentity } from './process-identity.ts'
import { endProcess, identityOf, killGroup } from './process-identity.ts'
import { readyOrReason } from './readiness.ts'
import type { RunFile } from './run-file.ts'

export type ChildSpec = {
  /** Unique; also the name of the log file. */
  name: string
  /** Stop order: higher layers first, a layer at once. Servers are 0, mail and the like 1, services 10 and up. */
  layer: number
  command: string
  args: readonly string[]
  /** The whole environment of the child; `undefined` values are left out. */
  env: Readonly<Record<string, string | undefined>>
  cwd?: string
  /** A URL that answers 200 when the child is ready (a 503 of ours says what it waits for), or a check that answers alike. */
  ready: string | (() => Promise<boolean | string>)
  /** How long the child may stay silent before its first answer. Default 60 s. One that answers "not yet, because" has ten minutes. */
  readyTimeoutMs?: number
  /** How long the child may take to end after SIGTERM before its process group is killed. Default 8 s. */
  stopGraceMs?: number
  /** A Node child that calls `watchParent` (parent.ts): it gets a channel whose end tells it that the launcher died. */
  ipc?: boolean
}

export type ChildEvent = {
  name: string
  at: string
} & (
  | { kind: 'starting' }
  /** Alive, not ready: what it waits for. Told every ten seconds. */
  | { kind: 'waiting'; reason: string; seconds: number }
  | { kind: 'ready'; seconds: number; pid: number }
  | { kind: 'crashed'; detail: string; restartInMs: number }
  | { kind: 'stopped'; seconds: number; killed: boolean }
)

export type SupervisorOptions = {
  runFile: RunFile
  logDir: string
  onEvent?: (event: ChildEvent) => void
  /** First pause before a restart, doubled up to 30 s while crashes follow each other. Default 500 ms. */
  firstBackoffMs?: number
  /** Longest pause before a restart. Default 30 s. */
  maxBackoffMs?: number
}

/** A child that ended or stayed silent before it was ready. `message` carries the end of its log. */
class ChildFailedError extends Error {
  override name = 'ChildFailedError'
  readonly code = 'CHILD_FAILED'
  readonly child: string
  constructor(child: string, detail: string) {
    super(detail)
    this.child = child
  }
}

type Child = {
  spec: ChildSpec
  process: ChildProcess | null
  /** Resolves once the end of `process` has been seen and recorded. */
  exited: Promise<void>
  identity: ProcessIdentity | null
  wanted: boolean
  crashes: number
  restarting: AbortController | null
}

const POLL_MS = 100
/** A child that resumes a long backlog says so, and is given this long. */
const BUSY_LIMIT_MS = 600_000
const TELL_WAITING_MS = 10_000
/** A child that ran this long counts as recovered: the next crash starts with the shortest pause again. */
const STABLE_MS = 60_000
const LOG_ROTATE_BYTES = 20 * 1024 * 1024
const LOG_TAIL_LINES = 12

export type Supervisor = ReturnType<typeof createSupervisor>

export function createSupervisor({ runFile, logDir, onEvent, firstBackoffMs = 500, maxBackoffMs = 30_000 }: SupervisorOptions) {
  const children = new Map<string, Child>()
  mkdirSync(logDir, { recursive: true })
  const tell = (name: string, event: DistributiveOmit<ChildEvent, 'name' | 'at'>): void =>
    onEvent?.({ name, at: new Date().toISOString(), ...event })

  /** Starts a child and resolves when it is ready. Rejects with ChildFailedError (and no process left) when it is not in time. */
  async function start(spec: ChildSpec): Promise<{ seconds: number }> {
    if (children.has(spec.name)) throw new Error(`a child named ${spec.name} is already supervised`)
    const child: Child = {
      spec,
      process: null,
      exited: Promise.resolve(),
      identity: null,
      wanted: true,
      crashes: 0,
      restarting: null,
    }
    children.set(spec.name, child)
    try {
      return { seconds: await launch(child) }
    } catch (error) {
      child.wanted = false
      await end(child, 1000)
      children.delete(spec.name)
      throw error
    }
  }

  /** One life of a child: spawn, record, wait for readiness. Later its end is met by `revive`. Resolves with the seconds until ready. */
  async function launch(child: Child): Promise<number> {
    const { spec } = child
    const startedAt = performance.now()
    tell(spec.name, { kind: 'starting' })
    const logFile = join(logDir, `${spec.name}.log`)
    const process_ = spawnChild(spec, logFile)
    child.process = process_
    const exit = Promise.withResolvers<void>()
    child.exited = exit.promise
    let ended: string | null = null
    let ready = false
    process_.once('error', (error) => {
      ended = `could not be started: ${error.message}`
      if (process_.pid === undefined) exit.resolve() // never ran: no exit event follows
    })
    process_.once('exit', (code, signal) => {
      ended = `ended with ${signal ?? `exit code ${code}`} after ${((performance.now() - startedAt) / 1000).toFixed(1)} s`
      if (process_.pid !== undefined) {
        killGroup(process_.pid) // what it left behind in its group
        runFile.removeProcess(process_.pid)
      }
      if (child.process === process_) {
        child.process = null
        child.identity = null
      }
      exit.resolve()
      if (ready && child.wanted) void revive(child, ended, performance.now() - startedAt)
    })
    if (process_.pid !== undefined) {
      child.identity = identityOf(process_.pid)
      if (child.identity !== null) runFile.addProcess({ ...child.identity, name: spec.name, layer: spec.layer })
    }

    const readyTimeoutMs = spec.readyTimeoutMs ?? 60_000
    let silentSince = startedAt
    let toldAt = startedAt
    for (;;) {
      const answered = typeof spec.ready === 'string' ? await readyOrReason(spec.ready) : await spec.ready()
      // `ended` is set by the listeners above while this loop waits.
      if (endedOf() !== null)
        throw new ChildFailedError(spec.name, `${spec.name} ${endedOf()}; the end of ${logFile}:\n${logTail(logFile)}`)
      if (answered === true) break
      if (!child.wanted) throw new ChildFailedError(spec.name, `${spec.name} was stopped while it started`)
      const now = performance.now()
      if (answered !== false) {
        silentSince = now
        if (now - toldAt > TELL_WAITING_MS) {
          toldAt = now
          tell(spec.name, { kind: 'waiting', reason: answered, seconds: (now - startedAt) / 1000 })
        }
      }
      if (now - silentSince > readyTimeoutMs || now - startedAt > BUSY_LIMIT_MS) {
        const complaint =
          answered === false
            ? `gave no answer within ${readyTimeoutMs / 1000} s`
            : `was not ready within ${BUSY_LIMIT_MS / 1000} s (${answered})`
        throw new ChildFailedError(spec.name, `${spec.name} ${complaint}; the end of ${logFile}:\n${logTail(logFile)}`)
      }
      await sleep(POLL_MS)
    }
    ready = true
    const seconds = (performance.now() - startedAt) / 1000
    tell(spec.name, { kind: 'ready', seconds, pid: process_.pid ?? 0 })
    return seconds

    function endedOf(): string | null {
      return ended
    }
  }

  /** After a crash: restarts until it is ready again or no longer wanted. */
  async function revive(child: Child, reason: string, ranMs: number): Promise<void> {
    if (ranMs > STABLE_MS) child.crashes = 0
    let detail = reason
    while (child.wanted) {
      const restartInMs = Math.min(maxBackoffMs, firstBackoffMs * 2 ** child.crashes)
      child.crashes++
      tell(child.spec.name, { kind: 'crashed', detail, restartInMs })
      const pause = new AbortController()
      child.restarting = pause
      await sleep(restartInMs, undefined, { signal: pause.signal }).catch((error: unknown) => {
        if (!pause.signal.aborted) throw error // aborted: being stopped, the loop ends by `wanted`
      })
      child.restarting = null
      if (!child.wanted) return
      try {
        await launch(child)
        return
      } catch (error) {
        if (!(error instanceof ChildFailedError)) throw error
        await end(child, 1000) // silent but alive
        detail = error.message
      }
    }
  }

  async function end(child: Child, graceMs: number): Promise<boolean> {
    child.restarting?.abort()
    const { identity } = child
    if (identity === null) return false
    const killed = await endProcess(identity, graceMs)
    killGroup(identity.pid)
    await child.exited // the process table shows the end before Node tells of it; its listener writes to the run file
    runFile.removeProcess(identity.pid)
    return killed
  }

  /** Stops one child for good. */
  async function stopOne(name: string, graceMs?: number): Promise<void> {
    const child = children.get(name)
    if (child === undefined) return
    child.wanted = false
    const startedAt = performance.now()
    const killed = await end(child, Math.min(graceMs ?? Infinity, child.spec.stopGraceMs ?? 8000))
    children.delete(name)
    tell(name, { kind: 'stopped', seconds: (performance.now() - startedAt) / 1000, killed })
  }

  /** Stops a child and keeps it down, without restarts, until the returned function starts it again and it answers. */
  async function hold(name: string): Promise<() => Promise<void>> {
    const child = children.get(name)
    if (child === undefined) throw new Error(`no child named ${name} is supervised`)
    child.wanted = false
    await end(child, child.spec.stopGraceMs ?? 8000)
    return async () => {
      child.wanted = true
      await launch(child)
    }
  }

  return {
    start,
    stopOne,
    hold,
    /** Stops everything (or the layers from `fromLayer` up), highest layer first, within `deadlineMs` in all (default 14 s). */
    async stop({ deadlineMs = 14_000, fromLayer = Number.NEGATIVE_INFINITY } = {}): Promise<void> {
      const deadline = performance.now() + deadlineMs
      const stopping = [...children.values()].filter(({ spec }) => spec.layer >= fromLayer)
      for (const child of stopping) child.wanted = false // no restarts while the rest goes down
      const layers = [...new Set(stopping.map(({ spec }) => spec.layer))].sort((a, b) => b - a)
      for (const [index, layer] of layers.entries()) {
        const layersLeft = layers.length - index
        const left = Math.max(500, deadline - performance.now())
        // Each layer may use what is left, less a second for each that follows.
        const grace = Math.max(500, left - (layersLeft - 1) * 1000 - 500)
        await Promise.all(stopping.filter(({ spec }) => spec.layer === layer).map(({ spec }) => stopOne(spec.name, grace)))
      }
    },
    /** Names and pids of what runs now. */
    running(): { name: string; pid: number }[] {
      return [...children.values()].flatMap(({ spec, identity }) =>
        identity === null ? [] : [{ name: spec.name, pid: identity.pid }],
      )
    },
    /** For the launcher's `exit` event only, where nothing can be awaited: tells every child to end. */
    signalAll(signal: NodeJS.Signals = 'SIGTERM'): void {
      for (const { process: child } of children.values()) child?.kill(signal)
    },
  }
}

function spawnChild(spec: ChildSpec, logFile: string): ChildProcess {
  if ((statSync(logFile, { throwIfNoEntry: false })?.size ?? 0) > LOG_ROTATE_BYTES) renameSync(logFile, `${logFile}.1`)
  const log = openSync(logFile, 'a')
  try {
    return spawn(spec.command, [...spec.args], {
      ...(spec.cwd === undefined ? {} : { cwd: spec.cwd }),
      env: Object.fromEntries(Object.entries(spec.env).filter(([, value]) => value !== undefined)),
      stdio: spec.ipc ? ['ignore', log, log, 'ipc'] : ['ignore', log, log],
      // A process group of its own: Ctrl-C in the terminal reaches the launcher only, which then stops the children in order.
      detached: true,
    })
  } finally {
    closeSync(log)
  }
}

function logTail(file: string): string {
  return readFileSync(file, 'utf8').trimEnd().split('\n').slice(-LOG_TAIL_LINES).join('\n')
}

type DistributiveOmit<T, K extends PropertyKey> = T extends unknown ? Omit<T, K> : never
