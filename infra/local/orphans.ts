// Processes that a launcher left behind when it was killed.
import { endProcess } from './process-identity.ts'
import type { RecordedProcess } from './run-file.ts'

const GRACE_MS = 8000

/** Ends them in stop order (highest layer first, a layer at once), by pid and start time. Resolves with their names. */
export async function endOrphans(orphans: readonly RecordedProcess[]): Promise<string[]> {
  const layers = [...new Set(orphans.map(({ layer }) => layer))].sort((a, b) => b - a)
  for (const layer of layers) {
    await Promise.all(orphans.filter((orphan) => orphan.layer === layer).map((orphan) => endProcess(orphan, GRACE_MS)))
  }
  return orphans.map(({ name }) => name)
}
