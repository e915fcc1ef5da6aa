/**
 * kafkajs 2.2.4 re-arms a 0-1 ms timer per connection for ever, even with nothing pending (kafkajs#1556, #1704, #1751): about 900
 * wake-ups a second for an idle consumer. A queue with nothing pending and no throttle in effect needs no timer: the next push()
 * or response looks at the queue anyway.
 */
import { createRequire } from 'node:module'

type RequestQueue = { pending: unknown[]; throttledUntil: number; scheduleCheckPendingRequests: (this: RequestQueue) => void }

const require = createRequire(import.meta.url)
const queueClass = require('kafkajs/src/network/requestQueue') as { prototype: RequestQueue }
const original = queueClass.prototype.scheduleCheckPendingRequests

queueClass.prototype.scheduleCheckPendingRequests = function scheduleOnlyWhenNeeded(this: RequestQueue): void {
  if (this.pending.length === 0 && this.throttledUntil <= Date.now()) return
  original.call(this)
}
