/**
 * Stations that share weather: where they are, and how far each is from what is normal for it at an hour, for all that ask (neighbours.ts).
 * A station that has not reported is not there; nobody waits for it.
 */
import { COLUMN_COUNT, FEATURE_COUNT, FEATURE_NAMES, HOUR_MS } from '../features/index.ts'
import { directLookup } from './climatology.ts'
import { DEPARTURE_COUNT, linearInputs } from './inputs.ts'
import { possibleHistory, possibleVector } from './possible.ts'
import { fitStationClimate, recentreOffsets } from './station-climate.ts'
import type { TrainingSet } from './types.ts'

const KM_PER_DEGREE = 111.2
const U = FEATURE_NAMES.indexOf('windU.mean6h.before0h')
const V = FEATURE_NAMES.indexOf('windV.mean6h.before0h')

export type Place = { readonly stationId: string; readonly latitude: number; readonly longitude: number }

/** Departures of a feature vector from what is normal at its station (DEPARTURE_COUNT values, NaN = not observed). */
type Departures = (vector: Float32Array, hour: number, out: Float64Array) => void

export type NetworkStation = Place & {
  /** The feature vector of an hour of the history. */
  readonly vectorAt: (hour: number) => Float32Array | undefined
  /** As a row of the history is seen, and as a new vector is. */
  readonly past: Departures
  readonly issue: Departures
}

/** What a network needs of a station. */
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
    past(vector, hour, out) {
      const row = rowOf.get(hour)!
      linearInputs(lookupsAt(hour), offsets.subarray(row * COLUMN_COUNT, (row + 1) * COLUMN_COUNT), vector, hour, out)
    },
    issue(vector, hour, out) {
      const features = possibleVector(vector)
      recentreOffsets(newest, climate.monthShare, climate.yearDeparture, features, hour, own)
      linearInputs(newest, own, features, hour, out)
    },
  }
}

/** What is known of an hour, position by position as in the network's stations. */
export type Heard = {
  /** NaN = not observed, or not reported at all. */
  readonly departures: readonly Float64Array[]
  /** Of each departure over whoever has it; NaN = nobody has. */
  readonly means: Float64Array
  /** Mean wind of the past 6 h over whoever has one, m/s towards east and north; calm when nobody has. */
  readonly wind: readonly [east: number, north: number]
}

export type Network = {
  readonly stations: readonly NetworkStation[]
  /** From station s to station t, at s * stations + t, km. */
  readonly east: Float64Array
  readonly north: Float64Array
  past(hour: number): Heard
  /** `vectors`: by station, feature vectors of the hour `validAtMs` of whoever has reported. */
  issue(validAtMs: number, vectors: ReadonlyMap<string, Float32Array>): Heard
}

export function createNetwork(stations: readonly NetworkStation[]): Network {
  const n = stations.length
  const east = new Float64Array(n * n)
  const north = new Float64Array(n * n)
  stations.forEach((from, s) => {
    const cosine = Math.cos((from.latitude * Math.PI) / 180)
    stations.forEach((to, t) => {
      east[s * n + t] = (to.longitude - from.longitude) * KM_PER_DEGREE * cosine
      north[s * n + t] = (to.latitude - from.latitude) * KM_PER_DEGREE
    })
  })
  const hear = (when: 'past' | 'issue', hour: number, vectorOf: (station: NetworkStation) => Float32Array | undefined): Heard => {
    const vectors = stations.map(vectorOf)
    const departures = stations.map((station, s) => {
      const out = new Float64Array(DEPARTURE_COUNT).fill(Number.NaN)
      if (vectors[s]) station[when](vectors[s], hour, out)
      return out
    })
    return { departures, means: meansOf(departures), wind: [meanOf(vectors, U), meanOf(vectors, V)] }
  }
  return {
    stations,
    east,
    north,
    past: (hour) => hear('past', hour, (station) => station.vectorAt(hour)),
    issue: (validAtMs, vectors) => hear('issue', Math.round(validAtMs / HOUR_MS), ({ stationId }) => vectors.get(stationId)),
  }
}

function meansOf(departures: readonly Float64Array[]): Float64Array {
  return Float64Array.from({ length: DEPARTURE_COUNT }, (_, i) => {
    let sum = 0
    let count = 0
    for (const values of departures) {
      const value = values[i]!
      if (value !== value) continue
      sum += value
      count++
    }
    return sum / count
  })
}

function meanOf(vectors: ReadonlyArray<Float32Array | undefined>, feature: number): number {
  const known = vectors.map((vector) => vector?.[feature] ?? Number.NaN).filter((value) => !Number.isNaN(value))
  return known.reduce((sum, value) => sum + value, 0) / Math.max(1, known.length)
}
