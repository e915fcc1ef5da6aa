/**
 * retrain request → trained and evaluated model. At least once: the run, the version and (same snapshot, same code) the artefact are
 * functions of the request, so a repeated request registers the same version again.
 */
import { createHash } from 'node:crypto'
import { FEATURE_SET, HOUR_MS } from '../../forecasting/features/index.ts'
import type { TrainingSet } from '../../forecasting/models/index.ts'
import type { ArtifactStore } from '../../infra/runtime/artifacts/index.ts'
import { type BatchStep, emit, type OutboundEvent, type Outcome } from '../../infra/runtime/kafka/types.ts'
import { modelKey } from '../../schemas/event-ids.ts'
import type { Lifecycle, RetrainRequest } from '../../schemas/generated/types.ts'
import type { FitPool } from './fit-pool.ts'

export const CODE_VERSION = '0.1.0'

export type Deps = {
  readonly loadTrainingSet: (stationId: string, asOf: number) => Promise<TrainingSet | null>
  readonly pool: Pick<FitPool, 'fit'>
  readonly artifacts: Pick<ArtifactStore, 'put'>
}

export function createTrainingStep({ loadTrainingSet, pool, artifacts }: Deps): BatchStep<'model.retrain-request.v1'> {
  return async (events) => {
    // Requests of one station and instant share one read of its history.
    const histories = new Map<string, Promise<TrainingSet | null>>()
    const historyOf = ({ stationId, requestedAt }: RetrainRequest): Promise<TrainingSet | null> => {
      const key = `${stationId}@${requestedAt}`
      const found = histories.get(key) ?? loadTrainingSet(stationId, requestedAt)
      histories.set(key, found)
      return found
    }
    return Promise.all(events.map(async ({ value }) => train(value, await historyOf(value))))
  }

  async function train(request: RetrainRequest, history: TrainingSet | null): Promise<Outcome> {
    const runId = createHash('sha256')
      .update(`${request.requestId}|${request.requestedAt}|${CODE_VERSION}`)
      .digest('hex')
      .slice(0, 16)
    const version = `${new Date(request.requestedAt).toISOString().slice(0, 13).replaceAll(/[-T]/g, '')}-${runId.slice(0, 8)}`
    const base: Omit<Lifecycle, 'eventId' | 'event'> = {
      runId,
      stationId: request.stationId,
      variable: request.variable,
      version,
      at: request.requestedAt,
      family: '',
      reasons: [],
      metrics: [],
      artefact: null,
      evaluation: null,
      dataFrom: history ? history.startHour * HOUR_MS : null,
      dataTo: request.requestedAt,
      rows: 0,
      seed: 0,
      featureSet: FEATURE_SET,
      codeVersion: CODE_VERSION,
      fitSeconds: 0,
      requestReason: request.reason,
      causedBy: request.requestId,
      actor: 'training',
    }
    const started = lifecycle(base, 'training-started', {})
    if (history === null) return emit([started, lifecycle(base, 'failed', { reasons: ['no-history'] })])
    const answer = await pool.fit(history, request.variable)
    if (!answer.ok) return emit([started, lifecycle(base, 'failed', { reasons: [`refused: ${answer.refused}`] })])
    const key = modelKey(request.stationId, request.variable)
    const artefact = await artifacts.put(`models/${key}/${version}.bin`, answer.artefact)
    const made = { artefact, family: answer.family, rows: answer.rows, fitSeconds: answer.fitSeconds }
    return emit([
      started,
      lifecycle(base, 'trained', made),
      lifecycle(base, 'evaluated', { ...made, metrics: answer.scores.map((score) => ({ ...score })) }),
    ])
  }
}

function lifecycle(
  base: Omit<Lifecycle, 'eventId' | 'event'>,
  event: Lifecycle['event'],
  more: Partial<Lifecycle>,
): OutboundEvent {
  return {
    topic: 'model.lifecycle.v1',
    key: modelKey(base.stationId, base.variable),
    value: { ...base, ...more, event, eventId: `lifecycle/${base.runId}/${event}` },
  }
}
