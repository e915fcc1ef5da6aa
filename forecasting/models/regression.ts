/**
 * Direct ridge for 168 leads at once: one Gram matrix, one factorisation per lead group, penalty growing with lead so that the forecast
 * fades to climatology where the past says nothing. Predictions of left-out blocks come from the same sums minus the block's.
 */
import { HORIZON_HOURS } from '../../schemas/quantities.ts'
import { LEAD_GROUPS } from './lead-groups.ts'
import { addCross, addGram, applyRows, cholesky, solveTogether } from './linear.ts'

const H = HORIZON_HOURS
const PENALTY_POWER = 1.1
/** Nothing nearer than a horizon and a day to a left-out block may teach its model. */
const GAP_HOURS = HORIZON_HOURS + 24

export type Design = {
  readonly n: number
  readonly p: number
  /** n × p, first column 1. */
  readonly x: Float64Array
  readonly weights: Float64Array
  /** Hour since 1970 of each row, ascending. */
  readonly hours: Float64Array
}

/** A regression on the first so many inputs, for leads up to one: 0 beyond it. */
export type Part = { readonly inputs: number; readonly lastLead: number }

type Fit = {
  /** Inputs × 168. */
  readonly beta: Float64Array
  /** n × 168: predictions of each row by the model that never saw its block. */
  readonly leftOut: Float64Array
}

export type Regression = {
  /** For each of the targets, of each part. */
  readonly fits: ReadonlyArray<readonly Fit[]>
  readonly gram: Float64Array
  readonly totalWeight: number
}

export type Sums = { readonly gram: Float64Array; readonly crosses: readonly Float64Array[]; weight: number }

/** `targets`: each n × 168, without gaps. λ(h) = penalty·h^1.1 per unit weight, constant within a lead group. Parts come from the same sums. */
export function regressWithBlocks(
  design: Design,
  targets: readonly Float64Array[],
  blocks: number,
  penalty: number,
  parts: readonly Part[] = [{ inputs: design.p, lastLead: H }],
): Regression {
  const { n, p, x, weights, hours } = design
  const ranges = blockRanges(hours, blocks)
  const cuts = [...new Set([0, n, ...ranges.flatMap(({ gapFrom, gapTo }) => [gapFrom, gapTo])])].toSorted((a, b) => a - b)
  const total = emptySums(p, targets.length)
  const segments = cuts.slice(0, -1).map((from, s) => {
    const to = cuts[s + 1]!
    const part = emptySums(p, targets.length)
    addRows(design, targets, weights, from, to, part, parts)
    addSums(total, part, 1)
    return { from, to, part }
  })
  const fits = parts.map((part) => solveSums(total, p, penalty, part).map((beta) => ({ beta, leftOut: new Float64Array(n * H) })))
  for (const { from, to, gapFrom, gapTo } of ranges) {
    const rest = { gram: total.gram.slice(), crosses: total.crosses.map((cross) => cross.slice()), weight: total.weight }
    for (const segment of segments) if (segment.from >= gapFrom && segment.to <= gapTo) addSums(rest, segment.part, -1)
    rest.weight = Math.max(rest.weight, 1e-6)
    parts.forEach((part, k) =>
      solveSums(rest, p, penalty, part).forEach((without, t) =>
        applyRows(x, from, to, part.inputs, without, part.lastLead, fits[k]![t]!.leftOut, p, H),
      ),
    )
  }
  return {
    fits: targets.map((_, t) => fits.map((ofPart) => ofPart[t]!)),
    gram: total.gram,
    totalWeight: total.weight,
  }
}

export function emptySums(p: number, targets: number): Sums {
  const crosses = Array.from({ length: targets }, () => new Float64Array(p * H))
  return { gram: new Float64Array(p * p), crosses, weight: 0 }
}

/** Adds the rows from…to (exclusive), as far as some part needs them; with weights below 0 it takes them away again. */
export function addRows(
  { p, x }: Pick<Design, 'p' | 'x'>,
  targets: readonly Float64Array[],
  weights: Float64Array,
  from: number,
  to: number,
  sums: Sums,
  parts: readonly Part[],
): void {
  addGram(x, p, weights, from, to, sums.gram)
  let first = 0
  for (const { inputs } of parts.toSorted((a, b) => a.inputs - b.inputs)) {
    const leads = Math.max(...parts.filter((part) => part.inputs > first).map(({ lastLead }) => lastLead))
    targets.forEach((y, t) =>
      addCross(x.subarray(first), inputs - first, y, leads, weights, from, to, sums.crosses[t]!.subarray(first * H), p, H),
    )
    first = inputs
  }
  for (let r = from; r < to; r++) sums.weight += weights[r]!
}

/** Coefficients of a part, of p inputs in the sums: its inputs × 168. One factorisation for each lead group, whatever the number of targets. */
export function solveSums(
  { gram, crosses, weight }: Sums,
  p: number,
  penalty: number,
  { inputs, lastLead }: Part,
): Float64Array[] {
  const betas = crosses.map(() => new Float64Array(inputs * H))
  for (const [first, last] of LEAD_GROUPS) {
    if (last > lastLead) break
    const lambda = penalty * ((first + last) / 2) ** PENALTY_POWER * weight
    const factor = cholesky(gram, inputs, (i) => (i === 0 ? 1e-6 * weight : lambda), p)
    solveTogether(factor, crosses, H, first - 1, last, betas)
  }
  return betas
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

function addSums(into: Sums, what: Sums, sign: number): void {
  add(into.gram, what.gram, sign)
  into.crosses.forEach((cross, t) => add(cross, what.crosses[t]!, sign))
  into.weight += sign * what.weight
}

function add(into: Float64Array, what: Float64Array, sign: number): void {
  for (let i = 0; i < into.length; i++) into[i] = into[i]! + sign * what[i]!
}
