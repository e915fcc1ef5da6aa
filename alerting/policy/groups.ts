/**
 * When a group of alerts is told, and what is told: Alertmanager's semantics on the event-time clock.
 * - A new group waits `groupWait`; one that was old news on arrival (its alert began longer ago than that) does not.
 * - Changes (an alert more, an alert resolved) are told `groupInterval` after the last notification at the earliest.
 * - Still firing, nothing changed: told again after `repeatInterval`, unless all of it is mere information.
 * - An alert that was told firing is told resolved exactly once; one that was never told firing is never told resolved.
 * - Muted (silenced or inhibited) alerts are not told; the end of an alert that people were told about always is.
 */
import type { Alert } from '../../schemas/generated/types.ts'

export type GroupedAlert = {
  readonly alert: Alert
  /** Sequence of the firing state that was told; null: people do not know of it. */
  readonly toldSequence: number | null
}

export type Group = {
  readonly key: string
  readonly labels: Readonly<Record<string, string>>
  readonly createdAt: number
  readonly lastToldAt: number | null
  /** Notifications of this episode so far. */
  readonly told: number
  /** Identity of the episode: createdAt and the first alert. */
  readonly episode: string
  readonly alerts: Readonly<Record<string, GroupedAlert>>
}

export type Timing = { readonly groupWaitMs: number; readonly groupIntervalMs: number; readonly repeatIntervalMs: number }
export type GroupDecision =
  | { readonly tell: null; readonly group: Group | null }
  | { readonly tell: readonly Alert[]; readonly cause: 'first' | 'changed' | 'repeat'; readonly group: Group | null }

/** Alerts that are a message rather than a condition: told once, then forgotten. */
const ONE_SHOT_RULES: ReadonlySet<string> = new Set(['test'])

/** Takes an alert's newest state into its group. */
export function withAlert(group: Group, alert: Alert): Group {
  const before = group.alerts[alert.alertId]
  return { ...group, alerts: { ...group.alerts, [alert.alertId]: { alert, toldSequence: before?.toldSequence ?? null } } }
}

/** What to tell of a group now. `group` null: nothing left to remember. */
export function decideGroup(
  group: Group,
  now: number,
  timing: Timing,
  isMuted: (alert: Alert) => boolean,
  mayRepeat = true,
): GroupDecision {
  const members = Object.values(group.alerts)
  const audible = members.filter(({ alert }) => alert.state === 'firing' && !isMuted(alert))
  const fresh = audible.filter(({ toldSequence }) => toldSequence === null)
  const ended = members.filter(({ alert, toldSequence }) => alert.state === 'resolved' && toldSequence !== null)
  // Fired again before its end was told: the same trouble for people, but a newer state.
  const renewed = audible.filter(({ alert, toldSequence }) => toldSequence !== null && alert.sequence > toldSequence)
  const cause = decideCause(group, now, timing, { changed: fresh.length + ended.length + renewed.length, audible })
  if (cause === null || (cause === 'repeat' && !mayRepeat)) return { tell: null, group: prune(group) }
  const tell = [...audible, ...ended].map(({ alert }) => alert)
  const alerts = Object.fromEntries(
    Object.entries(group.alerts).flatMap(([id, { alert, toldSequence }]) => {
      if (alert.state === 'resolved' || ONE_SHOT_RULES.has(alert.rule)) return []
      return [[id, { alert, toldSequence: isMuted(alert) ? toldSequence : alert.sequence }]]
    }),
  )
  const left: Group = { ...group, lastToldAt: now, told: group.told + 1, alerts }
  return { tell: sorted(tell), cause, group: Object.keys(alerts).length === 0 ? null : left }
}

function decideCause(
  group: Group,
  now: number,
  timing: Timing,
  { changed, audible }: { changed: number; audible: readonly GroupedAlert[] },
): 'first' | 'changed' | 'repeat' | null {
  if (group.lastToldAt === null) {
    if (audible.length === 0) return null
    const oldest = Math.min(...audible.map(({ alert }) => alert.startsAt))
    return now >= Math.min(group.createdAt, oldest) + timing.groupWaitMs ? 'first' : null
  }
  if (changed > 0) return now >= group.lastToldAt + timing.groupIntervalMs ? 'changed' : null
  // News that needs no hand is not repeated.
  const needsHand = audible.some(({ alert }) => alert.severity !== 'info')
  return needsHand && now >= group.lastToldAt + timing.repeatIntervalMs ? 'repeat' : null
}

/** Drops what ended without ever being told. */
function prune(group: Group): Group | null {
  const alerts = Object.fromEntries(
    Object.entries(group.alerts).filter(([, { alert, toldSequence }]) => alert.state === 'firing' || toldSequence !== null),
  )
  if (Object.keys(alerts).length === 0) return null
  return Object.keys(alerts).length === Object.keys(group.alerts).length ? group : { ...group, alerts }
}

/** Firing before resolved, worst first, then oldest first. */
function sorted(alerts: readonly Alert[]): Alert[] {
  const rank = { critical: 0, warning: 1, info: 2 }
  return [...alerts].sort(
    (a, b) =>
      Number(a.state === 'resolved') - Number(b.state === 'resolved') ||
      rank[a.severity] - rank[b.severity] ||
      a.startsAt - b.startsAt ||
      (a.alertId < b.alertId ? -1 : 1),
  )
}
