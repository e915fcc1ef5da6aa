/** The frame of a panel: heading, its state in words when there is nothing to show, and the content. */
import { el, setAttribute, setText } from './dom.ts'
import type { Loadable } from './loadable.ts'
import { valueOf } from './loadable.ts'

export type Panel = {
  node: HTMLElement
  head: HTMLElement
  body: HTMLElement
  /** One line above the content: what is missing and why; empty text hides it. */
  note(text: string, tone?: 'plain' | 'warn' | 'bad'): void
}

export function createPanel(id: string, title: string, ...headExtras: Node[]): Panel {
  const heading = el('h2', { id: `${id}-title` }, title)
  const head = el('div', { class: 'panel-head' }, heading, ...headExtras)
  const note = el('p', { class: 'note', role: 'status', hidden: true })
  const body = el('div', { class: 'panel-body' })
  const node = el('section', { id, class: 'panel', 'aria-labelledby': `${id}-title` }, head, note, body)
  return {
    node,
    head,
    body,
    note(text, tone = 'plain') {
      setText(note, text)
      setAttribute(note, 'hidden', text === '')
      setAttribute(note, 'data-tone', tone)
    },
  }
}

/**
 * Says the state of what the panel shows and returns what can be drawn.
 * `empty` explains an empty answer: nothing wrong, nothing there yet.
 */
export function showState<T>(
  panel: Panel,
  data: Loadable<T>,
  texts: { loading: string; isEmpty: (value: T) => boolean; empty: string },
): T | undefined {
  const value = valueOf(data)
  if (data.status === 'failed') {
    const kept = value === undefined ? '' : ' Shown is what was last received.'
    panel.note(`Could not be loaded: ${data.reason.replace(/\.$/, '')}. Trying again.${kept}`, 'bad')
  } else if (value === undefined) panel.note(texts.loading)
  else if (texts.isEmpty(value)) panel.note(texts.empty)
  else panel.note('')
  return value
}
