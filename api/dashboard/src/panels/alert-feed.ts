/** Alerts, firing first, with how each channel's delivery went. */
import { el, reconcile, setAttribute, setText } from '../dom.ts'
import { formatInstant, instant } from '../format.ts'
import { valueOf } from '../loadable.ts'
import { createPanel, showState } from '../panel.ts'
import type { Scheduler } from '../schedule.ts'
import type { Part, State } from '../state.ts'
import type { Alert, Delivery } from '../wire.ts'
import { shownZone } from './header.ts'

const SHOWN = 50
const DELIVERY_TONE: Readonly<Record<string, string>> = { sent: 'good', queued: 'note', retrying: 'warn', dead: 'bad' }

export function createAlertFeed(state: State, scheduler: Scheduler<Part>): HTMLElement {
  const count = el('span', { class: 'badge', 'data-tone': 'note' }, '–')
  const panel = createPanel('alerts', 'Alerts', count)
  const list = el('ul', { class: 'alerts', tabindex: 0, 'aria-label': 'Alerts, firing first' })
  panel.body.append(list)
  const draw = (): void => {
    const alerts = showState(panel, state.alerts, {
      loading: 'Loading alerts…',
      isEmpty: (value) => value.length === 0,
      empty: 'No alert has fired. Sensor faults, drift, promotions and weather rules appear here.',
    })
    const sorted = [...(alerts ?? [])].sort((a, b) => rank(a) - rank(b) || b.startsAt.localeCompare(a.startsAt))
    const firing = sorted.filter((alert) => alert.state === 'firing').length
    setAttribute(count, 'data-tone', alerts === undefined ? 'note' : firing > 0 ? 'bad' : 'good')
    setText(count, valueOf(state.alerts) ? `${firing} firing` : 'unknown')
    const deliveries = [...state.deliveries.values()]
    const zone = shownZone(state)
    reconcile(
      list,
      sorted.slice(0, SHOWN),
      (a) => a.alertId,
      createRow,
      (node, alert) => updateRow(node, alert, deliveries, zone),
    )
  }
  scheduler.on(['alerts', 'zone', 'selection'], draw)
  draw()
  return panel.node
}

const rank = (alert: Alert): number => (alert.state === 'firing' ? 0 : 1)

function createRow(): HTMLElement {
  return el(
    'li',
    { class: 'alert' },
    el('span', { class: 'badge' }),
    el('strong', {}),
    el('span', { class: 'muted' }),
    el('ul', { class: 'deliveries', 'aria-label': 'Deliveries' }),
  )
}

function updateRow(node: HTMLElement, alert: Alert, deliveries: readonly Delivery[], zone: string): void {
  const [badge, summary, about, list] = [...node.children] as [Element, Element, Element, Element]
  const firing = alert.state === 'firing'
  setAttribute(
    badge,
    'data-tone',
    firing ? (alert.severity === 'critical' ? 'bad' : alert.severity === 'info' ? 'note' : 'warn') : 'good',
  )
  setText(badge, firing ? `Firing · ${alert.severity}` : 'Resolved')
  setText(summary, alert.annotations['summary'] ?? alert.rule)
  const labels = Object.entries(alert.labels).map(([name, value]) => `${name} ${value}`)
  const end = alert.endsAt === null ? '' : ` to ${formatInstant(instant(alert.endsAt), zone)}`
  setText(about, [alert.rule, ...labels, `${formatInstant(instant(alert.startsAt), zone)}${end}`].join(' · '))
  const own = new Map<string, Delivery>()
  for (const delivery of [...(alert.deliveries ?? []), ...deliveries]) {
    if (delivery.alertId !== alert.alertId) continue
    const known = own.get(delivery.channel)
    if (
      !known ||
      known.sequence < delivery.sequence ||
      (known.sequence === delivery.sequence && known.attempt <= delivery.attempt)
    )
      own.set(delivery.channel, delivery)
  }
  reconcile(
    list,
    [...own.values()],
    (d) => d.channel,
    () => el('li', { class: 'badge' }),
    (item, delivery) => {
      setAttribute(item, 'data-tone', DELIVERY_TONE[delivery.state] ?? 'note')
      setText(item, `${delivery.channel}: ${delivery.state}${delivery.attempt > 1 ? ` (attempt ${delivery.attempt})` : ''}`)
      setAttribute(item, 'title', delivery.detail)
    },
  )
}
