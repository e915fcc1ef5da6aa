/** A few worker threads that fit models, one history each at a time. */
import { Worker } from 'node:worker_threads'
import type { FamilyAnswer } from '../../forecasting/comparison/index.ts'
import type { Site, TrainingSet } from '../../forecasting/models/index.ts'
import { messageOf } from '../../infra/runtime/errors.ts'
import type { ForecastVariable } from '../../schemas/quantities.ts'
import type { FitAnswer, FitAnswers, FitRequest, ForecastRequest } from './fit-worker.ts'

export type FitPool = {
  readonly size: number
  /**
   * Resolves with the model or the refusal of each variable. A worker that crashes or takes too long is an answer too, and is replaced;
   * of several variables each is then tried alone, so that only the one to blame is refused.
   */
  fit(history: TrainingSet, variables: readonly ForecastVariable[], site: Site | null): Promise<FitAnswers>
  /** Resolves with what a family forecasts of the newest weeks (forecasting/comparison), or its refusal, of each variable; lost workers as with `fit`. */
  forecast(
    history: TrainingSet,
    variables: readonly ForecastVariable[],
    family: string,
  ): Promise<ReadonlyMap<ForecastVariable, FamilyAnswer>>
  close(): Promise<void>
}

type Answers = ReadonlyMap<ForecastVariable, FitAnswer | FamilyAnswer>
type Ended = { readonly answers: Answers } | { readonly lost: string }
type Lost = { readonly ok: false; readonly refused: string }
type Job = {
  readonly request: FitRequest | ForecastRequest
  readonly resolve: (ended: Ended) => void
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

  const finish = (worker: Worker, ended: Ended): void => {
    const job = running.get(worker)
    running.delete(worker)
    clearTimeout(job?.timer)
    job?.resolve(ended)
  }
  const replace = (worker: Worker, lost: string): void => {
    const at = idle.indexOf(worker)
    if (at >= 0) idle.splice(at, 1)
    finish(worker, { lost })
    if (!closed) spawn()
  }
  const spawn = (): void => {
    const worker = new Worker(new URL('./fit-worker.ts', import.meta.url), {
      resourceLimits: { maxOldGenerationSizeMb: MEMORY_LIMIT_MB },
    })
    worker.on('message', (answers: Answers) => {
      finish(worker, { answers })
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

  const ask = async <Answer extends FitAnswer | FamilyAnswer>(
    request: Job['request'],
  ): Promise<ReadonlyMap<ForecastVariable, Answer | Lost>> => {
    const ended = await new Promise<Ended>((resolve) => {
      waiting.push({ request, resolve })
      next()
    })
    // A worker answers what it was asked.
    if ('answers' in ended) return ended.answers as ReadonlyMap<ForecastVariable, Answer>
    const { variables } = request
    if (variables.length > 1) {
      const alone = await Promise.all(variables.map((variable) => ask<Answer>({ ...request, variables: [variable] })))
      return new Map(alone.flatMap((answers) => [...answers]))
    }
    return new Map(variables.map((variable) => [variable, { ok: false, refused: ended.lost }]))
  }
  return {
    size,
    fit: (history, variables, site) => ask<FitAnswer>({ what: 'fit', history, variables, site }),
    forecast: (history, variables, family) => ask<FamilyAnswer>({ what: 'forecast', history, variables, family }),
    async close() {
      closed = true
      for (const job of running.values()) clearTimeout(job.timer)
      await Promise.all([...idle, ...running.keys()].map((worker) => worker.terminate()))
    },
  }
}
