import { createRequire } from 'node:module'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, expect, it, vi } from 'vitest'
import './patch-idle-timer.ts'

type Queue = {
  pending: unknown[]
  inflight: Map<number, unknown>
  throttledUntil: number
  push(request: unknown): void
  fulfillRequest(response: unknown): void
  checkPendingRequests(): void
  scheduleRequestTimeoutCheck(): void
  destroy(): void
}
const RequestQueue = createRequire(import.meta.url)('kafkajs/src/network/requestQueue') as new (options: object) => Queue
const logger = { debug: () => undefined, warn: () => undefined }
const open = (maxInFlightRequests: number | null) =>
  new RequestQueue({
    maxInFlightRequests,
    requestTimeout: 1000,
    enforceRequestTimeout: false,
    clientId: 't',
    broker: 'b',
    logger,
  })
const request = (correlationId: number, sent: number[], reject: (error: Error) => void = () => undefined) => ({
  entry: { correlationId, resolve: () => undefined, reject },
  expectResponse: true,
  sendRequest: () => void sent.push(correlationId),
})

afterEach(() => void vi.restoreAllMocks())

it('arms no timer while nothing is pending', async () => {
  const queue = open(null)
  const timers = vi.spyOn(globalThis, 'setTimeout')
  queue.checkPendingRequests()
  queue.push(request(1, []))
  queue.fulfillRequest({ correlationId: 1, payload: null, size: 0 })
  await sleep(50)
  expect(timers).not.toHaveBeenCalled()
})

it('still sends what waits behind the in-flight limit or a throttle', async () => {
  const sent: number[] = []
  const queue = open(1)
  queue.push(request(1, sent))
  queue.push(request(2, sent))
  expect(sent).toEqual([1])
  queue.fulfillRequest({ correlationId: 1, payload: null, size: 0 })
  expect(sent).toEqual([1, 2])
  queue.fulfillRequest({ correlationId: 2, payload: null, size: 0 })
  queue.throttledUntil = Date.now() + 60
  queue.push(request(3, sent))
  expect(sent).toEqual([1, 2])
  await vi.waitFor(() => expect(sent).toEqual([1, 2, 3]), { timeout: 30_000 })
  queue.destroy()
})

it('looks for timed-out requests once a second, and fails them', async () => {
  vi.useFakeTimers()
  const queue = new RequestQueue({ requestTimeout: 5000, enforceRequestTimeout: true, clientId: 't', broker: 'b', logger })
  const errors: string[] = []
  queue.push(request(1, [], (error) => void errors.push(error.name)))
  const looks = vi.spyOn(queue.inflight, 'values')
  queue.scheduleRequestTimeoutCheck()
  await vi.advanceTimersByTimeAsync(4500)
  expect([looks.mock.calls.length, errors]).toEqual([4, []])
  await vi.advanceTimersByTimeAsync(2000)
  expect(errors).toEqual(['KafkaJSRequestTimeoutError'])
  queue.destroy()
  vi.useRealTimers()
})
