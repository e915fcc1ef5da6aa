/** What the model timeline shows: marks per variable over event time. Pure. */
import { formatNumber, instant, unitOf } from './format.ts'
import type { DriftEvent, ModelEvent, ModelRow } from './wire.ts'

export type MarkKind =
  'trained' | 'promoted' | 'rolled-back' | 'rejected' | 'failed' | 'change-point' | 'warned' | 'confirmed' | 'recovered'
export type TimelineMark = { id: string; variable: string; atMs: number; kind: MarkKind; text: string; version: string | null }

export const MARK_LABELS: Readonly<Record<MarkKind, string>> = {
  trained: 'Trained',
  promoted: 'Promoted',
  'rolled-back': 'Rolled back',
  rejected: 'Gate refused',
  failed: 'Training failed',
  'change-point': 'Change point',
  warned: 'Drift suspected',
  confirmed: 'Drift confirmed',
  recovered: 'Recovered',
}

const isMarkKind = (name: string): name is MarkKind => Object.hasOwn(MARK_LABELS, name)

/** Why the champion is served. The newest order may be a later one that only changed who runs beside it. */
export function whyServed(row: ModelRow, events: readonly ModelEvent[]): string {
  const { stationId, variable, champion, changedAt, reason } = row
  if (champion === null) return ''
  if (changedAt === champion.since) return reason ?? ''
  const promotion = events.find(
    (event) =>
      event.event === 'promoted' &&
      event.stationId === stationId &&
      event.variable === variable &&
      event.version === champion.version &&
      event.at === champion.since,
  )
  return promotion?.reasons?.join('; ') ?? ''
}

/** The champions being served stand for their promotions where the history does not hold these. */
export function timelineMarks(
  events: readonly ModelEvent[],
  drift: readonly DriftEvent[],
  stationId: string | null,
  models: readonly ModelRow[] = [],
): TimelineMark[] {
  const marks: TimelineMark[] = []
  for (const event of events) {
    const atMs = instant(event.at)
    if (atMs === null || event.stationId !== stationId || !isMarkKind(event.event)) continue
    const why = event.reasons?.[0] ?? event.requestReason ?? ''
    marks.push({ id: event.eventId, variable: event.variable, atMs, kind: event.event, version: event.version, text: why })
  }
  for (const event of drift) {
    const atMs = instant(event.at)
    if (atMs === null || event.stationId !== stationId || !isMarkKind(event.state)) continue
    const size = event.estimatedOffset == null ? '' : `step ${formatNumber(event.estimatedOffset, 1)} ${unitOf(event.variable)}`
    const about = { variable: event.variable, version: null }
    const text = [event.explanation || event.cause, size].filter(Boolean).join('; ')
    marks.push({ ...about, id: event.eventId, atMs, kind: event.state, text })
    const changedAt = event.state === 'confirmed' ? instant(event.changePointAt) : null
    if (changedAt !== null)
      marks.push({ ...about, id: `${event.eventId}/change-point`, atMs: changedAt, kind: 'change-point', text: size })
  }
  for (const row of models) {
    const { stationId: id, variable, champion } = row
    const atMs = instant(champion?.since)
    if (id !== stationId || !champion || atMs === null) continue
    if (marks.some((mark) => mark.kind === 'promoted' && mark.variable === variable && mark.version === champion.version))
      continue
    marks.push({
      id: `${id}/${variable}/${champion.version}`,
      variable,
      atMs,
      kind: 'promoted',
      version: champion.version,
      text: whyServed(row, events),
    })
  }
  return marks.sort((a, b) => a.atMs - b.atMs)
}

/** The span to draw: all marks to now with a little air, at least a day. */
export function timelineSpan(marks: readonly TimelineMark[], nowMs: number | null): { from: number; to: number } | null {
  const first = marks[0]
  const last = marks.at(-1)
  if (!first || !last) return null
  const to = Math.max(nowMs ?? last.atMs, last.atMs)
  const from = Math.min(first.atMs, to - 86_400_000)
  const air = (to - from) * 0.02
  return { from: from - air, to: to + air }
}
