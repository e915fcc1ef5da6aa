/** A few worker threads that fit models, one history each at a time. */
import { Worker } from 'node:worker_threads'
import type { FamilyAnswer } from '../../forecasting/comparison/index.ts'
import type { Site, TrainingSet } from '../../forecasting/models/index.ts'
import { AppError, messageOf } from '../../infra/runtime/errors.ts'
import type { ForecastVariable } from '../../schemas/quantities.ts'
import type { FitAnswer, FitAnswers, FitRequest, ForecastRequest } from './fit-worker.ts'
import { createRests } from './rests.ts'

/** `at once`: somebody waits for the model. `gives way`: begins after the rest that is due, so that live forecasts have the machine. */
export type Urgency = 'at once' | 'gives way'

export type FitPool = {
  readonly size: number
  /**
   * Resolves with the model or the refusal of each variable. A worker that crashes or takes too long is an answer too, and is replaced;
   * of several variables each is then tried alone, so that only the one to blame is refused. Rejects with transient `stopping` when the
   * pool is stopped before the work has begun.
   */
  fit(history: TrainingSet, variables: readonly ForecastVariable[], urgency: Urgency, site: Site | null): Promise<FitAnswers>
  /** Resolves with what a family forecasts of the newest weeks (forecasting/comparison), or its refusal, of each variable; otherwise as `fit`. */
  forecast(
    history: TrainingSet,
    variables: readonly ForecastVariable[],
    urgency: Urgency,
    family: string,
  ): Promise<ReadonlyMap<ForecastVariable, FamilyAnswer>>
  close(): Promise<void>
}

type Answers = ReadonlyMap<ForecastVariable, FitAnswer | FamilyAnswer>
type Ended = { readonly answers: Answers } | { readonly lost: string }
type Lost = { readonly ok: false; readonly refused: string }
type Job = {
  readonly request: FitRequest | ForecastRequest
  readonly urgency: Urgency
  readonly resolve: (ended: Ended) => void
  readonly reject: (error: AppError) => void
  startedMs: number
  timer?: NodeJS.Timeout
}

/** Wall time after which a fit is given up. */
const TIME_LIMIT_MS = 5 * 60_000
const MEMORY_LIMIT_MB = 2048

export type FitPoolOptions = {
  /** Threads. */
  readonly size: number
  /** Cores that work which gives way takes on average (rests.ts). */
  readonly cores: number
  /** Aborted, what has not begun is rejected. */
  readonly signal: AbortSignal
  readonly timeLimitMs?: number
}

export function openFitPool({ size, cores, signal, timeLimitMs = TIME_LIMIT_MS }: FitPoolOptions): FitPool {
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
    if (job?.urgency === 'gives way') rests.worked(job.startedMs)
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
    const leftMs = rests.leftMs()
    const at = waiting.findIndex(({ urgency }) => urgency === 'at once' || leftMs === 0)
    if (at < 0 && waiting.length > 0) endOfRest = setTimeout(next, leftMs)
    const worker = at < 0 ? undefined : idle.pop()
    if (!worker) return
    const job = waiting.splice(at, 1)[0]!
    job.startedMs = performance.now()
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
    urgency: Urgency,
    request: Job['request'],
  ): Promise<ReadonlyMap<ForecastVariable, Answer | Lost>> => {
    const ended = await new Promise<Ended>((resolve, reject) => {
      waiting.push({ request, urgency, resolve, reject, startedMs: Number.NaN })
      if (signal.aborted) turnAway()
      else next()
    })
    // A worker answers what it was asked.
    if ('answers' in ended) return ended.answers as ReadonlyMap<ForecastVariable, Answer>
    const { variables } = request
    if (variables.length > 1) {
      const alone = await Promise.all(variables.map((variable) => ask<Answer>(urgency, { ...request, variables: [variable] })))
      return new Map(alone.flatMap((answers) => [...answers]))
    }
    return new Map(variables.map((variable) => [variable, { ok: false, refused: ended.lost }]))
  }
  return {
    size,
    fit: (history, variables, urgency, site) => ask<FitAnswer>(urgency, { what: 'fit', history, variables, site }),
    forecast: (history, variables, urgency, family) =>
      ask<FamilyAnswer>(urgency, { what: 'forecast', history, variables, family }),
    async close() {
      closed = true
      clearTimeout(endOfRest)
      signal.removeEventListener('abort', turnAway)
      for (const job of running.values()) clearTimeout(job.timer)
      await Promise.all([...idle, ...running.keys()].map((worker) => worker.terminate()))
    },
  }
}
