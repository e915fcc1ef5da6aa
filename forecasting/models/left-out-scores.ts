/** Scores of a fit on origins it was not fitted on, beside the baselines (baselines.ts) on the same rows. */
import { COLUMN_COUNT, FEATURE_COUNT } from '../features/index.ts'
import { type ForecastVariable, HORIZON_HOURS, QUANTILE_LEVELS } from '../../schemas/quantities.ts'
import { createBucketScores, verifyLead } from '../verification/index.ts'
import { lastingShare, sameHourBefore } from './baselines.ts'
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
    'seasonal-naive': createBucketScores(),
    climatology: createBucketScores(),
    'recentred-climatology': createBucketScores(),
    'damped-anomaly': createBucketScores(),
  }
  const within = (value: number): number => Math.min(high, Math.max(low, value))
  const quantiles = new Float64Array(Q)
  const point = new Float64Array(Q)
  const spreads = new Float64Array(LEAD_GROUPS.length)
  const addPoint = (model: keyof typeof models, lead: number, value: number, observed: number): void =>
    models[model].add(lead, verifyLead(point.fill(within(value)), observed, variable))
  return {
    add({ station: { history, fittedClimate }, rows: { chosen, design }, residuals, model }: LeftOut): void {
      const stride = Math.max(1, Math.floor(chosen.length / SCORED))
      const targets = history.targets[variable]
      const newestOf = (r: number): number => history.features[chosen[r]! * FEATURE_COUNT + NEWEST_INDEX[column]!]! * factor
      const scored = Array.from({ length: Math.ceil(chosen.length / stride) }, (_, i) => i * stride)
        .filter((r) => !Number.isNaN(newestOf(r)))
        .map((r) => normalsOf(r))
      const lasting = lastingShares(scored)
      for (const { r, start, normal, offset, departure } of scored) {
        logScales(model.spread, LINEAR_COUNT, design.x, r * design.p, design.hours[r]!, spreads, 0)
        for (let h = 0; h < H; h++) {
          const observed = targets[start + h]!
          const dayBefore = sameHourBefore(targets, start, h)
          if (Number.isNaN(observed) || Number.isNaN(dayBefore)) continue
          const centre = observed - residuals[r * H + h]!
          const spread = isProbability ? 0 : Math.exp(spreads[GROUP_OF_LEAD[h]!]!)
          for (let q = 0; q < Q; q++) quantiles[q] = within(centre + model.spread.quantiles[h * Q + q]! * spread)
          models.candidate.add(h + 1, verifyLead(quantiles, observed, variable))
          addPoint('persistence', h + 1, newestOf(r), observed)
          addPoint('seasonal-naive', h + 1, dayBefore, observed)
          addPoint('climatology', h + 1, normal[h]!, observed)
          addPoint('recentred-climatology', h + 1, normal[h]! + offset, observed)
          addPoint('damped-anomaly', h + 1, normal[h]! + offset + lasting[h]! * departure, observed)
        }
      }

      /** Place of lead 1 in the targets, what is normal from there on, how far off the recent level is, and the origin from both. */
      function normalsOf(r: number) {
        const at = design.hours[r]!
        const lookup = fittedClimate.lookupsAt(at)[column]!
        const normal = new Float64Array(H + 1)
        lookup.copy(at, H + 1, normal)
        for (let h = 0; h <= H; h++) normal[h]! *= factor
        const offset = fittedClimate.offsets[chosen[r]! * COLUMN_COUNT + column]! * factor
        const start = at + 1 - history.startHour
        return { r, start, normal: normal.subarray(1), offset, departure: newestOf(r) - normal[0]! - offset }
      }

      /** By lead, the share of an origin's departure that lasts, on the very rows that are scored, which favours it a little. */
      function lastingShares(origins: ReadonlyArray<ReturnType<typeof normalsOf>>): Float64Array {
        return Float64Array.from({ length: H }, (_, h) => {
          let product = 0
          let square = 0
          for (const { start, normal, offset, departure } of origins) {
            const later = targets[start + h]! - normal[h]! - offset
            if (Number.isNaN(later)) continue
            product += departure * later
            square += departure * departure
          }
          return lastingShare(product, square)
        })
      }
    },
    result: (): ModelScore[] =>
      Object.entries(models).flatMap(([model, scores]) => scores.result().map((score) => ({ model, ...score }))),
  }
}
