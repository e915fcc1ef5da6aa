/** Which partitions are ours, and whether all of them have been read to their ends. */
import type { RuleTopic } from './engine.ts'

/** A partition that delivered nothing for this long after assignment has nothing waiting (fetches answer within 0.25 s). */
const QUIET_AFTER_MS = 10_000

export type Assignment = {
  assign(partitions: ReadonlyArray<{ topic: RuleTopic; partition: number }>): void
  readonly noteSlice: (topic: RuleTopic, partition: number, caughtUp: boolean) => void
  isKnown(): boolean
  timerScope(): { mayJudgeSilence: boolean; ownsObservations: (partition: number) => boolean; ownsModels: boolean }
}

export function createAssignment(wallNow: () => number): Assignment {
  let assignedAt: number | null = null
  const partitions = new Map<string, { caughtUp: boolean | null }>()
  const keyOf = (topic: RuleTopic, partition: number): string => `${topic}/${partition}`
  return {
    assign(owned) {
      assignedAt = wallNow()
      partitions.clear()
      for (const { topic, partition } of owned) partitions.set(keyOf(topic, partition), { caughtUp: null })
    },
    noteSlice(topic, partition, caughtUp) {
      partitions.set(keyOf(topic, partition), { caughtUp })
    },
    isKnown: () => assignedAt !== null,
    timerScope() {
      const isQuiet = assignedAt !== null && wallNow() - assignedAt >= QUIET_AFTER_MS
      return {
        // Partitions are read at their own speed: while one lags, its stations only look silent.
        mayJudgeSilence: [...partitions.values()].every(({ caughtUp }) => caughtUp ?? isQuiet),
        ownsObservations: (partition) => partitions.has(keyOf('weather.observation-checked.v1', partition)),
        ownsModels: partitions.has(keyOf('model.lifecycle.v1', 0)) && partitions.has(keyOf('model.status.v1', 0)),
      }
    },
  }
}
