/**
 * The last departure, damped: what every regression starts from (its coefficients are shrunk to this, not to nothing), and, with a wide
 * spread, the whole model of a station with too little history for a regression. Damping and spread begin at what is usual for the
 * variable and move to the station's own as days come in.
 */
import { COLUMN_COUNT, FEATURE_COUNT } from '../features/index.ts'
import { type ForecastVariable, HORIZON_HOURS, QUANTILE_LEVELS } from '../../schemas/quantities.ts'
import { noCourse } from './error-course.ts'
import { LINEAR_COUNT, NEWEST_INPUT } from './inputs.ts'
import { LEAD_GROUPS } from './lead-groups.ts'
import type { HourModel } from './random-feature-state.ts'
import { type FittedClimate, missingBefore, NEWEST_INDEX, OWN } from './station-climate.ts'
import type { TrainingSet } from './types.ts'
import { levelMemoryHours, usualShare } from './usual.ts'

const H = HORIZON_HOURS
const Q = QUANTILE_LEVELS.length

/**
 * What is usual at mid-latitude stations, declared wide: `deviation` of departures from climatology (variable's unit), `nugget`: deviation of
 * an hour's own noise.
 */
export const USUAL: Readonly<Record<ForecastVariable, { deviation: number; nugget: number }>> = {
  temperatureC: { deviation: 4, nugget: 0.6 },
  dewPointC: { deviation: 4.5, nugget: 0.6 },
  relativeHumidityPct: { deviation: 17, nugget: 4 },
  pressureHpa: { deviation: 8, nugget: 0.4 },
  windSpeedMps: { deviation: 2.2, nugget: 0.8 },
  precipitationProbabilityPct: { deviation: 30, nugget: 10 },
}
/** The usual values weigh as much as so many days of the station's own: the damping of days with its own variance, whatever that is. */
const USUAL_DAYS = { damping: 25, deviation: 12 }
/** Days of weather that say as much about the mean as one independent draw. */
const DAYS_PER_DRAW = 4
/** Standard normal quantiles at QUANTILE_LEVELS (0.025 0.1 0.25 0.5 0.75 0.9 0.975). */
const NORMAL = [-1.96, -1.2816, -0.6745, 0, 0.6745, 1.2816, 1.96]

export type Damping = {
  /** By lead (168): share of the newest departure that is left. */
  readonly share: Float64Array
  /** Of departures from the recentred climatology, the variable's unit squared. */
  readonly variance: number
  /** Hours of the history with an own value. */
  readonly rows: number
  /** From the first of them to the last, both counted. */
  readonly span: number
}

export function fitDamping(history: TrainingSet, variable: ForecastVariable, { lookupsAt, offsets }: FittedClimate): Damping {
  const { column, factor } = OWN[variable]
  const usual = USUAL[variable]
  const target = history.targets[variable]
  const products = new Float64Array(H)
  const squares = new Float64Array(H)
  const normal = new Float64Array(H)
  const missing = missingBefore(target)
  let sum = 0
  let complete = 0
  let rows = 0
  let from = 0
  let to = -1
  for (let row = 0; row < history.featureHours.length; row++) {
    const at = history.featureHours[row]!
    const newest = history.features[row * FEATURE_COUNT + NEWEST_INDEX[column]!]!
    if (newest !== newest) continue
    const climatology = lookupsAt(at)[column]!
    const offset = offsets[row * COLUMN_COUNT + column]!
    const departure = factor * (newest - climatology.at(at) - offset)
    const square = departure * departure
    sum += square
    rows++
    if (rows === 1) from = at
    to = at
    const first = at + 1 - history.startHour
    const known = Math.min(H, target.length - first)
    climatology.copy(at + 1, H, normal)
    if (known === H && first >= 0 && missing[first + H] === missing[first]) {
      complete += square
      for (let h = 0; h < H; h++) products[h] = products[h]! + departure * (target[first + h]! - factor * (normal[h]! + offset))
      continue
    }
    for (let h = Math.max(0, -first); h < known; h++) {
      const value = target[first + h]!
      if (value !== value) continue
      products[h] = products[h]! + departure * (value - factor * (normal[h]! + offset))
      squares[h] = squares[h]! + square
    }
  }
  const days = rows / 24
  const usualSquares = usual.deviation ** 2
  const own = rows > 0 ? sum / rows : 0
  const weight = USUAL_DAYS.damping * 24 * (own > 0 ? own : usualSquares)
  const share = Float64Array.from({ length: H }, (_, h) => {
    return Math.min(1, Math.max(0, (weight * usualShare(column, h + 1) + products[h]!) / (weight + complete + squares[h]!)))
  })
  // Departures from a climatology fitted on the same few days are too small; the usual value makes up for it.
  const variance = (USUAL_DAYS.deviation * usualSquares + days * own) / (USUAL_DAYS.deviation + days)
  return { share, variance, rows, span: to - from + 1 }
}

/**
 * By lead, what is left of the newest departure when the level itself is that of few days: ρ(h) + (1 − ρ(h))·k. The mean of an Ornstein–Uhlenbeck process
 * of memory τ seen through T hours is best estimated with a weight of k = 1 / (2 + T/τ) on each end and the rest on all between, so that k of a
 * departure from the plain mean belongs to the level and does not fade: a tenth to a quarter after three days, next to nothing after a month.
 */
export function sharesOfYoung(variable: ForecastVariable, { share, span }: Damping): Float64Array {
  const ofLevel = 1 / (2 + span / levelMemoryHours(OWN[variable].column))
  return share.map((value) => value + (1 - value) * ofLevel)
}

/** What the damped departure leaves uncertain, by lead: the weather, and the mean of so few days. */
export function deviationsOf(variable: ForecastVariable, { share, variance, rows }: Damping): Float64Array {
  const { nugget } = USUAL[variable]
  const meanVariance = variance / (1 + rows / 24 / DAYS_PER_DRAW)
  return share.map((value) => Math.sqrt(nugget ** 2 + variance * (1 - value ** 2) + meanVariance * (1 - value) ** 2))
}

/** One hour model for all hours of the day; only the newest own departure has a coefficient. */
export function youngStationModel(
  variable: ForecastVariable,
  { share, deviation }: { readonly share: Float64Array; readonly deviation: Float64Array },
): HourModel {
  const { column, factor } = OWN[variable]
  const beta = new Float32Array((1 + LINEAR_COUNT) * H)
  const quantiles = new Float64Array(H * Q)
  for (let h = 0; h < H; h++) {
    beta[(1 + NEWEST_INPUT[column]!) * H + h] = share[h]! * factor
    for (let q = 0; q < Q; q++) quantiles[h * Q + q] = NORMAL[q]! * deviation[h]!
  }
  return {
    hour: 11.5,
    means: new Float64Array(LINEAR_COUNT),
    factors: new Float64Array(LINEAR_COUNT).fill(1),
    beta,
    spread: { scale: new Float64Array((1 + LINEAR_COUNT) * LEAD_GROUPS.length), course: noCourse(), quantiles },
  }
}
