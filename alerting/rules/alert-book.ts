/** Raises and resolves alerts: one record per alertId, sequences count up, raising twice changes nothing. */
import type { Alert } from '../../schemas/generated/types.ts'
import { alertFingerprint } from '../shared/alert-id.ts'
import type { Memory } from '../../infra/runtime/state/index.ts'
import type { AlertRecord } from './records.ts'

export type Identity = { readonly rule: string; readonly labels: Readonly<Record<string, string>> }

export type Raise = Identity & {
  readonly severity: Alert['severity']
  /** Event time, epoch ms. */
  readonly at: number
  readonly annotations: Readonly<Record<string, string>>
  readonly links: Readonly<Record<string, string>>
  readonly causedBy: string | null
  readonly autoResolveAt?: number
}

export type Resolve = Identity & {
  readonly at: number
  readonly causedBy: string | null
  readonly annotations?: Readonly<Record<string, string>>
}

export type AlertBook = {
  /** The alert to publish, or null when it already fires. */
  raise(raise: Raise): Alert | null
  /** The alert to publish, or null when it does not fire. */
  resolve(resolve: Resolve): Alert | null
  isFiring(identity: Identity): boolean
  /** How many alerts fire, by rule; rules without one are absent. */
  firingByRule(): Map<string, number>
  /** Resolves what is past its own end, in order of that end. */
  resolveExpired(now: number): Alert[]
}

export function createAlertBook(memory: Memory): AlertBook {
  const keyOf = (identity: Identity): string => `alert/${alertFingerprint(identity.rule, identity.labels)}`

  function close(
    key: string,
    record: AlertRecord,
    at: number,
    causedBy: string | null,
    annotations: Readonly<Record<string, string>>,
  ): Alert {
    const alert: Alert = {
      ...record.alert,
      sequence: record.alert.sequence + 1,
      state: 'resolved',
      // A correction may date the end before the beginning that was announced; an alert never has a negative length.
      endsAt: Math.max(at, record.alert.startsAt),
      annotations: { ...record.alert.annotations, ...annotations },
      causedBy,
    }
    memory.set(key, { alert, autoResolveAt: null } satisfies AlertRecord)
    return alert
  }

  return {
    raise(raise) {
      const key = keyOf(raise)
      const before = memory.get<AlertRecord>(key)
      if (before?.alert.state === 'firing') return null
      const alert: Alert = {
        alertId: key.slice('alert/'.length),
        sequence: (before?.alert.sequence ?? 0) + 1,
        rule: raise.rule,
        labels: { ...raise.labels },
        severity: raise.severity,
        state: 'firing',
        startsAt: raise.at,
        endsAt: null,
        annotations: { ...raise.annotations },
        links: { ...raise.links },
        causedBy: raise.causedBy,
      }
      memory.set(key, { alert, autoResolveAt: raise.autoResolveAt ?? null } satisfies AlertRecord)
      return alert
    },
    resolve({ at, causedBy, annotations = {}, ...identity }) {
      const key = keyOf(identity)
      const record = memory.get<AlertRecord>(key)
      return record?.alert.state === 'firing' ? close(key, record, at, causedBy, annotations) : null
    },
    isFiring(identity) {
      return memory.get<AlertRecord>(keyOf(identity))?.alert.state === 'firing'
    },
    firingByRule() {
      const counts = new Map<string, number>()
      for (const key of memory.keys('alert/')) {
        const alert = memory.get<AlertRecord>(key)?.alert
        if (alert?.state === 'firing') counts.set(alert.rule, (counts.get(alert.rule) ?? 0) + 1)
      }
      return counts
    },
    resolveExpired(now) {
      return memory
        .keys('alert/')
        .map((key) => ({ key, record: memory.get<AlertRecord>(key) }))
        .flatMap(({ key, record }) =>
          record !== undefined && record.alert.state === 'firing' && record.autoResolveAt !== null && record.autoResolveAt <= now
            ? [{ key, record, at: record.autoResolveAt }]
            : [],
        )
        .sort((a, b) => a.at - b.at || (a.key < b.key ? -1 : 1))
        .map(({ key, record, at }) => close(key, record, at, null, {}))
    },
  }
}
