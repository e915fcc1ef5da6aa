/** All records of a processor, with what changed since it was last known to be stored. */
import type { StateRow } from './processor-state.ts'

export type Memory = {
  /** The type of a record goes with its key (records.ts of each processor); the caller names it. */
  // oxlint-disable-next-line typescript/no-unnecessary-type-parameters
  get<T>(key: string): T | undefined
  set(key: string, value: unknown): void
  delete(key: string): void
  keys(prefix: string): string[]
  /** Rows for everything not yet known to be stored. Calling again without markStored gives them again: a failed write loses nothing. */
  unstoredRows(): StateRow[]
  markStored(rows: readonly StateRow[]): void
  /** Replaces everything by what was stored. */
  restore(states: ReadonlyMap<string, unknown>): void
}

export function createMemory(processor: string, nextVersion: () => number): Memory {
  const records = new Map<string, unknown>()
  /** Key → version of the row made of its present value; null when no row was made yet. */
  const unstored = new Map<string, number | null>()
  return {
    // oxlint-disable-next-line typescript/no-unnecessary-type-parameters
    get<T>(key: string) {
      return records.get(key) as T | undefined
    },
    set(key, value) {
      records.set(key, value)
      unstored.set(key, null)
    },
    delete(key) {
      if (records.delete(key)) unstored.set(key, null)
    },
    keys(prefix) {
      return [...records.keys()].filter((key) => key.startsWith(prefix))
    },
    unstoredRows() {
      let fresh: number | null = null
      return [...unstored].map(([stateKey, known]) => {
        const version = known ?? (fresh ??= nextVersion())
        unstored.set(stateKey, version)
        return { processor, stateKey, state: JSON.stringify(records.get(stateKey) ?? null), version }
      })
    },
    markStored(rows) {
      for (const row of rows) {
        if (unstored.get(row.stateKey) === row.version) unstored.delete(row.stateKey)
      }
    },
    restore(states) {
      records.clear()
      unstored.clear()
      for (const [key, value] of states) records.set(key, value)
    },
  }
}
