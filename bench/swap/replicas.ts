/** Inference replicas as processes of their own, as they run in production. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const MAIN = fileURLToPath(new URL('../../cli/main.ts', import.meta.url))

export type Replica = {
  readonly id: string
  /** Resident memory, KiB; null where the system does not tell (it does on Linux). */
  memoryKib(): number | null
  /** SIGKILL, or SIGTERM and wait. */
  kill(): Promise<void>
  stop(): Promise<void>
}

export function startReplica(id: string, env: Readonly<Record<string, string>>): Replica {
  const child: ChildProcess = spawn(process.execPath, ['--no-warnings=ExperimentalWarning', MAIN, 'run', 'inference'], {
    env: { ...process.env, ...env, REPLICA_ID: id },
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return
    const gone = once(child, 'exit')
    child.kill(signal)
    await gone
  }
  const memoryKib = (): number | null => {
    if (process.platform !== 'linux' || child.pid === undefined) return null
    const line = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))
    return line ? Number(line[1]) : null
  }
  return { id, memoryKib, kill: () => end('SIGKILL'), stop: () => end('SIGTERM') }
}
