import { createRequire } from 'node:module'
import { expect, it } from 'vitest'
import './patch-coordinator.ts'

const require = createRequire(import.meta.url)
const { KafkaJSGroupCoordinatorNotFound, KafkaJSNonRetriableError } = require('kafkajs/src/errors') as Record<
  string,
  new (message: string) => Error & { retriable: boolean }
>
const createRetry = require('kafkajs/src/retry') as (
  options: object,
) => <T>(call: (bail: (error: Error) => void, count: number) => Promise<T>) => Promise<T>

const failing = (Failure: new (message: string) => Error) => {
  let tries = 0
  const retrier = createRetry({ initialRetryTime: 1, maxRetryTime: 1, retries: 5 })
  return retrier(() => (++tries < 3 ? Promise.reject(new Failure('away')) : Promise.resolve(tries)))
}

it('looks for a group coordinator again when no broker answered', async () => {
  expect(new (KafkaJSGroupCoordinatorNotFound as never as typeof Error)('away')).toMatchObject({
    name: 'KafkaJSGroupCoordinatorNotFound',
    retriable: true,
  })
  await expect(failing(KafkaJSGroupCoordinatorNotFound as never)).resolves.toBe(3)
})

it('leaves other errors that no retry mends as they are', async () => {
  await expect(failing(KafkaJSNonRetriableError as never)).rejects.toThrow('away')
})
