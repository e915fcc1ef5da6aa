/** Events to ClickHouse rows: one pure function per topic. Instants become 'YYYY-MM-DD hh:mm:ss.mmm' UTC strings. */
import type { InboundEvent } from '../../infra/runtime/kafka/types.ts'
import { toClickHouseInstant } from '../../infra/runtime/clickhouse/index.ts'

/** Topics kept for good. Features and the hourly grid are written by the features processor itself. */
export const ARCHIVED_TOPICS = [
  'weather.station.v1',
  'weather.observation-checked.v1',
  'weather.forecast.v1',
  'weather.verification.v1',
  'model.drift.v1',
  'model.retrain-request.v1',
  'model.lifecycle.v1',
  'model.control.v1',
  'model.status.v1',
  'alert.v1',
  'alert.delivery.v1',
  'audit.v1',
] as const
export type ArchivedTopic = (typeof ARCHIVED_TOPICS)[number]

export type ArchiveRow = { readonly table: string; readonly row: Record<string, unknown> }

/** The row that keeps an event. The Kafka position versions it: the same message always makes the same row. */
export function toArchiveRow(event: InboundEvent<ArchivedTopic>): ArchiveRow {
  const position = { kafkaPartition: event.partition, kafkaOffset: event.offset }
  switch (event.topic) {
    case 'weather.station.v1':
      return { table: 'station_log', row: { ...event.value, validFrom: instant(event.value.validFrom), ...position } }
    case 'weather.observation-checked.v1': {
      const { observedAt, receivedAt, ...rest } = event.value
      return {
        table: 'observation_log',
        row: { ...rest, observedAt: instant(observedAt), receivedAt: instant(receivedAt), ...position },
      }
    }
    case 'weather.forecast.v1': {
      const { issuedAt, featureKnownAt, quantiles, baselines, ...rest } = event.value
      return {
        table: 'forecast_log',
        row: {
          ...rest,
          issuedAt: instant(issuedAt),
          featureKnownAt: instant(featureKnownAt),
          quantiles: quantiles.flat(),
          persistence: baselines.persistence,
          recentredClimatology: baselines.recentredClimatology,
          ...position,
        },
      }
    }
    case 'weather.verification.v1': {
      const { observedAt, knownAt, ...rest } = event.value
      return {
        table: 'verification_log',
        row: { ...rest, observedAt: instant(observedAt), knownAt: instant(knownAt), ...position },
      }
    }
    case 'model.drift.v1': {
      const { at, evidenceFrom, evidenceTo, changePointAt, changePointFrom, changePointTo, ...rest } = event.value
      return {
        table: 'drift_log',
        row: {
          ...rest,
          at: instant(at),
          evidenceFrom: instant(evidenceFrom),
          evidenceTo: instant(evidenceTo),
          changePointAt: instantOrNull(changePointAt),
          changePointFrom: instantOrNull(changePointFrom),
          changePointTo: instantOrNull(changePointTo),
          ...position,
        },
      }
    }
    case 'model.retrain-request.v1': {
      // All change points of a run are in its lifecycle payload; the table keeps the one that caused the request.
      const { requestedAt, changePointAt, changePoints: _inLifecycle, ...rest } = event.value
      return {
        table: 'retrain_request_log',
        row: { ...rest, requestedAt: instant(requestedAt), changePointAt: instantOrNull(changePointAt), ...position },
      }
    }
    case 'model.lifecycle.v1': {
      const { eventId, runId, stationId, variable, version, event: what, at, family } = event.value
      return {
        table: 'lifecycle_log',
        row: {
          eventId,
          runId,
          stationId,
          variable,
          version,
          event: what,
          at: instant(at),
          family,
          payload: JSON.stringify(event.value),
          ...position,
        },
      }
    }
    case 'model.control.v1': {
      const { eventId, stationId, variable, champion, previous, changedAt, changedBy, reason, causedBy } = event.value
      return {
        table: 'control_log',
        row: {
          controlOffset: event.offset,
          eventId,
          stationId,
          variable,
          championVersion: champion.version,
          previousVersion: previous?.version ?? null,
          changedAt: instant(changedAt),
          changedBy,
          reason,
          causedBy,
          payload: JSON.stringify(event.value),
          ...position,
        },
      }
    }
    case 'model.status.v1':
      return { table: 'replica_status_log', row: { ...event.value, since: instant(event.value.since), ...position } }
    case 'alert.v1': {
      const { startsAt, endsAt, ...rest } = event.value
      return { table: 'alert_log', row: { ...rest, startsAt: instant(startsAt), endsAt: instantOrNull(endsAt), ...position } }
    }
    case 'alert.delivery.v1':
      return { table: 'alert_delivery_log', row: { ...event.value, at: instant(event.value.at), ...position } }
    case 'audit.v1':
      return { table: 'audit_log', row: { ...event.value, at: instant(event.value.at), ...position } }
  }
}

const instant = toClickHouseInstant

function instantOrNull(epochMs: number | null): string | null {
  return epochMs === null ? null : instant(epochMs)
}
