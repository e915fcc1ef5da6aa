/** Block Kit body of a notification within Slack's limits: ≤ 50 blocks, ≤ 3,000 characters a text, about 13,000 in all. */
import type { Notification, NotifiedAlert } from '../shared/notification.ts'
import { escapeSlack, escapeSlackWithin } from '../shared/text.ts'
import { descriptionOf, linksOf, stateOf, summaryOf, titleOf } from './words.ts'

type Text = { type: 'mrkdwn'; text: string; verbatim: true } | { type: 'plain_text'; text: string; emoji: false }
export type SlackBlock = { type: 'header' | 'section'; text: Text } | { type: 'context'; elements: Text[] } | { type: 'divider' }
/** parse none, link_names false: Slack turns no text into mentions or links of its own. */
export type SlackBody = {
  text: string
  blocks: SlackBlock[]
  parse: 'none'
  link_names: false
  unfurl_links: false
  unfurl_media: false
}

export const SLACK_LIMITS = { blocks: 50, sectionCharacters: 3000, headerCharacters: 150, totalCharacters: 12_000 } as const
/** Room for header, the line about what was left out, and the closing context. */
const RESERVED_BLOCKS = 3
const RESERVED_CHARACTERS = 1000

export function slackBody(notification: Notification, publicUrl?: string): SlackBody {
  const title = escapeSlackWithin(titleOf(notification), SLACK_LIMITS.headerCharacters)
  const blocks: SlackBlock[] = [{ type: 'section', text: mrkdwn(`*${title}*`) }]
  let characters = title.length * 2
  let shown = 0
  for (const alert of notification.alerts) {
    const text = alertText(alert, publicUrl)
    if (
      blocks.length + RESERVED_BLOCKS > SLACK_LIMITS.blocks ||
      characters + text.length + RESERVED_CHARACTERS > SLACK_LIMITS.totalCharacters
    )
      break
    blocks.push({ type: 'section', text: mrkdwn(text) })
    characters += text.length
    shown += 1
  }
  const left = notification.alerts.length - shown
  if (left > 0) blocks.push({ type: 'context', elements: [mrkdwn(`and ${left} more, see the dashboard`)] })
  blocks.push({ type: 'context', elements: [mrkdwn(escapeSlackWithin(`Isobar · ${notification.messageId}`, 200))] })
  return { text: title, blocks, parse: 'none', link_names: false, unfurl_links: false, unfurl_media: false }
}

function alertText(alert: NotifiedAlert, publicUrl: string | undefined): string {
  const links = linksOf(alert, publicUrl).map(({ title, target, isAddress }) =>
    // `|` and `>` would end the address early; isAddress has excluded them.
    isAddress
      ? `<${escapeSlack(target)}|${escapeSlackWithin(title, 60)}>`
      : `${escapeSlackWithin(title, 60)}: ${escapeSlackWithin(target, 300)}`,
  )
  const parts = [
    `${alert.state === 'resolved' ? ':white_check_mark:' : ':warning:'} ${escapeSlackWithin(summaryOf(alert), 600)}`,
    escapeSlackWithin(descriptionOf(alert), 1000),
    `_${escapeSlackWithin(stateOf(alert), 200)}_`,
  ].filter((part) => part !== '')
  // Links are added whole or not at all: a cut link would swallow what follows.
  for (const link of links) {
    if (parts.join('\n').length + link.length + 1 <= SLACK_LIMITS.sectionCharacters) parts.push(link)
  }
  return parts.join('\n')
}

function mrkdwn(text: string): Text {
  return { type: 'mrkdwn', text, verbatim: true }
}
