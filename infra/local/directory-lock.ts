// One start at a time on a data folder: held for the moment in which a launcher looks at the run file and writes its own.
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import type { ProcessIdentity } from './process-identity.ts'
import { identityOf, isRunning } from './process-identity.ts'

const POLL_MS = 50
const PATIENCE_MS = 30_000

/** A lock file holding pid and start time of its holder; that of a dead holder is taken over. */
export async function takeLock(file: string): Promise<{ release: () => void }> {
  const me = identityOf(process.pid)
  const deadline = performance.now() + PATIENCE_MS
  for (;;) {
    try {
      writeFileSync(file, JSON.stringify(me), { flag: 'wx' })
      let held = true
      return {
        release(): void {
          if (held) rmSync(file, { force: true })
          held = false
        },
      }
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    }
    const holder = readHolder(file)
    if (holder !== null && !isRunning(holder)) rmSync(file, { force: true })
    else if (performance.now() > deadline)
      throw new Error(`${file} is held by process ${holder?.pid ?? 'unknown'}; delete it if that is not Isobar`)
    else await sleep(POLL_MS)
  }
}

function readHolder(file: string): ProcessIdentity | null {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as ProcessIdentity
  } catch {
    return null // just released, or just created and not yet written
  }
}
