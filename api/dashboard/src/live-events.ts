/** Applies the live stream to the state: one function per kind of event, no drawing here. */
import { withIsoInstants } from './adapt.ts'
import { instant } from './format.ts'
import type { Loader } from './loader.ts'
import { ready, valueOf } from './loadable.ts'
import { noteLiveForecast, noteObservation } from './now.ts'
import type { Scheduler } from './schedule.ts'
import type { SseMessage } from './sse.ts'
import type { Part, State } from './state.ts'
import { tellAlert, tellDrift, tellFirst, tellLifecycle, tellStatus } from './story.ts'
import type { Alert, CheckedObservation, Delivery, DriftEvent, LiveForecast, ModelEvent, ReplicaModel } from './wire.ts'

/** Topics this page listens to (the stream has more: raw observations, features, every verification). */
export const LIVE_TYPES = ['observation-checked', 'forecast', 'drift', 'lifecycle', 'status', 'alert', 'alert-delivery'] as const

const KEPT_HOURS = 96
const MAX_ALERTS = 200
const MAX_DELIVERIES = 500

export function createLiveHandler(
  state: State,
  scheduler: Scheduler<Part>,
  loader: Loader,
  seeTime: (eventMs: number | null) => boolean,
) {
  const saw = (iso: string | null | undefined): void => {
    if (seeTime(instant(iso))) scheduler.mark('clock')
  }

  /** Versions by replica, station and variable. */
  const served = new Map<string, string>()

  const handlers: Record<string, (event: never) => void> = {
    'observation-checked': (observation: CheckedObservation) => {
      saw(observation.observedAt)
      if (noteObservation(state, observation)) {
        scheduler.mark('stations')
        if (state.lacking.get(observation.stationId)?.delete('observation'))
          loader.tell([tellFirst('observed', observation.stationId, instant(observation.observedAt) ?? 0, null)])
      }
      if (observation.stationId === state.selected.stationId) addObservation(observation)
    },
    forecast: (forecast: LiveForecast) => {
      saw(forecast.issuedAt)
      if (noteLiveForecast(state, forecast)) {
        scheduler.mark('stations')
        if (state.lacking.get(forecast.stationId)?.delete('forecast'))
          loader.tell([tellFirst('forecast', forecast.stationId, instant(forecast.issuedAt) ?? 0, forecast.forecastId)])
      }
      const { stationId, variable } = state.selected
      if (forecast.stationId === stationId && forecast.variable === variable && forecast.role === 'champion')
        loader.soon.forecast()
    },
    lifecycle: (event: ModelEvent) => {
      loader.tell([tellLifecycle(event)])
      if (event.event === 'promoted' || event.event === 'rolled-back' || event.stationId === state.selected.stationId)
        loader.soon.models()
    },
    drift: (event: DriftEvent) => {
      loader.tell([tellDrift(event)])
      state.drift = ready([event, ...(valueOf(state.drift) ?? []).filter((known) => known.eventId !== event.eventId)])
      state.driftStates = ready([event, ...(valueOf(state.driftStates) ?? []).filter((known) => !isSameModel(known, event))])
      scheduler.mark('drift')
    },
    status: (status: ReplicaModel & { replicaId: string }) => {
      // Wall instants of the report would sort wrongly among event times: the story uses the event time now.
      if (state.clock.nowMs !== null) loader.tell([tellStatus(status.replicaId, status, state.clock.nowMs, servedBefore(status))])
      loader.soon.replicas()
    },
    alert: (alert: Alert) => {
      loader.tell([tellAlert(alert)])
      const before = valueOf(state.alerts) ?? []
      const known = before.find((one) => one.alertId === alert.alertId)
      if (known && known.sequence > alert.sequence) return
      const merged = known?.deliveries ? { ...alert, deliveries: known.deliveries } : alert
      state.alerts = ready([merged, ...before.filter((one) => one.alertId !== alert.alertId)].slice(0, MAX_ALERTS))
      scheduler.mark('alerts')
    },
    'alert-delivery': (delivery: Delivery) => {
      state.deliveries.set(`${delivery.alertId}/${delivery.channel}`, delivery)
      const oldest = state.deliveries.size > MAX_DELIVERIES ? state.deliveries.keys().next().value : undefined
      if (oldest !== undefined) state.deliveries.delete(oldest)
      scheduler.mark('alerts')
    },
    station: () => loader.soon.stations(),
    // The server could not resume from our id: what was missed is in the REST answers.
    reset: () => loader.reloadAll(),
  }

  /** As the stream told it last; before it told anything, as the server did. Remembers what the report says. */
  function servedBefore(status: ReplicaModel & { replicaId: string }): string | null {
    const { replicaId, stationId, variable } = status
    const key = `${replicaId}/${stationId}/${variable}`
    const known = valueOf(state.replicas)
      ?.replicas.find((replica) => replica.replicaId === replicaId)
      ?.models.find((model) => model.stationId === stationId && model.variable === variable)
    const before = served.get(key) ?? known?.servingVersion ?? null
    if (status.servingVersion !== null) served.set(key, status.servingVersion)
    return before
  }

  function addObservation(observation: CheckedObservation): void {
    const list = valueOf(state.observations)
    if (list === undefined) return
    const at = instant(observation.observedAt)
    if (at === null) return
    const limit = (state.clock.nowMs ?? at) - KEPT_HOURS * 3_600_000
    const kept = list.filter(
      (o) => !(o.observedAt === observation.observedAt && o.kind === observation.kind) && (instant(o.observedAt) ?? 0) >= limit,
    )
    kept.push(observation)
    state.observations = ready(kept)
    scheduler.mark('observations')
  }

  return (message: SseMessage): void => {
    const handler = handlers[kindOf(message.event)]
    if (!handler) return
    let event: unknown
    try {
      event = JSON.parse(message.data)
    } catch (error) {
      // One damaged message must not end the stream; it is named for whoever looks.
      console.error(`live event ${message.id ?? ''} is not JSON`, error)
      return
    }
    if (event !== null && typeof event === 'object') handler(withIsoInstants(event) as never)
  }
}

const isSameModel = (a: { stationId: string; variable: string }, b: { stationId: string; variable: string }): boolean =>
  a.stationId === b.stationId && a.variable === b.variable

/** `weather.observation-checked.v1` and `observation-checked` are the same kind. */
export function kindOf(name: string): string {
  const short = name.replace(/^(weather|model)\./, '').replace(/\.v\d+$/, '')
  return short === 'alert.delivery' ? 'alert-delivery' : short
}
