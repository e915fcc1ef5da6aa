/** One route: what it takes, and a form that calls it. */
import { authorization } from '../api.ts'
import { el, setAttribute, setText } from '../dom.ts'
import { accessOf, addressOf, curlOf, type Entry, exampleOf, type OpenApi } from './openapi.ts'

const SHOWN_CHARACTERS = 20_000
const SHOWN_HEADERS = [
  'content-type',
  'etag',
  'cache-control',
  'ratelimit',
  'retry-after',
  'isobar-status',
  'idempotency-replayed',
]

export function createOperation(entry: Entry, document: OpenApi): HTMLElement {
  const { method, path, operation } = entry
  const id = `${method.toLowerCase()}${path.replaceAll(/[^a-zA-Z0-9]+/g, '-')}`
  const body = el('div', { class: 'operation-body' })
  const node = el(
    'details',
    { class: 'operation', id },
    el(
      'summary',
      {},
      el('span', { class: 'method', 'data-method': method }, method),
      el('code', {}, path),
      el('span', { class: 'muted' }, operation.summary ?? ''),
      el('span', { class: 'access' }, accessOf(operation)),
    ),
    body,
  )
  // Most are never opened: their forms are made when they are.
  node.addEventListener('toggle', () => {
    if (node.open && body.childElementCount === 0) body.append(...createForm(entry, document, id))
  })
  return node
}

function createForm(entry: Entry, document: OpenApi, id: string): HTMLElement[] {
  const { method, operation } = entry
  const isStream = Object.hasOwn(operation.responses['200']?.content ?? {}, 'text/event-stream')
  const inputs = new Map<string, HTMLInputElement | HTMLSelectElement>()
  const fields = (operation.parameters ?? []).map((parameter) => {
    const key = `${parameter.in}:${parameter.name}`
    const field = `${id}-${parameter.in}-${parameter.name}`
    const choices = parameter.schema?.enum
    const input = choices
      ? el(
          'select',
          { id: field },
          el('option', { value: '' }, ''),
          ...choices.map((c) => el('option', { value: String(c) }, String(c))),
        )
      : el('input', {
          id: field,
          autocomplete: 'off',
          placeholder: String(parameter.schema?.example ?? parameter.example ?? parameter.schema?.default ?? ''),
        })
    if (parameter.in === 'path')
      input.value = String(parameter.schema?.example ?? parameter.example ?? parameter.schema?.enum?.[0] ?? '')
    inputs.set(key, input)
    return el(
      'label',
      { for: field },
      el(
        'span',
        {},
        el('code', {}, parameter.name),
        parameter.required ? ' (required)' : '',
        parameter.in === 'header' ? ' header' : '',
      ),
      input,
      el('small', { class: 'muted' }, parameter.description ?? parameter.schema?.description ?? ''),
    )
  })
  const schema = operation.requestBody?.content['application/json']?.schema
  const bodyText = schema ? el('textarea', { id: `${id}-body`, rows: 8, spellcheck: 'false' }) : null
  if (bodyText) bodyText.value = JSON.stringify(exampleOf(schema, document), null, 2)
  const command = el('pre', { class: 'command', tabindex: 0, 'aria-label': 'As a command' })
  const send = el('button', { type: 'submit', class: 'primary' }, 'Send')
  const outcome = el('p', { class: 'note', role: 'status', 'aria-live': 'polite', hidden: true })
  const answer = el('pre', { class: 'answer', tabindex: 0, 'aria-label': 'Answer', hidden: true })

  const values = (): Map<string, string> => new Map([...inputs].map(([key, input]) => [key, input.value.trim()]))
  const headers = (): Record<string, string> => {
    const given = [...values()].filter(([key, value]) => key.startsWith('header:') && value !== '')
    return {
      ...authorization(),
      ...(bodyText ? { 'content-type': 'application/json' } : {}),
      ...Object.fromEntries(given.map(([key, value]) => [key.slice('header:'.length), value])),
    }
  }
  const refresh = (): void => {
    // The key itself is not for shoulders and screenshots.
    const shown = headers()
    if (shown['authorization']) shown['authorization'] = 'Bearer $ISOBAR_KEY'
    setText(
      command,
      curlOf(method, location.origin + addressOf(entry, values()), shown, bodyText?.value ?? null).replace(
        "'authorization: Bearer $ISOBAR_KEY'",
        '"authorization: Bearer $ISOBAR_KEY"',
      ),
    )
  }
  const form = el(
    'form',
    {},
    ...fields,
    bodyText ? el('label', { for: bodyText.id }, el('span', {}, 'Body'), bodyText) : null,
    command,
    isStream ? el('p', { class: 'muted' }, 'A stream: run the command to follow it.') : el('div', { class: 'buttons' }, send),
    outcome,
    answer,
  )
  form.addEventListener('input', refresh)
  form.addEventListener('submit', (event) => {
    event.preventDefault()
    void submit()
  })
  refresh()

  async function submit(): Promise<void> {
    refresh()
    send.disabled = true
    const startedAt = performance.now()
    try {
      const response = await fetch(addressOf(entry, values()), {
        method,
        headers: headers(),
        ...(bodyText ? { body: bodyText.value } : {}),
      })
      const text = await response.text()
      const told = SHOWN_HEADERS.flatMap((name) => (response.headers.has(name) ? [`${name}: ${response.headers.get(name)}`] : []))
      setText(outcome, `${response.status} in ${Math.round(performance.now() - startedAt)} ms, ${text.length} characters`)
      setAttribute(outcome, 'data-tone', response.ok ? 'good' : 'bad')
      const shown = pretty(text)
      setText(answer, `${told.join('\n')}\n\n${shown.slice(0, SHOWN_CHARACTERS)}${shown.length > SHOWN_CHARACTERS ? '\n…' : ''}`)
      answer.hidden = false
    } catch (error) {
      setText(outcome, `Not sent: ${error instanceof Error ? error.message : String(error)}`)
      setAttribute(outcome, 'data-tone', 'bad')
    } finally {
      outcome.hidden = false
      send.disabled = false
    }
  }

  return [...(operation.description ? [el('p', {}, operation.description)] : []), form]
}

function pretty(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text), null, 2)
  } catch (error) {
    // CSV, metrics, NDJSON: as it came.
    if (error instanceof SyntaxError) return text
    throw error
  }
}
