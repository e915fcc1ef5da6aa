/**
 * What other stations of a network know that the own station does not yet: their departures from normal, less its own. Weather arrives; what lies
 * upstream has been observed already. Differences are averaged around the own place and around the places that the air of the network's mean wind
 * was at 3, 6 and 12 h ago; a second regression predicts from them what the own forecast leaves at leads up to 48 h. An average is of whoever has
 * reported, drawn to no difference where few have: an outage neither breaks nor biases it, and without neighbours the forecast is the own one, exactly.
 */
import { COLUMN, COLUMN_COUNT, FEATURE_COUNT, FEATURE_NAMES, HOUR_MS, HOURLY_COLUMNS } from '../features/index.ts'
import { type ForecastVariable, HORIZON_HOURS } from '../../schemas/quantities.ts'
import { directLookup } from './climatology.ts'
import { chooseFades, errorShares, moved, nearestResiduals } from './correction.ts'
import { DEPARTURE_COUNT, linearInputOf, linearInputs } from './inputs.ts'
import { GROUP_OF_LEAD, LEAD_GROUPS } from './lead-groups.ts'
import { possibleHistory, possibleVector } from './possible.ts'
import { type Design, regressWithBlocks } from './regression.ts'
import { fitStationClimate, OWN, recentreOffsets } from './station-climate.ts'
import type { LeftOut, Prediction, TrainingSet } from './types.ts'

const H = HORIZON_HOURS
/** Further ahead, what neighbours know has passed. */
const LAST_LEAD = 48
const BLOCKS = 5
const PENALTY = 0.01
/** Fewest origins worth a second regression. */
const MIN_ROWS = 60 * 24
/** Standard deviation of the Gaussian weight of a station by its distance, km. */
const REACH_KM = 60
/** Weather moves faster than the wind near the ground. */
const STEERING = 1.5
/** Weight of "no difference": a lone station far away says little. */
const DOUBT = 0.3
const KM_PER_DEGREE = 111.2
const KMH_PER_MPS = 3.6
const U = FEATURE_NAMES.indexOf('windU.mean6h.before0h')
const V = FEATURE_NAMES.indexOf('windV.mean6h.before0h')

/** A linear input that is compared, and how long ago the air compared was upstream. */
type Compared = { readonly input: number; readonly upstreamHours: number }

function comparedFor(variable: ForecastVariable): Compared[] {
  const { column } = OWN[variable]
  const name = HOURLY_COLUMNS[column]!
  const isRain = column === COLUMN.precipitationMm
  const now = isRain ? `${name}.wet1h.before0h` : `${name}.lag0h`
  const earlier = isRain ? `${name}.wet6h.before0h` : `${name}.lag3h`
  const others = ['pressureHpa.lag0h', 'dewPointC.lag0h', 'temperatureC.lag0h'].filter((other) => other !== now).slice(0, 2)
  const at = (feature: string, ...hours: readonly number[]): Compared[] =>
    hours.map((upstreamHours) => ({ input: linearInputOf(feature), upstreamHours }))
  return [...at(now, 0, 3, 6, 12), ...at(earlier, 0), ...others.flatMap((other) => at(other, 0, 6))]
}

/** Departures of a feature vector from what is normal at its station (DEPARTURE_COUNT values, NaN = not observed). */
type Departures = (features: Float32Array, hour: number, out: Float64Array) => void

export type Place = { readonly stationId: string; readonly latitude: number; readonly longitude: number }

export type NetworkStation = Place & {
  /** The feature vector of an hour of the history. */
  readonly vectorAt: (hour: number) => Float32Array | undefined
  /** As a row of the history is seen, and as a new vector is. */
  readonly past: Departures
  readonly issue: Departures
}

/** What a network needs of a station; made once and used by all its neighbours. */
export function networkStation(place: Place, reported: TrainingSet): NetworkStation {
  const history = possibleHistory(reported, [])
  const { climate, lookupsAt, offsets } = fitStationClimate(history, true)
  const newest = climate.climatologies.map((climatology) => climatology && directLookup(climatology))
  const rowOf = new Map(Array.from(history.featureHours, (hour, row) => [hour, row]))
  const own = new Float64Array(COLUMN_COUNT)
  return {
    ...place,
    vectorAt(hour) {
      const row = rowOf.get(hour)
      return row === undefined ? undefined : history.features.subarray(row * FEATURE_COUNT, (row + 1) * FEATURE_COUNT)
    },
    past(features, hour, out) {
      const row = rowOf.get(hour)!
      linearInputs(lookupsAt(hour), offsets.subarray(row * COLUMN_COUNT, (row + 1) * COLUMN_COUNT), features, hour, out)
    },
    issue(vector, hour, out) {
      const features = possibleVector(vector)
      recentreOffsets(newest, climate.monthShare, climate.yearDeparture, features, hour, own)
      linearInputs(newest, own, features, hour, out)
    },
  }
}

export type NeighbourCorrection = {
  /** By lead group: share of the second regression that is used, and mean |error| after it over before, on origins left out. */
  readonly fade: readonly number[]
  readonly errorShare: readonly number[]
  /** `neighbours`: feature vectors of the same hour, of whoever has reported. */
  correct(
    prediction: Prediction,
    issued: {
      readonly validAtMs: number
      readonly features: Float32Array
      readonly neighbours: ReadonlyMap<string, Float32Array>
    },
  ): Prediction
}

/** Fits the correction to what `leftOut` says the own forecast leaves. Null when there is too little to go by, or nobody helps. */
export function fitNeighbours(
  variable: ForecastVariable,
  own: NetworkStation,
  neighbours: readonly NetworkStation[],
  featureHours: Float64Array,
  leftOut: readonly LeftOut[],
): NeighbourCorrection | null {
  const { hours, residuals } = nearestResiduals(leftOut, featureHours)
  const n = hours.length
  if (n < MIN_ROWS || neighbours.length === 0) return null
  const compared = comparedFor(variable)
  const differences = createDifferences(own, neighbours, compared)
  const p = 1 + compared.length
  const x = new Float64Array(n * p)
  hours.forEach((hour, r) => {
    x[r * p] = 1
    differences('past', hour, own.vectorAt(hour), (station) => station.vectorAt(hour), x.subarray(r * p + 1, (r + 1) * p))
  })
  const factors = scaleColumns(x, n, p)
  const y = residuals.map((value) => (Number.isNaN(value) ? 0 : value))
  const design: Design = { n, p, x, weights: new Float64Array(n).fill(1), hours }
  const { beta, leftOut: corrections } = regressWithBlocks(design, [y], BLOCKS, PENALTY).fits[0]![0]!
  const fade = chooseFades(residuals, corrections, n).map((value, g) => (LEAD_GROUPS[g]![1] <= LAST_LEAD ? value : 0))
  if (fade.every((value) => value === 0)) return null
  const errorShare = errorShares(residuals, corrections, fade)
  const z = new Float64Array(compared.length)
  return {
    fade,
    errorShare,
    correct(prediction, { validAtMs, features, neighbours: reported }) {
      const hour = Math.round(validAtMs / HOUR_MS)
      const heard = differences('issue', hour, features, ({ stationId }) => reported.get(stationId), z)
      if (heard === 0) return prediction
      const shift = new Float64Array(H)
      const width = new Float64Array(H).fill(1)
      for (let h = 0; h < LAST_LEAD; h++) {
        const g = GROUP_OF_LEAD[h]!
        let correction = beta[h]!
        for (let i = 0; i < z.length; i++) correction += z[i]! * factors[i]! * beta[(1 + i) * H + h]!
        shift[h] = fade[g]! * correction
        // As sure as on origins left out when all have reported; as before when nobody has.
        width[h] = 1 - (heard / neighbours.length) * (1 - errorShare[g]!)
      }
      return moved(prediction, variable, shift, width)
    },
  }
}

/** Writes the averaged differences of an hour into `out`; returns how many neighbours can be compared. */
function createDifferences(own: NetworkStation, neighbours: readonly NetworkStation[], compared: readonly Compared[]) {
  const cosine = Math.cos((own.latitude * Math.PI) / 180)
  const east = neighbours.map(({ longitude }) => (longitude - own.longitude) * KM_PER_DEGREE * cosine)
  const north = neighbours.map(({ latitude }) => (latitude - own.latitude) * KM_PER_DEGREE)
  const mine = new Float64Array(DEPARTURE_COUNT)
  const theirs = neighbours.map(() => new Float64Array(DEPARTURE_COUNT))
  return (
    when: 'past' | 'issue',
    hour: number,
    features: Float32Array | undefined,
    vectorOf: (station: NetworkStation) => Float32Array | undefined,
    out: Float64Array,
  ): number => {
    out.fill(0)
    if (!features) return 0
    own[when](features, hour, mine)
    const vectors = neighbours.map(vectorOf)
    vectors.forEach((vector, j) => {
      if (vector) neighbours[j]![when](vector, hour, theirs[j]!)
      else theirs[j]!.fill(Number.NaN)
    })
    const [u, v] = meanWind([features, ...vectors])
    compared.forEach(({ input, upstreamHours }, i) => {
      const x = -STEERING * KMH_PER_MPS * u * upstreamHours
      const y = -STEERING * KMH_PER_MPS * v * upstreamHours
      let sum = 0
      let weights = DOUBT
      for (let j = 0; j < neighbours.length; j++) {
        const difference = theirs[j]![input]! - mine[input]!
        if (difference !== difference) continue
        const weight = Math.exp(-((east[j]! - x) ** 2 + (north[j]! - y) ** 2) / (2 * REACH_KM ** 2))
        sum += weight * difference
        weights += weight
      }
      out[i] = sum / weights
    })
    const [{ input: first }] = compared as [Compared]
    return theirs.filter((values) => !Number.isNaN(values[first]! - mine[first]!)).length
  }
}

/** Mean wind of the past 6 h of whoever has one, m/s towards east and north; calm when nobody has. */
function meanWind(vectors: ReadonlyArray<Float32Array | undefined>): [number, number] {
  const known = vectors.filter((vector) => vector && !Number.isNaN(vector[U]!) && !Number.isNaN(vector[V]!))
  const mean = (index: number): number => known.reduce((sum, vector) => sum + vector![index]!, 0) / Math.max(1, known.length)
  return [mean(U), mean(V)]
}

/** Brings the columns of x (n × p) but the first to root mean square 1; a column of zeros stays. The factors. */
function scaleColumns(x: Float64Array, n: number, p: number): Float64Array {
  return Float64Array.from({ length: p - 1 }, (_, i) => {
    let squares = 0
    for (let at = 1 + i; at < n * p; at += p) squares += x[at]! ** 2
    const factor = squares > 1e-9 * n ? Math.sqrt(n / squares) : 0
    for (let at = 1 + i; at < n * p; at += p) x[at] = x[at]! * factor
    return factor
  })
}
