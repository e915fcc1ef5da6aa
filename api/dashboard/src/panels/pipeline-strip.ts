/** One box per stage: how old its newest event is and how far it lags behind the stage before it. */
import { el, reconcile, setAttribute, setText } from '../dom.ts'
import { formatInstant, formatSeconds, instant } from '../format.ts'
import { createPanel, showState } from '../panel.ts'
import type { Scheduler } from '../schedule.ts'
import type { Part, State } from '../state.ts'
import type { PipelineStage } from '../wire.ts'
import { shownZone } from './header.ts'

const LABELS: Readonly<Record<string, string>> = {
  observation: 'Observation',
  observed: 'Observation',
  checked: 'Checked',
  'observation-checked': 'Checked',
  feature: 'Feature',
  featured: 'Feature',
  forecast: 'Forecast',
  verification: 'Verification',
  verified: 'Verification',
  archived: 'Archive',
  ingest: 'Ingest',
  'quality-control': 'Quality control',
  features: 'Features',
  inference: 'Inference',
  drift: 'Drift',
  alerting: 'Alerting',
  archive: 'Archive',
}

const STATUS: Readonly<Record<string, { tone: string; text: string }>> = {
  ok: { tone: 'good', text: 'on time' },
  late: { tone: 'warn', text: 'late' },
  behind: { tone: 'warn', text: 'behind' },
  stale: { tone: 'bad', text: 'stale' },
  waiting: { tone: 'note', text: 'waiting' },
}

export function createPipelineStrip(state: State, scheduler: Scheduler<Part>): HTMLElement {
  const panel = createPanel('pipeline', 'Pipeline')
  const list = el('ol', { class: 'stages' })
  panel.body.append(list)
  const draw = (): void => {
    const pipeline = showState(panel, state.pipeline, {
      loading: 'Asking for the state of the pipeline…',
      isEmpty: (value) => value.stages.length === 0,
      empty: 'No stage has reported yet. The services may still be starting.',
    })
    const zone = shownZone(state)
    reconcile(
      list,
      pipeline?.stages ?? [],
      (stage) => stage.name,
      createStage,
      (node, stage) => updateStage(node, stage, zone),
    )
  }
  scheduler.on(['pipeline', 'zone'], draw)
  draw()
  return panel.node
}

function createStage(): HTMLElement {
  return el(
    'li',
    { class: 'stage' },
    el('span', { class: 'stage-name' }),
    el('span', { class: 'stage-age' }),
    el('span', { class: 'stage-lag' }),
    el('span', { class: 'stage-status' }),
  )
}

function updateStage(node: HTMLElement, stage: PipelineStage, zone: string): void {
  const status = STATUS[stage.status ?? ''] ?? { tone: 'note', text: stage.status ?? (stage.newestAt ? 'running' : 'waiting') }
  setAttribute(node, 'data-tone', status.tone)
  const newest = instant(stage.newestAt)
  setAttribute(node, 'title', newest === null ? 'Nothing seen yet' : `Newest: ${formatInstant(newest, zone, 'full')}`)
  const [name, age, lag, text] = [...node.children]
  setText(name as Element, LABELS[stage.name] ?? stage.name)
  setText(age as Element, stage.ageSeconds === null ? 'nothing yet' : `${formatSeconds(stage.ageSeconds)} old`)
  setText(lag as Element, stage.lagSeconds === null ? 'lag –' : `lag ${formatSeconds(stage.lagSeconds)}`)
  setText(text as Element, stage.reason ? `${status.text}: ${stage.reason}` : status.text)
}
