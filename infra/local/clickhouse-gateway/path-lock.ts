/** One gateway per data directory: a lock file naming the process that holds it. */
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { z } from 'zod'
import { identityOf, isRunning } from '../process-identity.ts'

const IdentitySchema = z.object({ pid: z.int(), startedAt: z.string() })

/** Returns the release. Throws when a running process holds the lock; a lock left by a killed one is taken over. */
export function lockPath(file: string): () => void {
  const own = identityOf(process.pid)
  if (own === null) throw new Error('This process has no entry in the process table.')
  // Two attempts: the second after a stale lock was removed. `wx` lets exactly one of several starters win.
  for (const attempt of [1, 2]) {
    try {
      writeFileSync(file, JSON.stringify(own), { flag: 'wx', mode: 0o600 })
      return () => rmSync(file, { force: true })
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    }
    const holder = readHolder(file)
    if (holder !== undefined && isRunning(holder))
      throw new Error(`Another gateway (process ${holder.pid}) holds this path: ${file}`)
    if (attempt === 1) rmSync(file, { force: true })
  }
  throw new Error(`Another gateway has just taken this path: ${file}`)
}

function readHolder(file: string): z.infer<typeof IdentitySchema> | undefined {
  try {
    return IdentitySchema.safeParse(JSON.parse(readFileSync(file, 'utf8'))).data
  } catch {
    // Cut off by a kill while it was written, or removed meanwhile: nobody holds it. The engine has a lock of its own besides.
    return undefined
  }
}
