/**
 * What the demo must show, and whether it really happened: a pure tracker over the event stream. A stage counts only with the ids of the
 * events that prove it; a stage that never gets its evidence makes the demo fail.
 */
import type { InboundEvent } from '../../infra/runtime/kafka/types.ts'
import { featureEventId, modelKey, observationEventId } from '../../schemas/event-ids.ts'
import type { EventByTopic } from '../../schemas/generated/types.ts'

export const STAGES = [
  'observed',
  'checked',
  'featured',
  'trained',
  'promoted',
  'forecast',
  'verified',
  'drift-confirmed',
  'retrained',
  'gated',
  'swapped',
  'recovered',
  'sensor-fault-alerted',
  'weather-rule-fired',
  'weather-rule-resolved',
  'alert-delivered',
] as const
export type StageName = (typeof STAGES)[number]

export type Stage = {
  readonly name: StageName
  /** Event time, ISO 8601; null while it has not happened. */
  readonly happenedAt: string | null
  readonly evidence: readonly string[]
  readonly ok: boolean
  /** Why a stage that seemed to happen does not count. */
  readonly problem?: string
}

export type StoryOptions = {
  readonly stationIds: readonly string[]
  readonly replicaIds: readonly string[]
  /** Declared instrument change, epoch ms: a drift confirmed earlier is a false alarm and does not count. Null: none declared. */
  readonly instrumentChangeAt: number | null
  /** Declared stuck sensor; while and after it no retraining may be asked for that station's temperature. Null: none declared. */
  readonly stuckSensor: { readonly stationId: string; readonly from: number; readonly to: number } | null
}

/** A line to announce, as soon as a stage happens. */
export type Announcement = {
  readonly stage: StageName
  readonly at: string
  readonly text: string
  readonly evidence: readonly string[]
}

const PRIMARY = 'temperatureC'
/** A retraining asked for within this long after the stuck sensor would have been caused by it. */
const STUCK_AFTERMATH_MS = 48 * 3_600_000

export function createStory(options: StoryOptions) {
  const done = new Map<StageName, { at: number; evidence: string[] }>()
  const seenStations = new Map<StageName, Map<string, string>>()
  const driftRuns = new Map<string, { version: string; key: string; at: number }>()
  const confirmedKeys = new Set<string>()
  const swappedReplicas = new Map<string, Map<string, string>>()
  let garbageRetrain: string | null = null

  /** A stage that needs every station: true once all have it. */
  function everyStation(stage: StageName, stationId: string, evidence: string): string[] | null {
    const seen = seenStations.get(stage) ?? new Map<string, string>()
    seenStations.set(stage, seen)
    if (!seen.has(stationId)) seen.set(stationId, evidence)
    return options.stationIds.every((id) => seen.has(id)) ? [...seen.values()] : null
  }

  function reach(stage: StageName, at: number, evidence: string[] | null, text: string): Announcement[] {
    if (evidence === null || done.has(stage)) return []
    done.set(stage, { at, evidence })
    return [{ stage, at: new Date(at).toISOString(), text, evidence }]
  }

  function onDrift(event: EventByTopic['model.drift.v1']): Announcement[] {
    const key = modelKey(event.stationId, event.variable)
    if (event.state === 'confirmed' && event.cause !== 'sensor') {
      if (options.instrumentChangeAt !== null && event.at < options.instrumentChangeAt) return []
      confirmedKeys.add(key)
      return reach('drift-confirmed', event.at, [event.eventId], `drift confirmed at ${key}: ${event.explanation}`)
    }
    // Errors that calmed down under the old model prove nothing about the new one.
    const isByNewModel = event.modelVersion !== null && driftRuns.has(event.modelVersion)
    if (event.state === 'recovered' && isByNewModel && confirmedKeys.has(key)) {
      return reach('recovered', event.at, [event.eventId], `errors of ${key} are back to normal under ${event.modelVersion}`)
    }
    return []
  }

  function onLifecycle(event: EventByTopic['model.lifecycle.v1']): Announcement[] {
    const key = modelKey(event.stationId, event.variable)
    if (event.requestReason === 'drift') {
      if (event.event === 'trained' && confirmedKeys.has(key)) {
        driftRuns.set(event.version, { version: event.version, key, at: event.at })
        return reach(
          'retrained',
          event.at,
          [event.eventId],
          `retrained ${key} as ${event.version} (${event.rows} rows, ${event.fitSeconds.toFixed(2)} s)`,
        )
      }
      if (event.event === 'accepted' && driftRuns.has(event.version)) {
        return reach('gated', event.at, [event.eventId], `the gate accepted ${key} ${event.version}: ${event.reasons.join(', ')}`)
      }
      return []
    }
    if (event.event === 'trained' && event.variable === PRIMARY) {
      return reach(
        'trained',
        event.at,
        everyStation('trained', event.stationId, event.eventId),
        'first models trained for every station',
      )
    }
    return []
  }

  function onStatus(event: EventByTopic['model.status.v1']): Announcement[] {
    const run = driftRuns.get(event.version)
    if (!run || event.state !== 'serving' || event.servingVersion !== event.version) return []
    const replicas = swappedReplicas.get(event.version) ?? new Map<string, string>()
    swappedReplicas.set(event.version, replicas)
    replicas.set(event.replicaId, `status/${event.replicaId}/${run.key}/${event.version}`)
    if (!options.replicaIds.every((id) => replicas.has(id))) return []
    // A swap is a matter of wall milliseconds: in event time it happened when its model was accepted.
    const at = done.get('gated')?.at ?? run.at
    return reach(
      'swapped',
      at,
      [...replicas.values()],
      `${replicas.size} of ${options.replicaIds.length} replicas serve ${run.key} ${event.version}`,
    )
  }

  function onAlert(event: EventByTopic['alert.v1']): Announcement[] {
    const id = `alert/${event.alertId}/${event.sequence}`
    const what = event.annotations['summary'] ?? event.rule
    if (event.rule === 'sensor-fault' && event.state === 'firing') {
      const { stuckSensor } = options
      if (stuckSensor && (event.labels['station'] !== stuckSensor.stationId || event.startsAt < stuckSensor.from)) return []
      return reach('sensor-fault-alerted', event.startsAt, [id], what)
    }
    if (event.labels['kind'] === 'weather') {
      if (event.state === 'firing') return reach('weather-rule-fired', event.startsAt, [id], what)
      if (done.has('weather-rule-fired')) return reach('weather-rule-resolved', event.endsAt ?? event.startsAt, [id], what)
    }
    return []
  }

  function onRetrainRequest(event: EventByTopic['model.retrain-request.v1']): void {
    const { stuckSensor } = options
    if (!stuckSensor || event.reason !== 'drift' || event.stationId !== stuckSensor.stationId || event.variable !== PRIMARY)
      return
    if (event.requestedAt >= stuckSensor.from && event.requestedAt <= stuckSensor.to + STUCK_AFTERMATH_MS)
      garbageRetrain = event.requestId
  }

  return {
    take(event: InboundEvent): Announcement[] {
      switch (event.topic) {
        case 'weather.observation.v1':
          return reach(
            'observed',
            event.value.observedAt,
            everyStation('observed', event.value.stationId, observationEventId(event.value)),
            'observations of every station arrive',
          )
        case 'weather.observation-checked.v1':
          return reach(
            'checked',
            event.value.observedAt,
            everyStation('checked', event.value.stationId, observationEventId(event.value)),
            'observations are quality-checked',
          )
        case 'weather.feature.v1':
          return reach(
            'featured',
            event.value.validAt,
            everyStation('featured', event.value.stationId, featureEventId(event.value)),
            'features are built for every station',
          )
        case 'weather.forecast.v1':
          return reach(
            'forecast',
            event.value.issuedAt,
            everyStation('forecast', event.value.stationId, event.value.forecastId),
            'live forecasts are issued for every station',
          )
        case 'weather.verification.v1':
          return reach(
            'verified',
            event.value.observedAt,
            everyStation('verified', event.value.stationId, event.value.verificationId),
            'forecasts are verified as truth arrives',
          )
        case 'model.control.v1':
          return event.value.variable === PRIMARY
            ? reach(
                'promoted',
                event.value.changedAt,
                everyStation('promoted', event.value.stationId, event.value.eventId),
                'every station has a champion model',
              )
            : []
        case 'model.drift.v1':
          return onDrift(event.value)
        case 'model.lifecycle.v1':
          return onLifecycle(event.value)
        case 'model.status.v1':
          return onStatus(event.value)
        case 'alert.v1':
          return onAlert(event.value)
        case 'alert.delivery.v1': {
          const { alertId, sequence, channel, attempt, state, at, detail } = event.value
          return state === 'sent'
            ? reach(
                'alert-delivered',
                at,
                [`delivery/${alertId}/${sequence}/${channel}/${attempt}`],
                `alert delivered by ${channel}${detail ? ` (${detail})` : ''}`,
              )
            : []
        }
        case 'model.retrain-request.v1':
          onRetrainRequest(event.value)
          return []
        case 'weather.station.v1':
        case 'model.adaptation.v1':
        case 'audit.v1':
          return []
      }
    },
    stages(): Stage[] {
      return STAGES.map((name) => {
        const reached = done.get(name)
        const problem =
          name === 'sensor-fault-alerted' && garbageRetrain
            ? `the stuck sensor caused a retraining (${garbageRetrain})`
            : undefined
        return {
          name,
          happenedAt: reached ? new Date(reached.at).toISOString() : null,
          evidence: reached?.evidence ?? [],
          ok: reached !== undefined && problem === undefined,
          ...(problem ? { problem } : {}),
        }
      })
    },
    has: (name: StageName): boolean => done.has(name),
    isComplete: (): boolean => STAGES.every((name) => done.has(name)),
  }
}
