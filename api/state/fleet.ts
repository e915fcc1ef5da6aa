/** What the replicas of inference serve, out of their reports (model.status.v1) and the orders (model.control.v1). */
import type { Control, ReplicaStatus } from '../../schemas/generated/types.ts'
import { modelKey } from '../../schemas/event-ids.ts'
import type { ForecastVariable } from '../../schemas/quantities.ts'
import { REPLICA_GONE_AFTER_MS } from '../../schemas/replica.ts'

export type Fleet = {
  /** Ids of the replicas that count, ascending. */
  readonly replicas: readonly string[]
  /** Ids of those that are gone: they have told nothing for as long as an order was left unanswered. Ascending. */
  readonly gone: readonly string[]
  /** Replicas that serve the champion of every model. */
  readonly converged: number
  readonly models: ReadonlyArray<{
    readonly stationId: string
    readonly variable: ForecastVariable
    readonly version: string
    readonly controlOffset: number
    /** Replicas that serve it. */
    readonly converged: number
  }>
}

/** `wallNow`: wall instant, ms; reports carry the wall instants of machines. */
export function fleetOf(
  statuses: readonly ReplicaStatus[],
  orders: ReadonlyArray<{ readonly control: Control; readonly offset: number }>,
  wallNow: number,
): Fleet {
  const byModel = Map.groupBy(statuses, ({ stationId, variable }) => modelKey(stationId, variable))
  const asked = orders.map(({ control: { stationId, variable, champion }, offset }) => {
    const reports = byModel.get(modelKey(stationId, variable)) ?? []
    const answers = reports.filter(({ controlOffset }) => controlOffset >= offset)
    return {
      model: { stationId, variable, version: champion.version, controlOffset: offset },
      serving: new Set(reports.filter((r) => r.servingVersion === champion.version).map(({ replicaId }) => replicaId)),
      answered: new Set(answers.map(({ replicaId }) => replicaId)),
      isOld: answers.some(({ since }) => wallNow - since > REPLICA_GONE_AFTER_MS),
    }
  })
  const isGone = (replicaId: string, newest: number): boolean =>
    wallNow - newest > REPLICA_GONE_AFTER_MS && asked.some(({ answered, isOld }) => isOld && !answered.has(replicaId))
  const newestReport = new Map<string, number>()
  for (const { replicaId, since } of statuses)
    newestReport.set(replicaId, Math.max(newestReport.get(replicaId) ?? Number.NEGATIVE_INFINITY, since))
  const ids = [...newestReport.keys()].sort()
  const gone = ids.filter((id) => isGone(id, newestReport.get(id)!))
  const replicas = ids.filter((id) => !gone.includes(id))
  return {
    replicas,
    gone,
    converged: replicas.filter((id) => asked.every(({ serving }) => serving.has(id))).length,
    models: asked.map(({ model, serving }) => ({ ...model, converged: replicas.filter((id) => serving.has(id)).length })),
  }
}
