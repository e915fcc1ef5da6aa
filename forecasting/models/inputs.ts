/**
 * The regressors: departures of the feature vector from what is normal, missing ones filled from their neighbours in time, then seeded
 * random features of the most telling ones (Rahimi & Recht 2007), which let a linear solve bend.
 */
import { COLUMN_COUNT, FEATURES, MONTH_HOURS } from '../features/index.ts'
import { createRng } from '../verification/index.ts'
import { annualAngle } from './climatology.ts'
import type { Lookups } from './station-climate.ts'
import { usualShare } from './usual.ts'

const USED = FEATURES.map((definition, index) => ({ ...definition, index })).filter(({ window }) => window !== MONTH_HOURS)
const HOUR_TERMS = 4
/** Inputs of linearInputs: features of the vector, then sine and cosine of the hour alone and times the newest temperature departure. */
export const DEPARTURE_COUNT = USED.length + HOUR_TERMS
/** What means something else in summer than in winter. */
const SEASONAL = [
  'temperatureC.lag0h',
  'temperatureC.mean24h.before0h',
  'dewPointC.mean24h.before0h',
  'pressureHpa.mean24h.before0h',
].map(linearInputOf)
/** Linear inputs: departures, and some of them times sine and cosine of the season (addSeasonTerms). */
export const LINEAR_COUNT = DEPARTURE_COUNT + 2 * SEASONAL.length

const KEY_NAMES = [
  ...[0, 3, 6, 12, 24].map((k) => `temperatureC.lag${k}h`),
  'temperatureC.mean24h.before0h',
  'temperatureC.mean24h.before24h',
  'temperatureC.range24h.before0h',
  'dewPointC.lag0h',
  'dewPointC.mean24h.before0h',
  ...[0, 6, 24].map((k) => `pressureHpa.lag${k}h`),
  'windU.lag0h',
  'windV.lag0h',
  'windU.mean6h.before0h',
  'windV.mean6h.before0h',
  'windU.mean24h.before0h',
  'windV.mean24h.before0h',
  'windSpeedMps.lag0h',
  'windSpeedMps.mean24h.before0h',
  'relativeHumidityPct.lag0h',
  'relativeHumidityPct.mean24h.before0h',
  'precipitationMm.wet3h.before0h',
  'precipitationMm.wet24h.before0h',
]
const KEYS = KEY_NAMES.map((name) => {
  const at = USED.findIndex((feature) => feature.name === name)
  if (at < 0) throw new Error(`no feature ${name}`)
  return at
})
const SEASON_TERMS = 2
const INPUTS_PER_UNIT = 3
const CLIP = 4

/** For every lag, the other lags of its column, nearest first: where a missing value is taken from. */
const NEAREST: ReadonlyArray<readonly number[]> = USED.map(({ kind, column, offset }) =>
  kind !== 'lag'
    ? []
    : USED.flatMap((other, at) =>
        other.kind === 'lag' && other.column === column && other.offset !== offset
          ? [{ at, away: Math.abs(other.offset - offset) }]
          : [],
      )
        .toSorted((a, b) => a.away - b.away)
        .map(({ at }) => at),
)
const TEMPERATURE_NOW = USED.findIndex(({ name }) => name === 'temperatureC.lag0h')

/** Position among the linear inputs of each column's newest departure. */
export const NEWEST_INPUT: readonly number[] = Array.from({ length: COLUMN_COUNT }, (_, column) =>
  USED.findIndex((feature) => feature.column === column && feature.offset === 0 && feature.window === 1),
)

/** Position among the linear inputs of a feature. */
export function linearInputOf(name: string): number {
  const at = USED.findIndex((feature) => feature.name === name)
  if (at < 0) throw new RangeError(`no linear input ${name}`)
  return at
}

/**
 * Fills out[0…DEPARTURE_COUNT) with departures from climatology + offset. NaN = not observed and no neighbour in time within reach.
 * `offsets`: see recentreOffsets.
 */
export function linearInputs(
  lookups: Lookups,
  offsets: Float64Array,
  features: Float32Array,
  hour: number,
  out: Float64Array,
): void {
  for (let i = 0; i < USED.length; i++) {
    const { index, kind, column, offset, window } = USED[i]!
    const value = features[index]!
    const climatology = lookups[column]
    if (value !== value || !climatology) out[i] = Number.NaN
    else if (kind === 'range') out[i] = value
    else if (kind === 'lag' || window === 1) out[i] = value - climatology.at(hour - offset) - offsets[column]!
    else if (window % 24 === 0) out[i] = value - climatology.dailyAt(hour - offset - (window - 1) / 2) - offsets[column]!
    else {
      let sum = 0
      for (let k = 0; k < window; k++) sum += climatology.at(hour - offset - k)
      out[i] = value - sum / window - offsets[column]!
    }
  }
  fillFromNeighbours(out)
  const angle = (2 * Math.PI * (hour % 24)) / 24
  const newest = out[TEMPERATURE_NOW]!
  out[USED.length] = Math.sin(angle)
  out[USED.length + 1] = Math.cos(angle)
  out[USED.length + 2] = Math.sin(angle) * newest
  out[USED.length + 3] = Math.cos(angle) * newest
}

/** Fills out[DEPARTURE_COUNT…LINEAR_COUNT) from the departures before. */
export function addSeasonTerms(out: Float64Array, hour: number): void {
  const angle = annualAngle(hour)
  const [sine, cosine] = [Math.sin(angle), Math.cos(angle)]
  SEASONAL.forEach((input, k) => {
    out[DEPARTURE_COUNT + 2 * k] = sine * out[input]!
    out[DEPARTURE_COUNT + 2 * k + 1] = cosine * out[input]!
  })
}

const observed = new Uint8Array(USED.length)

function fillFromNeighbours(out: Float64Array): void {
  for (let i = 0; i < USED.length; i++) observed[i] = out[i] === out[i] ? 1 : 0
  for (let i = 0; i < USED.length; i++) {
    if (observed[i] === 1) continue
    for (const at of NEAREST[i]!) {
      if (observed[at] === 0) continue
      // Nothing newer is known: an old departure is not the present one, it has faded on the way.
      const { column, offset } = USED[i]!
      const isStale = !NEAREST[i]!.some((other) => observed[other] === 1 && USED[other]!.offset < offset)
      out[i] = isStale ? out[at]! * usualShare(column, USED[at]!.offset - offset) : out[at]!
      break
    }
  }
}

/** Hours since the newest observed value of a column in the vector; the longest lag when there is none. */
export function hoursSinceObserved(features: Float32Array, column: number): number {
  let oldest = 0
  for (const { kind, column: of, offset, window, index } of USED) {
    if (of !== column || window !== 1) continue
    oldest = Math.max(oldest, offset)
    if (kind === 'lag' || kind === 'wet') {
      const value = features[index]!
      if (value === value) return offset
    }
  }
  return oldest
}

/**
 * Hours, at most, since the newest observed value that the vector shows of a column; null when it shows none. A mean, range or share of
 * n hours is there when half of them were observed, so that the newest of them is at most n/2 hours older than the newest it covers.
 */
export function newestShownHours(features: Float32Array, column: number): number | null {
  let newest: number | null = null
  for (const { column: of, offset, window, index } of USED) {
    const value = features[index]!
    if (of !== column || value !== value) continue
    const atMost = offset + Math.floor(window / 2)
    if (newest === null || atMost < newest) newest = atMost
  }
  return newest
}

/** How many of the inputs from these columns are missing, of how many, and the columns that show nothing at all. */
export function missingInputs(
  features: Float32Array,
  columns: ReadonlySet<number>,
): { readonly missing: number; readonly of: number; readonly unseen: readonly number[] } {
  const unseen = new Set(columns)
  let missing = 0
  let count = 0
  for (const { column, index } of USED) {
    if (!columns.has(column)) continue
    count++
    const value = features[index]!
    if (value === value) unseen.delete(column)
    else missing++
  }
  return { missing, of: count, unseen: [...unseen] }
}

/** Weights of the random features: the same seed gives the same on every machine. */
export type RandomFeatures = {
  readonly count: number
  readonly inputs: Int32Array
  readonly weights: Float64Array
  readonly biases: Float64Array
}

export function createRandomFeatures(count: number, seed: number): RandomFeatures {
  const uniform = createRng(seed)
  const normal = (): number => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform())
  const choices = KEYS.length + SEASON_TERMS
  const inputs = new Int32Array(count * INPUTS_PER_UNIT)
  const weights = new Float64Array(count * INPUTS_PER_UNIT)
  const biases = new Float64Array(count)
  for (let k = 0; k < count; k++) {
    const chosen = new Set<number>()
    while (chosen.size < INPUTS_PER_UNIT) chosen.add(Math.floor(uniform() * choices))
    let e = k * INPUTS_PER_UNIT
    for (const input of chosen) {
      inputs[e] = input
      weights[e++] = normal() / Math.sqrt(INPUTS_PER_UNIT)
    }
    biases[k] = 0.7 * normal()
  }
  return { count, inputs, weights, biases }
}

const keyed = new Float64Array(KEYS.length + SEASON_TERMS)

/** Writes tanh(w·z + b) of every unit to out[at…]. `linear` holds the standardised linear inputs from position `from`. */
export function addRandomFeatures(
  { count, inputs, weights, biases }: RandomFeatures,
  linear: Float64Array,
  from: number,
  hour: number,
  out: Float64Array,
  at: number,
): void {
  for (let k = 0; k < KEYS.length; k++) {
    const value = linear[from + KEYS[k]!]!
    keyed[k] = value < -CLIP ? -CLIP : value > CLIP ? CLIP : value
  }
  const season = annualAngle(hour)
  keyed[KEYS.length] = 1.4 * Math.sin(season)
  keyed[KEYS.length + 1] = 1.4 * Math.cos(season)
  for (let k = 0, e = 0; k < count; k++) {
    let sum = biases[k]!
    for (let i = 0; i < INPUTS_PER_UNIT; i++, e++) sum += keyed[inputs[e]!]! * weights[e]!
    out[at + k] = Math.tanh(sum)
  }
}
