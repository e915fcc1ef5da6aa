/**
 * Direct ridge for 168 leads at once: one Gram matrix, one factorisation per lead group, penalty growing with lead so that the forecast
 * fades to climatology where the past says nothing. Predictions of left-out blocks come from the same sums minus the block's.
 */
import { HORIZON_HOURS } from '../../schemas/quantities.ts'
import { LEAD_GROUPS } from './lead-groups.ts'
import { accumulate, applyRows, cholesky, solveColumns } from './linear.ts'

const H = HORIZON_HOURS
const PENALTY_POWER = 1.1
/** Nothing nearer than a horizon and a day to a left-out block may teach its model. */
const GAP_HOURS = HORIZON_HOURS + 24

export type Design = {
  readonly n: number
  readonly p: number
  /** n × p, first column 1. */
  readonly x: Float64Array
  /** n × 168. */
  readonly y: Float64Array
  readonly weights: Float64Array
  /** Hour since 1970 of each row, ascending. */
  readonly hours: Float64Array
}

export type Regression = {
  /** p × 168. */
  readonly beta: Float64Array
  /** n × 168: predictions of each row by the model that never saw its block. */
  readonly leftOut: Float64Array
  readonly gram: Float64Array
  readonly totalWeight: number
}

/** λ(h) = penalty·h^1.1 per unit weight, constant within a lead group. */
export function regressWithBlocks(design: Design, blocks: number, penalty: number): Regression {
  const { n, p, x, y, weights, hours } = design
  const ranges = blockRanges(hours, blocks)
  const cuts = [...new Set([0, n, ...ranges.flatMap(({ gapFrom, gapTo }) => [gapFrom, gapTo])])].toSorted((a, b) => a - b)
  const gram = new Float64Array(p * p)
  const cross = new Float64Array(p * H)
  let totalWeight = 0
  const segments = cuts.slice(0, -1).map((from, s) => {
    const to = cuts[s + 1]!
    const part = { from, to, gram: new Float64Array(p * p), cross: new Float64Array(p * H), weight: 0 }
    accumulate(x, p, y, H, weights, from, to, part.gram, part.cross)
    for (let r = from; r < to; r++) part.weight += weights[r]!
    add(gram, part.gram, 1)
    add(cross, part.cross, 1)
    totalWeight += part.weight
    return part
  })
  const beta = solve(gram, cross, p, totalWeight, penalty)
  const leftOut = new Float64Array(n * H)
  for (const { from, to, gapFrom, gapTo } of ranges) {
    const restGram = gram.slice()
    const restCross = cross.slice()
    let weight = totalWeight
    for (const segment of segments) {
      if (segment.from < gapFrom || segment.to > gapTo) continue
      add(restGram, segment.gram, -1)
      add(restCross, segment.cross, -1)
      weight -= segment.weight
    }
    const without = solve(restGram, restCross, p, Math.max(weight, 1e-6), penalty)
    applyRows(x, from, to, p, without, H, leftOut)
  }
  return { beta, leftOut, gram, totalWeight }
}

function solve(gram: Float64Array, cross: Float64Array, p: number, weight: number, penalty: number): Float64Array {
  const beta = new Float64Array(p * H)
  for (const [first, last] of LEAD_GROUPS) {
    const lambda = penalty * ((first + last) / 2) ** PENALTY_POWER * weight
    const factor = cholesky(gram, p, (i) => (i === 0 ? 1e-6 * weight : lambda))
    solveColumns(factor, p, cross, H, first - 1, last, beta)
  }
  return beta
}

/** Contiguous blocks of rows, and the rows that their gaps take away as well. */
function blockRanges(hours: Float64Array, blocks: number) {
  const n = hours.length
  const first = hours[0]!
  const span = hours[n - 1]! + 1 - first
  const at = (hour: number): number => {
    let low = 0
    let high = n
    while (low < high) {
      const middle = (low + high) >> 1
      if (hours[middle]! < hour) low = middle + 1
      else high = middle
    }
    return low
  }
  return Array.from({ length: blocks }, (_, k) => {
    const from = first + (span * k) / blocks
    const to = first + (span * (k + 1)) / blocks
    return { from: at(from), to: k === blocks - 1 ? n : at(to), gapFrom: at(from - GAP_HOURS), gapTo: at(to + GAP_HOURS) }
  })
}

function add(into: Float64Array, what: Float64Array, sign: number): void {
  for (let i = 0; i < into.length; i++) into[i] = into[i]! + sign * what[i]!
}
