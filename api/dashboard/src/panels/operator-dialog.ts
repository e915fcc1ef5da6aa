/** Retrain, promote, roll back: a reason, a key, a confirmation. */
import { el, setAttribute, setText } from '../dom.ts'
import { keyStore, postJson, segment } from '../api.ts'
import { shortVersion, variableLabel } from '../format.ts'
import { valueOf } from '../loadable.ts'
import type { State } from '../state.ts'
import { selectedStation } from '../state.ts'

type Action = 'retrain' | 'promote' | 'rollback'

const CONSEQUENCE: Readonly<Record<Action, string>> = {
  retrain: 'A new model is trained on what is known now. It is served only if it passes the gate.',
  promote: 'All replicas will serve this version, without asking the gate. The present champion stays warm.',
  rollback: 'All replicas go back to the previous champion.',
}

export function createOperatorDialog(state: State, onKey: () => void): { node: HTMLDialogElement; open(): void } {
  const subject = el('p', { class: 'muted' })
  const action = el(
    'select',
    { id: 'op-action' },
    el('option', { value: 'retrain' }, 'Retrain'),
    el('option', { value: 'promote' }, 'Promote a version'),
    el('option', { value: 'rollback' }, 'Roll back'),
  )
  const version = el('select', { id: 'op-version' })
  const versionField = el('label', { for: 'op-version' }, 'Version', version)
  const reason = el('input', { id: 'op-reason', required: true, minlength: 3, maxlength: 500, autocomplete: 'off' })
  const key = el('input', { id: 'op-key', type: 'password', autocomplete: 'off', placeholder: 'isk_…' })
  const confirm = el('input', { id: 'op-confirm', type: 'checkbox', required: true })
  const consequence = el('p', { class: 'consequence' })
  const outcome = el('p', { class: 'note', role: 'status', 'aria-live': 'polite', hidden: true })
  const send = el('button', { type: 'submit', class: 'primary' }, 'Send')
  const check = el('button', { type: 'button' }, 'What would happen?')
  const close = el('button', { type: 'button' }, 'Close')
  const saveKey = el('button', { type: 'button' }, 'Keep key')
  const form = el(
    'form',
    { method: 'dialog' },
    el('h2', { id: 'op-title' }, 'Operate models'),
    subject,
    el('label', { for: 'op-action' }, 'Action', action),
    versionField,
    el('label', { for: 'op-reason' }, 'Reason (kept in the audit trail)', reason),
    el('label', { for: 'op-key' }, 'API key with scope operate (kept in this tab only)', key),
    consequence,
    el('label', { class: 'check', for: 'op-confirm' }, confirm, el('span', {}, 'I want this to happen')),
    outcome,
    el('div', { class: 'buttons' }, close, saveKey, check, send),
  )
  const node = el('dialog', { class: 'operator', 'aria-labelledby': 'op-title' }, form)

  const say = (text: string, tone: 'good' | 'bad' | 'plain'): void => {
    setText(outcome, text)
    setAttribute(outcome, 'hidden', text === '')
    setAttribute(outcome, 'data-tone', tone)
  }
  const refresh = (): void => {
    const chosen = action.value as Action
    setText(consequence, CONSEQUENCE[chosen])
    versionField.hidden = chosen !== 'promote'
    send.disabled = check.disabled = state.selected.stationId === null
  }
  const keepKey = (): void => {
    if (key.value === keyStore.get()) return
    keyStore.set(key.value.trim())
    onKey()
  }
  action.addEventListener('change', refresh)
  close.addEventListener('click', () => node.close())
  saveKey.addEventListener('click', () => {
    keepKey()
    say(keyStore.get() === '' ? 'The key was forgotten.' : 'The key is kept until this tab is closed.', 'good')
  })
  form.addEventListener('submit', (event) => {
    event.preventDefault()
    keepKey()
    void submit(false)
  })
  // Asks the server and changes nothing: no confirmation, but a key and a reason all the same.
  check.addEventListener('click', () => {
    if (!reason.reportValidity()) return
    keepKey()
    void submit(true)
  })

  async function submit(isDryRun: boolean): Promise<void> {
    const { stationId, variable } = state.selected
    if (stationId === null) return
    const chosen = action.value as Action
    send.disabled = check.disabled = true
    say('Sending…', 'plain')
    try {
      const body = {
        reason: reason.value.trim(),
        ...(chosen === 'promote' && version.value !== '' ? { version: version.value } : {}),
        ...(isDryRun ? { dryRun: true } : {}),
      }
      const path = `/v1/models/${segment(stationId)}/${segment(variable)}/${chosen}`
      const answer = await postJson<{ from: string | null; to: string | null; effect: string }>(path, body)
      const change = answer.to === null ? '' : ` ${shortVersion(answer.from)} → ${shortVersion(answer.to)}.`
      if (isDryRun) say(`Nothing was done. ${answer.effect}${change}`, 'plain')
      else {
        say(`Accepted. ${answer.effect}${change} What comes of it appears under “What happened”.`, 'good')
        confirm.checked = false
      }
    } catch (error) {
      say(`Not done: ${error instanceof Error ? error.message : String(error)}`, 'bad')
    } finally {
      send.disabled = check.disabled = false
    }
  }

  return {
    node,
    open() {
      const { stationId, variable } = state.selected
      setText(
        subject,
        stationId === null
          ? 'Choose a station first.'
          : `${variableLabel(variable)} at ${selectedStation(state)?.name ?? stationId}`,
      )
      const versions = new Set(
        (valueOf(state.modelEvents) ?? []).filter((e) => e.variable === variable && e.version !== '').map((e) => e.version),
      )
      version.replaceChildren(...[...versions].map((v) => el('option', { value: v }, shortVersion(v))))
      key.value = keyStore.get()
      confirm.checked = false
      say('', 'plain')
      refresh()
      node.showModal()
      action.focus()
    },
  }
}
