/**
 * When a station has been silent for some hours the best that can be said is what its last report said, read further ahead: regression, fades and
 * spread were fitted on whole vectors. A vector whose newest hours are missing would have to be patched, and its forecast claims too much.
 */
import { HOUR_MS } from '../features/index.ts'
import { HORIZON_HOURS, QUANTILE_LEVELS } from '../../schemas/quantities.ts'
import { NEWEST_INDEX } from './station-climate.ts'
import type { Fitted, Prediction } from './types.ts'

const H = HORIZON_HOURS
const Q = QUANTILE_LEVELS.length
/** Older reports say nothing that the climatology does not, hours. */
const REACH_HOURS = 120

/** The forecast of an hour (since 1970) from the newest vector with a report of any kind in its own hour, at most five days old. */
export function predictLate(fitted: Fitted, hour: number, vectorAt: (hour: number) => Float32Array): Prediction {
  const features = vectorAt(hour)
  const now = fitted.predict({ validAtMs: hour * HOUR_MS, features })
  const age = silentHours(hour, vectorAt)
  if (age === 0) return now
  const then = fitted.predict({ validAtMs: (hour - age) * HOUR_MS, features: vectorAt(hour - age) })
  const quantiles = now.quantiles.slice()
  quantiles.set(then.quantiles.subarray(age * Q))
  const recentredClimatology = now.recentredClimatology.slice()
  recentredClimatology.set(then.recentredClimatology.subarray(age, H))
  // What is missing from the vector of the hour itself is why this forecast is not as good as usual.
  return { ...now, quantiles, recentredClimatology, persistence: then.persistence }
}

/** Hours since a station last reported anything; 0 when that is too long ago to be of use. */
export function silentHours(hour: number, vectorAt: (hour: number) => Float32Array): number {
  for (let age = 0; age <= REACH_HOURS; age++) if (!isSilent(vectorAt(hour - age))) return age
  return 0
}

/** Whether a station reported nothing in the hour that the vector describes. */
export function isSilent(vector: ArrayLike<number>): boolean {
  return NEWEST_INDEX.every((index) => Number.isNaN(vector[index]!))
}
