/** Rows of `processor_state`: small states that a processor writes before its offset commits and reads back when assigned. */

export type StateRow = {
  readonly processor: string
  readonly stateKey: string
  /** JSON; 'null' means deleted. */
  readonly state: string
  readonly version: number
}

export type StateReader = {
  query<T>(sql: string, params?: Record<string, unknown>): Promise<T[]>
}

/** All live states of a processor, and the highest version seen (new rows must be above it). */
export async function readStates(
  reader: StateReader,
  processor: string,
): Promise<{ states: Map<string, unknown>; maxVersion: number }> {
  const rows = await reader.query<{ stateKey: string; state: string; version: string | number }>(
    'SELECT stateKey, state, version FROM processor_state WHERE processor = {processor:String}',
    { processor },
  )
  const states = new Map<string, unknown>()
  let maxVersion = 0
  for (const row of rows) {
    maxVersion = Math.max(maxVersion, Number(row.version))
    const state: unknown = JSON.parse(row.state)
    if (state !== null) states.set(row.stateKey, state)
  }
  return { states, maxVersion }
}

/**
 * Versions for ReplacingMergeTree rows: above everything written before, also when the wall clock steps back
 * (microseconds of wall time, or the last version plus one, whichever is larger; < 2^53 until the year 2255).
 */
export function createVersionCounter(wallClockMs: () => number): { next(): number; raiseTo(version: number): void } {
  let last = 0
  return {
    next() {
      last = Math.max(last + 1, Math.floor(wallClockMs() * 1000))
      return last
    },
    raiseTo(version) {
      last = Math.max(last, version)
    },
  }
}
