/** From the API's answers to what the panels draw: derived numbers in one place, pure. */
import { ApiError } from './api.ts'
import { instant } from './format.ts'
import type { Pipeline, PipelineAnswer, ReplicaModel, Replicas, ReplicasAnswer, SkillAnswerRow, SkillRow } from './wire.ts'

/** A stage this far behind the one before it is called behind, event-time seconds. */
const BEHIND_SECONDS = 3 * 3600

/** Adds to each stage how far its newest event is behind the stage before it, and a verdict, where the API gives none. */
export function toPipeline(answer: PipelineAnswer): Pipeline {
  let before: number | null = null
  const stages = answer.stages.map((stage) => {
    const newest = instant(stage.newestAt)
    const lagSeconds = stage.lagSeconds ?? (newest === null || before === null ? null : Math.max(0, (before - newest) / 1000))
    if (newest !== null) before = newest
    const verdict = newest === null ? 'waiting' : lagSeconds !== null && lagSeconds > BEHIND_SECONDS ? 'behind' : 'ok'
    return {
      name: stage.name,
      newestAt: stage.newestAt,
      ageSeconds: stage.ageSeconds,
      lagSeconds,
      status: stage.status ?? verdict,
      reason: stage.reason ?? null,
    }
  })
  return { now: answer.now, clock: answer.clock ?? null, stages }
}

/** Groups the reports by replica; a replica has converged when it serves the champion of every model. */
export function toReplicas(answer: ReplicasAnswer): Replicas {
  if (!Array.isArray(answer.replicas) || !Array.isArray(answer.models) || !Array.isArray(answer.statuses)) {
    throw new ApiError("the answer of /v1/replicas lacks 'replicas', 'models' or 'statuses'", 200, 'unexpected-answer')
  }
  const byReplica = new Map<string, ReplicaModel[]>(answer.replicas.map((replicaId) => [replicaId, []]))
  for (const { replicaId, ...status } of answer.statuses) byReplica.get(replicaId)?.push(status)
  const replicas = [...byReplica].map(([replicaId, models]) => ({ replicaId, models }))
  const hasAll = (models: readonly ReplicaModel[]): boolean =>
    answer.models.every((wanted) =>
      models.some(
        (m) => m.stationId === wanted.stationId && m.variable === wanted.variable && m.servingVersion === wanted.version,
      ),
    )
  return { replicas, expected: replicas.length, converged: replicas.filter(({ models }) => hasAll(models)).length }
}

export function toSkill(rows: readonly SkillAnswerRow[]): SkillRow[] {
  return rows.map(({ skillOverRecentredClimatology, ...row }) => ({
    ...row,
    skillOverClimatology: skillOverRecentredClimatology,
  }))
}

const INSTANTS = [
  'observedAt',
  'receivedAt',
  'issuedAt',
  'featureKnownAt',
  'validFrom',
  'at',
  'since',
  'startsAt',
  'endsAt',
] as const

/** Live events carry instants as epoch milliseconds (as in the topics), REST answers as ISO 8601: ISO it is from here on. */
export function withIsoInstants(event: object): object {
  const copy: Record<string, unknown> = { ...event }
  for (const name of INSTANTS) {
    const value = copy[name]
    if (typeof value === 'number') copy[name] = new Date(value).toISOString()
  }
  return copy
}
