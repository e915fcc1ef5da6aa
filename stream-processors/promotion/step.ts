/**
 * evaluated model → accepted and promoted, or rejected. The only writer of model.control.v1. At least once; a repeated evaluation of
 * the run that is champion already repeats the same events.
 * A first model must beat the baselines on left-out origins. Replacing a champion needs a comparison on the same verified rows, which
 * this version does not have yet: such a model is rejected with that reason.
 */
import { type BatchStep, emit, type OutboundEvent, type Outcome, skip } from '../../infra/runtime/kafka/types.ts'
import type { Control, Lifecycle } from '../../schemas/generated/types.ts'

/** A first model may be this much worse than recentred climatology over all leads: sampling noise of a model that has faded to it. */
const NON_INFERIORITY = 1.01

export type Deps = { readonly championOf: (key: string) => Control | undefined }

export function createPromotionStep({ championOf }: Deps): BatchStep<'model.lifecycle.v1'> {
  return (events) =>
    events.map(({ key, value }) =>
      value.event === 'evaluated' ? decide(key, value, championOf(key)) : skip('not-an-evaluation'),
    )
}

function decide(key: string, evaluated: Lifecycle, current: Control | undefined): Outcome {
  if (evaluated.artefact === null) return emit([lifecycle(key, evaluated, 'rejected', ['no-artefact'])])
  if (current && current.champion.runId !== evaluated.runId)
    return emit([lifecycle(key, evaluated, 'rejected', ['no-paired-evaluation'])])
  const verdict = judgeFirstModel(evaluated)
  if (!verdict.accepted) return emit([lifecycle(key, evaluated, 'rejected', verdict.reasons)])
  const control: OutboundEvent = {
    topic: 'model.control.v1',
    key,
    value: {
      eventId: `control/${evaluated.runId}`,
      stationId: evaluated.stationId,
      variable: evaluated.variable,
      champion: {
        version: evaluated.version,
        runId: evaluated.runId,
        family: evaluated.family,
        featureSet: evaluated.featureSet,
        artefact: evaluated.artefact,
        since: evaluated.at,
      },
      previous: null,
      challengers: [],
      changedAt: evaluated.at,
      changedBy: 'promotion',
      reason: verdict.reasons.join('; '),
      causedBy: evaluated.eventId,
    },
  }
  return emit([
    lifecycle(key, evaluated, 'accepted', verdict.reasons),
    control,
    lifecycle(key, evaluated, 'promoted', verdict.reasons),
  ])
}

/**
 * On the left-out origins of its own run: better than persistence, not worse than recentred climatology, over all leads. By MAE; a
 * probability by its Brier score (`crps`), because absolute error rewards saying 0 or 100.
 */
export function judgeFirstModel({ metrics, variable }: Pick<Lifecycle, 'metrics' | 'variable'>): {
  accepted: boolean
  reasons: string[]
} {
  const measure = variable === 'precipitationProbabilityPct' ? 'crps' : 'mae'
  const scoreOf = (model: string): number | undefined =>
    metrics.find((score) => score.model === model && score.leadBucket === 'all')?.[measure]
  const [candidate, persistence, climatology] = [scoreOf('candidate'), scoreOf('persistence'), scoreOf('recentred-climatology')]
  if (candidate === undefined || persistence === undefined || climatology === undefined)
    return { accepted: false, reasons: ['not-scored'] }
  if (candidate >= persistence)
    return { accepted: false, reasons: [`worse-than-persistence: ${candidate.toFixed(3)} >= ${persistence.toFixed(3)}`] }
  if (candidate > NON_INFERIORITY * climatology)
    return { accepted: false, reasons: [`worse-than-recentred-climatology: ${candidate.toFixed(3)} > ${climatology.toFixed(3)}`] }
  return {
    accepted: true,
    reasons: [
      'first-model',
      `${measure} ${candidate.toFixed(3)} against persistence ${persistence.toFixed(3)}, recentred climatology ${climatology.toFixed(3)}`,
    ],
  }
}

function lifecycle(key: string, evaluated: Lifecycle, event: Lifecycle['event'], reasons: string[]): OutboundEvent {
  return {
    topic: 'model.lifecycle.v1',
    key,
    value: {
      ...evaluated,
      event,
      reasons,
      eventId: `lifecycle/${evaluated.runId}/${event}`,
      causedBy: evaluated.eventId,
      actor: 'promotion',
    },
  }
}
