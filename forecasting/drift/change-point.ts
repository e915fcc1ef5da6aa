/**
 * When a series jumped, and by how much. A model that starts from recent observations carries a jump along after a few hours; only
 * forecasts issued before it and valid after it are wrong by the whole of it. Those are compared hour by hour, in units of what each
 * forecast expected: a jump in the quiet of the night stands out that would be weather in the afternoon.
 */
import { mean, medianAbsoluteDeviation } from 'simple-statistics'
import { INNOVATION_LEADS } from './standardise.ts'

/** Errors at INNOVATION_LEADS by epoch hour, then the same in expected scales (standardise.ts); null: not verified. */
export type Innovations = ReadonlyMap<number, readonly (number | null)[]>

export type ChangePoint = {
  readonly hour: number
  /** After minus before, unit of the variable. */
  readonly offset: number
  /** |jump| in robust standard deviations of the same statistic over the searched hours. */
  readonly score: number
  /** Hours that explain the errors nearly as well: the change lies in [fromHour, toHour] with 95 %. */
  readonly fromHour: number
  readonly toHour: number
  /** The size lies in [offset − offsetMargin, offset + offsetMargin] with 95 %. */
  readonly offsetMargin: number
}

/** A jump below this is weather: of 168 hours of it one in four or so has a larger one (three real stations, half a year). */
const MIN_SCORE = 4
/** Fewer judged hours than this tell nothing of what is usual. */
const MIN_JUDGED_HOURS = 24
/**
 * Hours whose log-likelihood ratio, score²/2, is within this of the best one's belong to the interval. A change point has no χ² limit
 * (Worsley, 1986, Biometrika 73); half the 95 % quantile of χ² with one degree covers ≥ 95 % of simulated steps of three robust standard
 * deviations and more (drift.unit.test.ts), because neighbouring hours share most of their errors.
 */
const LOG_LIKELIHOOD_DROP = 3.84 / 2
/** Standard normal quantile of 97.5 %. */
const TWO_SIDED_95 = 1.96
/** MAD → standard deviation of a normal distribution. */
const MAD_TO_SD = 1.4826

/**
 * The hour in [from, to] whose jump is the largest of those that make errors move in `direction` (the sign of the forecast error after
 * the jump). `series`: the innovations of one station, or of all stations that moved together, whose mean jump is taken.
 * Null when nothing there stands out (score < MIN_SCORE) or fewer than MIN_JUDGED_HOURS hours could be judged.
 */
export function findChangePoint(series: readonly Innovations[], from: number, to: number, direction: 1 | -1): ChangePoint | null {
  const { jumps, spread, standardisedSpread } = jumpsOf(series, from, to)
  if (jumps.length < MIN_JUDGED_HOURS) return null
  const candidates = jumps
    .filter(({ standardised, jump }) => Math.sign(standardised) === direction && Math.sign(jump) === direction)
    .map(({ hour, jump, standardised }) => ({ hour, offset: -jump, score: Math.abs(standardised) / standardisedSpread }))
  const best = candidates.reduce<(typeof candidates)[number] | null>(
    (found, one) => (found === null || one.score > found.score ? one : found),
    null,
  )
  if (best === null || best.score < MIN_SCORE) return null
  const near = new Set(
    candidates.filter(({ score }) => (best.score ** 2 - score ** 2) / 2 <= LOG_LIKELIHOOD_DROP).map(({ hour }) => hour),
  )
  return {
    ...best,
    fromHour: lastWithoutGap(near, best.hour, -1),
    toHour: lastWithoutGap(near, best.hour, 1),
    offsetMargin: TWO_SIDED_95 * spread,
  }
}

/** The hour furthest from `hour` in a direction that is reached without leaving `hours`. */
function lastWithoutGap(hours: ReadonlySet<number>, hour: number, by: 1 | -1): number {
  let reached = hour
  while (hours.has(reached + by)) reached += by
  return reached
}

/** Whether another series jumped the same way at that hour (± an hour), beyond `atLeast` of its own robust standard deviations. */
export function jumpsAlong(
  one: Innovations,
  change: Pick<ChangePoint, 'hour' | 'offset'>,
  from: number,
  to: number,
  atLeast: number,
): boolean {
  const { jumps, standardisedSpread } = jumpsOf([one], from, to)
  if (jumps.length < MIN_JUDGED_HOURS) return false
  return jumps.some(
    ({ hour, standardised }) =>
      Math.abs(hour - change.hour) <= 1 && (-standardised * Math.sign(change.offset)) / standardisedSpread >= atLeast,
  )
}

type Jump = { readonly hour: number; readonly jump: number; readonly standardised: number }

function jumpsOf(
  series: readonly Innovations[],
  from: number,
  to: number,
): { jumps: Jump[]; spread: number; standardisedSpread: number } {
  const jumps: Jump[] = []
  for (let hour = from; hour <= to; hour++) {
    const values = series.map((one) => jumpAt(one, hour)).filter((value) => value !== null)
    if (values.length === 0) continue
    jumps.push({
      hour,
      jump: mean(values.map(({ jump }) => jump)),
      standardised: mean(values.map(({ standardised }) => standardised)),
    })
  }
  return {
    jumps,
    spread: robustSd(jumps.map(({ jump }) => jump)),
    standardisedSpread: robustSd(jumps.map(({ standardised }) => standardised)),
  }
}

function robustSd(values: readonly number[]): number {
  if (values.length === 0) return 1
  return Math.max(1e-6, MAD_TO_SD * medianAbsoluteDeviation(values))
}

/** Mean error of the forecasts issued before `hour` and valid in the hours from it on, as far as the leads reach; null when too few verified. */
function jumpAt(innovations: Innovations, hour: number): Omit<Jump, 'hour'> | null {
  let jump = 0
  let standardised = 0
  let n = 0
  let expected = 0
  INNOVATION_LEADS.forEach((lead, i) => {
    for (let after = 0; after < lead; after++) {
      expected++
      const values = innovations.get(hour + after)
      const error = values?.[i]
      const scaled = values?.[INNOVATION_LEADS.length + i]
      if (error === null || error === undefined || scaled === null || scaled === undefined) continue
      jump += error
      standardised += scaled
      n++
    }
  })
  return n * 2 >= expected ? { jump: jump / n, standardised: standardised / n } : null
}
