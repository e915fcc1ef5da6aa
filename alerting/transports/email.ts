/** E-mail: multipart text + HTML; firing and resolved messages of an episode share a thread (Message-ID, References). */
import { createTransport } from 'nodemailer'
import type { Notification } from '../shared/notification.ts'
import { escapeHtml, oneLine } from '../shared/text.ts'
import { permanent, transient, type Delivered, type Transport } from './transport.ts'
import { descriptionOf, linksOf, stateOf, summaryOf, titleOf } from './words.ts'

export type EmailTarget = {
  readonly smtpUrl: string
  readonly from: string
  readonly to: readonly string[]
  /** True when the server is the local catcher because no receiver is configured. */
  readonly isOutbox: boolean
}

const TIMEOUT_MS = 15_000
const MAX_SUBJECT_CHARACTERS = 150
const MESSAGE_ID_HOST = 'isobar.local'

export type Mail = {
  subject: string
  text: string
  html: string
  messageId: string
  inReplyTo?: string
  references?: string
  headers: Record<string, string>
}

/** The message that opens a thread is named after the thread, so that later ones can refer to it without having stored anything. */
export function mailOf(notification: Notification, publicUrl?: string): Mail {
  const root = `<${notification.threadId}@${MESSAGE_ID_HOST}>`
  const sections = notification.alerts.map((alert) => ({
    summary: summaryOf(alert),
    description: descriptionOf(alert),
    state: stateOf(alert),
    links: linksOf(alert, publicUrl),
  }))
  const text = sections
    .map(({ summary, description, state, links }) =>
      [summary, description, state, ...links.map(({ title, target }) => `${title}: ${target}`)]
        .filter((line) => line !== '')
        .join('\n'),
    )
    .join('\n\n')
  const html = sections
    .map(({ summary, description, state, links }) => {
      const items = links.map(({ title, target, isAddress }) =>
        isAddress
          ? `<a href="${escapeHtml(target)}">${escapeHtml(title)}</a>`
          : `${escapeHtml(title)}: <code>${escapeHtml(target)}</code>`,
      )
      return `<h3 dir="auto">${escapeHtml(summary)}</h3><p dir="auto">${escapeHtml(description)}</p><p>${escapeHtml(state)}</p><p>${items.join(' · ')}</p>`
    })
    .join('<hr>')
  return {
    subject: oneLine(titleOf(notification), MAX_SUBJECT_CHARACTERS),
    text: `${text}\n`,
    html: `<!doctype html><html><body style="font-family:sans-serif">${html}</body></html>`,
    ...(notification.opensThread
      ? { messageId: root }
      : { messageId: `<${notification.messageId}@${MESSAGE_ID_HOST}>`, inReplyTo: root, references: root }),
    headers: { 'Auto-Submitted': 'auto-generated', 'X-Isobar-Message-Id': notification.messageId },
  }
}

export function createEmailTransport(target: EmailTarget, publicUrl?: string): Transport {
  const transporter = createTransport({
    url: target.smtpUrl,
    connectionTimeout: TIMEOUT_MS,
    greetingTimeout: TIMEOUT_MS,
    socketTimeout: TIMEOUT_MS,
    disableFileAccess: true,
    disableUrlAccess: true,
  })
  return {
    channel: 'email',
    async deliver(notification) {
      try {
        const info = await transporter.sendMail({ ...mailOf(notification, publicUrl), from: target.from, to: [...target.to] })
        const { host } = new URL(target.smtpUrl)
        return { ok: true, detail: `${target.isOutbox ? 'outbox: ' : ''}smtp ${host}: ${oneLine(info.response, 120)}` }
      } catch (error) {
        return classifySmtp(error)
      }
    },
    close: () => transporter.close(),
  }
}

/** SMTP: 5xx is final, 4xx and everything about the connection passes (RFC 5321 §4.2.1). */
export function classifySmtp(error: unknown): Delivered {
  const { responseCode, code, message } = error as { responseCode?: number; code?: string; message?: string }
  const detail = oneLine(`${code ?? ''} ${message ?? String(error)}`, 250)
  if (responseCode !== undefined && responseCode >= 500) return permanent(detail)
  if (code === 'EENVELOPE' && responseCode === undefined) return permanent(detail)
  return transient(detail)
}
