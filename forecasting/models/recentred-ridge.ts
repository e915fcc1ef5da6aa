/**
 * Recentred harmonic climatology plus a direct ridge on the recent anomalies, one regression per lead, penalty growing with lead, so that
 * the forecast fades to climatology where the past says nothing (a damped anomaly). Quantiles are those of residuals on blocks of
 * origins left out of the fit with a gap of a horizon on both sides, never of in-sample residuals.
 */
import { FEATURE_COUNT, FEATURE_SET, FEATURES, COLUMN, HOUR_MS, MONTH_MEAN_INDEX } from '../features/index.ts'
import { type ForecastVariable, HORIZON_HOURS, QUANTILE_LEVELS } from '../../schemas/quantities.ts'
import { createBucketScores, verifyLead } from '../verification/index.ts'
import { encodeArtefact } from './artefact.ts'
import { climatologyAt, fitClimatology, FULL_YEAR_HOURS, TERMS } from './climatology.ts'
import { accumulate, cholesky, solveColumns } from './linear.ts'
import type { Fitted, FitOptions, FitResult, ModelFamily, Prediction, TrainingSet } from './types.ts'

const H = HORIZON_HOURS
const Q = QUANTILE_LEVELS.length
const MONTH = 720
const MIN_ROWS = 14 * 24
const MAX_ROWS = 2400
const BLOCKS = 5
/** λ(h) = 0.003·h^1.1 per unit weight, constant within these lead groups (one factorisation each). */
const LEAD_GROUPS = [
  [1, 2],
  [3, 4],
  [5, 6],
  [7, 9],
  [10, 13],
  [14, 18],
  [19, 24],
  [25, 36],
  [37, 54],
  [55, 80],
  [81, 120],
  [121, 168],
] as const
const FADES = [0, 0.25, 0.5, 0.75, 1]
/**
 * Share of the 30-day mean anomaly that is taken to last. With less than a year of history the annual cycle is less well known, and the
 * last month says more: measured on windows of six months of five stations, 0.7 is better than 0.5 and than 1 (docs/adr/007-less-than-a-year.md).
 */
const RECENTRE = { full: 0.6, partial: 0.7 }
const FOLLOWS_THE_SUN: ReadonlySet<ForecastVariable> = new Set(['temperatureC', 'dewPointC'])

const OWN: Record<ForecastVariable, { column: number; low: number; high: number }> = {
  temperatureC: { column: COLUMN.temperatureC, low: -95, high: 65 },
  dewPointC: { column: COLUMN.dewPointC, low: -100, high: 45 },
  relativeHumidityPct: { column: COLUMN.relativeHumidityPct, low: 0, high: 100 },
  pressureHpa: { column: COLUMN.pressureHpa, low: 850, high: 1100 },
  windSpeedMps: { column: COLUMN.windSpeedMps, low: 0, high: 120 },
  precipitationProbabilityPct: { column: COLUMN.precipitationMm, low: 0, high: 100 },
}

const INPUTS = FEATURES.map((definition, index) => ({ ...definition, index })).filter(({ window }) => window !== MONTH)
/** Constant, inputs, sine and cosine of the hour, and their products with the own newest anomaly. */
const P = 1 + INPUTS.length + 4

export type RidgeState = {
  readonly variable: ForecastVariable
  readonly climatology: Float64Array
  readonly recentre: number
  /** Standard deviation of each input. */
  readonly scale: Float64Array
  readonly beta: Float64Array
  /** Quantiles of the residuals by lead group, 12 × 7. */
  readonly residuals: Float64Array
  readonly card: Readonly<Record<string, unknown>>
}

export const recentredRidge: ModelFamily = { name: 'recentred-ridge', fit }

function fit(history: TrainingSet, { variable }: FitOptions): FitResult {
  const target = history.targets[variable]
  const climatology = fitClimatology(history.startHour, target, FOLLOWS_THE_SUN.has(variable))
  if (climatology === null) return { ok: false, refused: `fewer than 240 observed hours of ${variable}` }
  const recentre = target.length >= FULL_YEAR_HOURS ? RECENTRE.full : RECENTRE.partial
  const origins = chooseOrigins(history, target)
  const n = origins.length
  if (n < MIN_ROWS / 2) return { ok: false, refused: `${n} usable origins of ${variable}; ${MIN_ROWS / 2} are needed` }

  const x = new Float64Array(n * P)
  const y = new Float64Array(n * H)
  const bases = new Float64Array(n * H)
  const scratch = new Float64Array(TERMS)
  origins.forEach((row, r) => {
    const hour = history.featureHours[row]!
    const vector = history.features.subarray(row * FEATURE_COUNT, (row + 1) * FEATURE_COUNT)
    const shift = recentre * monthAnomaly(climatology, variable, vector, hour)
    fillInputs(variable, climatology, vector, hour, shift, null, x.subarray(r * P, (r + 1) * P))
    for (let h = 1; h <= H; h++) {
      const base = climatologyAt(climatology, hour + h, scratch) + shift
      bases[r * H + h - 1] = base
      const observed = target[hour + h - history.startHour]!
      y[r * H + h - 1] = Number.isNaN(observed) ? Number.NaN : observed - base
    }
    fillGaps(y, r * H)
  })
  const scale = standardise(x, n)
  const edges = Array.from({ length: BLOCKS + 1 }, (_, k) => Math.floor((n * k) / BLOCKS))
  const hourOf = (r: number): number => history.featureHours[origins[r]!]!
  const out = new Float64Array(n * H)
  for (let k = 0; k < BLOCKS; k++) {
    const from = edges[k]!
    const to = edges[k + 1]!
    let before = from
    while (before > 0 && hourOf(from) - hourOf(before - 1) <= H + 24) before--
    let after = to
    while (after < n && hourOf(after) - hourOf(to - 1) <= H + 24) after++
    const beta = regress(x, y, [
      [0, before],
      [after, n],
    ])
    for (let r = from; r < to; r++) apply(beta, x.subarray(r * P, (r + 1) * P), out.subarray(r * H, (r + 1) * H))
  }
  const fade = chooseFades(y, out, n)
  const beta = regress(x, y, [[0, n]])
  for (let i = 0; i < P; i++) for (let h = 0; h < H; h++) beta[i * H + h]! *= fade[h]!
  const residuals = residualQuantiles(y, out, fade, n)
  const state: RidgeState = {
    variable,
    climatology,
    recentre,
    scale,
    beta,
    residuals,
    card: { rows: n, inputs: P, blocks: BLOCKS, fade: LEAD_GROUPS.map(([a]) => fade[a - 1]) },
  }
  return { ok: true, fitted: createFitted(state), rows: n, scores: scoreLeftOut(state, history, origins, bases, out, fade) }
}

/** Rebuilds the model from its state; predict is a pure function of state and input. */
export function createFitted(state: RidgeState): Fitted {
  const { variable, climatology, recentre, beta, residuals } = state
  const { column, low, high } = OWN[variable]
  const isProbability = variable === 'precipitationProbabilityPct'
  const lagIndex = FEATURES.findIndex((f) => f.column === column && f.offset === 0 && f.window === 1)
  return {
    family: recentredRidge.name,
    variable,
    predict({ validAtMs, features }): Prediction {
      const hour = validAtMs / HOUR_MS
      const scratch = new Float64Array(TERMS)
      const shift = recentre * monthAnomaly(climatology, variable, features, hour)
      const x = new Float64Array(P)
      fillInputs(variable, climatology, features, hour, shift, state.scale, x)
      const anomaly = new Float64Array(H)
      apply(beta, x, anomaly)
      const quantiles = new Float32Array(H * Q)
      const recentred = new Float32Array(H)
      for (let h = 0; h < H; h++) {
        const base = climatologyAt(climatology, hour + h + 1, scratch) + shift
        recentred[h] = clamp(base, low, high)
        const centre = base + anomaly[h]!
        const group = groupOf(h + 1)
        for (let q = 0; q < Q; q++)
          quantiles[h * Q + q] = clamp(isProbability ? centre : centre + residuals[group * Q + q]!, low, high)
      }
      const newest = features[lagIndex]! * (isProbability ? 100 : 1)
      return {
        leadHours: Int32Array.from({ length: H }, (_, h) => h + 1),
        quantiles,
        persistence: new Float32Array(H).fill(newest),
        recentredClimatology: recentred,
        degradedBecause: missingInputs(features, lagIndex),
      }
    },
    serialise: () => encodeArtefact(state),
    describe: () => ({ family: recentredRidge.name, variable, featureSet: FEATURE_SET, ...state.card }),
  }
}

function chooseOrigins(history: TrainingSet, target: Float64Array): number[] {
  const usable: number[] = []
  for (let row = 0; row < history.featureHours.length; row++) {
    const first = history.featureHours[row]! + 1 - history.startHour
    if (first < 0 || first + H > target.length) continue
    let missing = 0
    for (let h = 0; h < H; h++) if (Number.isNaN(target[first + h]!)) missing++
    if (missing <= H / 10) usable.push(row)
  }
  // An odd stride visits every hour of the day.
  let stride = Math.ceil(usable.length / MAX_ROWS)
  if (stride > 1 && stride % 2 === 0) stride++
  return usable.filter((_, i) => i % stride === 0)
}

/** Mean anomaly of the last 30 days, 0 when unknown. */
function monthAnomaly(climatology: Float64Array, variable: ForecastVariable, features: Float32Array, hour: number): number {
  const mean = features[MONTH_MEAN_INDEX[OWN[variable].column]!]! * (variable === 'precipitationProbabilityPct' ? 100 : 1)
  if (Number.isNaN(mean)) return 0
  const scratch = new Float64Array(TERMS)
  let sum = 0
  // Every fifth hour samples the diurnal cycle evenly (5 and 24 have no common factor).
  for (let h = 0; h < MONTH; h += 5) sum += climatologyAt(climatology, hour - h, scratch)
  return mean - sum / (MONTH / 5)
}

function fillInputs(
  variable: ForecastVariable,
  climatology: Float64Array,
  features: Float32Array,
  hour: number,
  shift: number,
  scale: Float64Array | null,
  out: Float64Array,
): void {
  const own = OWN[variable].column
  const scratch = new Float64Array(TERMS)
  out[0] = 1
  let newest = 0
  INPUTS.forEach(({ index, kind, column, offset, window }, i) => {
    const value = features[index]!
    let input = 0
    if (!Number.isNaN(value)) {
      if (kind === 'lag' && column === own) input = value - climatologyAt(climatology, hour - offset, scratch) - shift
      else if (kind === 'wet' || kind === 'range') input = value
      else {
        const monthMean = features[MONTH_MEAN_INDEX[column]!]!
        input = Number.isNaN(monthMean) ? 0 : value - monthMean
      }
    }
    if (column === own && offset === 0 && window === 1) newest = input
    out[1 + i] = input
  })
  const angle = (2 * Math.PI * hour) / 24
  const k = 1 + INPUTS.length
  out[k] = Math.sin(angle)
  out[k + 1] = Math.cos(angle)
  out[k + 2] = Math.sin(angle) * newest
  out[k + 3] = Math.cos(angle) * newest
  if (scale) for (let i = 1; i < P; i++) out[i]! *= scale[i]!
}

/** Divides each column by its standard deviation, in place; returns the factors. */
function standardise(x: Float64Array, n: number): Float64Array {
  const factors = new Float64Array(P).fill(1)
  for (let i = 1; i < P; i++) {
    let sum = 0
    let squares = 0
    for (let r = 0; r < n; r++) {
      const v = x[r * P + i]!
      sum += v
      squares += v * v
    }
    const deviation = Math.sqrt(Math.max(squares / n - (sum / n) ** 2, 0))
    factors[i] = deviation > 1e-9 ? 1 / deviation : 0
    for (let r = 0; r < n; r++) x[r * P + i]! *= factors[i]!
  }
  return factors
}

function regress(x: Float64Array, y: Float64Array, ranges: ReadonlyArray<readonly [number, number]>): Float64Array {
  const gram = new Float64Array(P * P)
  const cross = new Float64Array(P * H)
  let rows = 0
  for (const [from, to] of ranges) {
    if (to <= from) continue
    rows += to - from
    accumulate(x, P, y, H, from, to, gram, cross)
  }
  const beta = new Float64Array(P * H)
  for (const [first, last] of LEAD_GROUPS) {
    const lambda = 0.003 * ((first + last) / 2) ** 1.1 * rows
    solveColumns(
      cholesky(gram, P, (i) => (i === 0 ? 1e-6 * rows : lambda)),
      P,
      cross,
      H,
      first - 1,
      last,
      beta,
    )
  }
  return beta
}

function apply(beta: Float64Array, x: Float64Array, out: Float64Array): void {
  out.fill(0)
  for (let i = 0; i < P; i++) {
    const v = x[i]!
    if (v === 0) continue
    const b = i * H
    for (let h = 0; h < H; h++) out[h]! += v * beta[b + h]!
  }
}

/** Per lead group the share of the regression that does best on left-out origins: 0 is climatology. */
function chooseFades(y: Float64Array, out: Float64Array, n: number): Float64Array {
  const fades = new Float64Array(H)
  for (const [first, last] of LEAD_GROUPS) {
    let best = 0
    let bestLoss = Number.POSITIVE_INFINITY
    for (const fade of FADES) {
      let loss = 0
      for (let r = 0; r < n; r++) for (let h = first - 1; h < last; h++) loss += Math.abs(y[r * H + h]! - fade * out[r * H + h]!)
      if (loss < bestLoss) [best, bestLoss] = [fade, loss]
    }
    fades.fill(best, first - 1, last)
  }
  return fades
}

function residualQuantiles(y: Float64Array, out: Float64Array, fade: Float64Array, n: number): Float64Array {
  const table = new Float64Array(LEAD_GROUPS.length * Q)
  LEAD_GROUPS.forEach(([first, last], g) => {
    const sorted = new Float64Array(n * (last - first + 1))
    let i = 0
    for (let r = 0; r < n; r++) for (let h = first - 1; h < last; h++) sorted[i++] = y[r * H + h]! - fade[h]! * out[r * H + h]!
    sorted.sort()
    QUANTILE_LEVELS.forEach((level, q) => {
      table[g * Q + q] = sorted[Math.min(sorted.length - 1, Math.floor(level * sorted.length))]!
    })
  })
  return table
}

function scoreLeftOut(
  state: RidgeState,
  history: TrainingSet,
  origins: readonly number[],
  bases: Float64Array,
  out: Float64Array,
  fade: Float64Array,
) {
  const { variable, residuals } = state
  const { low, high, column } = OWN[variable]
  const lagIndex = FEATURES.findIndex((f) => f.column === column && f.offset === 0 && f.window === 1)
  const models = {
    candidate: createBucketScores(),
    persistence: createBucketScores(),
    'recentred-climatology': createBucketScores(),
  }
  const point = (value: number): number[] => new Array<number>(Q).fill(clamp(value, low, high))
  const quantiles = new Float64Array(Q)
  const isProbability = variable === 'precipitationProbabilityPct'
  // Every seventh origin is enough for scores and keeps all hours of the day.
  for (let r = 0; r < origins.length; r += 7) {
    const row = origins[r]!
    const hour = history.featureHours[row]!
    const newest = history.features[row * FEATURE_COUNT + lagIndex]! * (isProbability ? 100 : 1)
    for (let h = 1; h <= H; h++) {
      const observed = history.targets[variable][hour + h - history.startHour]!
      if (Number.isNaN(observed) || Number.isNaN(newest)) continue
      const i = r * H + h - 1
      const centre = bases[i]! + fade[h - 1]! * out[i]!
      for (let q = 0; q < Q; q++)
        quantiles[q] = clamp(isProbability ? centre : centre + residuals[groupOf(h) * Q + q]!, low, high)
      models.candidate.add(h, verifyLead(quantiles, observed, variable))
      models.persistence.add(h, verifyLead(point(newest), observed, variable))
      models['recentred-climatology'].add(h, verifyLead(point(bases[i]!), observed, variable))
    }
  }
  return Object.entries(models).flatMap(([model, scores]) => scores.result().map((score) => ({ model, ...score })))
}

/** Missing targets of a row: the neighbour in time, so that a gap adds nothing of its own; 0 when the row has none. */
function fillGaps(y: Float64Array, from: number): void {
  let last = 0
  for (let h = 0; h < H; h++) {
    if (Number.isNaN(y[from + h]!)) y[from + h] = last
    else last = y[from + h]!
  }
}

function missingInputs(features: Float32Array, lagIndex: number): string[] {
  const missing = INPUTS.filter(({ index }) => Number.isNaN(features[index]!)).length
  const because: string[] = []
  if (Number.isNaN(features[lagIndex]!)) because.push('the newest hour was not observed')
  if (missing > INPUTS.length / 4) because.push(`${missing} of ${INPUTS.length} inputs missing`)
  return because
}

function groupOf(lead: number): number {
  return LEAD_GROUPS.findIndex(([, last]) => lead <= last)
}

function clamp(value: number, low: number, high: number): number {
  return value < low ? low : value > high ? high : value
}
