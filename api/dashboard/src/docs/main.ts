/** The API reference with a form for every route, from /openapi.json. */
import '../styles.css'
import './docs.css'
import { getJson, keyStore } from '../api.ts'
import { el } from '../dom.ts'
import { entriesByTag, type OpenApi } from './openapi.ts'
import { createOperation } from './operation.ts'

const root = document.getElementById('docs')
if (!root) throw new Error('docs.html has no #docs')

const key = el('input', { id: 'key', type: 'password', autocomplete: 'off', placeholder: 'isk_…', value: keyStore.get() })
key.addEventListener('change', () => keyStore.set(key.value.trim()))

try {
  const api = await getJson<OpenApi>('/openapi.json')
  const sections = [...entriesByTag(api)].map(([tag, entries]) =>
    el(
      'section',
      { class: 'panel', 'aria-labelledby': `tag-${tag}` },
      el('div', { class: 'panel-head' }, el('h2', { id: `tag-${tag}` }, tag)),
      el('div', { class: 'panel-body' }, ...entries.map((entry) => createOperation(entry, api))),
    ),
  )
  root.replaceChildren(
    el(
      'header',
      { class: 'top' },
      el(
        'div',
        { class: 'brand' },
        el('img', { src: './icon.svg', alt: '', width: 28, height: 28 }),
        el('h1', {}, `${api.info.title} API`),
      ),
      el('label', { class: 'key', for: 'key' }, el('span', {}, 'API key (kept in this tab only)'), key),
      el(
        'nav',
        { 'aria-label': 'More' },
        el('a', { href: './' }, 'Dashboard'),
        ' · ',
        el('a', { href: './openapi.json' }, 'OpenAPI document'),
      ),
    ),
    el('main', {}, el('p', { class: 'about' }, api.info.description ?? ''), ...sections),
  )
  // A link to one route opens it.
  const linked = document.getElementById(location.hash.slice(1))
  if (linked instanceof HTMLDetailsElement) {
    linked.open = true
    linked.scrollIntoView()
  }
} catch (error) {
  root.replaceChildren(
    el(
      'p',
      { class: 'boot' },
      `The API reference could not be loaded: ${error instanceof Error ? error.message : String(error)}`,
    ),
  )
}
