/**
 * retrain request → trained and evaluated model. At least once: run and version are functions of the request, and a request whose run has
 * been registered is not trained again. Killed at any instant, the request is delivered again and the same run is registered once: its
 * events repeat with the same ids.
 */
import { createHash } from 'node:crypto'
import { FEATURE_SET, HOUR_MS } from '../../forecasting/features/index.ts'
import { provisionalReason, SEED, type Site, type TrainingSet } from '../../forecasting/models/index.ts'
import type { ArtifactStore } from '../../infra/runtime/artifacts/index.ts'
import { type BatchStep, emit, type OutboundEvent, type Outcome, skip } from '../../infra/runtime/kafka/types.ts'
import { VERSION } from '../../infra/runtime/version.ts'
import { modelKey } from '../../schemas/event-ids.ts'
import type { FamilyComparison, Lifecycle, RetrainRequest } from '../../schemas/generated/types.ts'
import type { ForecastVariable } from '../../schemas/quantities.ts'
import { type Compare, notCompared } from './compare.ts'
import type { StationHistory } from './dataset.ts'
import type { FitPool } from './fit-pool.ts'
import type { FitAnswer, FitAnswers } from './fit-worker.ts'
import type { RunBook } from './run-book.ts'

/** Outcomes remembered for a batch that is handed in again before its events came back through the topic. */
const REMEMBERED_OUTCOMES = 100

export type Deps = {
  /** `changePoints`: of each training set that will be asked for. */
  readonly loadHistory: (
    stationId: string,
    asOf: number,
    changePoints: ReadonlyArray<RetrainRequest['changePoints']>,
  ) => Promise<StationHistory>
  /** Null: the station is not known, or not how high it lies. */
  readonly siteOf: (stationId: string) => Site | null
  readonly pool: Pick<FitPool, 'fit' | 'size'>
  readonly compare: Compare
  readonly artifacts: Pick<ArtifactStore, 'put'>
  readonly book: Pick<RunBook, 'hasEnded'>
}

/** What a station's history, as known at one instant, made of the variables asked for; null when it has none. */
type Trained = {
  readonly history: TrainingSet
  readonly answers: FitAnswers
  /** Of the variables that a comparison was made for. */
  readonly comparisons: ReadonlyMap<ForecastVariable, FamilyComparison>
} | null

export function createTrainingStep({
  loadHistory,
  siteOf,
  pool,
  compare,
  artifacts,
  book,
}: Deps): BatchStep<'model.retrain-request.v1'> {
  const outcomes = new Map<string, Promise<Outcome>>()
  return async (events) => {
    const seen = new Set<string>()
    // With the same change points, what the variables of a station have in common is computed once.
    const groups = new Map<string, RetrainRequest[]>()
    const skipped = events.map(({ value }) => {
      const { requestId, changePoints } = value
      if (book.hasEnded(requestId)) return skip('already-trained')
      if (seen.has(requestId)) return skip('duplicate-request')
      seen.add(requestId)
      if (outcomes.has(requestId)) return null
      const key = `${instantOf(value)}@${JSON.stringify(changePoints)}`
      groups.set(key, [...(groups.get(key) ?? []), value])
      return null
    })
    const workersEach = Math.max(1, Math.floor(pool.size / Math.max(1, groups.size)))
    const batch = new Map(outcomes)
    const histories = historiesOf([...groups.values()])
    for (const requests of groups.values()) {
      const trained = trainTogether(requests, workersEach, histories.get(instantOf(requests[0]!))!)
      for (const request of requests)
        batch.set(
          request.requestId,
          remember(
            request.requestId,
            trained.then((result) => register(request, result)),
          ),
        )
    }
    return Promise.all(events.map(async ({ value }, i) => skipped[i] ?? batch.get(value.requestId)!))
  }

  /** One read for all that is asked of a station at one instant: the store has live work to do as well. */
  function historiesOf(groups: ReadonlyArray<readonly RetrainRequest[]>): Map<string, Promise<StationHistory>> {
    const asked = Map.groupBy(
      groups.map(([first]) => first!),
      instantOf,
    )
    return new Map(
      [...asked].map(([instant, all]) => {
        const { stationId, requestedAt } = all[0]!
        const changePoints = all.map((request) => request.changePoints)
        return [instant, loadHistory(stationId, requestedAt, changePoints)]
      }),
    )
  }

  /** Variables are dealt out to the workers that no other station of the batch needs. */
  async function trainTogether(
    requests: readonly RetrainRequest[],
    workers: number,
    known: Promise<StationHistory>,
  ): Promise<Trained> {
    const { stationId, changePoints } = requests[0]!
    const history = (await known).trainingSet(changePoints)
    if (history === null) return null
    const variables = [...new Set(requests.map(({ variable }) => variable))]
    const size = Math.ceil(variables.length / workers)
    const parts = Array.from({ length: Math.ceil(variables.length / size) }, (_, k) => variables.slice(k * size, (k + 1) * size))
    const fitted = await Promise.all(parts.map((part) => pool.fit(history, part, siteOf(stationId))))
    const answers = new Map(fitted.flatMap((part) => [...part]))
    const compared = requests.filter(({ reason, variable }) => whyNotCompared(reason, answers.get(variable)) === null)
    const comparable = [...new Set(compared.map(({ variable }) => variable))]
    return { history, answers, comparisons: comparable.length > 0 ? await compare(history, comparable) : new Map() }
  }

  function remember(requestId: string, outcome: Promise<Outcome>): Promise<Outcome> {
    outcomes.set(requestId, outcome)
    // A failure is not an outcome: the next delivery tries again.
    outcome.catch(() => outcomes.delete(requestId))
    const oldest = outcomes.size > REMEMBERED_OUTCOMES ? outcomes.keys().next().value : undefined
    if (oldest !== undefined) outcomes.delete(oldest)
    return outcome
  }

  async function register(request: RetrainRequest, trained: Trained): Promise<Outcome> {
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
      dataFrom: trained ? trained.history.startHour * HOUR_MS : null,
      dataTo: request.requestedAt,
      rows: 0,
      seed: SEED,
      featureSet: FEATURE_SET,
      codeVersion: VERSION,
      fitSeconds: 0,
      requestReason: request.reason,
      causedBy: request.requestId,
      actor: 'training',
      changePoints: request.changePoints,
      waitsFor: [],
      comparison: null,
    }
    const started = lifecycle(base, 'training-started', {})
    if (trained === null) return emit([started, lifecycle(base, 'failed', { reasons: ['no-history'] })])
    const answer = trained.answers.get(request.variable)
    if (!answer) throw new Error(`no answer for ${request.variable}`)
    if (!answer.ok) return emit([started, lifecycle(base, 'failed', { reasons: [answer.refused] })])
    const key = modelKey(request.stationId, request.variable)
    // The hash in the name: should a run be repeated on a store that has since learnt more, its artefact must not collide with the first.
    const hash = createHash('sha256').update(answer.artefact).digest('hex').slice(0, 12)
    const artefact = await artifacts.put(`models/${key}/${version}-${hash}.bin`, answer.artefact)
    const made = { artefact, family: answer.family, rows: answer.rows, fitSeconds: answer.fitSeconds }
    const why = whyNotCompared(request.reason, answer)
    const comparison = why === null ? trained.comparisons.get(request.variable)! : notCompared(why)
    return emit([
      started,
      lifecycle(base, 'trained', made),
      lifecycle(base, 'evaluated', { ...made, metrics: answer.scores.map((score) => ({ ...score })), comparison }),
    ])
  }
}

const instantOf = ({ stationId, requestedAt }: RetrainRequest): string => `${stationId}@${requestedAt}`

/** Null: the run compares families. */
function whyNotCompared(reason: RetrainRequest['reason'], answer: FitAnswer | undefined): string | null {
  if (reason === 'cold-start') return 'cold-start: a first model is to serve at once'
  if (!answer?.ok) return 'no-model'
  return provisionalReason(answer.family) === null ? null : `provisional: ${answer.family}`
}

/** The run of a request, and the version it registers: cut-off hour and the beginning of the run id. */
function identityOf({ requestId, requestedAt }: Pick<RetrainRequest, 'requestId' | 'requestedAt'>): {
  runId: string
  version: string
} {
  const runId = createHash('sha256').update(`${requestId}|${VERSION}`).digest('hex').slice(0, 16)
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
