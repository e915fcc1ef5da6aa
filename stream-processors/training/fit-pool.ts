/** A few worker threads that fit models, one job each at a time. */
import { Worker } from 'node:worker_threads'
import type { TrainingSet } from '../../forecasting/models/index.ts'
import type { ForecastVariable } from '../../schemas/quantities.ts'
import type { FitAnswer, FitRequest } from './fit-worker.ts'

export type FitPool = {
  /** Resolves with the model or the refusal; a crashed worker rejects its job and is replaced. */
  fit(history: TrainingSet, variable: ForecastVariable): Promise<FitAnswer>
  close(): Promise<void>
}

type Job = {
  readonly request: FitRequest
  readonly resolve: (answer: FitAnswer) => void
  readonly reject: (error: unknown) => void
}

export function openFitPool(size: number): FitPool {
  const idle: Worker[] = []
  const running = new Map<Worker, Job>()
  const waiting: Job[] = []
  let closed = false
  let nextId = 0

  const spawn = (): void => {
    const worker = new Worker(new URL('./fit-worker.ts', import.meta.url))
    worker.on('message', (answer: FitAnswer) => {
      running.get(worker)?.resolve(answer)
      running.delete(worker)
      idle.push(worker)
      next()
    })
    worker.on('error', (error) => {
      running.get(worker)?.reject(error)
      running.delete(worker)
      if (!closed) spawn()
    })
    idle.push(worker)
    next()
  }
  const next = (): void => {
    const worker = waiting.length > 0 ? idle.pop() : undefined
    const job = worker && waiting.shift()
    if (!worker || !job) return
    running.set(worker, job)
    worker.postMessage(job.request)
  }
  for (let i = 0; i < size; i++) spawn()

  return {
    fit: (history, variable) =>
      new Promise((resolve, reject) => {
        waiting.push({ request: { id: nextId++, history, variable }, resolve, reject })
        next()
      }),
    async close() {
      closed = true
      await Promise.all([...idle, ...running.keys()].map((worker) => worker.terminate()))
    },
  }
}
