/** Promotions, rollbacks, refusals and drift of the selected station's models over event time, one line per variable. */
import { FORECAST_VARIABLES } from '../../../../schemas/quantities.ts'
import { detailsTable, el, setText, svg } from '../dom.ts'
import { formatInstant, shortVersion, variableLabel } from '../format.ts'
import { valueOf } from '../loadable.ts'
import { createPanel, showState } from '../panel.ts'
import type { Scheduler } from '../schedule.ts'
import { throttled } from '../schedule.ts'
import type { Part, State } from '../state.ts'
import type { MarkKind, TimelineMark } from '../timeline-data.ts'
import { MARK_LABELS, timelineMarks, timelineSpan, whyServed } from '../timeline-data.ts'
import { createChampionAt } from './champion-at.ts'
import { shownZone } from './header.ts'

const ROW_PX = 34
const AXIS_PX = 24

export function createModelTimeline(state: State, scheduler: Scheduler<Part>): HTMLElement {
  const panel = createPanel('timeline', 'Models over time')
  const serving = el('p', { class: 'muted' })
  const plot = el('div', { class: 'timeline-plot' })
  const legend = el(
    'ul',
    { class: 'legend' },
    ...(Object.keys(MARK_LABELS) as MarkKind[]).map((kind) =>
      el(
        'li',
        {},
        svg('svg', { width: 14, height: 14, viewBox: '-7 -7 14 14', 'aria-hidden': 'true' }, symbol(kind)),
        MARK_LABELS[kind],
      ),
    ),
  )
  const table = detailsTable<TimelineMark>('Table of model events', 'Model events, newest first', [
    { title: 'Time', cell: (mark) => formatInstant(mark.atMs, shownZone(state), 'full') },
    { title: 'Variable', cell: (mark) => variableLabel(mark.variable) },
    { title: 'What', cell: (mark) => MARK_LABELS[mark.kind] },
    { title: 'Version', cell: (mark) => mark.version ?? '' },
    { title: 'Why', cell: (mark) => mark.text },
    { title: 'Event', cell: (mark) => mark.id },
  ])
  panel.body.append(serving, plot, legend, createChampionAt(state, scheduler), table.node)

  const draw = (): void => {
    const events = showState(panel, state.modelEvents, {
      loading: 'Loading the history of the models…',
      isEmpty: (value) =>
        value.length === 0 && !(valueOf(state.models) ?? []).some((row) => row.stationId === state.selected.stationId),
      empty: 'No model has been trained for this station yet.',
    })
    const marks = timelineMarks(events ?? [], valueOf(state.drift) ?? [], state.selected.stationId, valueOf(state.models))
    setText(serving, servingText(state))
    const span = timelineSpan(marks, state.clock.nowMs)
    const width = plot.clientWidth
    plot.replaceChildren(...(span && width > 0 ? [picture(marks, span, width, shownZone(state))] : []))
    table.update([...marks].reverse())
  }
  // The clock moves ten times a second in a replay; the picture need not.
  const drawSlowly = throttled(2000, draw)
  scheduler.on(['models', 'drift', 'selection', 'zone'], draw)
  scheduler.on(['clock'], drawSlowly)
  new ResizeObserver(drawSlowly).observe(plot)
  draw()
  return panel.node
}

function servingText(state: State): string {
  const row = (valueOf(state.models) ?? []).find(
    (m) => m.stationId === state.selected.stationId && m.variable === state.selected.variable,
  )
  if (!row?.champion) return ''
  const since = Date.parse(row.champion.since)
  const why = whyServed(row, valueOf(state.modelEvents) ?? [])
  return `${variableLabel(row.variable)} is served by ${shortVersion(row.champion.version)} since ${formatInstant(since, shownZone(state))}${why === '' ? '' : `: ${why}`}`
}

function picture(marks: readonly TimelineMark[], span: { from: number; to: number }, width: number, zone: string): SVGSVGElement {
  const narrow = width < 560
  const left = narrow ? 8 : 132
  const rowPx = narrow ? ROW_PX + 12 : ROW_PX
  const height = FORECAST_VARIABLES.length * rowPx + AXIS_PX
  const x = (ms: number): number => left + ((ms - span.from) / (span.to - span.from)) * (width - left - 10)
  const root = svg('svg', {
    width,
    height,
    viewBox: `0 0 ${width} ${height}`,
    role: 'img',
    'aria-label': `${marks.length} model events. The table below lists them.`,
  })
  FORECAST_VARIABLES.forEach((variable, i) => {
    const y = i * rowPx + (narrow ? 30 : ROW_PX / 2)
    root.append(
      svg('text', { class: 'timeline-label', x: narrow ? left : 0, y: narrow ? y - 14 : y + 4 }, variableLabel(variable)),
      svg('line', { class: 'timeline-line', x1: left, x2: width - 10, y1: y, y2: y }),
    )
    const own = marks.filter((mark) => mark.variable === variable)
    const promotions = own.filter((mark) => mark.kind === 'promoted' || mark.kind === 'rolled-back')
    promotions.forEach((mark, n) => {
      const end = promotions[n + 1]?.atMs ?? span.to
      root.append(svg('line', { class: n % 2 === 0 ? 'reign even' : 'reign odd', x1: x(mark.atMs), x2: x(end), y1: y, y2: y }))
    })
    for (const mark of own) {
      const label = `${formatInstant(mark.atMs, zone)}: ${MARK_LABELS[mark.kind]}${mark.version ? ` ${mark.version}` : ''}${mark.text ? ` (${mark.text})` : ''}`
      root.append(
        svg(
          'g',
          { transform: `translate(${x(mark.atMs).toFixed(1)} ${y})`, class: 'mark' },
          svg('title', {}, label),
          symbol(mark.kind),
        ),
      )
    }
  })
  const count = Math.max(2, Math.min(8, Math.floor((width - left) / 110)))
  const days = span.to - span.from > 3 * 86_400_000
  for (let i = 0; i < count; i++) {
    const at = span.from + ((i + 0.5) / count) * (span.to - span.from)
    root.append(
      svg(
        'text',
        { class: 'timeline-tick', x: x(at), y: height - 6 },
        formatInstant(at, zone, days ? 'axis' : 'short').replace(/^\w+, /, ''),
      ),
    )
  }
  return root
}

/** Shape and colour both tell the kind. */
function symbol(kind: MarkKind): SVGElement {
  const shapes: Record<MarkKind, [string, string]> = {
    trained: ['M-3 0a3 3 0 1 0 6 0a3 3 0 1 0-6 0', 'hollow'],
    promoted: ['M0-6L6 5H-6Z', 'good'],
    'rolled-back': ['M0 6L6-5H-6Z', 'bad'],
    rejected: ['M-4-4L4 4M4-4L-4 4', 'stroke-warn'],
    failed: ['M-5-5L5 5M5-5L-5 5', 'stroke-bad'],
    'change-point': ['M-4-6H4M0-6V6M-4 6H4', 'stroke-warn'],
    warned: ['M0-6L6 0L0 6L-6 0Z', 'hollow-warn'],
    confirmed: ['M0-6L6 0L0 6L-6 0Z', 'bad'],
    recovered: ['M0-6L6 0L0 6L-6 0Z', 'hollow-good'],
  }
  const [path, style] = shapes[kind]
  return svg('path', { d: path, class: `symbol ${style}` })
}
