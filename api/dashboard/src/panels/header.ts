/** Name, event-time clock, connection, and the two switches of the page (time zone, theme). */
import { el, setAttribute, setText } from '../dom.ts'
import { formatInstant, formatSpeed, knownTimeZone } from '../format.ts'
import type { Scheduler } from '../schedule.ts'
import type { Part, State } from '../state.ts'
import { selectedStation } from '../state.ts'

export type Theme = 'auto' | 'light' | 'dark'
const THEMES: readonly Theme[] = ['auto', 'light', 'dark']
const THEME_ITEM = 'isobar-theme'

export function createHeader(
  state: State,
  scheduler: Scheduler<Part>,
  actions: { retryNow: () => void; operate: () => void },
): HTMLElement {
  const clock = el('time', { class: 'clock-time' }, '–')
  const pace = el('span', { class: 'clock-pace' })
  const badge = el('span', { class: 'badge', 'data-tone': 'note' }, 'Connecting')
  const detail = el('span', { class: 'connection-detail' })
  const retry = el('button', { type: 'button', class: 'small', hidden: true }, 'Try now')
  retry.addEventListener('click', actions.retryNow)
  const zone = el('button', { type: 'button', class: 'small', id: 'zone-toggle' })
  zone.addEventListener('click', () => {
    state.zone = state.zone === 'UTC' ? 'station' : 'UTC'
    scheduler.mark('zone')
  })
  const theme = el('button', { type: 'button', class: 'small', id: 'theme-toggle' })
  let current = readTheme()
  const applyTheme = (): void => {
    if (current === 'auto') delete document.documentElement.dataset['theme']
    else document.documentElement.dataset['theme'] = current
    setText(theme, `Theme: ${current}`)
    scheduler.mark('theme')
  }
  theme.addEventListener('click', () => {
    current = THEMES[(THEMES.indexOf(current) + 1) % THEMES.length] ?? 'auto'
    localStorage.setItem(THEME_ITEM, current)
    applyTheme()
  })
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => scheduler.mark('theme'))
  const operate = el('button', { type: 'button', class: 'small', id: 'operate' }, 'Operate models…')
  operate.addEventListener('click', actions.operate)

  const node = el(
    'header',
    { class: 'top' },
    el('div', { class: 'brand' }, el('img', { src: './icon.svg', alt: '', width: 28, height: 28 }), el('h1', {}, 'Isobar')),
    el('div', { class: 'clock', role: 'group', 'aria-label': 'Event time' }, clock, pace),
    el('div', { class: 'connection', role: 'status', 'aria-live': 'polite' }, badge, detail),
    retry,
    el('div', { class: 'switches' }, zone, theme, operate),
  )

  const drawConnection = (): void => {
    const c = state.connection
    const texts = {
      connecting: ['note', 'Connecting', ''],
      live: ['good', 'Live', ''],
      reconnecting: ['warn', 'Reconnecting', 'reason' in c ? c.reason : ''],
      refused: ['bad', 'Refused', 'reason' in c ? `${c.reason}; reading needs a key (Operate models…)` : ''],
    }[c.state]
    setAttribute(badge, 'data-tone', texts[0])
    setText(badge, texts[1] ?? '')
    setText(detail, texts[2] ?? '')
    setAttribute(retry, 'hidden', !(c.state === 'reconnecting' || c.state === 'refused'))
    document.documentElement.dataset['connection'] = c.state
  }
  const drawClock = (): void => {
    const timeZone = shownZone(state)
    const { nowMs, mode, speed } = state.clock
    setText(clock, nowMs === null ? 'no event yet' : formatInstant(nowMs, timeZone, 'full'))
    if (nowMs !== null) setAttribute(clock, 'datetime', new Date(nowMs).toISOString())
    const kind = mode === 'system' ? 'system clock' : mode === 'stream' ? 'stream time' : 'event time'
    setText(pace, mode === 'system' ? kind : `${kind} · ${formatSpeed(speed)}`)
    setText(zone, state.zone === 'UTC' ? 'Times: UTC' : 'Times: station')
    setAttribute(
      zone,
      'aria-label',
      state.zone === 'UTC' ? 'Times in UTC. Switch to station time.' : 'Times in station time. Switch to UTC.',
    )
  }
  scheduler.on(['connection'], drawConnection)
  scheduler.on(['clock', 'zone', 'selection', 'stations'], drawClock)
  applyTheme()
  drawConnection()
  drawClock()
  return node
}

/** The zone times are shown in: the selected station's, or UTC. */
export function shownZone(state: State): string {
  if (state.zone === 'UTC') return 'UTC'
  return knownTimeZone(selectedStation(state)?.timezone ?? 'UTC')
}

function readTheme(): Theme {
  const stored = localStorage.getItem(THEME_ITEM)
  return THEMES.find((theme) => theme === stored) ?? 'auto'
}
