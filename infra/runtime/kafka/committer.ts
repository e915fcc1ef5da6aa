/** Remembers acknowledged offsets and commits them beside the loop, every 200 ms while there is something to commit. */
import type { Consumer } from 'kafkajs'
import { messageOf } from '../errors.ts'
import type { Logger } from '../log.ts'
import type { ProcessorMetrics } from './processor-metrics.ts'

const COMMIT_INTERVAL_MS = 200

export type Committer = {
  /** `next`: offset of the first message that is not yet done. */
  remember(topic: string, partition: number, next: bigint): void
  /** Commits what is remembered now; failures are counted and tried again, never thrown. */
  flush(): Promise<void>
  /** A new assignment: what was remembered under the old one may belong to somebody else now. */
  reset(): void
  close(): Promise<void>
}

type Position = { topic: string; partition: number; offset: string }

export function createCommitter(
  consumer: Pick<Consumer, 'commitOffsets'>,
  metrics: Pick<ProcessorMetrics, 'commitError'>,
  log: Logger,
): Committer {
  let pending = new Map<string, Position>()
  let timer: NodeJS.Timeout | null = null
  let generation = 0
  let committing: Promise<void> = Promise.resolve()

  const schedule = (): void => {
    timer ??= setTimeout(() => {
      timer = null
      void flush()
    }, COMMIT_INTERVAL_MS)
  }

  const commit = async (): Promise<void> => {
    if (pending.size === 0) return
    const batch = pending
    const mine = generation
    pending = new Map()
    try {
      await consumer.commitOffsets([...batch.values()])
    } catch (error) {
      metrics.commitError()
      log.warn({ reason: messageOf(error) }, 'offset commit failed')
      if (mine !== generation) return
      for (const [key, position] of batch) if (!pending.has(key)) pending.set(key, position)
      schedule()
    }
  }

  /** One commit at a time, in order: an older offset must never overwrite a newer one. */
  const flush = (): Promise<void> => {
    committing = committing.then(commit)
    return committing
  }

  return {
    remember(topic, partition, next) {
      pending.set(`${topic}|${partition}`, { topic, partition, offset: next.toString() })
      schedule()
    },
    flush,
    reset() {
      generation += 1
      pending = new Map()
    },
    async close() {
      await flush()
      if (timer) clearTimeout(timer)
    },
  }
}
