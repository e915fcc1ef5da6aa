/**
 * Polls a provider for ever: at an interval while it answers, with back-off while it does not. A provider that is down never ends the
 * process; readiness says since when there was no answer and why.
 */
import { backoffMs, pause } from '../../infra/runtime/backoff.ts'
import { isAppError, messageOf } from '../../infra/runtime/errors.ts'
import type { Logger } from '../../infra/runtime/log.ts'
import type { Readiness } from '../../infra/runtime/service/index.ts'

export type PollerOptions = {
  readonly provider: string
  readonly intervalMs: number
  /** One round. Resolves with how many observations it published; failures of a kind that may pass reject with AppError. */
  readonly poll: (signal: AbortSignal) => Promise<number>
  readonly log: Pick<Logger, 'info' | 'warn' | 'error'>
  readonly onRound?: (result: 'ok' | 'failed', observations: number) => void
  readonly pause?: (milliseconds: number, signal: AbortSignal) => Promise<void>
  readonly wallNow?: () => number
  readonly random?: () => number
}

export type Poller = {
  readiness(): Readiness
  /** Ends the wait or the round in flight. */
  stop(): Promise<void>
  /** Rejects on what is no AppError: a defect, which must end the process. */
  readonly failed: Promise<never>
}

const FIRST_RETRY_MS = 5_000
/** Of the interval: many instances must not poll in step. */
const JITTER = 0.1

export function startPoller(options: PollerOptions): Poller {
  const { provider, intervalMs, log, onRound, wallNow = Date.now, random = Math.random } = options
  const wait = options.pause ?? pause
  const stopping = new AbortController()
  const startedAt = wallNow()
  let lastAnswerAt: number | null = null
  let problem: string | null = 'waiting for the first answer'
  let failures = 0

  async function round(): Promise<number> {
    try {
      const observations = await options.poll(stopping.signal)
      if (failures > 0) log.info({ provider, failures }, `${provider} answers again`)
      failures = 0
      lastAnswerAt = wallNow()
      problem = null
      onRound?.('ok', observations)
      return intervalMs * (1 + JITTER * random())
    } catch (error) {
      if (!isAppError(error)) throw error
      if (stopping.signal.aborted) return 0
      failures++
      const asked = error.context['retryAfterMs']
      const waitMs =
        typeof asked === 'number'
          ? asked
          : error.retry === 'permanent'
            ? intervalMs
            : backoffMs(failures, { initialMs: FIRST_RETRY_MS, maxMs: intervalMs })
      const since = new Date(lastAnswerAt ?? startedAt).toISOString()
      problem = `${messageOf(error)} (nothing received since ${since}, ${failures} attempts)`
      const line = { provider, code: error.code, failures, nextAttemptSeconds: Math.round(waitMs / 1000) }
      if (error.retry === 'permanent') log.error(line, messageOf(error))
      else log.warn(line, `${messageOf(error)}; trying again`)
      onRound?.('failed', 0)
      return waitMs
    }
  }

  async function loop(): Promise<void> {
    while (!stopping.signal.aborted) {
      const waitMs = await round()
      await wait(waitMs, stopping.signal)
    }
  }

  const running = loop()
  return {
    readiness: () => (problem === null ? { ready: true } : { ready: false, reason: `${provider}: ${problem}` }),
    async stop() {
      stopping.abort()
      await running.catch((error: unknown) => log.error({ error }, 'the poller had failed'))
    },
    failed: new Promise<never>((_resolve, reject) => void running.catch(reject)),
  }
}
