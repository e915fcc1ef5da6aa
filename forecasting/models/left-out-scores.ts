/** Scores of a fit on origins it was not fitted on, beside the baselines on the same rows. */
import { FEATURE_COUNT } from '../features/index.ts'
import { type ForecastVariable, HORIZON_HOURS, QUANTILE_LEVELS } from '../../schemas/quantities.ts'
import { createBucketScores, verifyLead } from '../verification/index.ts'
import { LINEAR_COUNT } from './inputs.ts'
import { GROUP_OF_LEAD, LEAD_GROUPS } from './lead-groups.ts'
import type { HourModel } from './random-feature-state.ts'
import type { Design } from './regression.ts'
import { logScale } from './spread.ts'
import { NEWEST_INDEX, OWN } from './station-climate.ts'
import type { ModelScore, TrainingSet } from './types.ts'

const H = HORIZON_HOURS
const Q = QUANTILE_LEVELS.length
/** About so many origins of each hour model are enough. */
const SCORED = 150

type Rows = {
  readonly history: TrainingSet
  readonly chosen: readonly number[]
  readonly design: Design
  readonly bases: Float64Array
  /** n × 168, departures predicted for left-out origins. */
  readonly leftOut: Float64Array
  readonly model: HourModel
}

export function scoreLeftOut(variable: ForecastVariable) {
  const { column, low, high, factor } = OWN[variable]
  const isProbability = variable === 'precipitationProbabilityPct'
  const models = {
    candidate: createBucketScores(),
    persistence: createBucketScores(),
    'recentred-climatology': createBucketScores(),
  }
  const within = (value: number): number => Math.min(high, Math.max(low, value))
  const point = (value: number): number[] => Array.from({ length: Q }, () => within(value))
  const quantiles = new Float64Array(Q)
  return {
    add({ history, chosen, design, bases, leftOut, model }: Rows): void {
      const stride = Math.max(1, Math.floor(chosen.length / SCORED))
      for (let r = 0; r < chosen.length; r += stride) {
        const newest = history.features[chosen[r]! * FEATURE_COUNT + NEWEST_INDEX[column]!]! * factor
        if (Number.isNaN(newest)) continue
        const spreads = LEAD_GROUPS.map((_, g) =>
          Math.exp(logScale(model.spread.scale, 0, LINEAR_COUNT, design.x, r * design.p, g)),
        )
        for (let h = 0; h < H; h++) {
          const observed = history.targets[variable][design.hours[r]! + h + 1 - history.startHour]!
          if (Number.isNaN(observed)) continue
          const i = r * H + h
          const centre = bases[i]! + leftOut[i]!
          const spread = spreads[GROUP_OF_LEAD[h]!]!
          for (let q = 0; q < Q; q++)
            quantiles[q] = within(isProbability ? centre : centre + model.spread.quantiles[h * Q + q]! * spread)
          models.candidate.add(h + 1, verifyLead(quantiles, observed, variable))
          models.persistence.add(h + 1, verifyLead(point(newest), observed, variable))
          models['recentred-climatology'].add(h + 1, verifyLead(point(bases[i]!), observed, variable))
        }
      }
    },
    result: (): ModelScore[] =>
      Object.entries(models).flatMap(([model, scores]) => scores.result().map((score) => ({ model, ...score }))),
  }
}
