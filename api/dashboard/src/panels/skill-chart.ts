/** Skill of the served model by lead time: how much smaller its errors are than those of two plain references. */
import { LEAD_BUCKETS } from '../../../../schemas/quantities.ts'
import { detailsTable, el, reconcile, setAttribute, setText } from '../dom.ts'
import { formatNumber, formatPercent, formatValue, unitOf, variableLabel } from '../format.ts'
import { createPanel, showState } from '../panel.ts'
import type { Scheduler } from '../schedule.ts'
import type { Part, State } from '../state.ts'
import type { Headline, SkillRow } from '../wire.ts'

const ORDER: readonly string[] = [...LEAD_BUCKETS.map((bucket) => bucket.name), 'all']

export function createSkillChart(state: State, scheduler: Scheduler<Part>): HTMLElement {
  const panel = createPanel('skill', 'Skill by lead time')
  const explain = el(
    'p',
    { class: 'muted' },
    'Share of the error removed, against two references. 0 % is no better; below 0 is worse.',
  )
  const headline = el('p', { class: 'headline', hidden: true })
  const list = el('ul', { class: 'skill' })
  const table = detailsTable<SkillRow>('Table of scores', 'Scores by lead bucket', [
    { title: 'Lead, h', cell: (row) => row.leadBucket },
    { title: 'Pairs', numeric: true, cell: (row) => String(row.n) },
    { title: 'MAE', numeric: true, cell: (row) => formatNumber(row.mae, 2) },
    { title: 'Bias', numeric: true, cell: (row) => formatNumber(row.bias, 2) },
    { title: 'CRPS', numeric: true, cell: (row) => formatNumber(row.crps, 2) },
    { title: 'In 80 %', numeric: true, cell: (row) => formatPercent(row.coverage80) },
    { title: 'In 95 %', numeric: true, cell: (row) => formatPercent(row.coverage95) },
    { title: 'Persistence', numeric: true, cell: (row) => formatPercent(row.skillOverPersistence, { sign: true }) },
    { title: 'Climatology', numeric: true, cell: (row) => formatPercent(row.skillOverClimatology, { sign: true }) },
  ])
  panel.body.append(headline, explain, list, table.node)
  const draw = (): void => {
    const { stationId, variable } = state.selected
    const all = showState(panel, state.skill, {
      loading: 'Loading scores…',
      isEmpty: (rows) => rows.every((row) => row.n === 0),
      empty: 'Nothing verified yet: scores appear once observations arrive for hours that were forecast.',
    })
    const rows = (all ?? [])
      .filter((row) => row.n > 0 && row.variable === variable && (stationId === null || row.stationId === stationId))
      .sort((a, b) => ORDER.indexOf(a.leadBucket) - ORDER.indexOf(b.leadBucket))
    setAttribute(explain, 'hidden', rows.length === 0)
    const useful = state.headlines.find((h) => h.stationId === stationId && h.variable === variable)
    setAttribute(headline, 'hidden', rows.length === 0 || useful === undefined)
    if (useful) setText(headline, headlineText(useful))
    reconcile(
      list,
      rows,
      (row) => row.leadBucket,
      createRow,
      (node, row) => updateRow(node, row, unitOf(variable)),
    )
    list.setAttribute('aria-label', `Skill of ${variableLabel(variable).toLowerCase()} forecasts by lead time`)
    table.update(rows)
  }
  scheduler.on(['skill', 'selection'], draw)
  draw()
  return panel.node
}

/** "Useful" only as far as the lower confidence bound says so; nothing is rounded up. */
function headlineText({ usefulToHours, days }: Headline): string {
  return usefulToHours > 0
    ? `Useful to +${usefulToHours} h (better than climatology with 95 % confidence, ${days} days verified)`
    : `Not yet shown to beat climatology with 95 % confidence (${days} days verified)`
}

function createRow(): HTMLElement {
  const bar = (name: string): HTMLElement =>
    el(
      'div',
      { class: 'skill-bar' },
      el('span', { class: 'skill-label' }, name),
      el('span', { class: 'track', 'aria-hidden': 'true' }, el('span', { class: 'fill' })),
      el('b', { class: 'num' }),
    )
  return el(
    'li',
    {},
    el('div', { class: 'skill-head' }, el('strong', {}), el('span', { class: 'muted' })),
    bar('Persistence'),
    bar('Climatology'),
  )
}

function updateRow(node: HTMLElement, row: SkillRow, unit: string): void {
  const [head, persistence, climatology] = [...node.children] as [Element, Element, Element]
  setText(head.children[0] as Element, row.leadBucket === 'all' ? 'All leads' : `${row.leadBucket.replace('-', '–')} h`)
  setText(
    head.children[1] as Element,
    `MAE ${formatValue(row.mae, row.variable) === '–' ? '–' : formatNumber(row.mae, 2)} ${unit} · in 80 %: ${formatPercent(row.coverage80)} · ${row.n} pairs`,
  )
  updateBar(persistence, row.skillOverPersistence)
  updateBar(climatology, row.skillOverClimatology)
}

function updateBar(node: Element, skill: number | null): void {
  const fill = node.querySelector('.fill') as HTMLElement
  const bounded = Math.max(-1, Math.min(1, skill ?? 0))
  // Zero sits in the middle of the track; the sign is also in the number and the side.
  fill.style.width = `${Math.abs(bounded) * 50}%`
  fill.style.left = bounded < 0 ? `${50 - Math.abs(bounded) * 50}%` : '50%'
  setAttribute(fill, 'data-tone', bounded < 0 ? 'bad' : 'good')
  setText(node.lastElementChild as Element, formatPercent(skill, { sign: true }))
}
