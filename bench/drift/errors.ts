/** Verified errors of hourly forecasts, held by hour and lead: what detectors are compared on. */
import { FEATURE_COUNT, HOUR_MS } from '../../forecasting/features/index.ts'
import type { Fitted, TrainingSet } from '../../forecasting/models/index.ts'
import { verifyLead } from '../../forecasting/verification/index.ts'
import { HORIZON_HOURS, QUANTILE_LEVELS } from '../../schemas/quantities.ts'

/** Leads that detectors look at. */
export const LEADS = 72
const WIDTH = QUANTILE_LEVELS.length

/** Row h − startHour, column lead − 1; NaN: not verified. */
export type Errors = {
  readonly startHour: number
  readonly hours: number
  readonly observed: Float32Array
  readonly error: Float32Array
  readonly scale: Float32Array
}

/** Forecasts of every hour from `fromHour` on, verified until `toHour`. The first LEADS hours lack their long leads. */
export function verifiedErrors(
  { training, fitted }: { training: TrainingSet; fitted: Fitted },
  fromHour: number,
  toHour: number,
): Errors {
  const hours = toHour - fromHour + 1
  const observed = new Float32Array(hours)
  const error = new Float32Array(hours * LEADS).fill(Number.NaN)
  const scale = new Float32Array(hours * LEADS).fill(Number.NaN)
  const target = training.targets[fitted.variable]
  for (let h = 0; h < hours; h++) observed[h] = target[fromHour + h - training.startHour] as number
  for (let issued = fromHour; issued < toHour; issued++) {
    const i = issued - training.startHour
    const features = training.features.subarray(i * FEATURE_COUNT, (i + 1) * FEATURE_COUNT)
    const { quantiles } = fitted.predict({ validAtMs: issued * HOUR_MS, features })
    for (let lead = 1; lead <= Math.min(LEADS, HORIZON_HOURS); lead++) {
      const h = issued + lead - fromHour
      if (h >= hours) break
      const value = observed[h] as number
      if (Number.isNaN(value)) continue
      const score = verifyLead(quantiles.subarray((lead - 1) * WIDTH, lead * WIDTH), value, fitted.variable)
      error[h * LEADS + lead - 1] = score.error
      scale[h * LEADS + lead - 1] = score.expectedScale
    }
  }
  return { startHour: fromHour, hours, observed, error, scale }
}
