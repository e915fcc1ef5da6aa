/**
 * RabbitMQ topology of alert delivery. One topic exchange; per channel a quorum queue with a delivery limit, whose rejects go to the
 * dead queue, and one quorum queue per retry tier: a message waits there for the tier's TTL and is dead-lettered back to its channel.
 * Tiers dead-letter at least once (that needs reject-publish overflow): the broker keeps a message until its channel's queue has it.
 */
import type { RabbitChannel } from '../../infra/runtime/rabbitmq/index.ts'
import type { Channel } from '../shared/notification.ts'

/** Waits before another attempt, ms, ascending. */
export const RETRY_TIERS_MS = [1000, 10_000, 60_000] as const
/** Broker-side redeliveries (crashing consumers) before a message is given up; attempts to deliver are counted by the `attempt` header. */
const DELIVERY_LIMIT = 20

export type Topology = {
  readonly exchange: string
  readonly deadExchange: string
  readonly deadQueue: string
  readonly channels: readonly Channel[]
  queueOf(channel: Channel): string
  retryQueueOf(channel: Channel, tierMs: number): string
  /** Routing key that reaches one channel only. */
  channelKey(channel: Channel): string
  retryKey(channel: Channel, tierMs: number): string
}

/** `prefix` keeps installations on one broker apart. */
export function alertTopology(prefix: string, channels: readonly Channel[]): Topology {
  const exchange = `${prefix}.alerts`
  return {
    exchange,
    deadExchange: `${exchange}.dead`,
    deadQueue: `${exchange}.dead`,
    channels,
    queueOf: (channel) => `${exchange}.${channel}`,
    retryQueueOf: (channel, tierMs) => `${exchange}.${channel}.retry-${tierMs / 1000}s`,
    channelKey: (channel) => `channel.${channel}`,
    retryKey: (channel, tierMs) => `retry.${channel}.${tierMs}`,
  }
}

/** Routing key of a new notification: bound by every channel. */
export function notificationKey(severity: string, rule: string): string {
  return `notify.${severity}.${rule}`
}

/** Declares everything; repeating it changes nothing. Runs after every (re)connect. */
export async function declareTopology(channel: RabbitChannel, topology: Topology): Promise<void> {
  await channel.assertExchange(topology.exchange, 'topic', { durable: true })
  await channel.assertExchange(topology.deadExchange, 'topic', { durable: true })
  await channel.assertQueue(topology.deadQueue, { durable: true, arguments: { 'x-queue-type': 'quorum' } })
  await channel.bindQueue(topology.deadQueue, topology.deadExchange, '#')
  for (const name of topology.channels) {
    const queue = topology.queueOf(name)
    await channel.assertQueue(queue, {
      durable: true,
      arguments: {
        'x-queue-type': 'quorum',
        'x-delivery-limit': DELIVERY_LIMIT,
        'x-dead-letter-exchange': topology.deadExchange,
        'x-dead-letter-routing-key': `dead.${name}`,
        'x-dead-letter-strategy': 'at-least-once',
        'x-overflow': 'reject-publish',
      },
    })
    await channel.bindQueue(queue, topology.exchange, 'notify.#')
    await channel.bindQueue(queue, topology.exchange, topology.channelKey(name))
    for (const tierMs of RETRY_TIERS_MS) {
      const retryQueue = topology.retryQueueOf(name, tierMs)
      await channel.assertQueue(retryQueue, {
        durable: true,
        arguments: {
          'x-queue-type': 'quorum',
          'x-message-ttl': tierMs,
          'x-dead-letter-exchange': topology.exchange,
          'x-dead-letter-routing-key': topology.channelKey(name),
          'x-dead-letter-strategy': 'at-least-once',
          'x-overflow': 'reject-publish',
        },
      })
      await channel.bindQueue(retryQueue, topology.exchange, topology.retryKey(name, tierMs))
    }
  }
}
