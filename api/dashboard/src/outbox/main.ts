/** What Slack and mail would have got where they are not configured. */
import '../styles.css'
import { getList } from '../api.ts'
import { el, reconcile, setText } from '../dom.ts'
import { formatInstant, instant } from '../format.ts'

type Message = { id: string; channel: string; at: string; to: string[]; subject: string; text: string }
const EVERY_MS = 5000

const root = document.getElementById('outbox')
if (!root) throw new Error('outbox.html has no #outbox')

const note = el('p', { class: 'note', role: 'status' }, 'Loading…')
const list = el('ul', { class: 'outbox' })
root.replaceChildren(
  el(
    'header',
    { class: 'top' },
    el(
      'div',
      { class: 'brand' },
      el('img', { src: './icon.svg', alt: '', width: 28, height: 28 }),
      el('h1', {}, 'Isobar outbox'),
    ),
    el('nav', { 'aria-label': 'More' }, el('a', { href: './' }, 'Dashboard')),
  ),
  el('main', {}, el('section', { class: 'panel', 'aria-label': 'Messages' }, note, list)),
)

async function refresh(): Promise<void> {
  try {
    const messages = await getList<Message>('messages', '/v1/outbox')
    setText(
      note,
      messages.length === 0
        ? 'Nothing here: no alert has been told yet, or every channel is configured.'
        : `${messages.length} newest messages that no configured channel took.`,
    )
    reconcile(
      list,
      messages,
      (m) => `${m.channel}/${m.id}`,
      (m) =>
        el(
          'li',
          { class: 'message' },
          el('span', { class: 'badge', 'data-tone': 'note' }, m.channel),
          el('strong', {}, m.subject),
          el('time', { class: 'muted', datetime: m.at }, formatInstant(instant(m.at), 'UTC', 'full')),
          el('pre', {}, m.text),
        ),
      () => {},
    )
  } catch (error) {
    setText(note, `Could not be loaded: ${error instanceof Error ? error.message : String(error)}. Trying again.`)
  }
}

void refresh()
setInterval(() => {
  if (!document.hidden) void refresh()
}, EVERY_MS)
