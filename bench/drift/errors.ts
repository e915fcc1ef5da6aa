/** Verified errors of hourly forecasts, held by hour and lead: what detectors are compared on. */
import { REFERENCE, WATCHED_LEADS } from '../../forecasting/drift/index.ts'
import { FEATURE_COUNT, HOUR_MS } from '../../forecasting/features/index.ts'
import type { Fitted, TrainingSet } from '../../forecasting/models/index.ts'
import { verifyLead } from '../../forecasting/verification/index.ts'
import { type ForecastVariable, QUANTILE_LEVELS } from '../../schemas/quantities.ts'

const LAST_WATCHED = Math.max(...WATCHED_LEADS.map(({ to }) => to))
/** Leads that detectors look at. */
export const LEADS: readonly number[] = [...Array.from({ length: LAST_WATCHED }, (_, i) => i + 1), REFERENCE.to]
const WIDTH = QUANTILE_LEVELS.length

/** Row h − startHour, column of LEADS; NaN: not verified. */
export type Errors = {
  readonly variable: ForecastVariable
  readonly startHour: number
  readonly hours: number
  readonly observed: Float32Array
  readonly error: Float32Array
  readonly scale: Float32Array
  /** Recentred climatology minus observed at REFERENCE, by hour. */
  readonly usual: Float32Array
}

/** Forecasts of every hour from `fromHour` on, verified until `toHour`. The first hours lack their long leads. */
export function verifiedErrors(
  { training, fitted }: { training: TrainingSet; fitted: Fitted },
  fromHour: number,
  toHour: number,
): Errors {
  const hours = toHour - fromHour + 1
  const observed = new Float32Array(hours)
  const error = new Float32Array(hours * LEADS.length).fill(Number.NaN)
  const scale = new Float32Array(hours * LEADS.length).fill(Number.NaN)
  const usual = new Float32Array(hours).fill(Number.NaN)
  const target = training.targets[fitted.variable]
  for (let h = 0; h < hours; h++) observed[h] = target[fromHour + h - training.startHour] as number
  for (let issued = fromHour; issued < toHour; issued++) {
    const i = issued - training.startHour
    const features = training.features.subarray(i * FEATURE_COUNT, (i + 1) * FEATURE_COUNT)
    const { quantiles, recentredClimatology } = fitted.predict({ validAtMs: issued * HOUR_MS, features })
    LEADS.forEach((lead, column) => {
      const h = issued + lead - fromHour
      const value = observed[h]
      if (value === undefined || Number.isNaN(value)) return
      const score = verifyLead(quantiles.subarray((lead - 1) * WIDTH, lead * WIDTH), value, fitted.variable)
      error[h * LEADS.length + column] = score.error
      scale[h * LEADS.length + column] = score.expectedScale
      if (lead === REFERENCE.to) usual[h] = (recentredClimatology[lead - 1] as number) - value
    })
  }
  return { variable: fitted.variable, startHour: fromHour, hours, observed, error, scale, usual }
}
