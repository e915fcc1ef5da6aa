/** Training runs of the selected station: what caused each, what became of it, and the report the gate decided on. */
import { getJson } from '../api.ts'
import { el, reconcile, setAttribute, setText } from '../dom.ts'
import { formatInstant, formatNumber, formatPercent, instant, shortVersion, variableLabel } from '../format.ts'
import { createPanel, showState } from '../panel.ts'
import type { Scheduler } from '../schedule.ts'
import type { Part, State } from '../state.ts'
import type { GateReport, Run, RunInFull, Scores } from '../wire.ts'
import { shownZone } from './header.ts'

const STATES: Readonly<Record<string, readonly [tone: string, text: string]>> = {
  'training-started': ['note', 'Training'],
  trained: ['note', 'Trained'],
  evaluated: ['note', 'On trial'],
  accepted: ['good', 'Accepted'],
  promoted: ['good', 'Promoted'],
  'probation-passed': ['good', 'Promoted, kept'],
  rejected: ['warn', 'Refused'],
  'rolled-back': ['bad', 'Rolled back'],
  failed: ['bad', 'Failed'],
}
const CAUSES: Readonly<Record<string, string>> = {
  drift: 'because of drift',
  schedule: 'by schedule',
  operator: 'by an operator',
  'cold-start': 'as first model',
}

export function createRunList(state: State, scheduler: Scheduler<Part>): HTMLElement {
  const panel = createPanel('runs', 'Training runs')
  const list = el('ul', { class: 'runs', tabindex: 0, 'aria-label': 'Training runs, newest first' })
  panel.body.append(list)
  const draw = (): void => {
    const runs = showState(panel, state.runs, {
      loading: 'Loading training runs…',
      isEmpty: (value) => value.length === 0,
      empty: 'No model has been trained for this station yet.',
    })
    reconcile(
      list,
      runs ?? [],
      // Scores and the report come later than the run: then it is a new element.
      (run) => `${run.runId}/${isEvaluated(run)}/${run.evaluation ?? ''}`,
      createRow,
      (node, run) => updateRow(node, run, shownZone(state)),
    )
  }
  scheduler.on(['runs', 'zone'], draw)
  draw()
  return panel.node
}

function createRow(run: Run): HTMLElement {
  const row = el(
    'li',
    { class: 'run' },
    el('span', { class: 'badge' }),
    el('strong', {}),
    el('time', { class: 'muted' }),
    el('p', {}),
    el('p', { class: 'muted event-id' }),
  )
  const { evaluation } = run
  if (evaluation !== null)
    row.append(createDetails('Gate report', async () => reportNodes(await getJson<GateReport>(evaluation), evaluation)))
  if (isEvaluated(run)) {
    const address = `/v1/runs/${encodeURIComponent(run.runId)}`
    const load = async () => comparisonNodes((await getJson<RunInFull>(address)).run.comparison)
    row.append(createDetails('Families side by side', load))
  }
  return row
}

const isEvaluated = ({ state }: Run): boolean => !['training-started', 'trained', 'failed'].includes(state)

function updateRow(node: HTMLElement, run: Run, zone: string): void {
  const [badge, name, time, why, ids] = [...node.children] as [Element, Element, Element, Element, Element]
  const [tone, word] = STATES[run.state] ?? ['note', run.state]
  setAttribute(badge, 'data-tone', tone)
  setText(badge, word)
  setText(name, `${variableLabel(run.variable)} ${shortVersion(run.version)}`)
  setText(time, formatInstant(instant(run.at), zone))
  const reasons = run.reasons.length > 0 ? `: ${run.reasons.join('; ')}` : ''
  setText(why, `Trained ${CAUSES[run.requestReason] ?? run.requestReason}${reasons}`)
  setText(
    ids,
    `run ${run.runId}${run.causedBy === null ? '' : ` · caused by ${run.causedBy}`} · ${run.rows} rows in ${formatNumber(run.fitSeconds, 2)} s`,
  )
}

/** Fetched when it is opened. */
function createDetails(title: string, load: () => Promise<HTMLElement[]>): HTMLElement {
  const body = el('div', { class: 'report' }, el('p', { class: 'muted' }, 'Loading…'))
  const node = el('details', { class: 'data-table' }, el('summary', {}, title), body)
  let isLoaded = false
  node.addEventListener('toggle', () => {
    if (!node.open || isLoaded) return
    isLoaded = true
    load().then(
      (nodes) => body.replaceChildren(...nodes),
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

function comparisonNodes(comparison: RunInFull['run']['comparison']): HTMLElement[] {
  if (comparison === null) return [el('p', { class: 'muted' }, 'This run compared no families.')]
  const { notComparedBecause, firstOriginAt, lastOriginAt, origins, families } = comparison
  if (notComparedBecause !== null) return [el('p', { class: 'muted' }, `Not compared. ${notComparedBecause}`)]
  // As people read it: who is best at a lead.
  const scores = families.flatMap(({ metrics }) => metrics)
  const byLead = [...Map.groupBy(scores, ({ leadBucket }) => leadBucket).values()].flat()
  const refused = families.filter((one) => one.refused !== null)
  return [
    el(
      'p',
      {},
      `${origins} origins, ${firstOriginAt?.slice(0, 10)} to ${lastOriginAt?.slice(0, 10)}, that none of them was fitted on. Nothing is decided on it.`,
    ),
    ...(refused.length === 0
      ? []
      : [el('ul', { class: 'lines' }, ...refused.map(({ family, refused: why }) => el('li', {}, `${family}: ${why}`)))]),
    scoreTable('Families on the same rows', 'Family', byLead),
  ]
}

function reportNodes(report: GateReport, address: string): HTMLElement[] {
  return [
    el(
      'p',
      {},
      el('strong', {}, `Decision: ${report.decision}`),
      ` · ${report.hours} hours, ${report.rows} pairs of both models`,
    ),
    el('ul', { class: 'lines' }, ...(report.text ?? report.reasons).map((line) => el('li', {}, line))),
    scoreTable('Scores on the same rows', 'Model', report.metrics ?? []),
    el('p', {}, el('a', { href: address }, 'The report as JSON')),
  ]
}

function scoreTable(caption: string, who: string, scores: readonly Scores[]): HTMLElement {
  const head = [who, 'Lead, h', 'Pairs', 'MAE', 'CRPS', 'In 80 %']
  return el(
    'div',
    { class: 'scroll', tabindex: 0, role: 'region', 'aria-label': caption },
    el(
      'table',
      {},
      el('caption', {}, caption),
      el('thead', {}, el('tr', {}, ...head.map((title, i) => el('th', { scope: 'col', class: i > 1 ? 'num' : null }, title)))),
      el(
        'tbody',
        {},
        ...scores.map((row) =>
          el(
            'tr',
            {},
            el('th', { scope: 'row' }, row.model),
            el('td', {}, row.leadBucket),
            el('td', { class: 'num' }, row.n),
            el('td', { class: 'num' }, formatNumber(row.mae, 3)),
            el('td', { class: 'num' }, formatNumber(row.crps, 3)),
            el('td', { class: 'num' }, formatPercent(row.coverage80)),
          ),
        ),
      ),
    ),
  )
}
