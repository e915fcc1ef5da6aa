/** What each inference replica serves, and whether all agree. */
import { detailsTable, el, reconcile, setAttribute, setText } from '../dom.ts'
import { formatNumber, shortVersion, variableLabel } from '../format.ts'
import { createPanel, showState } from '../panel.ts'
import type { Scheduler } from '../schedule.ts'
import type { Part, State } from '../state.ts'
import type { ReplicaModel, Replicas } from '../wire.ts'

type Row = ReplicaModel & { replicaId: string }

export function createReplicaPanel(state: State, scheduler: Scheduler<Part>): HTMLElement {
  const summary = el('span', { class: 'badge', 'data-tone': 'note' }, '–')
  const panel = createPanel('replicas', 'Inference replicas', summary)
  const list = el('ul', { class: 'replicas' })
  const table = detailsTable<Row>('Table of served models', 'What each replica serves', [
    { title: 'Replica', cell: (row) => row.replicaId },
    { title: 'Station', cell: (row) => row.stationId },
    { title: 'Variable', cell: (row) => variableLabel(row.variable) },
    { title: 'Serves', cell: (row) => row.servingVersion ?? 'none' },
    { title: 'State', cell: (row) => (row.error ? `${row.state}: ${row.error}` : row.state) },
    { title: 'Swap, ms', numeric: true, cell: (row) => formatNumber(row.swapMilliseconds, 1) },
  ])
  panel.body.append(list, table.node)
  const draw = (): void => {
    const value = showState(panel, state.replicas, {
      loading: 'Asking what the replicas serve…',
      isEmpty: (v) => v.replicas.length === 0,
      empty: 'No replica has reported. They report once a first model is promoted.',
    })
    const tone = !value || value.expected === 0 ? 'note' : value.converged === value.expected ? 'good' : 'warn'
    setAttribute(summary, 'data-tone', tone)
    setText(summary, value ? `${value.converged} of ${value.expected} converged` : 'unknown')
    const replicas = value?.replicas ?? []
    reconcile(
      list,
      replicas,
      (r) => r.replicaId,
      createCard,
      (node, replica) => updateCard(node, replica, state),
    )
    table.update(replicas.flatMap((r) => r.models.map((m) => ({ ...m, replicaId: r.replicaId }))))
  }
  scheduler.on(['replicas', 'selection'], draw)
  draw()
  return panel.node
}

function createCard(): HTMLElement {
  return el(
    'li',
    { class: 'replica' },
    el('strong', {}),
    el('span', { class: 'badge' }),
    el('span', {}),
    el('span', { class: 'muted' }),
  )
}

function updateCard(node: HTMLElement, replica: Replicas['replicas'][number], state: State): void {
  const [name, badge, serves, swap] = [...node.children] as [Element, Element, Element, Element]
  const { stationId, variable } = state.selected
  const own = replica.models.find((m) => m.stationId === stationId && m.variable === variable)
  const rejected = replica.models.filter((m) => m.state === 'rejected')
  setText(name, replica.replicaId)
  setAttribute(badge, 'data-tone', rejected.length > 0 ? 'warn' : 'good')
  setText(badge, rejected.length > 0 ? `${rejected.length} refused` : `serves ${replica.models.length} models`)
  setText(
    serves,
    own ? `${variableLabel(variable)}: ${shortVersion(own.servingVersion)}` : `${variableLabel(variable)}: nothing yet`,
  )
  const swaps = replica.models
    .map((m) => m.swapMilliseconds)
    .filter((ms) => ms !== null)
    .sort((a, b) => a - b)
  const median = swaps[Math.floor(swaps.length / 2)]
  setText(
    swap,
    median === undefined
      ? 'no swap yet'
      : `swap ${formatNumber(own?.swapMilliseconds ?? median, 0)} ms · median ${formatNumber(median, 0)} ms · slowest ${formatNumber(swaps.at(-1) ?? median, 0)} ms`,
  )
}
