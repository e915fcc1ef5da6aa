/** The disposable process: this thread watches memory, a worker thread computes. Usage: child.ts MEGABYTES, the request on stdin. */
import { text } from 'node:stream/consumers'
import { Worker } from 'node:worker_threads'
import type { PeerAnswer, PeerRequest } from './protocol.ts'

const WATCH_MS = 50
const megabytes = Number(process.argv[2])
const request = JSON.parse(await text(process.stdin)) as PeerRequest

function answer(result: PeerAnswer): void {
  process.stdout.write(JSON.stringify(result), () => process.exit(0))
}

const worker = new Worker(new URL('./fit-worker.ts', import.meta.url), { workerData: request })
worker.on('message', answer)
worker.on('error', (error) => answer({ ok: false, refused: `${request.family}: ${error.message}` }))
// WebAssembly memory is outside every heap limit of the engine: only the process's own size tells.
setInterval(() => {
  const used = process.memoryUsage.rss() / 2 ** 20
  if (used > megabytes) answer({ ok: false, refused: `${request.family}: took more than ${megabytes} MB of memory` })
}, WATCH_MS)
