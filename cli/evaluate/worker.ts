/** One thread of `isobar evaluate`. */
import { parentPort, workerData } from 'node:worker_threads'
import { runOrigins, type Share } from './origins.ts'

// A worker thread, not a window: there is no origin.
// oxlint-disable-next-line unicorn/require-post-message-target-origin
for (const result of runOrigins(workerData as Share)) parentPort?.postMessage(result)
