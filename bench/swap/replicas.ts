/** Inference replicas as processes of their own, as they run in production. */
import { memoryKibOf, startService } from '../shared/processes.ts'

export type Replica = {
  readonly id: string
  /** Resident memory, KiB; null where the system does not tell (it does on Linux). */
  memoryKib(): number | null
  /** SIGKILL, or SIGTERM and wait. */
  kill(): Promise<void>
  stop(): Promise<void>
}

export function startReplica(id: string, env: Readonly<Record<string, string>>): Replica {
  const service = startService(['inference'], { ...env, REPLICA_ID: id })
  return { id, memoryKib: () => memoryKibOf(service.pid), kill: () => service.kill(), stop: () => service.stop() }
}
