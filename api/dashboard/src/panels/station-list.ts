/** Stations with their newest observation and next-hour forecast of the chosen variable; choosing one drives the panels below. */
import { el, reconcile, setAttribute, setText } from '../dom.ts'
import { formatInstant, formatValue, knownTimeZone, unitOf, variableLabel } from '../format.ts'
import { valueOf } from '../loadable.ts'
import { createPanel, showState } from '../panel.ts'
import type { Scheduler } from '../schedule.ts'
import type { Part, State } from '../state.ts'
import { stationNow } from '../state.ts'
import type { Alert, Station } from '../wire.ts'

const FRESHNESS: Readonly<Record<string, { tone: string; text: string }>> = {
  fresh: { tone: 'good', text: 'Fresh' },
  stale: { tone: 'warn', text: 'Stale' },
  degraded: { tone: 'bad', text: 'Degraded' },
}

export function createStationList(state: State, scheduler: Scheduler<Part>, select: (stationId: string) => void): HTMLElement {
  const panel = createPanel('stations', 'Stations')
  const list = el('ul', { class: 'stations' })
  panel.body.append(list)
  list.addEventListener('click', (event) => {
    const row = event.target instanceof Element ? event.target.closest('[data-key]') : null
    const stationId = row?.getAttribute('data-key')
    if (stationId) select(stationId)
  })
  // Up and down walk the list, as in a listbox; Tab leaves it after the focused row.
  list.addEventListener('keydown', (event) => {
    if (event.key !== 'ArrowDown' && event.key !== 'ArrowUp') return
    const buttons = [...list.querySelectorAll('button')]
    const at = buttons.indexOf(document.activeElement as HTMLButtonElement)
    const next = buttons[at + (event.key === 'ArrowDown' ? 1 : -1)]
    if (at < 0 || !next) return
    event.preventDefault()
    next.focus()
  })
  const draw = (): void => {
    const stations = showState(panel, state.stations, {
      loading: 'Loading stations…',
      isEmpty: (value) => value.length === 0,
      empty: 'No station yet. Add one with: isobar stations add, or POST /v1/stations.',
    })
    const firing = (valueOf(state.alerts) ?? []).filter((alert) => alert.state === 'firing')
    reconcile(
      list,
      stations ?? [],
      (s) => s.stationId,
      createRow,
      (node, station) => updateRow(node, station, state, firing),
    )
  }
  scheduler.on(['stations', 'selection', 'alerts', 'zone'], draw)
  draw()
  return panel.node
}

function createRow(): HTMLElement {
  return el(
    'li',
    {},
    el(
      'button',
      { type: 'button', class: 'station' },
      el('span', { class: 'station-name' }, el('strong', {}), el('span', { class: 'muted' })),
      el(
        'span',
        { class: 'station-value' },
        el('span', { class: 'muted' }, 'Observed'),
        el('b', {}),
        el('span', { class: 'muted' }),
      ),
      el(
        'span',
        { class: 'station-value' },
        el('span', { class: 'muted' }, 'Next hour'),
        el('b', {}),
        el('span', { class: 'muted' }),
      ),
      el(
        'span',
        { class: 'station-badges' },
        el('span', { class: 'badge' }),
        el('span', { class: 'badge', 'data-tone': 'bad', hidden: true }),
      ),
    ),
  )
}

function updateRow(node: HTMLElement, station: Station, state: State, firing: readonly Alert[]): void {
  const button = node.firstElementChild as HTMLButtonElement
  const [name, observed, forecast, badges] = [...button.children] as [Element, Element, Element, Element]
  const variable = state.selected.variable
  const now = stationNow(state, station.stationId, variable)
  const zone = state.zone === 'UTC' ? 'UTC' : knownTimeZone(station.timezone)
  const unit = unitOf(variable)
  setAttribute(button, 'aria-pressed', station.stationId === state.selected.stationId ? 'true' : 'false')
  setText(name.children[0] as Element, station.name)
  setText(
    name.children[1] as Element,
    [station.stationId, station.elevationM === null ? '' : `${Math.round(station.elevationM)} m`].filter(Boolean).join(' · '),
  )
  const observedText =
    variable === 'precipitationProbabilityPct' && now.observed !== null
      ? now.observed > 0
        ? 'rain'
        : 'dry'
      : now.observed === null
        ? '–'
        : `${formatValue(now.observed, variable)} ${unit}`
  setText(observed.children[1] as Element, observedText)
  setText(observed.children[2] as Element, now.observedAt === null ? 'nothing yet' : formatInstant(now.observedAt, zone))
  const f = now.forecast
  setText(forecast.children[1] as Element, f === null ? '–' : `${formatValue(f.median, variable)} ${unit}`)
  const range =
    f === null
      ? 'no forecast yet'
      : f.low === null || f.low === f.high
        ? formatInstant(f.validAt, zone)
        : `80 %: ${formatValue(f.low, variable)} to ${formatValue(f.high, variable)}`
  setText(forecast.children[2] as Element, range)
  const freshness = (now.status === null ? undefined : FRESHNESS[now.status]) ?? {
    tone: 'note',
    text: now.status ?? 'No forecast',
  }
  const [freshBadge, alertBadge] = [...badges.children] as [Element, Element]
  setAttribute(freshBadge, 'data-tone', freshness.tone)
  setText(freshBadge, now.fallback ? `${freshness.text}: ${now.fallback}` : freshness.text)
  setAttribute(freshBadge, 'title', now.statusReason)
  const own = firing.filter((alert) => Object.values(alert.labels).includes(station.stationId))
  setAttribute(alertBadge, 'hidden', own.length === 0)
  setText(alertBadge, own.length === 1 ? '1 alert' : `${own.length} alerts`)
  setAttribute(
    button,
    'aria-label',
    `${station.name}. ${variableLabel(variable)} observed ${observedText}, ${freshness.text}${own.length > 0 ? `, ${own.length} alerts firing` : ''}`,
  )
}
