/** What a model must show on the left-out origins of its own run: enough to serve first, or to be tried beside a champion. */
import type { Lifecycle } from '../../schemas/generated/types.ts'

/** A first model may be this much worse than recentred climatology over all leads: sampling noise of a model that has faded to it. */
const NON_INFERIORITY = 1.01

export type Verdict = { readonly accepted: boolean; readonly reasons: string[] }

/**
 * On the left-out origins of its own run: better than persistence, not worse than recentred climatology, over all leads. By MAE; a
 * probability by its Brier score (`crps`), because absolute error rewards saying 0 or 100.
 */
export function judgeFirstModel({ metrics, variable }: Pick<Lifecycle, 'metrics' | 'variable'>): Verdict {
  const measure = variable === 'precipitationProbabilityPct' ? 'crps' : 'mae'
  const scoreOf = (model: string): number | undefined =>
    metrics.find((score) => score.model === model && score.leadBucket === 'all')?.[measure]
  const [candidate, persistence, climatology] = [scoreOf('candidate'), scoreOf('persistence'), scoreOf('recentred-climatology')]
  if (candidate === undefined || persistence === undefined || climatology === undefined)
    return { accepted: false, reasons: ['not-scored'] }
  if (!Number.isFinite(candidate)) return { accepted: false, reasons: [`impossible-values: ${measure} ${candidate}`] }
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
