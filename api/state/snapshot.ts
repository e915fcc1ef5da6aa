/**
 * What the topics last said, in memory: stations, newest champion forecasts, control and replica state, newest event time per stage.
 * Fed by followers (and by the store right after a start); every apply is idempotent and order-tolerant.
 */
import type { Control, Forecast, ReplicaStatus, Station } from '../../schemas/generated/types.ts'
import { modelKey } from '../../schemas/event-ids.ts'
import type { InboundEvent } from '../../infra/runtime/kafka/types.ts'

/** Issues kept per station: enough that one incomplete newest issue still leaves complete ones. */
const KEPT_ISSUES = 6

export type Issue = { readonly issuedAt: number; readonly byVariable: ReadonlyMap<string, Forecast> }
export type Stage = { readonly name: string; readonly topic: string; newestAt: number | null; events: number }
type MutableIssue = { issuedAt: number; byVariable: Map<string, Forecast> }

const STAGES: ReadonlyArray<readonly [string, string]> = [
  ['observed', 'weather.observation.v1'],
  ['checked', 'weather.observation-checked.v1'],
  ['featured', 'weather.feature.v1'],
  ['forecast', 'weather.forecast.v1'],
  ['verified', 'weather.verification.v1'],
]

export type Snapshot = ReturnType<typeof createSnapshot>

export function createSnapshot() {
  const stations = new Map<string, Station>()
  const controls = new Map<string, { control: Control; offset: number }>()
  const statuses = new Map<string, ReplicaStatus>()
  const issues = new Map<string, MutableIssue[]>()
  const generations = new Map<string, number>()
  const stages = new Map<string, Stage>(STAGES.map(([name, topic]) => [topic, { name, topic, newestAt: null, events: 0 }]))

  function bump(stationId: string): void {
    generations.set(stationId, (generations.get(stationId) ?? 0) + 1)
  }

  function applyForecast(forecast: Forecast): void {
    if (forecast.role !== 'champion') return
    const list = issues.get(forecast.stationId) ?? []
    issues.set(forecast.stationId, list)
    let issue = list.find((known) => known.issuedAt === forecast.issuedAt)
    if (issue === undefined) {
      if (list.length >= KEPT_ISSUES && forecast.issuedAt < (list.at(-1)?.issuedAt ?? 0)) return
      issue = { issuedAt: forecast.issuedAt, byVariable: new Map() }
      list.push(issue)
      list.sort((a, b) => b.issuedAt - a.issuedAt)
      list.length = Math.min(list.length, KEPT_ISSUES)
    }
    const known = issue.byVariable.get(forecast.variable)
    // The same issue made again after a swap: the later control decision is the one that holds.
    if (known !== undefined && known.controlOffset > forecast.controlOffset) return
    issue.byVariable.set(forecast.variable, forecast)
    bump(forecast.stationId)
  }

  function applyControl(control: Control, offset: number): void {
    const key = modelKey(control.stationId, control.variable)
    if ((controls.get(key)?.offset ?? -1) > offset) return
    controls.set(key, { control, offset })
    bump(control.stationId)
  }

  function reach(topic: string, eventTimeMs: number, count = 1): void {
    const stage = stages.get(topic)
    if (stage === undefined) return
    stage.events += count
    if (stage.newestAt === null || eventTimeMs > stage.newestAt) stage.newestAt = eventTimeMs
  }

  function apply(event: InboundEvent | { topic: InboundEvent['topic']; key: string; value: null }): void {
    if (event.value === null) {
      if (event.topic === 'weather.station.v1') {
        stations.delete(event.key)
        bump(event.key)
      } else if (event.topic === 'model.control.v1') {
        controls.delete(event.key)
        bump(event.key.split('/')[0] ?? '')
      } else if (event.topic === 'model.status.v1') statuses.delete(event.key)
      return
    }
    switch (event.topic) {
      case 'weather.station.v1':
        stations.set(event.value.stationId, event.value)
        return bump(event.value.stationId)
      case 'model.control.v1':
        return applyControl(event.value, event.offset)
      case 'model.status.v1':
        statuses.set(event.key, event.value)
        return
      case 'weather.forecast.v1':
        reach(event.topic, event.value.issuedAt)
        return applyForecast(event.value)
      case 'weather.observation.v1':
      case 'weather.observation-checked.v1':
      case 'weather.verification.v1':
        return reach(event.topic, event.value.observedAt)
      case 'weather.feature.v1':
        return reach(event.topic, event.value.validAt)
      default:
        return
    }
  }

  return {
    apply,
    applyForecast,
    /** Stage times known from the store before any event was seen. */
    reachStored: (topic: string, eventTimeMs: number) => reach(topic, eventTimeMs, 0),
    station: (stationId: string) => stations.get(stationId),
    stations: (): Station[] => [...stations.values()].sort((a, b) => (a.stationId < b.stationId ? -1 : 1)),
    control: (stationId: string, variable: string) => controls.get(modelKey(stationId, variable)),
    controls: () => [...controls.values()],
    statuses: () => [...statuses.values()],
    stages: (): Stage[] => [...stages.values()],
    /** Newest first. */
    issues: (stationId: string): readonly Issue[] => issues.get(stationId) ?? [],
    /** Changes whenever anything a forecast answer of the station is made of changes. */
    generation: (stationId: string) => generations.get(stationId) ?? 0,
  }
}
