/**
 * Runs one fit of a family that is not trusted with a process: its own process, a time limit, a memory limit. It may die, hang or eat memory;
 * all of that is a refusal with the reason.
 */
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { PeerAnswer, PeerLimits, PeerRequest } from './protocol.ts'

const CHILD = fileURLToPath(new URL('./child.ts', import.meta.url))
const MAX_ANSWER_BYTES = 64 << 20

/** Blocks: for a worker thread of `isobar evaluate`, never for a service. */
export function runDisposable(request: PeerRequest, { seconds, megabytes }: PeerLimits): PeerAnswer {
  const refused = (why: string): PeerAnswer => ({ ok: false, refused: `${request.family}: ${why}` })
  const { status, signal, error, stdout, stderr } = spawnSync(process.execPath, ['--no-warnings', CHILD, String(megabytes)], {
    input: JSON.stringify(request),
    timeout: seconds * 1000,
    killSignal: 'SIGKILL',
    maxBuffer: MAX_ANSWER_BYTES,
    encoding: 'utf8',
  })
  if (error && 'code' in error && error.code === 'ETIMEDOUT') return refused(`no answer within ${seconds} s`)
  if (error) return refused(error.message)
  if (status !== 0)
    return refused(`its process ended with ${signal ?? `code ${status}`}: ${stderr.trim().split('\n').at(-1) ?? ''}`)
  try {
    return JSON.parse(stdout) as PeerAnswer
  } catch {
    return refused('its answer was cut short')
  }
}
