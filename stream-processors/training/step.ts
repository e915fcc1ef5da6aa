/**
 * retrain request → trained and evaluated model. At least once: run and version are functions of the request, and a request whose run has
 * been registered is not trained again. Killed at any instant, the request is delivered again and the same run is registered once: its
 * events repeat with the same ids.
 */
import { createHash } from 'node:crypto'
import { FEATURE_SET, HOUR_MS } from '../../forecasting/features/index.ts'
import type { TrainingSet } from '../../forecasting/models/index.ts'
import type { ArtifactStore } from '../../infra/runtime/artifacts/index.ts'
import { type BatchStep, emit, type OutboundEvent, type Outcome, skip } from '../../infra/runtime/kafka/types.ts'
import { modelKey } from '../../schemas/event-ids.ts'
import type { Lifecycle, RetrainRequest } from '../../schemas/generated/types.ts'
import type { FitPool } from './fit-pool.ts'
import type { RunBook } from './run-book.ts'

const CODE_VERSION = '0.1.0'
/** Outcomes remembered for a batch that is handed in again before its events came back through the topic. */
const REMEMBERED_OUTCOMES = 100

export type Deps = {
  readonly loadTrainingSet: (
    stationId: string,
    asOf: number,
    changePoints: RetrainRequest['changePoints'],
  ) => Promise<TrainingSet | null>
  readonly pool: Pick<FitPool, 'fit'>
  readonly artifacts: Pick<ArtifactStore, 'put'>
  readonly book: Pick<RunBook, 'hasEnded'>
}

export function createTrainingStep({ loadTrainingSet, pool, artifacts, book }: Deps): BatchStep<'model.retrain-request.v1'> {
  const outcomes = new Map<string, Promise<Outcome>>()
  return async (events) => {
    // Requests of one station and instant share one read of its history.
    const histories = new Map<string, Promise<TrainingSet | null>>()
    const historyOf = ({ stationId, requestedAt, changePoints }: RetrainRequest): Promise<TrainingSet | null> => {
      const key = `${stationId}@${requestedAt}@${JSON.stringify(changePoints)}`
      const found = histories.get(key) ?? loadTrainingSet(stationId, requestedAt, changePoints)
      histories.set(key, found)
      return found
    }
    const seen = new Set<string>()
    return Promise.all(
      events.map(async ({ value }): Promise<Outcome> => {
        if (book.hasEnded(value.requestId)) return skip('already-trained')
        if (seen.has(value.requestId)) return skip('duplicate-request')
        seen.add(value.requestId)
        return (
          outcomes.get(value.requestId) ??
          remember(
            value.requestId,
            historyOf(value).then((history) => train(value, history)),
          )
        )
      }),
    )
  }

  function remember(requestId: string, outcome: Promise<Outcome>): Promise<Outcome> {
    outcomes.set(requestId, outcome)
    // A failure is not an outcome: the next delivery tries again.
    outcome.catch(() => outcomes.delete(requestId))
    const oldest = outcomes.size > REMEMBERED_OUTCOMES ? outcomes.keys().next().value : undefined
    if (oldest !== undefined) outcomes.delete(oldest)
    return outcome
  }

  async function train(request: RetrainRequest, history: TrainingSet | null): Promise<Outcome> {
    const { runId, version } = identityOf(request)
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
      changePoints: request.changePoints,
    }
    const started = lifecycle(base, 'training-started', {})
    if (history === null) return emit([started, lifecycle(base, 'failed', { reasons: ['no-history'] })])
    const answer = await pool.fit(history, request.variable)
    if (!answer.ok) return emit([started, lifecycle(base, 'failed', { reasons: [answer.refused] })])
    const key = modelKey(request.stationId, request.variable)
    // The hash in the name: should a run be repeated on a store that has since learnt more, its artefact must not collide with the first.
    const hash = createHash('sha256').update(answer.artefact).digest('hex').slice(0, 12)
    const artefact = await artifacts.put(`models/${key}/${version}-${hash}.bin`, answer.artefact)
    const made = { artefact, family: answer.family, rows: answer.rows, fitSeconds: answer.fitSeconds }
    return emit([
      started,
      lifecycle(base, 'trained', made),
      lifecycle(base, 'evaluated', { ...made, metrics: answer.scores.map((score) => ({ ...score })) }),
    ])
  }
}

/** The run of a request, and the version it registers: cut-off hour and the beginning of the run id. */
function identityOf({ requestId, requestedAt }: Pick<RetrainRequest, 'requestId' | 'requestedAt'>): {
  runId: string
  version: string
} {
  const runId = createHash('sha256').update(`${requestId}|${CODE_VERSION}`).digest('hex').slice(0, 16)
  return {
    runId,
    version: `${new Date(requestedAt).toISOString().slice(0, 13).replaceAll(/[-T]/g, '')}-${runId.slice(0, 8)}`,
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
