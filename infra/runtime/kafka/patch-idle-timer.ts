/**
 * kafkajs 2.2.4 re-arms a 0-1 ms timer per connection for ever, even with nothing pending (kafkajs#1556, #1704, #1751): about 900
 * wake-ups a second for an idle consumer. A queue with nothing pending and no throttle in effect needs no timer: the next push()
 * or response looks at the queue anyway.
 */
import { createRequire } from 'node:module'

type RequestQueue = {
  pending: unknown[]
  throttledUntil: number
  enforceRequestTimeout: boolean
  requestTimeout: number
  requestTimeoutIntervalId: NodeJS.Timeout
  inflight: Map<number, { sentAt: number; requestTimeout: number; timeoutRequest(): void }>
  isConnected(): boolean
  destroy(): void
  scheduleCheckPendingRequests: (this: RequestQueue) => void
  scheduleRequestTimeoutCheck: (this: RequestQueue) => void
}

const require = createRequire(import.meta.url)
const queueClass = require('kafkajs/src/network/requestQueue') as { prototype: RequestQueue }
const original = queueClass.prototype.scheduleCheckPendingRequests

queueClass.prototype.scheduleCheckPendingRequests = function scheduleOnlyWhenNeeded(this: RequestQueue): void {
  if (this.pending.length === 0 && this.throttledUntil <= Date.now()) return
  original.call(this)
}

/** Requests time out after tens of seconds: looking ten times a second per connection, as kafkajs does, finds them no sooner. */
const TIMEOUT_CHECK_MS = 1000

queueClass.prototype.scheduleRequestTimeoutCheck = function checkEverySecond(this: RequestQueue): void {
  if (!this.enforceRequestTimeout) return
  this.destroy()
  this.requestTimeoutIntervalId = setInterval(
    () => {
      for (const request of Array.from(this.inflight.values())) {
        if (Date.now() - request.sentAt > request.requestTimeout) request.timeoutRequest()
      }
      if (!this.isConnected()) this.destroy()
    },
    Math.min(this.requestTimeout, TIMEOUT_CHECK_MS),
  )
}
