/** Drift state of the selected station's models: why, and the evidence on demand. */
import { FORECAST_VARIABLES } from '../../../../schemas/quantities.ts'
import { getJson } from '../api.ts'
import { el, reconcile, setAttribute, setText } from '../dom.ts'
import { formatInstant, formatNumber, instant, unitOf, variableLabel } from '../format.ts'
import { createPanel, showState } from '../panel.ts'
import type { Scheduler } from '../schedule.ts'
import type { Part, State } from '../state.ts'
import type { DriftEvidence, DriftState } from '../wire.ts'
import { shownZone } from './header.ts'

const STATES: Readonly<Record<string, readonly [tone: string, text: string]>> = {
  stable: ['good', 'Stable'],
  warned: ['warn', 'Suspected'],
  confirmed: ['bad', 'Confirmed'],
  recovered: ['good', 'Recovered'],
}

export function createDriftPanel(state: State, scheduler: Scheduler<Part>): HTMLElement {
  const summary = el('span', { class: 'badge', 'data-tone': 'note' }, '–')
  const panel = createPanel('drift', 'Drift', summary)
  const list = el('ul', { class: 'drifts' })
  panel.body.append(list)
  const draw = (): void => {
    const states = showState(panel, state.driftStates, {
      loading: 'Asking for drift…',
      isEmpty: (value) => value.every(({ stationId }) => stationId !== state.selected.stationId),
      empty: 'No model of this station is watched yet. Drift is judged once forecasts are verified.',
    })
    const own = (states ?? [])
      .filter(({ stationId }) => stationId === state.selected.stationId)
      .sort((a, b) => FORECAST_VARIABLES.indexOf(a.variable) - FORECAST_VARIABLES.indexOf(b.variable))
    const drifting = own.filter((one) => one.state === 'warned' || one.state === 'confirmed').length
    setAttribute(summary, 'data-tone', own.length === 0 ? 'note' : drifting > 0 ? 'warn' : 'good')
    setText(summary, own.length === 0 ? 'unknown' : drifting > 0 ? `${drifting} of ${own.length} drift` : 'none')
    reconcile(
      list,
      own,
      // Another change of the same model has other evidence: a new element.
      (one) => `${one.stationId}/${one.variable}/${one.eventId ?? ''}`,
      (one) => createRow(one),
      (node, one) => updateRow(node, one, shownZone(state)),
    )
  }
  scheduler.on(['drift', 'selection', 'zone'], draw)
  draw()
  return panel.node
}

function createRow(drift: DriftState): HTMLElement {
  const row = el(
    'li',
    { class: 'drift' },
    el('span', { class: 'badge' }),
    el('strong', {}),
    el('time', { class: 'muted' }),
    el('p', {}),
  )
  if (drift.eventId) row.append(createEvidence(drift.eventId))
  return row
}

function updateRow(node: HTMLElement, drift: DriftState, zone: string): void {
  const [badge, name, time, text] = [...node.children] as [Element, Element, Element, Element]
  const [tone, word] = STATES[drift.state] ?? ['note', drift.state]
  setAttribute(badge, 'data-tone', tone)
  setText(badge, word)
  setText(name, variableLabel(drift.variable))
  setText(time, drift.at === null ? '' : `since ${formatInstant(instant(drift.at), zone)}`)
  const isTold = drift.cause === 'unknown' || drift.explanation.endsWith(`: ${drift.cause}`)
  const cause = drift.cause && !isTold ? ` Points to: ${drift.cause.replace('-', ' ')}.` : ''
  setText(text, `${drift.explanation}${cause}`)
}

/** Fetched when it is opened. */
function createEvidence(eventId: string): HTMLElement {
  const body = el('div', { class: 'evidence' }, el('p', { class: 'muted' }, 'Loading…'))
  const node = el('details', { class: 'data-table' }, el('summary', {}, 'Evidence'), body)
  let isLoaded = false
  node.addEventListener('toggle', () => {
    if (!node.open || isLoaded) return
    isLoaded = true
    getJson<DriftEvidence>('/v1/drift/evidence', { eventId }).then(
      (evidence) => body.replaceChildren(...evidenceNodes(evidence)),
      (error: unknown) => {
        isLoaded = false
        body.replaceChildren(
          el('p', { class: 'muted' }, `Could not be loaded: ${error instanceof Error ? error.message : String(error)}`),
        )
      },
    )
  })
  return node
}

const minuteText = (at: string): string => at.slice(0, 16).replace('T', ' ')

/** With the 95 % interval, where there is one. */
function changePointText({ changePointAt, changePointFrom, changePointTo }: DriftEvidence['drift']): string {
  if (changePointAt === null) return 'not estimated'
  const at = `${minuteText(changePointAt)} UTC`
  return changePointFrom && changePointTo ? `${at} (95 %: ${minuteText(changePointFrom)} to ${minuteText(changePointTo)})` : at
}

function stepText({ estimatedOffset, offsetMargin }: DriftEvidence['drift'], unit: string): string {
  if (estimatedOffset == null) return 'not estimated'
  const margin = offsetMargin == null ? '' : ` ± ${formatNumber(offsetMargin, 2)} (95 %)`
  return `${formatNumber(estimatedOffset, 2)}${margin} ${unit}`
}

function evidenceNodes({ drift, leads, before, after, days }: DriftEvidence): HTMLElement[] {
  const unit = unitOf(drift.variable)
  const mean = (value: number | null): string => (value === null ? '–' : `${formatNumber(value, 2)} ${unit}`)
  const facts: Array<[string, string]> = [
    ['Detector', drift.detector],
    ['Statistic', `${formatNumber(drift.statistic, 2)} against threshold ${formatNumber(drift.threshold, 2)}`],
    ['Leads', `+${leads.from} to +${leads.to} h`],
    ['Change point', changePointText(drift)],
    ['Step', stepText(drift, unit)],
    ['Mean error before', `${mean(before.error)} (${before.n} pairs)`],
    ['Mean error after', `${mean(after.error)} (${after.n} pairs)`],
  ]
  const head = ['Day (UTC)', 'Pairs', `Error, ${unit}`, 'Standardised']
  return [
    el('dl', { class: 'facts' }, ...facts.flatMap(([name, text]) => [el('dt', {}, name), el('dd', {}, text)])),
    el(
      'div',
      { class: 'scroll', tabindex: 0, role: 'region', 'aria-label': 'Daily errors' },
      el(
        'table',
        {},
        el('caption', {}, 'Daily mean of forecast minus observed'),
        el('thead', {}, el('tr', {}, ...head.map((title, i) => el('th', { scope: 'col', class: i > 0 ? 'num' : null }, title)))),
        el(
          'tbody',
          {},
          ...days.map((day) =>
            el(
              'tr',
              {},
              el('th', { scope: 'row' }, day.day),
              el('td', { class: 'num' }, day.n),
              el('td', { class: 'num' }, formatNumber(day.error, 2)),
              el('td', { class: 'num' }, formatNumber(day.standardised, 2)),
            ),
          ),
        ),
      ),
    ),
  ]
}
