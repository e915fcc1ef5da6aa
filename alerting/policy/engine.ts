/** All groups over one memory: alerts in, due notifications into an outbox that is stored together with the state that caused it. */
import type { Alert } from '../../schemas/generated/types.ts'
import type { Silence } from '../../schemas/silence.ts'
import { digest } from '../shared/alert-id.ts'
import type { Memory } from '../../infra/runtime/state/index.ts'
import type { Notification } from '../shared/notification.ts'
import { decideGroup, withAlert, type Group, type GroupDecision, type Timing } from './groups.ts'
import { inhibitedBy, type InhibitionRule } from './inhibition.ts'
import { labelValue, silencedBy } from './matchers.ts'

/** Newest state of each alert seen. Key: alert/<alertId>. It outlives the group: an old sequence is never told again. */
type KnownAlert = { alert: Alert }

export type PolicyEngine = {
  /** False: not newer than what is known, nothing changed. `now`: event time. */
  take(alert: Alert, now: number): boolean
  /** Decides everything that is due at `now`. */
  advance(now: number): void
  /** Notifications not yet confirmed by the bridge, oldest first. */
  outbox(): Notification[]
  delivered(messageId: string): void
}

export function createPolicyEngine(deps: {
  memory: Memory
  timing: Timing
  groupBy: readonly string[]
  inhibitions: readonly InhibitionRule[]
  silences: () => readonly Silence[]
}): PolicyEngine {
  const { memory, timing, groupBy, inhibitions, silences } = deps

  const groups = (): Group[] => memory.keys('group/').flatMap((key) => memory.get<Group>(key) ?? [])
  const firing = (): Alert[] =>
    memory.keys('alert/').flatMap((key) => {
      const alert = memory.get<KnownAlert>(key)?.alert
      return alert?.state === 'firing' ? [alert] : []
    })

  function decideAll(now: number, mayRepeat: boolean): void {
    const current = groups()
    if (current.length === 0) return
    const sources = firing()
    const muted = (alert: Alert): boolean =>
      silencedBy(alert, silences(), now) !== undefined || inhibitedBy(alert, sources, inhibitions) !== undefined
    for (const group of current) {
      const decision = decideGroup(group, now, timing, muted, mayRepeat)
      if (decision.group !== group) {
        if (decision.group === null) memory.delete(`group/${group.key}`)
        else memory.set(`group/${group.key}`, decision.group)
      }
      if (decision.tell !== null) {
        const notification = toNotification(group, decision, now)
        memory.set(`outbox/${notification.messageId}`, notification)
      }
    }
  }

  return {
    advance: (now) => decideAll(now, true),
    take(alert, now) {
      const known = memory.get<KnownAlert>(`alert/${alert.alertId}`)
      if (known && alert.sequence <= known.alert.sequence) return false
      // What was due before this news is decided as it was known then: a jump of event time swallows no alert.
      // No reminders, though: "still firing" must not be said while the news is in hand.
      decideAll(now, false)
      memory.set(`alert/${alert.alertId}`, { alert } satisfies KnownAlert)
      const labels = Object.fromEntries(groupBy.map((label) => [label, labelValue(alert, label)]))
      const key = digest(labels)
      const group = memory.get<Group>(`group/${key}`)
      if (group === undefined && alert.state === 'resolved') return true
      memory.set(`group/${key}`, withAlert(group ?? openGroup(key, labels, alert, now), alert))
      decideAll(now, false)
      return true
    },
    outbox: () =>
      memory
        .keys('outbox/')
        .flatMap((key) => memory.get<Notification>(key) ?? [])
        .sort((a, b) => a.decidedAt - b.decidedAt),
    delivered: (messageId) => memory.delete(`outbox/${messageId}`),
  }
}

function openGroup(key: string, labels: Record<string, string>, alert: Alert, now: number): Group {
  return {
    key,
    labels,
    createdAt: now,
    lastToldAt: null,
    told: 0,
    episode: `${key}/${alert.alertId}/${alert.sequence}`,
    alerts: {},
  }
}

function toNotification(group: Group, decision: Extract<GroupDecision, { cause: string }>, now: number): Notification {
  const alerts = decision.tell.map(({ causedBy: _causedBy, ...alert }) => alert)
  const stillFiring = alerts.filter(({ state }) => state === 'firing')
  const weighed = stillFiring.length > 0 ? stillFiring : alerts
  return {
    messageId: digest([group.episode, group.told, alerts.map(({ alertId, sequence }) => [alertId, sequence])]),
    threadId: digest([group.episode]),
    opensThread: decision.cause === 'first',
    groupLabels: { ...group.labels },
    state: stillFiring.length > 0 ? 'firing' : 'resolved',
    severity:
      (['critical', 'warning', 'info'] as const).find((severity) => weighed.some((alert) => alert.severity === severity)) ??
      'info',
    cause: decision.cause,
    decidedAt: now,
    alerts,
  }
}
