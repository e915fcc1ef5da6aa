/** What happened, newest first. */
import { el, reconcile, setAttribute, setText } from '../dom.ts'
import { formatInstant } from '../format.ts'
import { createPanel } from '../panel.ts'
import type { Scheduler } from '../schedule.ts'
import type { Part, State } from '../state.ts'
import type { StoryEntry } from '../story.ts'
import { shownZone } from './header.ts'

const SHOWN = 60

export function createStoryFeed(state: State, scheduler: Scheduler<Part>): HTMLElement {
  const panel = createPanel('story', 'What happened')
  // role=log: new entries are read out when the reader is idle, old ones are not repeated.
  const list = el('ol', {})
  panel.body.append(el('div', { class: 'story', role: 'log', 'aria-label': 'Announcements, newest first', tabindex: 0 }, list))
  const draw = (): void => {
    panel.note(
      state.story.length > 0
        ? ''
        : 'Nothing to announce yet: trainings, promotions, drift, swaps and alerts appear here as they happen.',
    )
    const zone = shownZone(state)
    const names = new Map((state.stations.status === 'ready' ? state.stations.value : []).map((s) => [s.stationId, s.name]))
    reconcile(
      list,
      state.story.slice(0, SHOWN),
      (entry) => entry.id,
      createEntry,
      (node, entry) => updateEntry(node, entry, zone, names),
    )
  }
  scheduler.on(['story', 'zone', 'stations'], draw)
  draw()
  return panel.node
}

function createEntry(): HTMLElement {
  return el(
    'li',
    { class: 'entry' },
    el('span', { class: 'badge' }),
    el('time', {}),
    el('span', { class: 'entry-text' }, el('strong', {}), el('span', {})),
    el('code', { class: 'event-id' }),
  )
}

function updateEntry(node: HTMLElement, entry: StoryEntry, zone: string, names: ReadonlyMap<string, string>): void {
  const [badge, time, text, id] = [...node.children] as [Element, Element, Element, Element]
  setAttribute(badge, 'data-tone', entry.tone)
  setText(badge, entry.title)
  setText(time, formatInstant(entry.at, zone))
  setAttribute(time, 'datetime', new Date(entry.at).toISOString())
  const [station, sentence] = [...text.children] as [Element, Element]
  const name = entry.stationId === null ? '' : (names.get(entry.stationId) ?? entry.stationId)
  // Summaries of alerts begin with the station already.
  setText(station, name === '' || entry.text.startsWith(name) ? '' : `${name} `)
  setText(sentence, entry.text)
  const evidence = entry.evidence === undefined ? entry.id : entry.evidence
  setText(id, evidence ?? '')
  setAttribute(id, 'title', evidence === null ? '' : `Event id: ${evidence}`)
}
