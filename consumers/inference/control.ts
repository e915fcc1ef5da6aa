/**
 * control event → swap → acknowledgement. Each model has its own line: a slow or unreachable artefact of one holds up no other, and of
 * several orders that wait for the same model only the newest is carried out. The old models serve until the new ones are ready.
 */
import { backoffMs, pause } from '../../infra/runtime/backoff.ts'
import { isTransient, messageOf } from '../../infra/runtime/errors.ts'
import type { FollowerOptions, Publisher } from '../../infra/runtime/kafka/types.ts'
import type { Logger } from '../../infra/runtime/log.ts'
import { modelKey } from '../../schemas/event-ids.ts'
import type { Control } from '../../schemas/generated/types.ts'
import type { ModelTable, SwapResult } from './models.ts'

export type Deps = {
  readonly models: Pick<ModelTable, 'apply'>
  readonly publisher: Pick<Publisher, 'publish'>
  readonly replicaId: string
  readonly log: Logger
  readonly wallNowMs: () => number
  /** Called with what can be neither retried nor reported. */
  readonly fail: (error: unknown) => void
  /** Models swapped at once. */
  readonly concurrency?: number
  readonly backOff?: (attempt: number) => Promise<void>
}

export type ControlHandler = {
  readonly onEvents: FollowerOptions<'model.control.v1'>['onEvents']
  /** Resolves when every order taken so far has been carried out, refused or replaced by a newer one. */
  readonly settled: () => Promise<void>
  /** Orders not carried out yet. */
  readonly waiting: () => number
  /** Lets go of orders that wait for an artefact store. */
  readonly stop: () => Promise<void>
}

type Order = { readonly control: Control; readonly offset: number }

const CONCURRENCY = 8

export function createControlHandler(deps: Deps): ControlHandler {
  const { models, publisher, replicaId, log, wallNowMs, concurrency = CONCURRENCY } = deps
  const stopping = new AbortController()
  const backOff =
    deps.backOff ?? ((attempt: number) => pause(backoffMs(attempt, { initialMs: 50, maxMs: 5000 }), stopping.signal))
  /** Newest order per model that nobody has begun. */
  const next = new Map<string, Order>()
  const lines = new Map<string, Promise<void>>()
  let free = concurrency
  const queue: Array<() => void> = []

  return {
    onEvents(events) {
      for (const { key, value, offset } of events) {
        // A tombstone would mean "serve nothing"; nobody may order that by accident, so models are only ever replaced.
        if (value === null) continue
        const known = next.get(key)
        if (known && known.offset >= offset) continue
        next.set(key, { control: value, offset })
        if (!lines.has(key)) lines.set(key, work(key))
      }
    },
    async settled() {
      while (lines.size > 0) await Promise.all(lines.values())
    },
    waiting: () => lines.size,
    async stop() {
      stopping.abort()
      await Promise.all(lines.values())
    },
  }

  async function work(key: string): Promise<void> {
    await slot()
    try {
      for (let order = next.get(key); order && !stopping.signal.aborted; order = next.get(key)) {
        next.delete(key)
        await carryOut(key, order)
      }
    } catch (error) {
      deps.fail(error)
    } finally {
      free++
      queue.shift()?.()
      lines.delete(key)
    }
  }

  async function slot(): Promise<void> {
    if (free === 0) await new Promise<void>((resolve) => queue.push(resolve))
    free--
  }

  async function carryOut(key: string, { control, offset }: Order): Promise<void> {
    const result = await attempt(
      `artefacts of ${key}`,
      () => !next.has(key),
      () => models.apply(control, offset),
    )
    if (result === null) return
    const words = result.state === 'serving' ? 'model swapped in' : 'model refused, old model keeps serving'
    log[result.state === 'serving' && result.error === null ? 'info' : 'error']({ ...result, replicaId }, words)
    await attempt(
      'status',
      () => true,
      () => report(result),
    )
  }

  function report(result: SwapResult): Promise<void> {
    return publisher.publish([
      {
        topic: 'model.status.v1',
        key: `${replicaId}/${modelKey(result.stationId, result.variable)}`,
        value: { ...result, replicaId, since: wallNowMs() },
      },
    ])
  }

  /** Tries again for as long as it is wanted; null when it no longer is. */
  async function attempt<T>(what: string, isWanted: () => boolean, call: () => Promise<T>): Promise<T | null> {
    for (let n = 1; !stopping.signal.aborted; n++) {
      try {
        return await call()
      } catch (error) {
        if (!isTransient(error)) throw error
        log.warn({ attempt: n, reason: messageOf(error) }, `${what}: transient failure; the old models serve meanwhile`)
        await backOff(n)
        if (!isWanted()) return null
      }
    }
    return null
  }
}
