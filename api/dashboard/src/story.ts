/** The story feed: what happened, one line per event that a person would want to hear about. */
import { formatNumber, instant, unitOf, variableLabel } from './format.ts'
import type { Alert, DriftEvent, ModelEvent, ReplicaModel } from './wire.ts'

export type StoryTone = 'good' | 'note' | 'warn' | 'bad'
export type StoryEntry = {
  /** Event id; the same event told twice is one entry. */
  id: string
  at: number
  tone: StoryTone
  /** Two or three words. */
  title: string
  text: string
  stationId: string | null
  /** The event that shows it, where that is not `id`; null: the page heard of no single one. */
  evidence?: string | null
}

export const MAX_STORY_ENTRIES = 200

export function tellLifecycle(event: ModelEvent): StoryEntry | null {
  const what = variableLabel(event.variable).toLowerCase()
  const because = event.requestReason ? ` (${event.requestReason})` : ''
  const deciding = event.reasons?.[0] ? `: ${event.reasons[0]}` : ''
  const lines: Record<string, [StoryTone, string, string]> = {
    'training-started': ['note', 'Training', `${what}: training started${because}`],
    trained: ['note', 'Trained', `${what}: ${event.version} trained${because}`],
    evaluated: ['note', 'Evaluated', `${what}: ${event.version} scored against the champion`],
    accepted: ['good', 'Gate passed', `${what}: ${event.version}${deciding}`],
    rejected: ['warn', 'Gate refused', `${what}: ${event.version}${deciding}`],
    promoted: ['good', 'Promoted', `${what}: ${event.version} is the champion now`],
    'probation-passed': ['good', 'Probation passed', `${what}: ${event.version} stays the champion`],
    'rolled-back': ['bad', 'Rolled back', `${what}: back from ${event.version}${deciding}`],
    failed: ['bad', 'Training failed', `${what}${deciding}`],
  }
  const line = lines[event.event]
  return line ? entry(event.eventId, event.at, line, event.stationId) : null
}

export function tellDrift(event: DriftEvent): StoryEntry | null {
  const what = variableLabel(event.variable).toLowerCase()
  const offset = event.estimatedOffset == null ? '' : `, step ${formatNumber(event.estimatedOffset, 1)} ${unitOf(event.variable)}`
  const cause = event.cause && event.cause !== 'unknown' ? `; points to ${event.cause.replace('-', ' ')}${offset}` : ''
  const lines: Record<string, [StoryTone, string, string]> = {
    warned: ['warn', 'Drift suspected', `${what}: ${event.explanation || 'errors grow'}`],
    confirmed: ['bad', 'Drift confirmed', `${what}: ${event.explanation || 'errors grew'}${cause}`],
    recovered: ['good', 'Recovered', `${what}: ${event.explanation || 'errors are back to normal'}`],
  }
  const line = lines[event.state]
  return line ? entry(event.eventId, event.at, line, event.stationId) : null
}

/** `before`: the version that the replica was known to serve; an order that names it again (a trial begins beside it, say) swaps nothing. */
export function tellStatus(replicaId: string, status: ReplicaModel, at: number, before: string | null): StoryEntry {
  const what = variableLabel(status.variable).toLowerCase()
  const serving = status.servingVersion ?? status.version
  const id = `${replicaId}/${status.stationId}/${status.variable}/${status.controlOffset}/${status.state}`
  const took = status.swapMilliseconds === null ? '' : ` in ${formatNumber(status.swapMilliseconds, 0)} ms`
  const line: [StoryTone, string, string] =
    status.state === 'rejected'
      ? ['bad', 'Swap refused', `${replicaId} kept the old ${what} model: ${status.error ?? 'no reason given'}`]
      : serving === before
        ? ['note', 'Order taken up', `${replicaId} goes on serving ${what} ${serving}`]
        : ['good', before === null ? 'Serving' : 'Swapped', `${replicaId} serves ${what} ${serving}${took}`]
  return { id, at, tone: line[0], title: line[1], text: line[2], stationId: status.stationId }
}

export function tellAlert(alert: Alert): StoryEntry {
  const summary = alert.annotations['summary'] ?? alert.rule
  const firing = alert.state === 'firing'
  const at = firing ? alert.startsAt : (alert.endsAt ?? alert.startsAt)
  const line: [StoryTone, string, string] = firing
    ? [alert.severity === 'info' ? 'note' : alert.severity === 'critical' ? 'bad' : 'warn', 'Alert', summary]
    : ['good', 'Resolved', summary]
  return entry(`${alert.alertId}/${alert.sequence}`, at, line, alert.labels['stationId'] ?? alert.labels['station'] ?? null)
}

const FIRSTS: Record<'observed' | 'forecast' | 'verified', [StoryTone, string, string]> = {
  observed: ['note', 'Observed', 'observations arrive, quality-checked'],
  forecast: ['good', 'Forecast', 'forecasts are issued'],
  verified: ['good', 'Verified', 'forecasts are verified as truth arrives'],
}

/** What a station of which the page knew nothing of the kind begins with. `at`: event time, epoch ms; `evidence`: event id, if there is one. */
export function tellFirst(what: keyof typeof FIRSTS, stationId: string, at: number, evidence: string | null): StoryEntry {
  const [tone, title, text] = FIRSTS[what]
  return { id: `first/${what}/${stationId}`, at, tone, title, text, stationId, evidence }
}

function entry(id: string, at: string, [tone, title, text]: [StoryTone, string, string], stationId: string | null): StoryEntry {
  return { id, at: instant(at) ?? 0, tone, title, text, stationId }
}

/** Newest first; a known id replaces its entry; the oldest fall off. */
export function addToStory(story: readonly StoryEntry[], added: readonly StoryEntry[]): StoryEntry[] {
  const byId = new Map(story.map((one) => [one.id, one]))
  for (const one of added) byId.set(one.id, one)
  return [...byId.values()].sort((a, b) => b.at - a.at || (a.id < b.id ? 1 : -1)).slice(0, MAX_STORY_ENTRIES)
}
