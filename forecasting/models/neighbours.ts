/**
 * What a network knows that no station of it does alone: what lies upstream has been observed already, and many sensors see more clearly what they
 * all see. A second regression, one for all stations of the network, predicts from it (network-inputs.ts) what the own forecasts leave at leads up
 * to 48 h: the rows of 25 stations carry more coefficients than those of one. Without neighbours the forecast is the own one, exactly.
 */
import { type ForecastVariable, HORIZON_HOURS } from '../../schemas/quantities.ts'
import { chooseFades, errorShares, moved, nearestResiduals } from './correction.ts'
import { bridgeGaps } from './hour-rows.ts'
import { GROUP_OF_LEAD } from './lead-groups.ts'
import { networkInputs } from './network-inputs.ts'
import type { Heard, Network } from './network.ts'
import { type Design, regressWithBlocks } from './regression.ts'
import type { LeftOut, Prediction } from './types.ts'

const H = HORIZON_HOURS
/** Further ahead, what neighbours know has passed. */
const LAST_LEAD = 48
const BLOCKS = 5
const PENALTY = 0.001
/** Fewest hours of origins worth a second regression. */
const LEAST_HOURS = 60 * 24
/** Neighbouring hours say the same: about so many rows are enough. Strides visit every hour of the day. */
const ROWS = 40_000
const STRIDES = [1, 5, 7, 11, 13, 17, 19, 23]
/** Standardised inputs are taken no further than this. */
const CLIP = 4

/** What the fit of a station's own forecast leaves; positions are those of `featureHours`. */
export type Left = { readonly featureHours: Float64Array; readonly leftOut: readonly LeftOut[] }

export type NeighbourCorrection = {
  /** By lead group: share of the second regression that is used, and mean |error| after it over before, on origins left out. */
  readonly fade: readonly number[]
  readonly errorShare: readonly number[]
  /** `heard`: what the network knows of the hour of issue, the station's own vector included. A station that was not fitted keeps its own forecast. */
  correct(stationId: string, prediction: Prediction, heard: Heard): Prediction
}

/** Fits the correction to what `left` says the own forecasts leave, by station. Null when there is too little to go by, or nobody helps. */
export function fitNeighbours(
  variable: ForecastVariable,
  network: Network,
  left: ReadonlyMap<string, Left>,
): NeighbourCorrection | null {
  const { stations } = network
  const members = membersOf(network, left)
  const hours = [...new Set(members.flatMap(({ residualsAt }) => [...residualsAt.keys()]))].toSorted((a, b) => a - b)
  if (hours.length < LEAST_HOURS || stations.length < 2) return null
  const inputs = networkInputs(variable, network)
  const { design, residuals, factors } = rowsOf(network, members, hours, inputs)
  const y = residuals.slice()
  for (let row = 0; row < y.length; row += H) bridgeGaps(y.subarray(row, row + H))
  const parts = [{ inputs: design.p, lastLead: LAST_LEAD }]
  const { beta, leftOut } = regressWithBlocks(design, [y], BLOCKS, PENALTY, parts).fits[0]![0]!
  const fade = chooseFades(residuals, leftOut, design.n)
  if (fade.every((value) => value === 0)) return null
  const errorShare = errorShares(residuals, leftOut, fade)
  const memberOf = new Map(members.map((member) => [stations[member.s]!.stationId, member]))
  const z = new Float64Array(inputs.count)
  return {
    fade,
    errorShare,
    correct(stationId, prediction, heard) {
      const member = memberOf.get(stationId)
      const others = member ? inputs.fill(heard, member.s, z) : 0
      if (!member || others === 0) return prediction
      const share = shareHeard(others, stations.length - 1)
      const shift = new Float64Array(H)
      const width = new Float64Array(H).fill(1)
      for (let i = 0; i < z.length; i++) z[i] = standardised(z[i]!, factors[i]!)
      for (let h = 0; h < LAST_LEAD; h++) {
        const g = GROUP_OF_LEAD[h]!
        let correction = beta[h]!
        for (let i = 0; i < z.length; i++) correction += z[i]! * beta[(1 + i) * H + h]!
        shift[h] = share * fade[g]! * member.size * correction
        // As sure as on origins left out when all have reported; as before when nobody has.
        width[h] = 1 - share * (1 - errorShare[g]!)
      }
      return moved(prediction, variable, shift, width)
    },
  }
}

/** 1 when all others have reported. The mean of k + 1 stations is known as well as k / (k + 1) of the whole. */
function shareHeard(others: number, all: number): number {
  return (others / (others + 1)) * ((all + 1) / all)
}

/** A station at position s of the network, with residuals of 168 leads by hour, and their mean size at the leads that are corrected. */
type Member = { readonly s: number; readonly residualsAt: ReadonlyMap<number, Float64Array>; readonly size: number }

function membersOf({ stations }: Network, left: ReadonlyMap<string, Left>): Member[] {
  return stations.flatMap(({ stationId }, s) => {
    const own = left.get(stationId)
    if (!own) return []
    const { hours, residuals } = nearestResiduals(own.leftOut, own.featureHours)
    const residualsAt = new Map(Array.from(hours, (hour, r) => [hour, residuals.subarray(r * H, (r + 1) * H)]))
    let sum = 0
    let count = 0
    for (const values of residualsAt.values())
      for (let h = 0; h < LAST_LEAD; h++) {
        const value = values[h]!
        if (value !== value) continue
        sum += Math.abs(value)
        count++
      }
    return sum > 0 ? [{ s, residualsAt, size: sum / count }] : []
  })
}

/** Rows of all stations, in time order; residuals in units of each station's size. */
function rowsOf(
  network: Network,
  members: readonly Member[],
  hours: readonly number[],
  inputs: ReturnType<typeof networkInputs>,
): { design: Design; residuals: Float64Array; factors: Float64Array } {
  const all = members.reduce((sum, { residualsAt }) => sum + residualsAt.size, 0)
  const stride = STRIDES.find((step) => all / step <= ROWS) ?? STRIDES.at(-1)!
  const most = Math.ceil(hours.length / stride) * members.length
  const p = 1 + inputs.count
  const x = new Float64Array(most * p)
  const residuals = new Float64Array(most * H)
  const hourOf: number[] = []
  for (let at = 0; at < hours.length; at += stride) {
    const hour = hours[at]!
    const heard = network.past(hour)
    for (const { s, residualsAt, size } of members) {
      const own = residualsAt.get(hour)
      const n = hourOf.length
      if (!own || inputs.fill(heard, s, x.subarray(n * p + 1, (n + 1) * p)) === 0) continue
      x[n * p] = 1
      for (let h = 0; h < H; h++) residuals[n * H + h] = own[h]! / size
      hourOf.push(hour)
    }
  }
  const n = hourOf.length
  const factors = standardise(x, n, p)
  const design = { n, p, x: x.subarray(0, n * p), weights: new Float64Array(n).fill(1), hours: Float64Array.from(hourOf) }
  return { design, residuals: residuals.subarray(0, n * H), factors }
}

/** Brings the columns of x (n × p) but the first to root mean square 1, clipped; a column of zeros stays. The factors. */
function standardise(x: Float64Array, n: number, p: number): Float64Array {
  return Float64Array.from({ length: p - 1 }, (_, i) => {
    let squares = 0
    for (let at = 1 + i; at < n * p; at += p) squares += x[at]! ** 2
    const factor = squares > 1e-9 * n ? Math.sqrt(n / squares) : 0
    for (let at = 1 + i; at < n * p; at += p) x[at] = standardised(x[at]!, factor)
    return factor
  })
}

function standardised(value: number, factor: number): number {
  return Math.min(CLIP, Math.max(-CLIP, value * factor))
}
