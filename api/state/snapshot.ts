/**
 * What the topics last said, in memory: stations, newest champion forecasts, control and replica state.
 * Fed by followers (and by the store right after a start); every apply is idempotent and order-tolerant.
 */
import type { Control, Forecast, ReplicaStatus, Station, Verification } from '../../schemas/generated/types.ts'
import { modelKey } from '../../schemas/event-ids.ts'
import type { InboundEvent } from '../../infra/runtime/kafka/types.ts'

/** Issues kept per station: enough that one incomplete newest issue still leaves complete ones. */
const KEPT_ISSUES = 6

export type Issue = { readonly issuedAt: number; readonly byVariable: ReadonlyMap<string, Forecast> }
type MutableIssue = { issuedAt: number; byVariable: Map<string, Forecast> }

export type Snapshot = ReturnType<typeof createSnapshot>

export function createSnapshot() {
  const stations = new Map<string, Station>()
  const controls = new Map<string, { control: Control; offset: number }>()
  const statuses = new Map<string, ReplicaStatus>()
  const issues = new Map<string, MutableIssue[]>()
  const generations = new Map<string, number>()
  const verified = new Map<string, number>()

  function bump(stationId: string): void {
    generations.set(stationId, (generations.get(stationId) ?? 0) + 1)
  }

  function applyStation(station: Station): void {
    stations.set(station.stationId, station)
    bump(station.stationId)
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

  function applyVerification({ stationId, variable, role }: Verification): void {
    if (role !== 'champion') return
    const key = modelKey(stationId, variable)
    verified.set(key, (verified.get(key) ?? 0) + 1)
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
    if (event.topic === 'weather.station.v1') applyStation(event.value)
    else if (event.topic === 'model.control.v1') applyControl(event.value, event.offset)
    else if (event.topic === 'model.status.v1') statuses.set(event.key, event.value)
    else if (event.topic === 'weather.forecast.v1') applyForecast(event.value)
    else if (event.topic === 'weather.verification.v1') applyVerification(event.value)
  }

  return {
    apply,
    applyForecast,
    /** A station just published: known here before it comes round. */
    applyStation,
    station: (stationId: string) => stations.get(stationId),
    stations: (): Station[] => [...stations.values()].sort((a, b) => (a.stationId < b.stationId ? -1 : 1)),
    control: (stationId: string, variable: string) => controls.get(modelKey(stationId, variable)),
    controls: () => [...controls.values()],
    statuses: () => [...statuses.values()],
    /** Newest first. */
    issues: (stationId: string): readonly Issue[] => issues.get(stationId) ?? [],
    /** Changes whenever anything a forecast answer of the station is made of changes. */
    generation: (stationId: string) => generations.get(stationId) ?? 0,
    /** Changes whenever more has verified of what champions forecast. */
    verified: (stationId: string, variable: string) => verified.get(modelKey(stationId, variable)) ?? 0,
  }
}
