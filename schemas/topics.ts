/** The one catalogue of topics: creation, codec, dead letters, docs and AsyncAPI all come from these rows. */
import type { EventByTopic } from './generated/types.ts'

export type TopicName = keyof EventByTopic

export type TopicSpec = {
  /** Base name of the schema file in schemas/avro. */
  readonly schema: string
  /** What the message key is made of. */
  readonly key: string
  readonly partitions: number
  readonly cleanup: 'compact' | 'delete'
  /** How long the broker keeps messages, hours; null for compacted topics. */
  readonly retentionHours: number | null
  /** Whether a processor reads it, and bad messages therefore go to <name>.dlq. */
  readonly deadLetters: boolean
  readonly description: string
}

const DAY_HOURS = 24
const YEAR_HOURS = 365 * DAY_HOURS

/**
 * Weather topics are partitioned for parallel processors; model and alert topics have one partition: their volume is
 * tiny and one total order makes control offsets and histories easy to reason about.
 * Replays carry old event times, so retention counts from the broker's append time (message.timestamp.type=LogAppendTime).
 */
export const TOPICS: { readonly [T in TopicName]: TopicSpec } = {
  'weather.station.v1': row('station', 'stationId', 1, 'compact', null, 'Stations as registered or changed.'),
  'weather.observation.v1': row(
    'observation',
    'stationId',
    6,
    'delete',
    30 * DAY_HOURS,
    'Observations as received from any provider.',
  ),
  'weather.observation-checked.v1': row(
    'observation-checked',
    'stationId',
    6,
    'delete',
    30 * DAY_HOURS,
    'Observations with quality flags.',
  ),
  'weather.feature.v1': row('feature', 'stationId', 6, 'delete', 30 * DAY_HOURS, 'Feature vector of each station-hour.'),
  'weather.forecast.v1': row('forecast', 'stationId', 6, 'delete', 14 * DAY_HOURS, 'Forecasts as issued.'),
  'weather.verification.v1': row('verification', 'stationId', 6, 'delete', 30 * DAY_HOURS, 'Forecast errors as truth arrives.'),
  'model.drift.v1': row('drift', 'stationId/variable', 1, 'delete', YEAR_HOURS, 'Changes of drift state.'),
  'model.retrain-request.v1': row('retrain-request', 'stationId/variable', 1, 'delete', YEAR_HOURS, 'Requests to train.'),
  'model.lifecycle.v1': row(
    'lifecycle',
    'stationId/variable',
    1,
    'delete',
    5 * YEAR_HOURS,
    'What happened to each model version.',
  ),
  'model.control.v1': row('control', 'stationId/variable', 1, 'compact', null, 'What inference replicas must serve.'),
  'model.adaptation.v1': row(
    'adaptation',
    'stationId/variable',
    1,
    'compact',
    null,
    'How far intervals are stretched, from verified forecasts.',
  ),
  'model.status.v1': row('status', 'replicaId/stationId/variable', 1, 'compact', null, 'What each replica serves.'),
  'alert.v1': row('alert', 'alertId', 1, 'delete', YEAR_HOURS, 'Alerts firing and resolving.'),
  'alert.delivery.v1': row('alert-delivery', 'alertId', 1, 'delete', YEAR_HOURS, 'Attempts to deliver alerts.'),
  'audit.v1': row('audit', 'actor', 1, 'delete', 5 * YEAR_HOURS, 'Operator actions.'),
}

export const TOPIC_NAMES = Object.keys(TOPICS) as TopicName[]

/** The topic that takes what could not be processed from `topic`. */
export function deadLetterTopic(topic: TopicName): string {
  return `${topic}.dlq`
}

/**
 * Header of a forecast made of a feature: `partition/offset` of weather.feature.v1 up to which anything had been issued when it was made; its own
 * feature, or a later one when it was made after a restart. Forecasts of silent stations and of back-filled hours are made of none.
 */
export const ISSUED_THROUGH = 'isobar-issued-through'

/** How long dead letters are kept. */
export const DEAD_LETTER_RETENTION_HOURS = 30 * DAY_HOURS

/** What a dead letter carries besides the original headers. */
export const DEAD_LETTER_HEADERS = {
  'isobar-error-code': 'Kebab-case code of the failure.',
  'isobar-error-message': 'The failure in words.',
  'isobar-step': 'Processor, and where in it: decode, step, sink or publish.',
  'isobar-attempt': 'How many times it was tried.',
  'isobar-topic': 'Topic it came from, without prefix.',
  'isobar-partition': 'Partition it came from.',
  'isobar-offset': 'Offset it had there.',
  'isobar-failed-at': 'When it failed, ISO 8601 UTC, wall clock.',
} as const

function row(
  schema: string,
  key: string,
  partitions: number,
  cleanup: TopicSpec['cleanup'],
  retentionHours: number | null,
  description: string,
): TopicSpec {
  return { schema, key, partitions, cleanup, retentionHours, deadLetters: true, description }
}
