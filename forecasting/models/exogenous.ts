/**
 * Forecasts of weather models as regressors: what a model says for the hour ahead, less what the own forecast says, and what else it says
 * about that hour, against what the own forecast leaves. Few coefficients, shared by the leads of a group; a group takes part only where origins
 * that were left out show a gain in nearly every block of time. Without a run the forecast is the own station's, exactly.
 */
import { COLUMN, HOUR_MS } from '../features/index.ts'
import { type ForecastVariable, HORIZON_HOURS, QUANTILE_LEVELS } from '../../schemas/quantities.ts'
import { directLookup, tabulate } from './climatology.ts'
import { errorShares, moved, nearestResiduals } from './correction.ts'
import { LEAD_GROUPS } from './lead-groups.ts'
import { cholesky, solveColumns } from './linear.ts'
import type { Lookups, StationClimate } from './station-climate.ts'
import type { LeftOut, Prediction } from './types.ts'

const H = HORIZON_HOURS
const Q = QUANTILE_LEVELS.length
const G = LEAD_GROUPS.length
const MEDIAN = QUANTILE_LEVELS.indexOf(0.5)
/** What may be known of each weather model. */
export const EXOGENOUS = ['temperatureC', 'dewPointC', 'windSpeedMps', 'cloudCoverPct'] as const
export type ExogenousQuantity = (typeof EXOGENOUS)[number]
const BLOCKS = 5
/** Per sample, of columns of root mean square 1: the samples of one origin say little more than one of them. */
const PENALTY = 0.01
/** Of the blocks, how many have to gain, and how much all of them together, for a lead group to take part. */
const BLOCKS_THAT_GAIN = 4
const LEAST_GAIN = 0.005
const FADES = [0.25, 0.5, 0.75, 1]
const MIN_ROWS = 30
const MAX_ROWS = 4000
/** More weather models than this are not listened to: every set of them has a regression of its own. */
const MAX_MODELS = 4

/** A run of one weather model for the station. Value i is for hour `startHour` + i (since 1970); NaN or no array = not forecast. */
export type ExogenousRun = {
  readonly model: string
  /** When it could be had, not when it was started: a forecast issued before knows nothing of it. */
  readonly publishedHour: number
  readonly startHour: number
  readonly values: Readonly<Partial<Record<ExogenousQuantity, ArrayLike<number>>>>
}

/** Coefficients for one set of weather models that have spoken. */
type Regression = {
  /** By lead group: (1 + inputs) per standardised input, and the factors that standardise. */
  readonly beta: readonly Float64Array[]
  readonly factors: readonly Float64Array[]
  readonly fade: readonly number[]
  readonly errorShare: readonly number[]
}

export type ExogenousCorrection = {
  readonly models: readonly string[]
  /** By set of weather models ('a+b'): fade and share of the error that is left, by lead group. */
  readonly card: Readonly<Record<string, { readonly fade: readonly number[]; readonly errorShare: readonly number[] }>>
  /** `runs`: any; of each model the newest that was published by then is used. */
  correct(prediction: Prediction, issued: { readonly validAtMs: number; readonly runs: readonly ExogenousRun[] }): Prediction
}

/**
 * `target`: observed values from `startHour` on. Null when no weather model takes part anywhere.
 */
export function fitExogenous(
  variable: ForecastVariable,
  climate: StationClimate,
  history: { readonly startHour: number; readonly target: Float64Array; readonly featureHours: Float64Array },
  leftOut: readonly LeftOut[],
  runs: readonly ExogenousRun[],
): ExogenousCorrection | null {
  const models = [...new Set(runs.map(({ model }) => model))].toSorted().slice(0, MAX_MODELS)
  const newest = newestRuns(runs)
  const end = history.startHour + history.target.length + H
  const inputsOf = createInputs(
    variable,
    climate.climatologies.map((climatology) => climatology && tabulate(climatology, history.startHour, end)),
  )
  const issuedInputsOf = createInputs(
    variable,
    climate.climatologies.map((climatology) => climatology && directLookup(climatology)),
  )
  const { hours, residuals } = thinned(nearestResiduals(leftOut, history.featureHours))
  const per = EXOGENOUS.length
  // origins × 168 × (models · per); NaN = not forecast.
  const inputs = models.map((model) => {
    const out = new Float64Array(hours.length * H * per).fill(Number.NaN)
    const centres = new Float64Array(H)
    hours.forEach((hour, r) => {
      const run = newest(model, hour)
      if (!run) return
      for (let h = 0; h < H; h++)
        centres[h] = (history.target[hour + h + 1 - history.startHour] ?? Number.NaN) - residuals[r * H + h]!
      inputsOf(run, hour, centres, out, r * H * per)
    })
    return out
  })
  const sets = subsets(models.length)
  const regressions = new Map<string, Regression>()
  for (const set of sets) {
    const regression = fitSet(
      set.map((m) => inputs[m]!),
      residuals,
      hours.length,
    )
    if (regression) regressions.set(set.map((m) => models[m]!).join('+'), regression)
  }
  if (regressions.size === 0) return null
  return {
    models,
    card: Object.fromEntries([...regressions].map(([set, { fade, errorShare }]) => [set, { fade, errorShare }])),
    correct(prediction, { validAtMs, runs: issuedRuns }) {
      const hour = Math.round(validAtMs / HOUR_MS)
      const own = newestRuns(issuedRuns)
      const centres = Float64Array.from({ length: H }, (_, h) => prediction.quantiles[h * Q + MEDIAN]!)
      const said = models.map((model) => {
        const out = new Float64Array(H * per).fill(Number.NaN)
        const run = own(model, hour)
        if (run) issuedInputsOf(run, hour, centres, out, 0)
        return out
      })
      const shift = new Float64Array(H)
      const width = new Float64Array(H).fill(1)
      LEAD_GROUPS.forEach(([first, last], g) => {
        for (let h = first - 1; h < last; h++) {
          const there = models.flatMap((_, m) => (isThere(said[m]!, h * per, per) ? [m] : []))
          const regression = regressions.get(there.map((m) => models[m]!).join('+'))
          if (!regression || regression.fade[g] === 0) continue
          const beta = regression.beta[g]!
          let correction = beta[0]!
          there.forEach((m, k) => {
            for (let i = 0; i < per; i++)
              correction += beta[1 + k * per + i]! * regression.factors[g]![k * per + i]! * orNormal(said[m]![h * per + i]!)
          })
          shift[h] = regression.fade[g]! * correction
          width[h] = regression.errorShare[g]!
        }
      })
      return moved(prediction, variable, shift, width)
    },
  }
}

/** A single absent quantity is as normal; a model that says nothing at all about an hour is not there. */
function orNormal(value: number): number {
  return value === value ? value : 0
}

function isThere(inputs: Float64Array, at: number, per: number): boolean {
  for (let i = 0; i < per; i++) if (!Number.isNaN(inputs[at + i]!)) return true
  return false
}

/**
 * Writes what a run says about the 168 hours after `hour`: the variable itself less the own forecast (`centres`), the others less what is
 * normal for the hour; cloud less 50 %.
 */
function createInputs(variable: ForecastVariable, lookups: Lookups) {
  return (run: ExogenousRun, hour: number, centres: Float64Array, out: Float64Array, at: number): void => {
    EXOGENOUS.forEach((quantity, i) => {
      const values = run.values[quantity]
      if (!values) return
      const normal = quantity === 'cloudCoverPct' ? null : lookups[COLUMN[quantity]]
      for (let h = 0; h < H; h++) {
        const value = saidOf(values[hour + h + 1 - run.startHour])
        const reference =
          quantity === variable ? centres[h]! : quantity === 'cloudCoverPct' ? 50 : (normal?.at(hour + h + 1) ?? Number.NaN)
        out[at + h * EXOGENOUS.length + i] = value - reference
      }
    })
  }
}

/** No number of these quantities (°C, m/s, %) is larger: what is, the model has not said. */
const LARGEST_SAID = 300

function saidOf(value: number | undefined): number {
  return value !== undefined && Math.abs(value) <= LARGEST_SAID ? value : Number.NaN
}

/** Newest run of a model that was published by an hour. */
function newestRuns(runs: readonly ExogenousRun[]): (model: string, hour: number) => ExogenousRun | null {
  const byModel = Map.groupBy(
    runs.toSorted((a, b) => a.publishedHour - b.publishedHour || a.startHour - b.startHour),
    ({ model }) => model,
  )
  return (model, hour) => {
    const own = byModel.get(model) ?? []
    let low = 0
    let high = own.length
    while (low < high) {
      const middle = (low + high) >> 1
      if (own[middle]!.publishedHour <= hour) low = middle + 1
      else high = middle
    }
    return own[low - 1] ?? null
  }
}

function thinned({ hours, residuals }: ReturnType<typeof nearestResiduals>): ReturnType<typeof nearestResiduals> {
  let stride = Math.ceil(hours.length / MAX_ROWS)
  // Odd, so that every hour of the day is visited.
  if (stride % 2 === 0) stride++
  if (stride === 1) return { hours, residuals }
  const kept = Array.from({ length: Math.ceil(hours.length / stride) }, (_, k) => k * stride)
  const out = new Float64Array(kept.length * H)
  kept.forEach((row, r) => out.set(residuals.subarray(row * H, (row + 1) * H), r * H))
  return { hours: Float64Array.from(kept, (row) => hours[row]!), residuals: out }
}

/** Every set of models but the empty one. */
function subsets(count: number): number[][] {
  return Array.from({ length: 2 ** count - 1 }, (_, mask) =>
    Array.from({ length: count }, (__, m) => m).filter((m) => ((mask + 1) >> m) & 1),
  )
}

/** Null when the set helps nowhere. `inputs`: of each model of the set, n × 168 × quantities. */
function fitSet(inputs: readonly Float64Array[], residuals: Float64Array, n: number): Regression | null {
  const per = EXOGENOUS.length
  const p = 1 + inputs.length * per
  const corrections = new Float64Array(n * H)
  const beta: Float64Array[] = []
  const factors: Float64Array[] = []
  const x = new Float64Array(p)
  for (let g = 0; g < G; g++) {
    const [first, last] = LEAD_GROUPS[g]!
    /** One sample into x, without factors; false where the truth or a model of the set is not there. */
    const sample = (r: number, h: number): boolean => {
      if (Number.isNaN(residuals[r * H + h]!)) return false
      x[0] = 1
      for (let m = 0; m < inputs.length; m++) {
        const at = (r * H + h) * per
        if (!isThere(inputs[m]!, at, per)) return false
        for (let i = 0; i < per; i++) x[1 + m * per + i] = orNormal(inputs[m]![at + i]!)
      }
      return true
    }
    const blocks = Array.from({ length: BLOCKS }, (_, b) => {
      const sums = { gram: new Float64Array(p * p), cross: new Float64Array(p), count: 0 }
      for (let r = Math.floor((n * b) / BLOCKS); r < Math.floor((n * (b + 1)) / BLOCKS); r++)
        for (let h = first - 1; h < last; h++) {
          if (!sample(r, h)) continue
          sums.count++
          for (let i = 0; i < p; i++) {
            for (let j = i; j < p; j++) sums.gram[i * p + j]! += x[i]! * x[j]!
            sums.cross[i]! += x[i]! * residuals[r * H + h]!
          }
        }
      return sums
    })
    const total = summed(blocks, p)
    const scale = Float64Array.from({ length: p - 1 }, (_, i) => {
      const square = total.gram[(1 + i) * p + 1 + i]! / Math.max(1, total.count)
      return square > 1e-9 ? 1 / Math.sqrt(square) : 0
    })
    factors.push(scale)
    beta.push(solve(total, scale, p))
    for (let b = 0; b < BLOCKS; b++) {
      const without = solve(
        summed(
          blocks.filter((_, other) => other !== b),
          p,
        ),
        scale,
        p,
      )
      for (let r = Math.floor((n * b) / BLOCKS); r < Math.floor((n * (b + 1)) / BLOCKS); r++)
        for (let h = first - 1; h < last; h++) {
          if (!sample(r, h)) continue
          let value = without[0]!
          for (let i = 0; i < p - 1; i++) value += without[1 + i]! * scale[i]! * x[1 + i]!
          corrections[r * H + h] = value
        }
    }
  }
  const fade = LEAD_GROUPS.map((_, g) => chooseFade(residuals, corrections, n, g))
  if (fade.every((value) => value === 0)) return null
  return { beta, factors, fade, errorShare: errorSharesWhereThere(residuals, corrections, fade) }
}

type Sums = { readonly gram: Float64Array; readonly cross: Float64Array; readonly count: number }

function summed(blocks: readonly Sums[], p: number): Sums {
  const gram = new Float64Array(p * p)
  const cross = new Float64Array(p)
  let count = 0
  for (const block of blocks) {
    block.gram.forEach((value, i) => (gram[i]! += value))
    block.cross.forEach((value, i) => (cross[i]! += value))
    count += block.count
  }
  return { gram, cross, count }
}

function solve({ gram, cross, count }: Sums, scale: Float64Array, p: number): Float64Array {
  const factorOf = (i: number): number => (i === 0 ? 1 : scale[i - 1]!)
  const scaled = gram.map((value, at) => value * factorOf(Math.floor(at / p)) * factorOf(at % p))
  const right = cross.map((value, i) => value * factorOf(i))
  const beta = new Float64Array(p)
  solveColumns(
    cholesky(scaled, p, () => PENALTY * count + 1e-9),
    right,
    1,
    0,
    1,
    beta,
  )
  return beta
}

/** The fade with the least error on origins left out, 0 unless the gain is there in nearly every block of time. */
function chooseFade(residuals: Float64Array, corrections: Float64Array, n: number, g: number): number {
  const [first, last] = LEAD_GROUPS[g]!
  const losses = [0, ...FADES].map((fade) => {
    const byBlock = new Float64Array(BLOCKS)
    let rows = 0
    for (let r = 0; r < n; r++) {
      let isUsed = false
      for (let i = r * H + first - 1; i < r * H + last; i++) {
        const e = residuals[i]!
        if (e !== e || corrections[i] === 0) continue
        byBlock[Math.min(BLOCKS - 1, Math.floor((r * BLOCKS) / n))]! += Math.abs(e - fade * corrections[i]!)
        isUsed = true
      }
      if (isUsed) rows++
    }
    return { fade, byBlock, rows, sum: byBlock.reduce((a, b) => a + b, 0) }
  })
  const none = losses[0]!
  const best = losses.reduce((a, b) => (b.sum < a.sum ? b : a))
  const gaining = best.byBlock.filter((loss, b) => loss < none.byBlock[b]!).length
  const isGain = gaining >= BLOCKS_THAT_GAIN && best.sum < none.sum * (1 - LEAST_GAIN)
  return none.rows >= MIN_ROWS && isGain ? best.fade : 0
}

/** Only of hours that the models spoke about: the others are not corrected, and keep their width. */
function errorSharesWhereThere(residuals: Float64Array, corrections: Float64Array, fade: readonly number[]): number[] {
  return errorShares(
    residuals.map((value, i) => (corrections[i] === 0 ? Number.NaN : value)),
    corrections,
    fade,
  )
}
