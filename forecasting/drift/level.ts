/**
 * The level of the errors of a day: the mean of the standardised errors at 1–6 h, freed of weather that other leads show as well.
 *
 *   level = e(1–6 h) + halfDay · e(13–24 h) + reference · e(reference),   e: daily means (day.ts)
 *
 * A model that starts from recent observations takes a shift of its station for weather within a day; what is left of it at 1–6 h is a
 * fraction of the shift, and errors half a day ahead and departures of the values from what is usual tell how much of the rest is weather.
 * The weights are those of the linear combination in which a shift stands out most, w ∝ Σ⁻¹μ (generalised least squares; Aitken, 1936):
 * μ the mean change by a lasting shift, Σ the long-run covariance of the three (√7 times that of weekly means), pooled over the stations.
 * Both from the first halves of the clean stretches (usual.ts); `npm run bench -- drift-calibration` repeats it.
 */
import type { ForecastVariable } from '../../schemas/quantities.ts'
import { type HourOfDay, measureDay } from './day.ts'
import { type ChartLeads, REFERENCE } from './standardise.ts'

export type LevelWeights = { readonly halfDay: number; readonly reference: number }

const ALONE: LevelWeights = { halfDay: 0, reference: 0 }
/** Pressure: a shift shows at 1–6 h so little that the weights are not determined. A chance of rain does not shift. */
export const LEVEL_WEIGHTS: Readonly<Record<ForecastVariable, LevelWeights>> = {
  temperatureC: { halfDay: -0.44, reference: 0.13 },
  dewPointC: { halfDay: -0.13, reference: -0.13 },
  relativeHumidityPct: { halfDay: -0.28, reference: 0 },
  pressureHpa: ALONE,
  windSpeedMps: { halfDay: -0.25, reference: -0.04 },
  precipitationProbabilityPct: ALONE,
}

/** What a level is made of, in this order. */
export const LEVEL_LEADS: readonly ChartLeads[] = ['1-6', '13-24', REFERENCE.name]

/** Daily means at LEVEL_LEADS; null: too few hours. */
export function levelParts(hours: readonly HourOfDay[]): (number | null)[] {
  return LEVEL_LEADS.map((leads) => measureDay('mean', leads, hours, []))
}

/**
 * Null: too few hours. The reference of a new model is known a week after it took over; until then values count as usual, which makes days
 * no wilder (temperature: standard deviation 0.20, long run 0.21, against 0.21 and 0.25 with it).
 */
export function measureLevel(hours: readonly HourOfDay[], { halfDay, reference }: LevelWeights): number | null {
  const [shortest, later, departure] = levelParts(hours)
  if (typeof shortest !== 'number' || (typeof later !== 'number' && halfDay !== 0)) return null
  return shortest + halfDay * (later ?? 0) + reference * (departure ?? 0)
}
