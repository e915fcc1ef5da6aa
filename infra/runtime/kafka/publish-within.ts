/** Publishing for those who have somebody waiting. */
import { AppError } from '../errors.ts'
import type { Publisher } from './types.ts'

/**
 * A publisher waits for its brokers as long as it takes; a caller over HTTP or at a terminal must not. Rejects with the transient AppError
 * `kafka-timeout`: what was given may still arrive.
 */
export function publishWithin(milliseconds: number, publisher: Pick<Publisher, 'publish'>): Publisher['publish'] {
  return async (events) => {
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(
        () =>
          reject(
            new AppError(`the brokers have not acknowledged within ${milliseconds} ms`, {
              code: 'kafka-timeout',
              retry: 'transient',
            }),
          ),
        milliseconds,
      )
    })
    try {
      await Promise.race([publisher.publish(events), late])
    } finally {
      clearTimeout(timer)
    }
  }
}
