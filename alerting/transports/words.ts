/** The plain words of a notification, shared by all transports. Nothing here is escaped for a medium. */
import type { Notification, NotifiedAlert } from '../shared/notification.ts'
import { oneLine } from '../shared/text.ts'

const SEVERITY_WORDS = { critical: 'Critical', warning: 'Warning', info: 'Info' } as const

export function titleOf(notification: Notification): string {
  const { alerts, state, severity, cause } = notification
  const word = state === 'resolved' ? 'Resolved' : SEVERITY_WORDS[severity]
  const first = alerts[0]
  const more = alerts.length > 1 ? ` (+${alerts.length - 1} more)` : ''
  return `${word}: ${first ? summaryOf(first) : 'alert'}${more}${cause === 'repeat' ? ' (still firing)' : ''}`
}

export function summaryOf(alert: NotifiedAlert): string {
  return oneLine(alert.annotations['summary'] ?? alert.rule, 250)
}

export function descriptionOf(alert: NotifiedAlert): string {
  return oneLine(alert.annotations['description'] ?? '', 600)
}

export function stateOf(alert: NotifiedAlert): string {
  const since = isoMinute(alert.startsAt)
  return alert.state === 'firing' || alert.endsAt === null
    ? `firing since ${since}`
    : `resolved ${isoMinute(alert.endsAt)} (since ${since})`
}

/** Links of an alert; paths become addresses when the public address is known. Only http(s) addresses are made clickable. */
export function linksOf(
  alert: NotifiedAlert,
  publicUrl: string | undefined,
): Array<{ title: string; target: string; isAddress: boolean }> {
  return Object.entries(alert.links).map(([title, link]) => {
    const target = oneLine(link.startsWith('/') && publicUrl !== undefined ? new URL(link, publicUrl).href : link, 500)
    return { title: oneLine(title, 60), target, isAddress: /^https?:\/\/[^\s<>|"]+$/.test(target) }
  })
}

function isoMinute(instantMs: number): string {
  return `${new Date(instantMs).toISOString().slice(0, 16).replace('T', ' ')} UTC`
}
