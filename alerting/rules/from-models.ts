/** Drift, lifecycle, control and replica reports → alerts about models. */
import { provisionalReason } from '../../forecasting/models/index.ts'
import type { Alert, Control, Drift, Lifecycle, ReplicaStatus } from '../../schemas/generated/types.ts'
import { modelKey } from '../../schemas/event-ids.ts'
import { REPLICA_GONE_AFTER_MS } from '../../schemas/replica.ts'
import { oneLine } from '../shared/text.ts'
import { linksOf, quantityWords, stationWords } from './describe.ts'
import type { FleetRecord, OrdersRecord, ReplicaRecord } from './records.ts'
import type { RuleDeps } from './from-weather.ts'

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
/** Days with orders remembered: more than it takes to forget a replica when there are some every day. */
const KEPT_ORDER_DAYS = REPLICA_GONE_AFTER_MS / DAY_MS + 3

type Model = { readonly stationId: string; readonly variable: string }

export function createModelRules({ memory, book, config }: RuleDeps) {
  const labelsOf = ({ stationId, variable }: Model): Record<string, string> => ({ station: stationId, variable })
  const modelWords = ({ stationId, variable }: Model): string =>
    `${quantityWords(variable)} at ${stationWords(stationId, memory)}`
  const driftSummary = (drift: Drift): string => {
    if (drift.cause === 'feed') return `Observations of ${stationWords(drift.stationId, memory)} come late or with gaps`
    return drift.cause === 'sensor'
      ? `The sensor for ${modelWords(drift)} is in doubt`
      : `Forecast errors of ${modelWords(drift)} have drifted`
  }
  const links = (rule: string, model: Model): Record<string, string> => linksOf(rule, config.alertRunbookBase, model.stationId)
  const some = (...alerts: Array<Alert | null | false>): Alert[] => alerts.filter((alert) => alert !== null && alert !== false)

  return {
    onDrift(drift: Drift): Alert[] {
      const identity = { rule: 'drift-confirmed', labels: labelsOf(drift) }
      switch (drift.state) {
        case 'confirmed':
          return some(
            book.raise({
              ...identity,
              severity: 'warning',
              at: drift.at,
              annotations: {
                summary: driftSummary(drift),
                description: oneLine(drift.explanation, 500),
                cause: drift.cause,
                statistic: `${drift.statistic.toFixed(2)} against ${drift.threshold.toFixed(2)}`,
              },
              links: {
                ...links('drift-confirmed', drift),
                evidence: `/v1/drift/evidence?eventId=${encodeURIComponent(drift.eventId)}`,
              },
              causedBy: drift.eventId,
            }),
          )
        case 'recovered':
        case 'stable':
          return some(book.resolve({ ...identity, at: drift.at, causedBy: drift.eventId }))
        case 'warned':
          return []
      }
    },

    onLifecycle(event: Lifecycle): Alert[] {
      const labels = labelsOf(event)
      switch (event.event) {
        case 'promoted':
          return some(
            book.resolve({ rule: 'model-rolled-back', labels, at: event.at, causedBy: event.eventId }),
            // A station's first days bring several provisional models of each variable: nobody has to be told.
            provisionalReason(event.family) === null &&
              book.raise({
                rule: 'model-promoted',
                // Each promotion is a fact of its own: the version belongs to its identity.
                labels: { ...labels, version: event.version },
                severity: 'info',
                at: event.at,
                annotations: {
                  summary: `New model for ${modelWords(event)}: ${oneLine(event.version, 80)}`,
                  description: reasonsOf(event),
                },
                links: links('model-promoted', event),
                causedBy: event.eventId,
                autoResolveAt: event.at + config.alertPromotedForHours * HOUR_MS,
              }),
          )
        case 'rolled-back':
          return some(
            book.raise({
              rule: 'model-rolled-back',
              labels,
              severity: 'warning',
              at: event.at,
              annotations: {
                summary: `Model of ${modelWords(event)} was rolled back`,
                description: reasonsOf(event),
                version: event.version,
              },
              links: links('model-rolled-back', event),
              causedBy: event.eventId,
              autoResolveAt: event.at + config.alertRolledBackForHours * HOUR_MS,
            }),
          )
        case 'failed':
          return some(
            book.raise({
              rule: 'training-failed',
              labels,
              severity: 'warning',
              at: event.at,
              annotations: {
                summary: `Training for ${modelWords(event)} failed`,
                description: reasonsOf(event),
                runId: event.runId,
              },
              links: links('training-failed', event),
              causedBy: event.eventId,
            }),
          )
        case 'trained':
          return some(book.resolve({ rule: 'training-failed', labels, at: event.at, causedBy: event.eventId }))
        case 'training-started':
        case 'evaluated':
        case 'accepted':
        case 'rejected':
        case 'probation-passed':
          return []
      }
    },

    /** `askedAtWallMs`: when the broker took the order. */
    onControl(control: Control, controlOffset: number, askedAtWallMs: number): Alert[] {
      const key = `fleet/${modelKey(control.stationId, control.variable)}`
      const before = memory.get<FleetRecord>(key)
      if (before && controlOffset <= before.controlOffset) return []
      const { eventId, changedAt } = control
      memory.set(key, {
        controlOffset,
        version: control.champion.version,
        eventId,
        changedAt,
        askedAtWallMs,
      } satisfies FleetRecord)
      const days = orderDays()
      if (askedAtWallMs - (days.at(-1) ?? Number.NEGATIVE_INFINITY) >= DAY_MS)
        memory.set('orders', { firstOfDayWallMs: [...days, askedAtWallMs].slice(-KEPT_ORDER_DAYS) } satisfies OrdersRecord)
      return []
    },

    /** `now`: event time, because a report itself carries the wall instant only. */
    onStatus(status: ReplicaStatus, now: number): Alert[] {
      const model = modelKey(status.stationId, status.variable)
      const key = `replica/${status.replicaId}`
      const before = memory.get<ReplicaRecord>(key)
      const answered = { ...before?.answered }
      answered[model] = Math.max(answered[model] ?? -1, status.controlOffset)
      memory.set(key, {
        answered,
        firstReportWallMs: before?.firstReportWallMs ?? status.since,
        lastReportWallMs: Math.max(before?.lastReportWallMs ?? 0, status.since),
      } satisfies ReplicaRecord)

      const alerts: Array<Alert | null> = []
      const rejection = { rule: 'artifact-rejected', labels: { ...labelsOf(status), replica: status.replicaId } }
      const rejectedKey = `rejected/${status.replicaId}/${model}`
      if (status.state === 'rejected') {
        memory.set(rejectedKey, Math.max(memory.get<number>(rejectedKey) ?? -1, status.controlOffset))
        alerts.push(
          book.raise({
            ...rejection,
            severity: 'critical',
            at: now,
            annotations: {
              summary: `${oneLine(status.replicaId, 80)} refuses model ${oneLine(status.version, 80)} for ${modelWords(status)}`,
              description: `${oneLine(status.error ?? 'no reason given', 400)}. ${status.servingVersion === null ? 'It serves no model for this variable.' : `It keeps serving ${oneLine(status.servingVersion, 80)}.`}`,
              version: status.version,
            },
            links: links('artifact-rejected', status),
            causedBy: `status/${status.replicaId}/${model}/${status.version}/${status.controlOffset}`,
          }),
        )
      } else if (status.controlOffset >= (memory.get<number>(rejectedKey) ?? Number.POSITIVE_INFINITY)) {
        memory.delete(rejectedKey)
        alerts.push(book.resolve({ ...rejection, at: now, causedBy: null }))
      }
      const fleet = memory.get<FleetRecord>(`fleet/${model}`)
      const unconverged = { rule: 'fleet-unconverged', labels: labelsOf(status) }
      if (fleet && book.isFiring(unconverged) && lateReplicas(model, fleet, status.since).length === 0) {
        alerts.push(book.resolve({ ...unconverged, at: now, causedBy: null }))
      }
      return some(...alerts)
    },

    /** Orders that some known replica has not answered in time. Wall time: it is about machines, not about weather. */
    onTime(now: number, wallNow: number): Alert[] {
      const limitMs = config.alertFleetWithinSeconds * 1000
      return memory.keys('fleet/').flatMap((key) => {
        const fleet = memory.get<FleetRecord>(key)
        if (!fleet || wallNow - fleet.askedAtWallMs < limitMs) return []
        const model = key.slice('fleet/'.length)
        const slash = model.lastIndexOf('/')
        const named: Model = { stationId: model.slice(0, slash), variable: model.slice(slash + 1) }
        const identity = { rule: 'fleet-unconverged', labels: labelsOf(named) }
        const late = lateReplicas(model, fleet, wallNow)
        // Those it was raised for are gone by now.
        if (late.length === 0) return some(book.isFiring(identity) && book.resolve({ ...identity, at: now, causedBy: null }))
        return some(
          book.raise({
            ...identity,
            severity: 'critical',
            at: Math.max(now, fleet.changedAt),
            annotations: {
              summary: `${late.length} replica(s) have not taken up model ${oneLine(fleet.version, 80)} for ${modelWords(named)}`,
              description: `No answer within ${config.alertFleetWithinSeconds} s from ${late.map((id) => oneLine(id, 80)).join(', ')}; answers may come from two model versions.`,
              replicas: late.join(','),
            },
            links: links('fleet-unconverged', named),
            causedBy: fleet.eventId,
          }),
        )
      })
    },
  }

  /** A rejection is an answer too: it has an alert of its own. */
  function lateReplicas(model: string, fleet: FleetRecord, wallNow: number): string[] {
    return memory.keys('replica/').flatMap((key) => {
      const replica = memory.get<ReplicaRecord>(key)
      if (!replica || (replica.answered[model] ?? -1) >= fleet.controlOffset) return []
      // A new one takes up every model there is, and says so one by one.
      if (wallNow - replica.firstReportWallMs < config.alertFleetWithinSeconds * 1000) return []
      return wallNow - silentSince(replica, fleet) > REPLICA_GONE_AFTER_MS ? [] : [key.slice('replica/'.length)]
    })
  }

  /**
   * When the replica was first asked what it has not answered, wall ms; one that was asked nothing is not silent. An answer takes a moment,
   * and clocks differ by a little.
   */
  function silentSince({ lastReportWallMs }: ReplicaRecord, unanswered: FleetRecord): number {
    const answeredMs = lastReportWallMs + config.alertFleetWithinSeconds * 1000
    return Math.min(orderDays().find((at) => at > answeredMs) ?? Number.POSITIVE_INFINITY, unanswered.askedAtWallMs)
  }

  function orderDays(): readonly number[] {
    return memory.get<OrdersRecord>('orders')?.firstOfDayWallMs ?? []
  }
}

function reasonsOf(event: Lifecycle): string {
  const reasons = event.reasons.map((reason) => oneLine(reason, 200)).join('; ')
  return `${reasons === '' ? 'No reason given' : reasons} (by ${oneLine(event.actor, 80)}).`
}
