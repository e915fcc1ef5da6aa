/** Wires the page: state, scheduler, panels, loader, live stream. */
import 'uplot/dist/uPlot.min.css'
import './styles.css'
import { authorization } from './api.ts'
import { el } from './dom.ts'
import { createLiveHandler, LIVE_TYPES } from './live-events.ts'
import { createLoader } from './loader.ts'
import { createAlertFeed } from './panels/alert-feed.ts'
import { createDriftPanel } from './panels/drift-panel.ts'
import { createFanChart } from './panels/fan-chart.ts'
import { createHeader } from './panels/header.ts'
import { createModelTimeline } from './panels/model-timeline.ts'
import { createOperatorDialog } from './panels/operator-dialog.ts'
import { createPipelineStrip } from './panels/pipeline-strip.ts'
import { createReplicaPanel } from './panels/replica-panel.ts'
import { createRunList } from './panels/run-list.ts'
import { createSkillChart } from './panels/skill-chart.ts'
import { createStationList } from './panels/station-list.ts'
import { createStoryFeed } from './panels/story-feed.ts'
import { createScheduler } from './schedule.ts'
import { openLive } from './sse.ts'
import type { Part } from './state.ts'
import { createClockTracker, createState } from './state.ts'

const state = createState()
const scheduler = createScheduler<Part>((error) => console.error('a panel could not be drawn', error))
const seeTime = createClockTracker(state)
const loader = createLoader(state, scheduler, seeTime)
let wasLive = false

const live = openLive({
  url: `/v1/live?types=${LIVE_TYPES.join(',')}`,
  headers: authorization,
  onMessage: createLiveHandler(state, scheduler, loader, seeTime),
  onState: (connection) => {
    state.connection = connection
    // The stream resumes without loss; polled pieces may still be old after a gap.
    if (connection.state === 'live' && wasLive) loader.reloadAll()
    if (connection.state === 'live') wasLive = true
    scheduler.mark('connection')
  },
})

const dialog = createOperatorDialog(state, () => {
  live.retryNow()
  loader.reloadAll()
})

const root = document.getElementById('app')
if (!root) throw new Error('index.html has no #app')
const feature = el(
  'div',
  { class: 'pair story-stations' },
  createStoryFeed(state, scheduler),
  createStationList(state, scheduler, loader.select),
)
const models = el('div', { class: 'pair' }, createSkillChart(state, scheduler), createReplicaPanel(state, scheduler))
root.replaceChildren(
  createHeader(state, scheduler, { retryNow: () => live.retryNow(), operate: () => dialog.open() }),
  el(
    'main',
    {},
    createPipelineStrip(state, scheduler),
    feature,
    createFanChart(state, scheduler, loader.chooseVariable),
    models,
    createModelTimeline(state, scheduler),
    el('div', { class: 'pair' }, createRunList(state, scheduler), createDriftPanel(state, scheduler)),
    createAlertFeed(state, scheduler),
  ),
  el(
    'footer',
    {},
    el(
      'nav',
      { 'aria-label': 'More' },
      el('a', { href: '/docs' }, 'API reference'),
      el('a', { href: '/openapi.json' }, 'OpenAPI'),
      el('a', { href: '/outbox' }, 'Outbox'),
    ),
  ),
  dialog.node,
)

loader.reloadAll()
loader.startPolling()
addEventListener('online', () => live.retryNow())
document.addEventListener('visibilitychange', () => {
  if (document.hidden) return
  live.retryNow()
  loader.reloadAll()
})
