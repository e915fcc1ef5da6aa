/** Standard Webhooks (standardwebhooks.com): HMAC-SHA256 over id.timestamp.body; the id is stable over retries, so receivers can drop repeats. */
import { Webhook } from 'standardwebhooks'
import type { Notification } from '../shared/notification.ts'
import { post } from './http.ts'
import type { Transport } from './transport.ts'

export function createWebhookTransport(
  target: { readonly url: string; readonly secret: string },
  wallNow: () => number = Date.now,
): Transport {
  const signer = new Webhook(target.secret)
  return {
    channel: 'webhook',
    async deliver(notification) {
      const body = JSON.stringify(webhookBody(notification))
      const sentAt = new Date(wallNow())
      const posted = await post(target.url, body, {
        'content-type': 'application/json',
        'webhook-id': notification.messageId,
        'webhook-timestamp': String(Math.floor(sentAt.getTime() / 1000)),
        'webhook-signature': signer.sign(notification.messageId, sentAt, body),
      })
      return posted.kind === 'failed' ? posted.failure : { ok: true, detail: `webhook: ${posted.status}` }
    },
  }
}

/** Instants as ISO 8601. `sequence` counts up per alertId: keep the highest, drop older. */
function webhookBody(notification: Notification): object {
  const { alerts, decidedAt, state, ...rest } = notification
  return {
    type: `alert.${state}`,
    timestamp: new Date(decidedAt).toISOString(),
    data: {
      ...rest,
      state,
      alerts: alerts.map(({ startsAt, endsAt, ...alert }) => ({
        ...alert,
        startsAt: new Date(startsAt).toISOString(),
        endsAt: endsAt === null ? null : new Date(endsAt).toISOString(),
      })),
    },
  }
}
