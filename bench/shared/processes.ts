/** Processes of their own, as services run in production, with what the system says of their cost. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const ISOBAR = fileURLToPath(new URL('../../cli/main.ts', import.meta.url))
/** USER_HZ of Linux on every architecture Node runs on. */
const TICKS_PER_SECOND = 100

export type BenchProcess = {
  readonly pid: number
  /** Rejects when the process ends before it was asked to. */
  readonly failed: Promise<never>
  /** SIGKILL, or SIGTERM and wait. */
  kill(): Promise<void>
  stop(): Promise<void>
}

/** `isobar run SERVICE…` in a process. */
export function startService(
  services: readonly string[],
  env: Readonly<Record<string, string>>,
  nodeFlags: readonly string[] = [],
): BenchProcess {
  return startNode([...nodeFlags, ISOBAR, 'run', ...services], env)
}

export function startNode(args: readonly string[], env: Readonly<Record<string, string>>): BenchProcess {
  return startProcess(process.execPath, ['--no-warnings=ExperimentalWarning', ...args], env)
}

export function startProcess(command: string, args: readonly string[], env: Readonly<Record<string, string>>): BenchProcess {
  const child = spawn(command, args, { env: { ...process.env, ...env }, stdio: ['ignore', 'ignore', 'inherit'] })
  let ending = false
  const exited = once(child, 'exit')
  const failed = exited.then(([code, signal]) => {
    if (ending) return new Promise<never>(() => {})
    throw new Error(`${command} ${args.join(' ')} ended by itself (${signal ?? code})`)
  })
  failed.catch(() => undefined)
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return
    ending = true
    child.kill(signal)
    await exited
  }
  return { pid: child.pid ?? -1, failed, kill: () => end('SIGKILL'), stop: () => end('SIGTERM') }
}

/** BENCH_PROFILE=folder leaves a CPU profile of every process that is measured there. */
export function profileFlags(name: string): string[] {
  const folder = process.env['BENCH_PROFILE']
  return folder ? ['--cpu-prof', `--cpu-prof-dir=${folder}`, `--cpu-prof-name=${name}-${Date.now()}.cpuprofile`] : []
}

/** CPU seconds of a process since it started, user and system; null where the system does not tell (it does on Linux). */
export function cpuSecondsOf(pid: number): number | null {
  if (process.platform !== 'linux') return null
  // The name in brackets may hold spaces; what follows it is split by them. utime and stime are fields 14 and 15 of proc_pid_stat(5).
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /s, '')
    .split(' ')
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND
}

/** Resident memory, KiB; null where the system does not tell. */
export function memoryKibOf(pid: number): number | null {
  if (process.platform !== 'linux') return null
  const line = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))
  return line ? Number(line[1]) : null
}
