// A pid alone does not name a process: numbers are reused. Pid and start time together do.
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'

/** `startedAt` is an opaque mark (Linux: boot id and start tick; elsewhere: ps's start date), to be compared for equality only. */
export type ProcessIdentity = { pid: number; startedAt: string }

const POLL_MS = 50

/** Identity of a running process; null when there is none with this pid, or it is a zombie. */
export function identityOf(pid: number): ProcessIdentity | null {
  const startedAt = process.platform === 'linux' ? linuxStart(pid) : psStart(pid)
  return startedAt === null ? null : { pid, startedAt }
}

export function isRunning(identity: ProcessIdentity): boolean {
  return identityOf(identity.pid)?.startedAt === identity.startedAt
}

/**
 * Ends a process that this program or an earlier run of it started as the leader of its own process group: SIGTERM, and SIGKILL to
 * the whole group after `graceMs`. Does nothing when the pid now belongs to another process. Resolves true when it had to be killed.
 */
export async function endProcess(
  identity: ProcessIdentity,
  graceMs: number,
  signal: NodeJS.Signals = 'SIGTERM',
): Promise<boolean> {
  if (!isRunning(identity)) return false
  sendSignal(identity.pid, signal)
  if (await isGone(identity, graceMs)) return false
  killGroup(identity.pid)
  sendSignal(identity.pid, 'SIGKILL')
  await isGone(identity, 2000)
  return true
}

/** Polls until the process is gone; false when it still runs after `timeoutMs`. */
async function isGone(identity: ProcessIdentity, timeoutMs: number): Promise<boolean> {
  const deadline = performance.now() + timeoutMs
  while (isRunning(identity)) {
    if (performance.now() >= deadline) return false
    await sleep(POLL_MS)
  }
  return true
}

/** SIGKILL to a process group; no error when it has no members any more. */
export function killGroup(leaderPid: number): void {
  sendSignal(-leaderPid, 'SIGKILL')
}

function sendSignal(target: number, signal: NodeJS.Signals): void {
  try {
    process.kill(target, signal)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

function linuxStart(pid: number): string | null {
  let stat: string
  try {
    stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  } catch {
    return null // no such process
  }
  // The command name (field 2) is in parentheses and may hold spaces and parentheses: count from the last one. State is field 3, start tick 22.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const state = fields[0]
  const startTick = fields[19]
  if (startTick === undefined || state === 'Z' || state === 'X') return null
  return `${bootId()}:${startTick}`
}

let knownBootId: string | undefined
function bootId(): string {
  knownBootId ??= readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
  return knownBootId
}

function psStart(pid: number): string | null {
  try {
    const line = execFileSync('ps', ['-o', 'stat=,lstart=', '-p', String(pid)], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim()
    return line === '' || line.startsWith('Z') ? null : line.replace(/^\S+\s+/, '')
  } catch {
    return null // ps exits non-zero when there is no such process
  }
}
