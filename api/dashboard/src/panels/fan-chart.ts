/** 72 h of observations and the 168-h forecast fan of the selected station and variable. */
import uPlot from 'uplot'
import { FORECAST_VARIABLES } from '../../../../schemas/quantities.ts'
import type { ForecastVariable } from '../../../../schemas/quantities.ts'
import { detailsTable, el, setText } from '../dom.ts'
import type { FanRow } from '../fan-data.ts'
import { fanColumns, fanRange, fanRows, HISTORY_HOURS, LEVELS } from '../fan-data.ts'
import { formatInstant, formatValue, instant, shortVersion, unitOf, variableLabel } from '../format.ts'
import { valueOf } from '../loadable.ts'
import { createPanel } from '../panel.ts'
import type { Scheduler } from '../schedule.ts'
import type { Part, State } from '../state.ts'
import { selectedStation } from '../state.ts'
import { shownZone } from './header.ts'
import { fanOptions } from './fan-options.ts'

const HORIZON_HOURS = 168

export function createFanChart(
  state: State,
  scheduler: Scheduler<Part>,
  choose: (variable: ForecastVariable) => void,
): HTMLElement {
  const picker = el(
    'select',
    { id: 'variable' },
    ...FORECAST_VARIABLES.map((v) => el('option', { value: v }, `${variableLabel(v)} (${unitOf(v)})`)),
  )
  picker.addEventListener('change', () => choose(picker.value as ForecastVariable))
  const panel = createPanel('chart', 'Observed and forecast', el('label', { class: 'picker' }, 'Variable ', picker))
  const about = el('p', { class: 'chart-about' })
  const plot = el('div', {
    class: 'plot',
    tabindex: 0,
    role: 'group',
    'aria-roledescription': 'chart',
    'aria-label': 'Observed values and forecast fan',
    'aria-describedby': 'fan-readout',
  })
  const readout = el('p', { class: 'readout', id: 'fan-readout', 'aria-live': 'polite' })
  const legend = el(
    'ul',
    { class: 'legend', 'aria-hidden': 'true' },
    ...[
      ['observed', 'Observed'],
      ['flagged', 'Flagged by quality control'],
      ['median', 'Median'],
      ['band-50', '50 %'],
      ['band-80', '80 %'],
      ['band-95', '95 %'],
      ['issued', 'Issue time'],
    ].map(([kind, text]) => el('li', {}, el('i', { class: `key ${kind}` }), text as string)),
  )
  const zone = (): string => shownZone(state)
  const table = detailsTable<FanRow>('Table of the chart', 'Observed values and forecast quantiles by hour', [
    { title: 'Time', cell: (row) => formatInstant(row.atMs, zone()) },
    {
      title: 'Observed',
      numeric: true,
      cell: (row) =>
        formatValue(row.observed ?? row.flagged, state.selected.variable) + (row.flagged === null ? '' : ` (${row.flag})`),
    },
    ...LEVELS.map((level, i) => ({
      title: level === '0.5' ? 'Median' : `${Number(level) * 100} %`,
      numeric: true,
      cell: (row: FanRow) => formatValue(row.quantiles?.[i], state.selected.variable),
    })),
  ])
  panel.body.append(about, plot, readout, legend, table.node)

  let chart: uPlot | null = null
  let rows: FanRow[] = []
  let issuedAtMs: number | null = null
  let range: [number, number] = [0, 1]

  const tell = (index: number | null | undefined): void => {
    const row = index == null ? undefined : rows[index]
    if (!row) {
      setText(readout, 'Point at the chart, or focus it and use the arrow keys, to read values.')
      return
    }
    setText(readout, describe(row, state.selected.variable, zone(), issuedAtMs))
  }

  const rebuild = (): void => {
    chart?.destroy()
    chart = new uPlot(
      fanOptions({
        width: plot.clientWidth || 600,
        height: chartHeight(),
        unit: unitOf(state.selected.variable),
        zone: zone(),
        styles: getComputedStyle(document.documentElement),
        probability: state.selected.variable === 'precipitationProbabilityPct',
        range: () => range,
        issuedAt: () => (issuedAtMs === null ? null : issuedAtMs / 1000),
        onCursor: tell,
      }),
      fanColumns(rows),
      plot,
    )
  }

  plot.addEventListener('keydown', (event) => {
    if (!chart || rows.length === 0) return
    const step = { ArrowLeft: -1, ArrowRight: 1, PageUp: -24, PageDown: 24 }[event.key]
    const edge = event.key === 'Home' ? 0 : event.key === 'End' ? rows.length - 1 : null
    if (step === undefined && edge === null) return
    event.preventDefault()
    const now = chart.cursor.idx ?? rows.findIndex((row) => row.atMs >= (issuedAtMs ?? 0))
    const index = Math.max(0, Math.min(rows.length - 1, edge ?? now + (step ?? 0)))
    const row = rows[index]
    if (!row) return
    const shown = row.observed ?? row.quantiles?.[3] ?? row.flagged ?? range[0]
    chart.setCursor({ left: chart.valToPos(row.atMs / 1000, 'x'), top: chart.valToPos(shown, 'y') })
  })

  const draw = (): void => {
    const { variable, stationId } = state.selected
    if (picker.value !== variable) picker.value = variable
    const station = selectedStation(state)
    const observations = valueOf(state.observations) ?? []
    const forecast = valueOf(state.forecast) ?? null
    issuedAtMs = forecast ? instant(forecast.issuedAt) : null
    rows = fanRows(observations, forecast, variable, state.clock.nowMs)
    range = fanRange(rows, variable)
    panel.note(...chartNote(state, rows))
    setText(about, aboutText(state, station?.name ?? stationId ?? '', variable))
    plot.setAttribute(
      'aria-label',
      `${variableLabel(variable)} at ${station?.name ?? 'the station'}: ${HISTORY_HOURS} hours observed, ${HORIZON_HOURS} hours forecast. The table below has the numbers.`,
    )
    if (!chart) rebuild()
    else chart.setData(fanColumns(rows))
    table.update(rows)
    plot.dataset['rows'] = String(rows.length)
    // Axes without data would read as a chart of nothing; the note says why.
    for (const node of [plot, readout, legend]) node.classList.toggle('no-data', rows.length === 0)
  }
  const redrawAnew = (): void => {
    rebuild()
    draw()
  }
  scheduler.on(['observations', 'forecast'], draw)
  scheduler.on(['selection', 'zone', 'theme'], redrawAnew)
  tell(null)
  new ResizeObserver(() => {
    const width = plot.clientWidth
    if (chart && width > 0 && (chart.width !== width || chart.height !== chartHeight()))
      chart.setSize({ width, height: chartHeight() })
  }).observe(plot)
  return panel.node
}

function chartHeight(): number {
  return matchMedia('(max-width: 640px)').matches ? 250 : 340
}

function describe(row: FanRow, variable: ForecastVariable, zone: string, issuedAtMs: number | null): string {
  const unit = unitOf(variable)
  const parts = [formatInstant(row.atMs, zone)]
  if (row.observed !== null) parts.push(`observed ${formatValue(row.observed, variable)} ${unit}`)
  if (row.flagged !== null) parts.push(`observed ${formatValue(row.flagged, variable)} ${unit} (${row.flag})`)
  if (row.quantiles) {
    const [q025, q10, , median, , q90, q975] = row.quantiles
    const lead = issuedAtMs === null ? '' : `+${Math.round((row.atMs - issuedAtMs) / 3_600_000)} h: `
    const spread =
      q10 === q90
        ? ''
        : `, 80 % ${formatValue(q10, variable)} to ${formatValue(q90, variable)}, 95 % ${formatValue(q025, variable)} to ${formatValue(q975, variable)}`
    parts.push(`${lead}${formatValue(median, variable)} ${unit}${spread}`)
  }
  return parts.join(' · ')
}

function aboutText(state: State, name: string, variable: ForecastVariable): string {
  const forecast = valueOf(state.forecast)
  if (!forecast) return name
  const model = forecast.models?.[variable] ?? forecast.model
  return [
    name,
    `issued ${formatInstant(instant(forecast.issuedAt), shownZone(state))}`,
    `model ${shortVersion(model.version)}`,
    forecast.fallback ? `fallback ${forecast.fallback}` : '',
  ]
    .filter(Boolean)
    .join(' · ')
}

/** Says why there is nothing, or why what is there should not be trusted. */
function chartNote(state: State, rows: readonly FanRow[]): [string, 'plain' | 'warn' | 'bad'] {
  const { forecast, observations } = state
  if (state.selected.stationId === null) return ['Choose a station above.', 'plain']
  if (forecast.status === 'failed') {
    if (forecast.httpStatus === 404 || forecast.httpStatus === 503)
      return [`No forecast to show: ${forecast.reason.replace(/\.$/, '')}. Asking again every 10 s.`, 'warn']
    return [`The forecast could not be loaded: ${forecast.reason}. Trying again.`, 'bad']
  }
  if (observations.status === 'failed')
    return [`The observations could not be loaded: ${observations.reason}. Trying again.`, 'bad']
  if (forecast.status === 'loading' || observations.status === 'loading') return ['Loading observations and forecast…', 'plain']
  if (forecast.value.status !== 'fresh')
    return [`This forecast is ${forecast.value.status}: ${forecast.value.statusReason ?? 'no reason given'}.`, 'warn']
  if (!rows.some((row) => row.quantiles))
    return [`No ${variableLabel(state.selected.variable).toLowerCase()} forecast in the newest issue.`, 'warn']
  if (!rows.some((row) => row.observed !== null || row.flagged !== null))
    return [`No ${variableLabel(state.selected.variable).toLowerCase()} observed in the last ${HISTORY_HOURS} h.`, 'plain']
  return ['', 'plain']
}
