/** Scores of a fit on origins it was not fitted on, beside the baselines on the same rows. */
import { COLUMN_COUNT, FEATURE_COUNT } from '../features/index.ts'
import { type ForecastVariable, HORIZON_HOURS, QUANTILE_LEVELS } from '../../schemas/quantities.ts'
import { createBucketScores, verifyLead } from '../verification/index.ts'
import { LINEAR_COUNT } from './inputs.ts'
import { GROUP_OF_LEAD, LEAD_GROUPS } from './lead-groups.ts'
import type { HourRows, Station } from './hour-rows.ts'
import type { HourModel } from './random-feature-state.ts'
import { logScales } from './spread.ts'
import { NEWEST_INDEX, OWN } from './station-climate.ts'
import type { ModelScore } from './types.ts'

const H = HORIZON_HOURS
const Q = QUANTILE_LEVELS.length
/** About so many origins of each hour model are enough. */
const SCORED = 150

type LeftOut = {
  readonly station: Station
  readonly rows: HourRows
  /** n × 168: observed minus what was predicted for left-out origins; NaN where not observed. */
  readonly residuals: Float64Array
  readonly model: HourModel
}

export type LeftOutScores = ReturnType<typeof scoreLeftOut>

export function scoreLeftOut(variable: ForecastVariable) {
  const { column, low, high, factor } = OWN[variable]
  const isProbability = variable === 'precipitationProbabilityPct'
  const models = {
    candidate: createBucketScores(),
    persistence: createBucketScores(),
    'recentred-climatology': createBucketScores(),
  }
  const within = (value: number): number => Math.min(high, Math.max(low, value))
  const quantiles = new Float64Array(Q)
  const point = new Float64Array(Q)
  const normal = new Float64Array(H)
  const spreads = new Float64Array(LEAD_GROUPS.length)
  return {
    add({ station: { history, fittedClimate }, rows: { chosen, design }, residuals, model }: LeftOut): void {
      const stride = Math.max(1, Math.floor(chosen.length / SCORED))
      for (let r = 0; r < chosen.length; r += stride) {
        const newest = history.features[chosen[r]! * FEATURE_COUNT + NEWEST_INDEX[column]!]! * factor
        if (Number.isNaN(newest)) continue
        const at = design.hours[r]!
        const offset = fittedClimate.offsets[chosen[r]! * COLUMN_COUNT + column]!
        fittedClimate.lookupsAt(at)[column]!.copy(at + 1, H, normal)
        logScales(model.spread, LINEAR_COUNT, design.x, r * design.p, at, spreads, 0)
        for (let h = 0; h < H; h++) {
          const observed = history.targets[variable][at + h + 1 - history.startHour]!
          if (Number.isNaN(observed)) continue
          const centre = observed - residuals[r * H + h]!
          const spread = isProbability ? 0 : Math.exp(spreads[GROUP_OF_LEAD[h]!]!)
          for (let q = 0; q < Q; q++) quantiles[q] = within(centre + model.spread.quantiles[h * Q + q]! * spread)
          models.candidate.add(h + 1, verifyLead(quantiles, observed, variable))
          models.persistence.add(h + 1, verifyLead(point.fill(within(newest)), observed, variable))
          const usual = within(factor * (normal[h]! + offset))
          models['recentred-climatology'].add(h + 1, verifyLead(point.fill(usual), observed, variable))
        }
      }
    },
    result: (): ModelScore[] =>
      Object.entries(models).flatMap(([model, scores]) => scores.result().map((score) => ({ model, ...score }))),
  }
}
