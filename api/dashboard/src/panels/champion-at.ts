/** Who was champion of the selected model at an instant, put there by whom and why: asked of the history, not of what the page holds. */
import { getJson, segment } from '../api.ts'
import { el, setText } from '../dom.ts'
import { formatInstant, shortVersion, variableLabel } from '../format.ts'
import type { Scheduler } from '../schedule.ts'
import type { Part, State } from '../state.ts'
import type { ChampionAnswer } from '../wire.ts'
import { shownZone } from './header.ts'

export function createChampionAt(state: State, scheduler: Scheduler<Part>): HTMLElement {
  const input = el('input', { type: 'datetime-local', id: 'champion-at', step: 3600 })
  const answer = el('output', { for: 'champion-at', class: 'muted' })
  const node = el('p', { class: 'champion-at' }, el('label', { for: 'champion-at' }, 'Who was champion at (UTC)'), input, answer)
  let asked = 0

  const ask = async (): Promise<void> => {
    const mine = ++asked
    const { stationId, variable } = state.selected
    // The field has no zone; its label says UTC.
    const atMs = Date.parse(`${input.value}Z`)
    setText(answer, '')
    if (stationId === null || Number.isNaN(atMs)) return
    const text = await championText(stationId, variable, atMs).catch((error: Error) => error.message)
    if (mine === asked) setText(answer, text)
  }
  const championText = async (stationId: string, variable: string, atMs: number): Promise<string> => {
    const path = `/v1/models/${segment(stationId)}/${variable}/history`
    const { champion } = await getJson<ChampionAnswer>(path, { at: new Date(atMs).toISOString() })
    const name = variableLabel(variable)
    if (champion === null) return `${name}: none yet at that time.`
    const since = formatInstant(Date.parse(champion.changedAt), shownZone(state), 'full')
    return `${name}: ${shortVersion(champion.version)}, put there ${since} by ${champion.changedBy}: ${champion.reason}`
  }
  input.addEventListener('change', () => void ask())
  scheduler.on(['selection', 'zone'], () => void ask())
  return node
}
