/** Turns what the book says into requests: one round at a time, published before it counts. */
import type { OutboundEvent, Publisher } from '../../infra/runtime/kafka/types.ts'
import type { Logger } from '../../infra/runtime/log.ts'
import { modelKey } from '../../schemas/event-ids.ts'
import type { RetrainRequest } from '../../schemas/generated/types.ts'
import type { Book } from './book.ts'
import type { RetrainingConfig } from './config.ts'
import { dataSince, impossibleOrders, operatorRequests, placesLeft, wishes } from './policy.ts'

export type Deps = {
  readonly book: Book
  readonly config: RetrainingConfig
  readonly publisher: Pick<Publisher, 'publish'>
  /** Hours of features a station has after an instant. */
  readonly countHours: (stationId: string, since: number) => Promise<number>
  readonly now: () => number
  readonly log: Pick<Logger, 'info' | 'warn'>
  readonly onDecision?: (what: 'requested' | 'deferred', why: string) => void
}

/** `round` publishes what is due now and resolves with it. Rejects when it cannot be published or counted; the next round tries again. */
export function createDesk(deps: Deps): { readonly round: () => Promise<readonly RetrainRequest[]> } {
  const { book, config, publisher, countHours, now, log, onDecision = () => undefined } = deps
  /** Why each model waits, so that it is told once. */
  const waiting = new Map<string, string>()
  const answered = new Set<string>()

  return {
    async round() {
      const at = now()
      // A replay that has not begun has no time to decide by.
      if (at <= 0) return []
      await answerImpossible()
      const due = operatorRequests(book, at)
      let places = placesLeft(book, at, config)
      let underWay = [...book.models()].filter(({ hasChallenger, open }) => hasChallenger || open.size > 0).length
      for (const { request } of wishes(book, at, config, defer)) {
        const key = modelKey(request.stationId, request.variable)
        if (due.some(({ stationId, variable }) => modelKey(stationId, variable) === key)) continue
        if (places <= 0) {
          defer({ key }, 'no-place')
          continue
        }
        if (request.reason === 'schedule' && underWay >= config.retrainMaxTrials) {
          defer({ key }, 'too-many-trials')
          continue
        }
        const record = book.of(key)
        const hours = record ? await countHours(request.stationId, dataSince(record)) : 0
        if (hours < config.retrainMinimumNewHours) {
          defer({ key }, 'too-little-new-data')
          continue
        }
        places--
        underWay++
        // What had to wait is trained on what has come meanwhile, and counts for the day on which it is asked.
        due.push(waiting.has(key) ? { ...request, requestedAt: at } : request)
      }
      if (due.length === 0) return []
      await publisher.publish(
        due.map((value): OutboundEvent => ({
          topic: 'model.retrain-request.v1',
          key: modelKey(value.stationId, value.variable),
          value,
        })),
      )
      for (const request of due) {
        book.onRequest(request)
        waiting.delete(modelKey(request.stationId, request.variable))
        onDecision('requested', request.reason)
        log.info({ requestId: request.requestId, reason: request.reason }, 'retraining requested')
      }
      return due
    },
  }

  function defer({ key }: { readonly key: string }, why: string): void {
    if (waiting.get(key) === why) return
    waiting.set(key, why)
    onDecision('deferred', why)
    log.info({ model: key, why }, 'retraining deferred')
  }

  async function answerImpossible(): Promise<void> {
    const refused = impossibleOrders(book).filter(({ order }) => !answered.has(order.auditId))
    if (refused.length === 0) return
    await publisher.publish(
      refused.map(({ order, why }): OutboundEvent => ({
        topic: 'audit.v1',
        key: order.actor,
        value: { ...order, auditId: `${order.auditId}/refused`, reason: why, outcome: 'refused' },
      })),
    )
    for (const { order } of refused) answered.add(order.auditId)
  }
}
