/**
 * How far the services are behind what was replayed. A live hour lasts an hour, and a training is over long before the next; a replay
 * that does not wait asks more of a slow machine than live data ever would, and then decides other things than the same data live.
 */
import { pause } from '../../infra/runtime/backoff.ts'
import { isTransient } from '../../infra/runtime/errors.ts'
import type { PartitionLag } from '../../infra/runtime/kafka/index.ts'
import type { Logger } from '../../infra/runtime/log.ts'
import { eventsPerHour, STAGES, TRAINING_STAGE, type StageSpec } from '../../schemas/stages.ts'
import type { TopicName } from '../../schemas/topics.ts'
import type { Others } from './replay.ts'

export const WATCHED: readonly StageSpec[] = [...STAGES, TRAINING_STAGE]

export type Backlog = {
  /** The stage that is furthest behind, in event hours of the whole network. */
  readonly stage: string
  readonly hours: number
}

/** `lags`: of WATCHED, in that order. An open training counts as endless: whatever it is about waits for it. */
export function decideBacklog(
  lags: ReadonlyArray<readonly PartitionLag[]>,
  network: { readonly stations: number; readonly models: number },
): Backlog {
  let worst: Backlog = { stage: 'none', hours: 0 }
  WATCHED.forEach((stage, index) => {
    for (const { topic, lag } of sumByTopic(lags[index] ?? [])) {
      if (lag === 0) continue
      const hours = stage === TRAINING_STAGE ? Number.POSITIVE_INFINITY : lag / Math.max(1, eventsPerHour(topic, network))
      if (hours > worst.hours) worst = { stage: stage.name, hours }
    }
  })
  return worst
}

function sumByTopic(rows: readonly PartitionLag[]): Array<{ topic: TopicName; lag: number }> {
  return [...Map.groupBy(rows, ({ topic }) => topic)].map(([topic, group]) => ({
    topic,
    lag: group.reduce((sum, { lag }) => sum + lag, 0),
  }))
}

/** A look costs a request to the brokers: at most this often. */
const LOOK_EVERY_MS = 250
const TELL_AFTER_MS = 5_000

export type BacklogDeps = {
  readonly read: () => Promise<ReadonlyArray<readonly PartitionLag[]>>
  readonly network: { readonly stations: number; readonly models: number }
  readonly maxBehindHours: number
  /** Wall time, ms. */
  readonly nowMs: () => number
  readonly log: Pick<Logger, 'info' | 'warn'>
}

/** Waits while any stage is more than `maxBehindHours` behind. Brokers that are away are waited for, too. */
export function createOthers({ read, network, maxBehindHours, nowMs, log }: BacklogDeps): Others {
  let lookedMs = Number.NEGATIVE_INFINITY
  return {
    async keptUp(signal) {
      if (nowMs() - lookedMs < LOOK_EVERY_MS) return
      const startedMs = nowMs()
      let toldMs = startedMs
      while (!signal.aborted) {
        const backlog = await look()
        lookedMs = nowMs()
        if (backlog !== null && backlog.hours <= maxBehindHours) return
        if (lookedMs - toldMs >= TELL_AFTER_MS) {
          toldMs = lookedMs
          log.info({ ...backlog, waitedSeconds: Math.round((lookedMs - startedMs) / 1000) }, 'replay waits for the services')
        }
        await pause(LOOK_EVERY_MS, signal)
      }
    },
  }

  async function look(): Promise<Backlog | null> {
    try {
      return decideBacklog(await read(), network)
    } catch (error) {
      if (!isTransient(error)) throw error
      log.warn({ error }, 'replay cannot see how far the services are; asking again')
      return null
    }
  }
}
