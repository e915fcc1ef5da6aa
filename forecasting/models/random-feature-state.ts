/** A fitted random-feature ridge: what it is made of, its prediction, its bytes. */
import { COLUMN_COUNT, FEATURE_COUNT, FEATURE_SET, HOUR_MS, HOURLY_COLUMNS } from '../features/index.ts'
import { type ForecastVariable, HORIZON_HOURS, QUANTILE_LEVELS } from '../../schemas/quantities.ts'
import { type Climatology, directLookup } from './climatology.ts'
import { ArtefactError, type Arrays, type Header, pack, takeArray } from './container.ts'
import {
  addRandomFeatures,
  addSeasonTerms,
  createRandomFeatures,
  hoursSinceObserved,
  LINEAR_COUNT,
  linearInputs,
  missingInputs,
  newestShownHours,
} from './inputs.ts'
import { COURSE_LENGTH, noCourse } from './error-course.ts'
import { GROUP_OF_LEAD, LEAD_GROUPS } from './lead-groups.ts'
import { applyRow } from './linear.ts'
import { possibleVector } from './possible.ts'
import { logScales, type Spread } from './spread.ts'
import { clamp, NEWEST_INDEX, OWN, recentreOffset, recentreOffsets, type StationClimate } from './station-climate.ts'
import { allLeads, type Fitted, type Prediction } from './types.ts'

export const FAMILY = 'random-feature-ridge'
const H = HORIZON_HOURS
const Q = QUANTILE_LEVELS.length
/** One of every three hours of the day, so that every hour model is tried, 100 days apart. */
export const GOLDEN_HOURS = Array.from({ length: 8 }, (_, k) => 368_184 + k * 2403)
/** A forecast variable's own newest value may be this old, and this share of the inputs missing, before a forecast counts as degraded. */
const OLD_VALUE_HOURS = 3
const MISSING_SHARE = 0.25
/** Fields of the arrays of one hour model, in order. */
const PARTS = ['means', 'factors', 'beta', 'scale', 'course', 'quantiles'] as const

/** The regression for issues near one hour of the day (UTC). */
export type HourModel = {
  readonly hour: number
  /** Of the linear inputs. */
  readonly means: Float64Array
  readonly factors: Float64Array
  /** (1 + linear + random) × 168. */
  readonly beta: Float32Array
  readonly spread: Spread
}

export type RidgeState = {
  /** FAMILY, or a relative of it. */
  readonly family: string
  readonly variable: ForecastVariable
  readonly climate: StationClimate
  /** Random features and their seed. */
  readonly units: number
  readonly seed: number
  readonly hourModels: readonly HourModel[]
  readonly card: Readonly<Record<string, unknown>>
}

/** predict is a pure function of state and input. */
export function createFitted(state: RidgeState): Fitted {
  const { family, variable, climate, units, seed, hourModels } = state
  const { column, low, high, factor } = OWN[variable]
  const lookups = climate.climatologies.map((c) => (c ? directLookup(c) : null))
  const climatology = lookups[column]!
  const random = createRandomFeatures(units, seed)
  const p = 1 + LINEAR_COUNT + units
  const x = new Float64Array(p)
  const linear = x.subarray(1, 1 + LINEAR_COUNT)
  const departure = new Float64Array(H)
  const offsets = new Float64Array(COLUMN_COUNT)
  const spreads = new Float64Array(LEAD_GROUPS.length)
  const known = new Set(climate.climatologies.flatMap((c, i) => (c ? [i] : [])))
  const isProbability = variable === 'precipitationProbabilityPct'

  function predict({
    validAtMs,
    features: reported,
  }: {
    readonly validAtMs: number
    readonly features: Float32Array
  }): Prediction {
    const features = possibleVector(reported)
    const hour = Math.round(validAtMs / HOUR_MS)
    const model = nearestHourModel(hourModels, hour)
    recentreOffsets(lookups, climate.monthShare, climate.yearDeparture, features, hour, offsets)
    x[0] = 1
    linearInputs(lookups, offsets, features, hour, linear)
    addSeasonTerms(linear, hour)
    for (let i = 0; i < LINEAR_COUNT; i++) {
      const v = x[1 + i]!
      x[1 + i] = v === v ? (v - model.means[i]!) * model.factors[i]! : 0
    }
    addRandomFeatures(random, x, 1, hour, x, 1 + LINEAR_COUNT)
    applyRow(x, 0, p, model.beta, H, departure, 0)
    const age = hoursSinceObserved(features, column)
    const quantiles = new Float32Array(H * Q)
    const recentredClimatology = new Float32Array(H)
    const { yearDeparture, baselineMonthShare } = climate
    const level = recentreOffset(column, climatology, baselineMonthShare[column]!, yearDeparture[column]!, features, hour)
    logScales(model.spread, LINEAR_COUNT, x, 0, hour, spreads, 0)
    for (let g = 0; g < spreads.length; g++) spreads[g] = Math.exp(spreads[g]!)
    for (let h = 0; h < H; h++) {
      const normal = climatology.at(hour + h + 1)
      const centre = factor * (normal + offsets[column]!) + departure[h]!
      recentredClimatology[h] = clamp(factor * (normal + level), low, high)
      // What was last seen `age` hours ago is that much further ahead of it, and as uncertain.
      const row = Math.min(h + age, H - 1)
      const spread = spreads[GROUP_OF_LEAD[row]!]!
      for (let q = 0; q < Q; q++)
        quantiles[h * Q + q] = clamp(isProbability ? centre : centre + model.spread.quantiles[row * Q + q]! * spread, low, high)
    }
    const newest = features[NEWEST_INDEX[column]!]! * factor
    return {
      leadHours: allLeads(),
      quantiles,
      persistence: new Float32Array(H).fill(newest),
      recentredClimatology,
      degradedBecause: reasons(features, column, known),
    }
  }
  const fitted: Fitted = {
    family,
    variable,
    predict,
    serialise: () => encode(state, fitted),
    describe: () => ({ family, variable, featureSet: FEATURE_SET, ...state.card }),
  }
  return fitted
}

/** Medians and outer quantiles at leads of every group for a made-up but fixed input. */
export function goldenOutput(fitted: Fitted, hour: number): number[] {
  const features = Float32Array.from({ length: FEATURE_COUNT }, (_, i) => Math.fround(5 + 3 * Math.sin(i + hour)))
  const { quantiles } = fitted.predict({ validAtMs: hour * HOUR_MS, features })
  return [0, 3, 16, 70, 167].flatMap((lead) => [0, 3, 6].map((q) => Number(quantiles[lead * Q + q]!.toFixed(4))))
}

function encode(state: RidgeState, fitted: Fitted): Uint8Array {
  const { family, variable, climate, units, seed, hourModels, card } = state
  const arrays: Record<string, Float64Array | Float32Array> = {
    yearDeparture: climate.yearDeparture,
    monthShare: climate.monthShare,
    baselineMonthShare: climate.baselineMonthShare,
  }
  climate.climatologies.forEach((c, i) => {
    if (c) arrays[`climatology.${HOURLY_COLUMNS[i]}`] = c.coefficients
  })
  hourModels.forEach(({ means, factors, beta, spread }, k) => {
    const parts = { means, factors, beta, ...spread }
    for (const part of PARTS) arrays[`${k}.${part}`] = parts[part]
  })
  const header: Header = {
    family,
    variable,
    featureSet: FEATURE_SET,
    units,
    seed,
    pairs: climate.climatologies.map((c) => (c ? [c.annualPairs, c.diurnalPairs] : null)),
    hourModels: hourModels.map(({ hour }) => ({ hour })),
    card,
    golden: GOLDEN_HOURS.map((hour) => goldenOutput(fitted, hour)),
  }
  return pack(header, arrays)
}

/** Throws ArtefactError when an array is missing or not of the length the header asks for. */
export function decode(header: Header, arrays: Arrays): Fitted {
  const {
    variable,
    units,
    seed,
    pairs,
    hourModels: hours,
    card,
  } = header as unknown as {
    variable: ForecastVariable
    units: number
    seed: number
    pairs: Array<[number, number] | null>
    hourModels: Array<{ hour: number }>
    card: RidgeState['card']
  }
  const f64 = (name: string, length: number): Float64Array => Float64Array.from(takeArray(arrays, name, length))
  if (!(variable in OWN) || !Array.isArray(pairs) || !Array.isArray(hours) || hours.length === 0)
    throw new ArtefactError('artefact-format', 'the header lacks what this family needs')
  const climatologies = pairs.map((pair, i): Climatology | null =>
    pair === null
      ? null
      : {
          annualPairs: pair[0],
          diurnalPairs: pair[1],
          coefficients: f64(`climatology.${HOURLY_COLUMNS[i]}`, (1 + 2 * pair[0]) * (1 + 2 * pair[1])),
        },
  )
  const p = 1 + LINEAR_COUNT + units
  const hourModels = hours.map(({ hour }, k): HourModel => ({
    hour,
    means: f64(`${k}.means`, LINEAR_COUNT),
    factors: f64(`${k}.factors`, LINEAR_COUNT),
    beta: Float32Array.from(takeArray(arrays, `${k}.beta`, p * H)),
    spread: {
      scale: f64(`${k}.scale`, (1 + LINEAR_COUNT) * LEAD_GROUPS.length),
      // Artefacts made before there was a course have none, and predict as they did.
      course: arrays[`${k}.course`] ? f64(`${k}.course`, COURSE_LENGTH) : noCourse(),
      quantiles: f64(`${k}.quantiles`, H * Q),
    },
  }))
  const climate = {
    climatologies,
    yearDeparture: f64('yearDeparture', COLUMN_COUNT),
    monthShare: f64('monthShare', COLUMN_COUNT),
    // In artefacts made before the share was learnt they are the same.
    baselineMonthShare: f64(arrays['baselineMonthShare'] ? 'baselineMonthShare' : 'monthShare', COLUMN_COUNT),
  }
  if (!climatologies[OWN[variable].column]) throw new ArtefactError('artefact-format', `no climatology of ${variable}`)
  return createFitted({ family: header.family, variable, climate, units, seed, hourModels, card })
}

function nearestHourModel(models: readonly HourModel[], hour: number): HourModel {
  let best = models[0]!
  let bestAway = Number.POSITIVE_INFINITY
  for (const model of models) {
    const away = Math.abs(((((hour - model.hour + 12) % 24) + 24) % 24) - 12)
    if (away < bestAway) [best, bestAway] = [model, away]
  }
  return best
}

/**
 * Only what makes this forecast noticeably worse than usual: its own newest value is old, or much of what the model was trained with is
 * missing. A report that lacks a quantity for an hour or two is everyday: neighbours in time stand in for it, and the spread follows.
 */
function reasons(features: Float32Array, column: number, known: ReadonlySet<number>): string[] {
  const because: string[] = []
  const name = HOURLY_COLUMNS[column]
  const newest = newestShownHours(features, column)
  if (newest === null) because.push(`${name} has not been observed for days`)
  else if (newest > OLD_VALUE_HOURS) because.push(`the newest ${name} used is up to ${newest} h old`)
  const { missing, of, unseen } = missingInputs(features, known)
  if (missing > MISSING_SHARE * of) {
    const columns = unseen.filter((c) => c !== column).map((c) => HOURLY_COLUMNS[c])
    because.push(`${missing} of ${of} inputs are missing${columns.length > 0 ? `, all of ${columns.join(', ')}` : ''}`)
  }
  return because
}
