/**
 * One channel's queue → its transport. At least once, and a receiver sees a message twice only if we died between its answer and
 * our note of it: what was sent is remembered (and stored before the acknowledgement). A failed attempt is confirmed by its retry
 * tier, or by the dead queue, before the message is acknowledged. Every attempt lands in alert.delivery.v1.
 */
import type { Publisher } from '../../infra/runtime/kafka/types.ts'
import type { Rabbit, RabbitMessage } from '../../infra/runtime/rabbitmq/index.ts'
import { deliveryEvents, type DeliveryFact } from '../bridge/bridge.ts'
import type { Topology } from '../bridge/topology.ts'
import type { Memory } from '../../infra/runtime/state/index.ts'
import { notificationSchema, type Channel, type Notification } from '../shared/notification.ts'
import { decideRetry, tierFor } from './retry.ts'
import { transient, type Transport } from './transport.ts'

/** Newest state of an alert this channel was told. Key: <channel>/alert/<alertId>. */
type ToldAlert = { sequence: number }
/** Key: <channel>/message/<messageId>. */
export type SentMessage = { attempt: number; detail: string; atWallMs: number }

export type WorkerDeps = {
  readonly transport: Transport
  readonly rabbit: Pick<Rabbit, 'publish'>
  readonly publisher: Pick<Publisher, 'publish'>
  readonly memory: Memory
  /** Stores what changed in the memory; rejects with a transient AppError when it cannot. */
  readonly store: () => Promise<void>
  readonly topology: Topology
  readonly maxAttempts: number
  readonly wallNow: () => number
  readonly onOutcome?: (channel: Channel, outcome: 'sent' | 'retrying' | 'dead' | 'superseded' | 'repeated' | 'parked') => void
}

/** Handler of one message: resolved means acknowledge. */
export function createWorker(deps: WorkerDeps): (message: RabbitMessage) => Promise<void> {
  const { transport, rabbit, publisher, memory, store, topology, maxAttempts, wallNow } = deps
  const { channel } = transport
  const count = deps.onOutcome ?? (() => undefined)
  /** The receiver asked everybody to wait (Retry-After): nothing is tried before. */
  let blockedUntil = 0

  return async (message) => {
    const parsed = notificationSchema.safeParse(parseJson(message.body))
    if (!parsed.success) {
      await rabbit.publish(topology.deadExchange, `dead.${channel}`, message.body, { headers: { reason: 'not a notification' } })
      count(channel, 'dead')
      return
    }
    const attempt = headerNumber(message, 'attempt') ?? 1
    const waitUntil = Math.max(headerNumber(message, 'notBefore') ?? 0, blockedUntil)
    if (waitUntil > wallNow()) {
      await park(message, attempt, waitUntil, tierFor(waitUntil - wallNow()))
      count(channel, 'parked')
      return
    }
    await deliver(parsed.data, message, attempt)
  }

  async function deliver(received: Notification, message: RabbitMessage, attempt: number): Promise<void> {
    const sent = memory.get<SentMessage>(`${channel}/message/${received.messageId}`)
    if (sent) {
      // Redelivered after it went out: only the notes may be missing.
      await store()
      await tell(received, { attempt: sent.attempt, state: 'sent', detail: sent.detail, at: sent.atWallMs })
      count(channel, 'repeated')
      return
    }
    const { current, superseded } = bySequence(received)
    if (superseded.length > 0) {
      await tell(
        { ...received, alerts: superseded },
        { attempt, state: 'dead', detail: 'superseded: a newer state was told already', at: wallNow() },
      )
      count(channel, 'superseded')
    }
    const [first, ...others] = current
    if (first === undefined) return
    const notification: Notification = { ...received, alerts: [first, ...others] }
    const threadKey = `${channel}/thread/${notification.threadId}`
    const thread = memory.get<Record<string, string>>(threadKey)
    const delivered = await transport.deliver(notification, thread).catch((error: unknown) => {
      // A defect in a transport must not stop the queue: it is tried again, seen in the detail, and ends in the dead queue.
      return transient(`defect: ${(error as Error).message}`)
    })
    if (delivered.ok) {
      const at = wallNow()
      memory.set(`${channel}/message/${notification.messageId}`, {
        attempt,
        detail: delivered.detail,
        atWallMs: at,
      } satisfies SentMessage)
      for (const { alertId, sequence } of notification.alerts)
        memory.set(`${channel}/alert/${alertId}`, { sequence } satisfies ToldAlert)
      if (notification.state === 'resolved') memory.delete(threadKey)
      else if (delivered.thread) memory.set(threadKey, delivered.thread)
      await store()
      await tell(notification, { attempt, state: 'sent', detail: delivered.detail, at })
      count(channel, 'sent')
      return
    }
    const { retryAfterMs } = delivered
    if (retryAfterMs !== undefined) blockedUntil = Math.max(blockedUntil, wallNow() + retryAfterMs)
    const next =
      delivered.retry === 'permanent' ? { kind: 'give-up' as const } : decideRetry(attempt, maxAttempts, wallNow(), retryAfterMs)
    if (next.kind === 'retry') {
      await park(message, next.attempt, next.notBefore, next.tierMs)
      await tell(notification, { attempt, state: 'retrying', detail: delivered.detail, at: wallNow() })
      count(channel, 'retrying')
      return
    }
    await rabbit.publish(topology.deadExchange, `dead.${channel}`, message.body, {
      messageId: notification.messageId,
      headers: { attempt, reason: delivered.detail },
    })
    await tell(notification, { attempt, state: 'dead', detail: delivered.detail, at: wallNow() })
    count(channel, 'dead')
  }

  function park(message: RabbitMessage, attempt: number, notBefore: number, tierMs: number): Promise<void> {
    return rabbit.publish(topology.exchange, topology.retryKey(channel, tierMs), message.body, {
      ...(message.messageId === undefined ? {} : { messageId: message.messageId }),
      headers: { attempt, notBefore },
    })
  }

  /** Retries overtake each other: an alert whose newer state this channel was told is left out. */
  function bySequence({ alerts }: Notification): { current: Notification['alerts']; superseded: Notification['alerts'] } {
    const isOld = ({ alertId, sequence }: Notification['alerts'][number]): boolean =>
      sequence < (memory.get<ToldAlert>(`${channel}/alert/${alertId}`)?.sequence ?? 0)
    return { current: alerts.filter((alert) => !isOld(alert)), superseded: alerts.filter(isOld) }
  }

  async function tell(notification: Pick<Notification, 'messageId' | 'alerts'>, fact: DeliveryFact): Promise<void> {
    await publisher.publish(deliveryEvents(notification, channel, fact))
  }
}

/** Forgets messages sent longer ago than `keepMs`: RabbitMQ redelivers within seconds, not weeks. Returns how many. */
export function forgetOldMessages(memory: Memory, wallNow: number, keepMs: number): number {
  const old = memory
    .keys('')
    .filter((key) => key.includes('/message/') && wallNow - (memory.get<SentMessage>(key)?.atWallMs ?? wallNow) > keepMs)
  for (const key of old) memory.delete(key)
  return old.length
}

function headerNumber(message: RabbitMessage, name: string): number | undefined {
  const value = Number(message.headers[name] ?? Number.NaN)
  return Number.isFinite(value) ? value : undefined
}

function parseJson(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'))
  } catch (error) {
    if (error instanceof SyntaxError) return null
    throw error
  }
}
