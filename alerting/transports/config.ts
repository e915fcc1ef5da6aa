import { z } from 'zod'
import { emailBlock, slackBlock, webhookBlock } from '../../infra/runtime/config/index.ts'
import { AppError } from '../../infra/runtime/errors.ts'
import { createEmailTransport } from './email.ts'
import { createSlackTransport, type SlackTarget } from './slack.ts'
import type { Transport } from './transport.ts'
import { createWebhookTransport } from './webhook.ts'

export const transportsBlock = z.object({
  ...slackBlock.shape,
  ...emailBlock.shape,
  ...webhookBlock.shape,
  outboxDir: z
    .string()
    .min(1)
    .default('.isobar/outbox')
    .meta({ description: 'Where messages of channels without an address are kept.' }),
  publicUrl: z
    .url({ protocol: /^https?$/ })
    .optional()
    .meta({ description: 'Address of the dashboard as receivers of alerts reach it.' }),
  alertMaxAttempts: z.coerce
    .number()
    .int()
    .min(1)
    .default(60)
    .meta({ description: 'Attempts to deliver a notification before it goes to the dead queue; 60 take about an hour.' }),
})
export type TransportsConfig = z.output<typeof transportsBlock>

const OUTBOX_ADDRESS = 'alerts@isobar.local'

/** One transport per channel in use. Throws AppError permanent `bad-config` for halves of a configuration. */
export function createTransports(config: TransportsConfig): Transport[] {
  const transports = [createSlackTransport(slackTarget(config), config.publicUrl)]
  if (config.smtpUrl !== undefined) {
    const to = (config.emailTo ?? OUTBOX_ADDRESS)
      .split(',')
      .map((address) => address.trim())
      .filter((address) => address !== '')
    transports.push(
      createEmailTransport(
        { smtpUrl: config.smtpUrl, from: config.emailFrom ?? 'isobar@isobar.local', to, isOutbox: config.emailTo === undefined },
        config.publicUrl,
      ),
    )
  } else {
    throw badConfig(
      'SMTP_URL is not set: npm start gives the address of the local mail catcher; elsewhere set smtp://user:password@host:587',
    )
  }
  if (config.webhookUrl !== undefined) {
    if (config.webhookSecret === undefined) throw badConfig('WEBHOOK_URL needs WEBHOOK_SECRET (whsec_…) to sign with')
    transports.push(createWebhookTransport({ url: config.webhookUrl, secret: config.webhookSecret }))
  }
  return transports
}

function slackTarget(config: TransportsConfig): SlackTarget {
  if (config.slackBotToken !== undefined) {
    if (config.slackChannel === undefined) throw badConfig('SLACK_BOT_TOKEN needs SLACK_CHANNEL')
    return { kind: 'bot', token: config.slackBotToken, channel: config.slackChannel }
  }
  return config.slackWebhookUrl !== undefined
    ? { kind: 'webhook', url: config.slackWebhookUrl }
    : { kind: 'outbox', dir: config.outboxDir }
}

function badConfig(message: string): AppError {
  return new AppError(message, { code: 'bad-config', retry: 'permanent' })
}
