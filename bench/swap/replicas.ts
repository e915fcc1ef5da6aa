/** Inference replicas as processes of their own, as they run in production. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

const MAIN = fileURLToPath(new URL('../../cli/main.ts', import.meta.url))

export type Replica = {
  readonly id: string
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
  return { id, kill: () => end('SIGKILL'), stop: () => end('SIGTERM') }
}
