/** The message between policy and transports (JSON on RabbitMQ): one notification about one group of alerts. */
import { z } from 'zod'

export const notifiedAlertSchema = z.object({
  alertId: z.string(),
  sequence: z.number().int().nonnegative(),
  rule: z.string(),
  labels: z.record(z.string(), z.string()),
  severity: z.enum(['info', 'warning', 'critical']),
  state: z.enum(['firing', 'resolved']),
  /** Epoch ms, event time. */
  startsAt: z.number(),
  endsAt: z.number().nullable(),
  annotations: z.record(z.string(), z.string()),
  /** Title → path or URL. */
  links: z.record(z.string(), z.string()),
})
export type NotifiedAlert = z.infer<typeof notifiedAlertSchema>

export const notificationSchema = z.object({
  /** Deterministic: the same decision made again after a crash has the same id, so receivers can drop the repeat. */
  messageId: z.string().min(1),
  /** One thread per episode of a group: from its first notification until everything in it is resolved. */
  threadId: z.string().min(1),
  /** True for the message that opens the thread. */
  opensThread: z.boolean(),
  groupLabels: z.record(z.string(), z.string()),
  /** firing while any alert of the group fires. */
  state: z.enum(['firing', 'resolved']),
  severity: z.enum(['info', 'warning', 'critical']),
  /** Why now: first, changed (new or resolved alerts) or repeat (nothing changed, still firing). */
  cause: z.enum(['first', 'changed', 'repeat']),
  /** Event time of the decision, epoch ms. */
  decidedAt: z.number(),
  alerts: z.array(notifiedAlertSchema).min(1),
})
export type Notification = z.infer<typeof notificationSchema>

export const CHANNELS = ['slack', 'email', 'webhook'] as const
export type Channel = (typeof CHANNELS)[number]

/** Channels in use: Slack and e-mail always (unconfigured they go to the local outbox), webhook when it has an address. */
export function enabledChannels(config: { webhookUrl?: string | undefined }): Channel[] {
  return config.webhookUrl === undefined ? ['slack', 'email'] : ['slack', 'email', 'webhook']
}
