/** Rows of one hour of the day: what goes into a regression and what it must explain, the same for every variable observed in the same hours. */
import { COLUMN_COUNT, FEATURE_COUNT } from '../features/index.ts'
import { type ForecastVariable, HORIZON_HOURS } from '../../schemas/quantities.ts'
import { annualAngle } from './climatology.ts'
import {
  addRandomFeatures,
  addSeasonTerms,
  DEPARTURE_COUNT,
  LINEAR_COUNT,
  linearInputs,
  NEWEST_INPUT,
  type RandomFeatures,
} from './inputs.ts'
import type { Design } from './regression.ts'
import { type FittedClimate, OWN } from './station-climate.ts'
import type { TrainingSet } from './types.ts'
import type { Damping } from './young-station.ts'

const H = HORIZON_HOURS
/** Of the weights of rows in the regression; see seasonWeight. */
const SEASON_OF_REGRESSION = 0.7
/** In which a departure falls to 1/e, for gaps among the hours ahead. */
const MEMORY_HOURS = 24

/** What is known of a station before any hour model. */
export type Station = {
  readonly history: TrainingSet
  readonly fittedClimate: FittedClimate
  /** Angle of the year of the newest hour: rows of its season weigh most. */
  readonly season: number
}

export type Settings = {
  readonly blocks: number
  readonly penalty: number
  /** Shrunk to the damped departure instead of to nothing. */
  readonly startsDamped: boolean
  /** The record shows a whole year, so that inputs may mean something else in another season. */
  readonly knowsSeasons: boolean
}

/** What a variable brings along. */
export type Own = { readonly variable: ForecastVariable; readonly damping: Damping }

/** Rows of one hour of the day. */
export type HourRows = {
  readonly design: Design
  /** Position in the history of each row. */
  readonly chosen: readonly number[]
  /** Of the linear inputs. */
  readonly means: Float64Array
  readonly factors: Float64Array
  /** Rows × columns: newest departure of each column, 0 where none is in reach. */
  readonly newest: Float64Array
}

export type Standard = Pick<HourRows, 'means' | 'factors'>

/** By lead, what the regression starts from. */
function shareOf({ startsDamped }: Settings, damping: Damping): Float64Array {
  return startsDamped ? damping.share : new Float64Array(H)
}

/** w = exp(κ·(cos Δseason − 1)): 1 in the season, e^−2κ half a year from it. */
export function seasonWeight(hour: number, season: number, kappa: number): number {
  return Math.exp(kappa * (Math.cos(annualAngle(hour) - season) - 1))
}

/** `standard`: of an earlier fit; by the rows themselves when left out. */
export function hourRows(
  { history, fittedClimate, season }: Station,
  chosen: readonly number[],
  random: RandomFeatures,
  { knowsSeasons }: Settings,
  standard?: Standard,
): HourRows {
  const n = chosen.length
  const p = 1 + LINEAR_COUNT + random.count
  const x = new Float64Array(n * p)
  const hours = Float64Array.from(chosen, (row) => history.featureHours[row]!)
  const weights = Float64Array.from(hours, (at) => seasonWeight(at, season, SEASON_OF_REGRESSION))
  for (let r = 0; r < n; r++) {
    const row = chosen[r]!
    const vector = history.features.subarray(row * FEATURE_COUNT, (row + 1) * FEATURE_COUNT)
    const offsets = fittedClimate.offsets.subarray(row * COLUMN_COUNT, (row + 1) * COLUMN_COUNT)
    const linear = x.subarray(r * p + 1, r * p + 1 + LINEAR_COUNT)
    linearInputs(fittedClimate.lookupsAt(hours[r]!), offsets, vector, hours[r]!, linear)
    if (knowsSeasons) addSeasonTerms(linear, hours[r]!)
    else linear.fill(Number.NaN, DEPARTURE_COUNT)
  }
  const newest = new Float64Array(n * COLUMN_COUNT)
  for (let r = 0; r < n; r++)
    for (let column = 0; column < COLUMN_COUNT; column++) {
      const departure = x[r * p + 1 + NEWEST_INPUT[column]!]!
      newest[r * COLUMN_COUNT + column] = departure === departure ? departure : 0
    }
  const { means, factors } = standard ?? momentsOf(x, n, p)
  standardise(x, n, p, means, factors)
  for (let r = 0; r < n; r++) {
    x[r * p] = 1
    addRandomFeatures(random, x, r * p + 1, hours[r]!, x, r * p + 1 + LINEAR_COUNT)
  }
  return { design: { n, p, x, weights, hours }, chosen, means, factors, newest }
}

/** Mean and 1 / deviation of each linear input; the factor of one that never varies is 0. */
function momentsOf(x: Float64Array, n: number, p: number): Standard {
  const sums = new Float64Array(LINEAR_COUNT)
  const squares = new Float64Array(LINEAR_COUNT)
  const counts = new Float64Array(LINEAR_COUNT)
  for (let r = 0; r < n; r++)
    for (let i = 0; i < LINEAR_COUNT; i++) {
      const v = x[r * p + 1 + i]!
      if (v !== v) continue
      sums[i] = sums[i]! + v
      squares[i] = squares[i]! + v * v
      counts[i] = counts[i]! + 1
    }
  const means = sums.map((sum, i) => (counts[i]! > 0 ? sum / counts[i]! : 0))
  const factors = squares.map((sum, i) => {
    const deviation = counts[i]! > 0 ? Math.sqrt(Math.max(sum / counts[i]! - means[i]! * means[i]!, 0)) : 0
    return deviation > 1e-6 ? 1 / deviation : 0
  })
  return { means, factors }
}

/** Brings each linear input to mean 0 and deviation 1, missing ones to 0. */
function standardise(x: Float64Array, n: number, p: number, means: Float64Array, factors: Float64Array): void {
  for (let r = 0; r < n; r++)
    for (let i = 0; i < LINEAR_COUNT; i++) {
      const v = x[r * p + 1 + i]!
      x[r * p + 1 + i] = v === v ? (v - means[i]!) * factors[i]! : 0
    }
}

/** n × 168: what the recentred climatology and the damped departure leave of the target, NaN where it was not observed; and the same with gaps bridged. */
export function departuresOf(
  { history, fittedClimate }: Station,
  { design: { n, hours }, chosen, newest }: HourRows,
  settings: Settings,
  { variable, damping }: Own,
): { departures: Float64Array; filled: Float64Array } {
  const { column, factor } = OWN[variable]
  const target = history.targets[variable]
  const share = shareOf(settings, damping)
  const departures = new Float64Array(n * H)
  const normal = new Float64Array(H)
  let hasGaps = false
  for (let r = 0; r < n; r++) {
    const at = hours[r]!
    const offset = fittedClimate.offsets[chosen[r]! * COLUMN_COUNT + column]!
    const climatology = fittedClimate.lookupsAt(at)[column]!
    const own = newest[r * COLUMN_COUNT + column]! * factor
    climatology.copy(at + 1, H, normal)
    const first = at + 1 - history.startHour
    for (let h = 0; h < H; h++) {
      const value = target[first + h]! - factor * (normal[h]! + offset) - share[h]! * own
      departures[r * H + h] = value
      if (value !== value) hasGaps = true
    }
  }
  if (!hasGaps) return { departures, filled: departures }
  const filled = departures.slice()
  for (let r = 0; r < n; r++) bridgeGaps(filled.subarray(r * H, (r + 1) * H))
  return { departures, filled }
}

/**
 * Fills gaps with what an Ornstein–Uhlenbeck process of this memory is expected to do between the values seen at a and b hours from the hour:
 * (before·sinh(b/τ) + after·sinh(a/τ)) / sinh((a+b)/τ), with one of them alone value·e^(−distance/τ), with none 0. A value held through a gap of
 * days would be taken for weather that lasts.
 */
export function bridgeGaps(values: Float64Array): void {
  for (let from = 0; from < values.length; from++) {
    if (values[from] === values[from]) continue
    let to = from
    while (to < values.length && Number.isNaN(values[to]!)) to++
    const before = from > 0 ? values[from - 1]! : null
    const after = to < values.length ? values[to]! : null
    for (let h = from; h < to; h++) values[h] = expectedBetween(before, h - from + 1, after, to - h)
    from = to
  }
}

function expectedBetween(before: number | null, a: number, after: number | null, b: number): number {
  if (before === null) return after === null ? 0 : after * Math.exp(-b / MEMORY_HOURS)
  if (after === null) return before * Math.exp(-a / MEMORY_HOURS)
  const sinh = (hours: number): number => Math.sinh(hours / MEMORY_HOURS)
  return (before * sinh(b) + after * sinh(a)) / sinh(a + b)
}
