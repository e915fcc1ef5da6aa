/** A few worker threads that fit models, one history each at a time. */
import { Worker } from 'node:worker_threads'
import type { FamilyAnswer } from '../../forecasting/comparison/index.ts'
import type { Site, TrainingSet } from '../../forecasting/models/index.ts'
import { AppError, messageOf } from '../../infra/runtime/errors.ts'
import type { ForecastVariable } from '../../schemas/quantities.ts'
import type { FitAnswer, FitAnswers, FitRequest, ForecastRequest } from './fit-worker.ts'
import { createRests } from './rests.ts'

export type FitPool = {
  readonly size: number
  /**
   * Resolves with the model or the refusal of each variable. A worker that crashes or takes too long is an answer too, and is replaced;
   * of several variables each is then tried alone, so that only the one to blame is refused. Rejects with transient `stopping` when the
   * pool is stopped before the work has begun.
   */
  fit(history: TrainingSet, variables: readonly ForecastVariable[], site: Site | null): Promise<FitAnswers>
  /** Resolves with what a family forecasts of the newest weeks (forecasting/comparison), or its refusal, of each variable; otherwise as `fit`. */
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
  readonly reject: (error: AppError) => void
  /** Set unless somebody waits for what is being trained: then it is not held against the share of the machine. */
  countedFromMs?: number
  timer?: NodeJS.Timeout
}

/** Wall time after which a fit is given up. */
const TIME_LIMIT_MS = 5 * 60_000
const MEMORY_LIMIT_MB = 2048

/** While it rests, the pool asks so often whether somebody waits now. */
const ASK_EVERY_MS = 500

export type FitPoolOptions = {
  /** Threads. */
  readonly size: number
  /** Cores that fits take on average (rests.ts), unless … */
  readonly cores: number
  /** … somebody waits for a model: then nothing rests. */
  readonly isAwaited: () => boolean
  /** Aborted, what has not begun is rejected. */
  readonly signal: AbortSignal
  readonly timeLimitMs?: number
}

export function openFitPool({ size, cores, isAwaited, signal, timeLimitMs = TIME_LIMIT_MS }: FitPoolOptions): FitPool {
  const rests = createRests(cores, () => performance.now())
  let endOfRest: NodeJS.Timeout | undefined
  const idle: Worker[] = []
  const running = new Map<Worker, Job>()
  const waiting: Job[] = []
  let closed = false

  const finish = (worker: Worker, ended: Ended): void => {
    const job = running.get(worker)
    running.delete(worker)
    clearTimeout(job?.timer)
    if (job?.countedFromMs !== undefined) rests.worked(job.countedFromMs)
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
    clearTimeout(endOfRest)
    if (waiting.length === 0 || idle.length === 0) return
    const leftMs = rests.leftMs()
    const counts = !isAwaited()
    if (counts && leftMs > 0) {
      endOfRest = setTimeout(next, Math.min(leftMs, ASK_EVERY_MS))
      return
    }
    const worker = idle.pop()!
    const job = waiting.shift()!
    if (counts) job.countedFromMs = performance.now()
    running.set(worker, job)
    job.timer = setTimeout(() => {
      replace(worker, `too-slow: no model within ${timeLimitMs / 1000} s`)
      void worker.terminate()
    }, timeLimitMs)
    // A worker thread, not a window: there is no origin.
    // oxlint-disable-next-line unicorn/require-post-message-target-origin
    worker.postMessage(job.request)
    next()
  }
  const turnAway = (): void => {
    for (const { reject } of waiting.splice(0))
      reject(
        new AppError('training stops; what has not begun is done by the next start', { code: 'stopping', retry: 'transient' }),
      )
  }
  signal.addEventListener('abort', turnAway)
  for (let i = 0; i < size; i++) spawn()

  const ask = async <Answer extends FitAnswer | FamilyAnswer>(
    request: Job['request'],
  ): Promise<ReadonlyMap<ForecastVariable, Answer | Lost>> => {
    const ended = await new Promise<Ended>((resolve, reject) => {
      waiting.push({ request, resolve, reject })
      if (signal.aborted) turnAway()
      else next()
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
      clearTimeout(endOfRest)
      signal.removeEventListener('abort', turnAway)
      for (const job of running.values()) clearTimeout(job.timer)
      await Promise.all([...idle, ...running.keys()].map((worker) => worker.terminate()))
    },
  }
}
