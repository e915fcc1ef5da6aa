/** Notifications → RabbitMQ, confirmed by the queue of every channel; then `queued` is told on alert.delivery.v1. */
import type { OutboundEvent, Publisher } from '../../infra/runtime/kafka/types.ts'
import type { Rabbit } from '../../infra/runtime/rabbitmq/index.ts'
import type { Channel, Notification } from '../shared/notification.ts'
import { notificationKey, type Topology } from './topology.ts'

export type Bridge = { readonly send: (notification: Notification) => Promise<void> }

export function createBridge(deps: {
  rabbit: Pick<Rabbit, 'publish'>
  publisher: Pick<Publisher, 'publish'>
  topology: Topology
  wallNow: () => number
}): Bridge {
  const { rabbit, publisher, topology, wallNow } = deps
  return {
    async send(notification) {
      const rule = notification.alerts[0]?.rule ?? 'none'
      // A topic exchange confirms only when every bound queue has the message: one publish reaches all channels or is repeated.
      await rabbit.publish(topology.exchange, notificationKey(notification.severity, rule), JSON.stringify(notification), {
        messageId: notification.messageId,
        headers: { attempt: 1 },
      })
      await publisher.publish(
        topology.channels.flatMap((channel) =>
          deliveryEvents(notification, channel, { attempt: 0, state: 'queued', detail: null, at: wallNow() }),
        ),
      )
    },
  }
}

export type DeliveryFact = {
  readonly attempt: number
  readonly state: 'queued' | 'sent' | 'retrying' | 'dead'
  readonly detail: string | null
  readonly at: number
}

/** One event per alert of the notification, keyed by alert. */
export function deliveryEvents(
  notification: Pick<Notification, 'messageId' | 'alerts'>,
  channel: Channel,
  fact: DeliveryFact,
): OutboundEvent[] {
  return notification.alerts.map(({ alertId, sequence }) => ({
    topic: 'alert.delivery.v1',
    key: alertId,
    value: { alertId, sequence, channel, messageId: notification.messageId, ...fact },
  }))
}
