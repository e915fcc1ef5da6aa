/** Which alert channels reach people. */
import { emailBlock, readConfig, slackBlock, webhookBlock } from '../infra/runtime/config/index.ts'

export type Channel = 'slack' | 'email' | 'webhook'

/** By this environment; what of a channel is left over stays in the outbox. */
export function configuredChannels(env: NodeJS.ProcessEnv): Channel[] {
  const slack = readConfig(slackBlock, env)
  const email = readConfig(emailBlock, env)
  const webhook = readConfig(webhookBlock, env)
  const named: ReadonlyArray<readonly [Channel, boolean]> = [
    ['slack', slack.slackWebhookUrl !== undefined || (slack.slackBotToken !== undefined && slack.slackChannel !== undefined)],
    // Without a server of one's own mails go to the local catcher, whoever they are for.
    ['email', email.smtpUrl !== undefined && email.emailTo !== undefined],
    ['webhook', webhook.webhookUrl !== undefined && webhook.webhookSecret !== undefined],
  ]
  return named.filter(([, isConfigured]) => isConfigured).map(([name]) => name)
}
