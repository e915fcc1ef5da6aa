/** A few worker threads that fit models, one job each at a time. */
import { Worker } from 'node:worker_threads'
import type { TrainingSet } from '../../forecasting/models/index.ts'
import { messageOf } from '../../infra/runtime/errors.ts'
import type { ForecastVariable } from '../../schemas/quantities.ts'
import type { FitAnswer, FitRequest } from './fit-worker.ts'

export type FitPool = {
  /** Resolves with the model or the refusal. A worker that crashes or takes too long is an answer too, and is replaced. */
  fit(history: TrainingSet, variable: ForecastVariable): Promise<FitAnswer>
  close(): Promise<void>
}

type Job = {
  readonly request: FitRequest
  readonly resolve: (answer: FitAnswer) => void
  timer?: NodeJS.Timeout
}

/** Wall time after which a fit is given up. */
const TIME_LIMIT_MS = 5 * 60_000
const MEMORY_LIMIT_MB = 2048

export function openFitPool(size: number, timeLimitMs: number = TIME_LIMIT_MS): FitPool {
  const idle: Worker[] = []
  const running = new Map<Worker, Job>()
  const waiting: Job[] = []
  let closed = false
  let nextId = 0

  const finish = (worker: Worker, answer: FitAnswer): void => {
    const job = running.get(worker)
    running.delete(worker)
    clearTimeout(job?.timer)
    job?.resolve(answer)
  }
  const replace = (worker: Worker, refused: string): void => {
    const id = running.get(worker)?.request.id ?? -1
    const at = idle.indexOf(worker)
    if (at >= 0) idle.splice(at, 1)
    finish(worker, { id, ok: false, refused })
    if (!closed) spawn()
  }
  const spawn = (): void => {
    const worker = new Worker(new URL('./fit-worker.ts', import.meta.url), {
      resourceLimits: { maxOldGenerationSizeMb: MEMORY_LIMIT_MB },
    })
    worker.on('message', (answer: FitAnswer) => {
      finish(worker, answer)
      idle.push(worker)
      next()
    })
    worker.on('error', (error) => replace(worker, `crashed: ${messageOf(error)}`))
    idle.push(worker)
    next()
  }
  const next = (): void => {
    const worker = waiting.length > 0 ? idle.pop() : undefined
    const job = worker && waiting.shift()
    if (!worker || !job) return
    running.set(worker, job)
    job.timer = setTimeout(() => {
      replace(worker, `too-slow: no model within ${timeLimitMs / 1000} s`)
      void worker.terminate()
    }, timeLimitMs)
    // A worker thread, not a window: there is no origin.
    // oxlint-disable-next-line unicorn/require-post-message-target-origin
    worker.postMessage(job.request)
  }
  for (let i = 0; i < size; i++) spawn()

  return {
    fit: (history, variable) =>
      new Promise((resolve) => {
        waiting.push({ request: { id: nextId++, history, variable }, resolve })
        next()
      }),
    async close() {
      closed = true
      for (const job of running.values()) clearTimeout(job.timer)
      await Promise.all([...idle, ...running.keys()].map((worker) => worker.terminate()))
    },
  }
}
