/** Reads from the brokers what a live client missed. One short-lived follower for each; few at a time. */
import { type FollowerDeps, readEnds, startFollower } from '../../infra/runtime/kafka/index.ts'
import { AppError } from '../../infra/runtime/errors.ts'
import { positionKey, type ReadBack, toLiveEvent } from './feed.ts'

const MAX_AT_ONCE = 8

export function createReadBack({ config, log }: Pick<FollowerDeps, 'config' | 'log'>): ReadBack {
  let running = 0
  return async (topics, from, onEvent, signal) => {
    if (running >= MAX_AT_ONCE)
      throw new AppError('too many clients are catching up at once', { code: 'live-busy', retry: 'transient' })
    running++
    try {
      for (const { topic, partition, low } of await readEnds(config, log, topics)) {
        if ((from.get(positionKey(topic, partition)) ?? low) < low) return 'gone'
      }
      let isDone = false
      const follower = await startFollower({
        config,
        log,
        name: 'api-catch-up',
        topics,
        from,
        onEvents: async (events) => {
          for (const event of events) {
            if (isDone || signal.aborted) return
            if (event.value !== null) await onEvent(toLiveEvent(event))
          }
        },
      })
      try {
        const aborted = new Promise<void>((resolve) => {
          if (signal.aborted) resolve()
          signal.addEventListener('abort', () => resolve(), { once: true })
        })
        await Promise.race([follower.caughtUp, follower.failed, aborted])
      } finally {
        isDone = true
        await follower.stop()
      }
      return 'complete'
    } finally {
      running--
    }
  }
}
