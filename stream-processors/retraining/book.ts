/** What retraining decides on, gathered from the topics: drift, what is served, what was asked for and what came of it. */
import { modelKey } from '../../schemas/event-ids.ts'
import type { Audit, Control, Drift, Lifecycle, RetrainRequest, ServedModel } from '../../schemas/generated/types.ts'

export type ModelRecord = {
  readonly key: string
  readonly stationId: string
  readonly variable: RetrainRequest['variable']
  champion: ServedModel | null
  hasChallenger: boolean
  /** The newest registered run while promotion has not said what becomes of it, with its offset in the lifecycle log. */
  undecided: { readonly runId: string; readonly offset: number } | null
  /** The confirmed drift that has not ended; null when there is none. */
  drift: Drift | null
  /** By id. */
  readonly requests: Map<string, RetrainRequest>
  /** Requests without a registered or failed run. */
  readonly open: Set<string>
  /** Event time of the newest rollback. */
  rolledBackAt: number
}

export type Book = {
  readonly onDrift: (event: Drift) => void
  readonly onControl: (event: Control) => void
  /** `offset`: in the lifecycle log, which orders name as what they were decided on. */
  readonly onLifecycle: (event: Lifecycle, offset: number) => void
  readonly onRequest: (request: RetrainRequest) => void
  readonly onAudit: (event: Audit) => void
  readonly models: () => Iterable<ModelRecord>
  readonly of: (key: string) => ModelRecord | undefined
  /** Operator orders without a request, oldest first. */
  readonly orders: () => readonly Audit[]
}

/** Requests remembered per model: cooldowns look back two weeks, ids of the same cause never come back later. */
const KEPT_REQUESTS = 50

export function createBook(): Book {
  const models = new Map<string, ModelRecord>()
  const orders = new Map<string, Audit>()
  const asked = new Set<string>()
  const ended = new Set<string>()
  /** Newest decision that an order carried out, by model: the topics are read side by side, and the order may come first. */
  const orderedUpTo = new Map<string, number>()

  function recordOf({ stationId, variable }: Pick<RetrainRequest, 'stationId' | 'variable'>): ModelRecord {
    const key = modelKey(stationId, variable)
    const record = models.get(key) ?? {
      key,
      stationId,
      variable,
      champion: null,
      hasChallenger: false,
      undecided: null,
      drift: null,
      requests: new Map<string, RetrainRequest>(),
      open: new Set<string>(),
      rolledBackAt: Number.NEGATIVE_INFINITY,
    }
    models.set(key, record)
    return record
  }

  return {
    onDrift(event) {
      const record = recordOf(event)
      // Observations that come late are as good to learn from, and no reason to.
      if (event.state === 'confirmed') record.drift = event.cause === 'feed' ? null : event
      else if (event.state === 'recovered' || event.state === 'stable') record.drift = null
    },
    onControl(event) {
      const record = recordOf(event)
      record.champion = event.champion
      record.hasChallenger = event.challengers.length > 0
      orderedUpTo.set(record.key, event.decisionOffset)
      if (record.undecided && record.undecided.offset <= event.decisionOffset) record.undecided = null
    },
    onLifecycle(event, offset) {
      const record = recordOf(event)
      if (event.event === 'rolled-back') record.rolledBackAt = Math.max(record.rolledBackAt, event.at)
      if ((event.event === 'accepted' || event.event === 'rejected') && record.undecided?.runId === event.runId)
        record.undecided = null
      if ((event.event === 'evaluated' || event.event === 'failed') && event.causedBy !== null) {
        // Of a run that is registered again nothing is decided again.
        if (event.event === 'evaluated' && !ended.has(event.causedBy) && offset > (orderedUpTo.get(record.key) ?? -1))
          record.undecided = { runId: event.runId, offset }
        ended.add(event.causedBy)
        record.open.delete(event.causedBy)
      }
    },
    onRequest(request) {
      const record = recordOf(request)
      asked.add(request.requestId)
      if (request.causedBy !== null) orders.delete(request.causedBy)
      record.requests.set(request.requestId, request)
      if (!ended.has(request.requestId)) record.open.add(request.requestId)
      const oldest = record.requests.size > KEPT_REQUESTS ? record.requests.keys().next().value : undefined
      if (oldest !== undefined) record.requests.delete(oldest)
    },
    onAudit(event) {
      if (event.action !== 'model.retrain') return
      if (event.outcome === 'refused') {
        orders.delete(`audit/${event.auditId.replace(/\/refused$/, '')}`)
        return
      }
      if (!asked.has(operatorRequestId(event))) orders.set(`audit/${event.auditId}`, event)
    },
    models: () => models.values(),
    of: (key) => models.get(key),
    orders: () => [...orders.values()],
  }
}

export function operatorRequestId({ auditId }: Pick<Audit, 'auditId'>): string {
  return `operator/${auditId}`
}
