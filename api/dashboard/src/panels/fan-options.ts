/** uPlot options of the fan chart: bands, lines, axes in the shown time zone, issue mark. Colours come from the style sheet. */
import uPlot from 'uplot'
import { formatInstant } from '../format.ts'

export type FanOptions = {
  width: number
  height: number
  unit: string
  zone: string
  styles: CSSStyleDeclaration
  probability: boolean
  range: () => [number, number]
  /** Epoch seconds. */
  issuedAt: () => number | null
  onCursor: (index: number | null | undefined) => void
}

const DAY_SECONDS = 86_400
const FONT = '12px system-ui, sans-serif'

export function fanOptions(o: FanOptions): uPlot.Options {
  const colour = (name: string): string => o.styles.getPropertyValue(name).trim()
  const axis = {
    stroke: colour('--text-soft'),
    font: FONT,
    grid: { stroke: colour('--grid'), width: 1 },
    ticks: { stroke: colour('--grid'), width: 1, size: 4 },
  }
  const edge: uPlot.Series = { stroke: 'transparent', width: 0, points: { show: false }, spanGaps: false }
  return {
    width: o.width,
    height: o.height,
    padding: [18, 26, 0, 0],
    legend: { show: false },
    cursor: {
      y: false,
      drag: { x: false, y: false },
      points: { show: (_self, series) => pointFor(series, colour) },
    },
    // uPlot computes axis splits in this zone, so that day lines fall on local midnight.
    tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), o.zone),
    scales: { x: { time: true }, y: { range: () => o.range() } },
    series: [
      {},
      { ...edge, label: '2.5 %' },
      { ...edge, label: '10 %' },
      { ...edge, label: '25 %' },
      { label: 'Median', stroke: colour('--fan-line'), width: 2, points: { show: false } },
      { ...edge, label: '75 %' },
      { ...edge, label: '90 %' },
      { ...edge, label: '97.5 %' },
      {
        label: 'Observed',
        stroke: colour('--observed'),
        width: o.probability ? 0 : 2,
        points: { show: o.probability, size: 6, fill: colour('--observed'), stroke: colour('--observed') },
      },
      {
        label: 'Flagged',
        stroke: 'transparent',
        width: 0,
        points: { show: true, size: 7, stroke: colour('--bad'), fill: colour('--panel'), width: 2 },
      },
    ],
    bands: o.probability
      ? []
      : [
          { series: [7, 1], fill: colour('--fan-95') },
          { series: [6, 2], fill: colour('--fan-80') },
          { series: [5, 3], fill: colour('--fan-50') },
        ],
    axes: [
      {
        ...axis,
        space: 56,
        incrs: [DAY_SECONDS / 4, DAY_SECONDS / 2, DAY_SECONDS, 2 * DAY_SECONDS, 4 * DAY_SECONDS],
        values: (_self, splits, _axis, _space, increment) => splits.map((s) => axisLabel(s * 1000, o.zone, increment)),
        size: 44,
      },
      {
        ...axis,
        size: 52,
        values: (_self, splits) => splits.map((v) => String(Number(v.toFixed(2))).replace('-', '−')),
        label: o.unit,
        labelSize: 18,
        labelFont: FONT,
        labelGap: 0,
      },
    ],
    hooks: {
      draw: [(self) => drawIssueMark(self, o.issuedAt(), colour('--text'), colour('--text-soft'))],
      setCursor: [(self) => o.onCursor(self.cursor.idx)],
    },
  }
}

/** Hour of the day on one line; the date below it at midnight. */
function axisLabel(ms: number, zone: string, incrementSeconds: number): string {
  const date = formatInstant(ms, zone, 'axis')
  if (incrementSeconds >= DAY_SECONDS) return date.replace(',', '').replace(' ', '\n')
  const hour = formatInstant(ms, zone, 'short').slice(-5)
  return hour === '00:00' ? `00\n${date}` : hour.slice(0, 2)
}

function pointFor(series: number, colour: (name: string) => string): HTMLElement {
  const node = document.createElement('div')
  // Only the median, the observed and the flagged value carry a dot under the cursor.
  const shown = series === 4 || series === 8 || series === 9
  node.hidden = !shown
  if (shown) {
    node.style.width = node.style.height = '8px'
    node.style.margin = '-4px 0 0 -4px'
    node.style.background = colour(series === 4 ? '--fan-line' : series === 8 ? '--observed' : '--bad')
  }
  return node
}

function drawIssueMark(self: uPlot, issuedAt: number | null, line: string, text: string): void {
  if (issuedAt === null) return
  const x = Math.round(self.valToPos(issuedAt, 'x', true))
  const { left, top, width, height } = self.bbox
  if (x < left || x > left + width) return
  const ratio = devicePixelRatio || 1
  const { ctx } = self
  ctx.save()
  ctx.strokeStyle = line
  ctx.lineWidth = ratio
  ctx.setLineDash([4 * ratio, 4 * ratio])
  ctx.beginPath()
  ctx.moveTo(x, top)
  ctx.lineTo(x, top + height)
  ctx.stroke()
  ctx.fillStyle = text
  ctx.font = `${11 * ratio}px system-ui, sans-serif`
  ctx.textAlign = 'center'
  ctx.textBaseline = 'bottom'
  ctx.fillText('issued', x, top - 2 * ratio)
  ctx.restore()
}
