/**
 * Analog ensemble (Delle Monache et al. 2013, for a station alone): the past hours whose inputs were most like the present ones, and what came
 * after them. Likeness is the distance of standardised departures, each weighted by how much it has told about the departures ahead.
 */
import { COLUMN_COUNT, FEATURE_COUNT, FEATURE_SET, HOUR_MS } from '../features/index.ts'
import { FORECAST_VARIABLES, type ForecastVariable, HORIZON_HOURS, QUANTILE_LEVELS } from '../../schemas/quantities.ts'
import { annualAngle, hourOfDay } from './climatology.ts'
import { ArtefactError, type Arrays, type Header, pack, takeArray } from './container.ts'
import { DEPARTURE_COUNT, linearInputs, NEWEST_INPUT } from './inputs.ts'
import { GROUP_OF_LEAD, LEAD_GROUPS } from './lead-groups.ts'
import { possibleHistory, possibleVector } from './possible.ts'
import { near, usableRows } from './random-feature-ridge.ts'
import { fitStationClimate, OWN } from './station-climate.ts'
import { allLeads, type Family, type FamilyFitted, type TrainingSet } from './types.ts'
import { fitDamping } from './young-station.ts'

const H = HORIZON_HOURS
const Q = QUANTILE_LEVELS.length
const ANALOGS = 120
/** Fewest past hours to choose from; with fewer than ANALOGS / SHARE of them fewer analogs are taken. */
const MIN_ROWS = 60
const SHARE = 0.15
/** Hours of the day around the hour of issue, and more with little history. */
const HALF_WIDTH_HOURS = 2
const WANTED_ROWS = 700
/** Past hours on which the intervals are measured, about. */
const CALIBRATED = 160
/** An analog nearer than this to the hour it is compared with would be its own weather, hours. */
const GAP_HOURS = HORIZON_HOURS + 24
/** Weight of the season in the distance: half a year apart counts as so many standard deviations of one input that tells everything. */
const SEASON_WEIGHT = 0.15
/** Members closer than this count as apart: no division by nothing. */
const SMALLEST_DEVIATION = 1e-3

const NAME = 'analog-ensemble'

/** The past itself is what is learnt: nothing is chosen before the present is known. */
export const analogEnsemble: Family = {
  name: NAME,
  fit: (history, { variable }) => ({ ok: true, fitted: fittedAnalogs(possibleHistory(history, [variable]), variable) }),
}

function fittedAnalogs(past: TrainingSet, variable: ForecastVariable): FamilyFitted {
  return {
    family: NAME,
    variable,
    predict: ({ validAtMs, features }) =>
      forecast(withPresent(past, Math.round(validAtMs / HOUR_MS), possibleVector(features)), variable),
    serialise: () =>
      pack(
        { family: NAME, variable, featureSet: FEATURE_SET, golden: [], startHour: past.startHour },
        { target: past.targets[variable], featureHours: past.featureHours, features: past.features },
      ),
    describe: () => ({ family: NAME, variable, featureSet: FEATURE_SET, hours: past.featureHours.length, analogs: ANALOGS }),
  }
}

/** Null: not the artefact of analogs. Throws ArtefactError when an array is missing. */
export function decodeAnalogs(header: Header, arrays: Arrays): FamilyFitted | null {
  if (header.family !== NAME) return null
  const { variable, startHour } = header as unknown as { variable: ForecastVariable; startHour: number }
  if (!(variable in OWN) || !Number.isInteger(startHour))
    throw new ArtefactError('artefact-format', 'the header lacks what this family needs')
  const lengthOf = (name: string): number => arrays[name]?.length ?? 0
  const featureHours = Float64Array.from(takeArray(arrays, 'featureHours', lengthOf('featureHours')))
  const target = Float64Array.from(takeArray(arrays, 'target', lengthOf('target')))
  const nothing = new Float64Array(target.length).fill(Number.NaN)
  const others = Object.fromEntries(FORECAST_VARIABLES.map((name) => [name, nothing])) as Record<ForecastVariable, Float64Array>
  const features = Float32Array.from(takeArray(arrays, 'features', featureHours.length * FEATURE_COUNT))
  return fittedAnalogs({ startHour, targets: { ...others, [variable]: target }, featureHours, features }, variable)
}

/** The present is the last row: the same history where it is. */
function withPresent(past: TrainingSet, hour: number, features: Float32Array): TrainingSet {
  const rows = past.featureHours.length
  const last = past.features.subarray((rows - 1) * FEATURE_COUNT)
  if (past.featureHours[rows - 1] === hour && features.every((value, i) => Object.is(value, last[i]))) return past
  const before = past.featureHours.findIndex((at) => at >= hour)
  const kept = before < 0 ? rows : before
  const all = new Float32Array((kept + 1) * FEATURE_COUNT)
  all.set(past.features.subarray(0, kept * FEATURE_COUNT))
  all.set(features, kept * FEATURE_COUNT)
  const hours = new Float64Array(kept + 1)
  hours.set(past.featureHours.subarray(0, kept))
  hours[kept] = hour
  return { ...past, features: all, featureHours: hours }
}

/** From everything known, the present last. */
function forecast(known: TrainingSet, variable: ForecastVariable): ReturnType<FamilyFitted['predict']> {
  const { column, factor, low, high } = OWN[variable]
  const refused = (why: string) => ({ refused: `${NAME}: ${why}` })
  const origin = known.featureHours.at(-1)
  const fittedClimate = fitStationClimate(known, false)
  const climatology = origin === undefined ? null : fittedClimate.lookupsAt(origin)[column]
  if (origin === undefined || !climatology) return refused(`fewer than 24 observed hours of ${variable}`)
  const usable = usableRows(known, known.targets[variable])
  const hour = hourOfDay(origin)
  const halfWidth = Math.min(12, Math.max(HALF_WIDTH_HOURS, Math.ceil((WANTED_ROWS / (usable.length / 24 + 1) - 1) / 2)))
  const chosen = near(known, usable, hour, halfWidth)
  if (chosen.length < MIN_ROWS)
    return refused(`${chosen.length} past hours like this one in time of day with a week observed after them, needs ${MIN_ROWS}`)

  const library = createLibrary(known, variable, [...chosen, known.featureHours.length - 1], fittedClimate)
  const { damping, bases } = library
  const now = chosen.length
  const isProbability = variable === 'precipitationProbabilityPct'
  const spreads = isProbability ? null : calibrate(library, now)
  const members = library.after(now, nearest(library, now, now))
  const quantiles = new Float32Array(H * Q)
  const sorted = new Float64Array(members.count)
  for (let h = 0; h < H; h++) {
    const base = factor * (climatology.at(origin + h + 1) + bases[now]!)
    const { centre, deviation } = isProbability ? { centre: members.mean(h), deviation: 0 } : members.summary(h, sorted)
    for (let q = 0; q < Q; q++) {
      const value = base + centre + (spreads ? spreads[GROUP_OF_LEAD[h]! * Q + q]! * deviation : 0)
      quantiles[h * Q + q] = Math.min(high, Math.max(low, value))
    }
  }
  // The damped newest departure is what the members are moved by; without an own value there is nothing to move.
  return damping.rows > 0 ? { leadHours: allLeads(), quantiles } : refused(`no hour with a value of ${variable}`)
}

type Library = ReturnType<typeof createLibrary>

/** Inputs (standardised, weighted) of the rows, and access to what came after them. The last row is the present and is in no statistics. */
function createLibrary(
  known: TrainingSet,
  variable: ForecastVariable,
  rows: readonly number[],
  fitted: ReturnType<typeof fitStationClimate>,
) {
  const { column, factor } = OWN[variable]
  const { lookupsAt, offsets } = fitted
  const lookups = lookupsAt(known.startHour)
  const climatology = lookups[column]!
  const target = known.targets[variable]
  const damping = fitDamping(known, variable, fitted)
  const n = rows.length
  const width = DEPARTURE_COUNT + 2
  const x = new Float64Array(n * width)
  const hours = Float64Array.from(rows, (row) => known.featureHours[row]!)
  const bases = new Float64Array(n)
  const newest = new Float64Array(n)
  for (let r = 0; r < n; r++) {
    const vector = known.features.subarray(rows[r]! * FEATURE_COUNT, (rows[r]! + 1) * FEATURE_COUNT)
    const recentred = offsets.subarray(rows[r]! * COLUMN_COUNT, (rows[r]! + 1) * COLUMN_COUNT)
    bases[r] = recentred[column]!
    linearInputs(lookups, recentred, vector, hours[r]!, x.subarray(r * width, r * width + DEPARTURE_COUNT))
    const own = x[r * width + NEWEST_INPUT[column]!]!
    newest[r] = own === own ? own * factor : 0
  }
  const departureAt = (r: number, h: number): number =>
    target[hours[r]! + h + 1 - known.startHour]! - factor * (climatology.at(hours[r]! + h + 1) + bases[r]!)
  weigh(x, n - 1, n, width, telling(x, n - 1, width, departureAt))
  for (let r = 0; r < n; r++) {
    const angle = annualAngle(hours[r]!)
    x[r * width + DEPARTURE_COUNT] = SEASON_WEIGHT * Math.cos(angle)
    x[r * width + DEPARTURE_COUNT + 1] = SEASON_WEIGHT * Math.sin(angle)
  }
  return {
    x,
    width,
    hours,
    bases,
    damping,
    departureAt,
    /** Departures after each analog, moved by the damped difference of the newest ones, as seen from row `at`. */
    after(at: number, analogs: readonly number[]) {
      const shareAt = (h: number): number => (variable === 'precipitationProbabilityPct' ? 0 : damping.share[h]!)
      const valueAt = (r: number, h: number): number => departureAt(r, h) + shareAt(h) * (newest[at]! - newest[r]!)
      const mean = (h: number): number => {
        let sum = 0
        let count = 0
        for (const r of analogs) {
          const value = valueAt(r, h)
          if (value !== value) continue
          sum += value
          count++
        }
        return count > 0 ? sum / count : 0
      }
      return {
        count: analogs.length,
        mean,
        /** Mean of mean and median (the mean is steadier, the median is what is scored), and the deviation. */
        summary(h: number, scratch: Float64Array): { centre: number; deviation: number } {
          let count = 0
          let sum = 0
          for (const r of analogs) {
            const value = valueAt(r, h)
            if (value !== value) continue
            scratch[count++] = value
            sum += value
          }
          if (count === 0) return { centre: 0, deviation: SMALLEST_DEVIATION }
          const sorted = scratch.subarray(0, count).sort()
          const average = sum / count
          let squares = 0
          for (const value of sorted) squares += (value - average) ** 2
          const median = (sorted[(count - 1) >> 1]! + sorted[count >> 1]!) / 2
          return { centre: (average + median) / 2, deviation: Math.max(SMALLEST_DEVIATION, Math.sqrt(squares / count)) }
        },
      }
    },
  }
}

/** Mean over lead groups of the squared correlation of each input with the departure at the group's middle, as a weight that adds up to 1. */
function telling(x: Float64Array, n: number, width: number, departureAt: (r: number, h: number) => number): Float64Array {
  const weights = new Float64Array(DEPARTURE_COUNT)
  for (const [first, last] of LEAD_GROUPS) {
    const y = Float64Array.from({ length: n }, (_, r) => departureAt(r, Math.floor((first + last) / 2) - 1))
    for (let i = 0; i < DEPARTURE_COUNT; i++) weights[i] = weights[i]! + correlation(x, i, width, y) ** 2
  }
  const total = weights.reduce((a, b) => a + b, 0)
  return weights.map((w) => (total > 0 ? w / total : 1 / DEPARTURE_COUNT))
}

function correlation(x: Float64Array, i: number, width: number, y: Float64Array): number {
  let n = 0
  let sx = 0
  let sy = 0
  let sxx = 0
  let syy = 0
  let sxy = 0
  for (let r = 0; r < y.length; r++) {
    const a = x[r * width + i]!
    const b = y[r]!
    if (a !== a || b !== b) continue
    n++
    sx += a
    sy += b
    sxx += a * a
    syy += b * b
    sxy += a * b
  }
  const spread = (sxx - (sx * sx) / n) * (syy - (sy * sy) / n)
  return n > 2 && spread > 1e-12 ? (sxy - (sx * sy) / n) / Math.sqrt(spread) : 0
}

/** Each input to mean 0 and deviation √weight over the first `fittedOn` rows; missing ones to 0. */
function weigh(x: Float64Array, fittedOn: number, n: number, width: number, weights: Float64Array): void {
  for (let i = 0; i < DEPARTURE_COUNT; i++) {
    let count = 0
    let sum = 0
    let squares = 0
    for (let r = 0; r < fittedOn; r++) {
      const v = x[r * width + i]!
      if (v !== v) continue
      count++
      sum += v
      squares += v * v
    }
    const mean = count > 0 ? sum / count : 0
    const deviation = count > 0 ? Math.sqrt(Math.max(0, squares / count - mean * mean)) : 0
    const scale = deviation > 1e-6 ? Math.sqrt(weights[i]!) / deviation : 0
    for (let r = 0; r < n; r++) {
      const v = x[r * width + i]!
      x[r * width + i] = v === v ? (v - mean) * scale : 0
    }
  }
}

/** Rows 0…among−1 nearest to row `at`, none within GAP_HOURS of it in time; ties go to the earlier one. */
function nearest({ x, width, hours }: Library, at: number, among: number): number[] {
  const found: Array<{ r: number; d: number }> = []
  for (let r = 0; r < among; r++) {
    if (Math.abs(hours[r]! - hours[at]!) < GAP_HOURS) continue
    let d = 0
    for (let i = 0, a = r * width, b = at * width; i < width; i++) d += (x[a + i]! - x[b + i]!) ** 2
    found.push({ r, d })
  }
  const wanted = Math.max(1, Math.min(ANALOGS, Math.round(SHARE * found.length)))
  return found
    .toSorted((a, b) => a.d - b.d || a.r - b.r)
    .slice(0, wanted)
    .map(({ r }) => r)
}

/** By lead group and level: error of past forecasts (their own weather left out) in units of the members' deviation. */
function calibrate(library: Library, among: number): Float64Array {
  const stride = Math.max(1, Math.floor(among / CALIBRATED))
  const errors: number[][] = LEAD_GROUPS.map(() => [])
  const scratch = new Float64Array(ANALOGS)
  for (let at = 0; at < among; at += stride) {
    const members = library.after(at, nearest(library, at, among))
    for (const [g, [first, last]] of LEAD_GROUPS.entries()) {
      for (let h = first - 1; h < last; h += Math.max(1, (last - first) >> 2)) {
        const { centre, deviation } = members.summary(h, scratch)
        const e = (library.departureAt(at, h) - centre) / deviation
        if (e === e) errors[g]!.push(e)
      }
    }
  }
  const table = new Float64Array(LEAD_GROUPS.length * Q)
  errors.forEach((list, g) => {
    const sorted = Float64Array.from(list).sort()
    QUANTILE_LEVELS.forEach((level, q) => {
      table[g * Q + q] = sorted[Math.min(sorted.length - 1, Math.floor(level * sorted.length))] ?? 0
    })
  })
  return table
}
