/** What is measured: one station and one variable at a time, so that a small machine can stop and go on. */
import { FORECAST_VARIABLES, type ForecastVariable } from '../../schemas/quantities.ts'
import { hasReference, readReference, type Station } from '../shared/reference.ts'

const YEAR_HOURS = 8766

type Network = {
  readonly name: string
  readonly file: string
  readonly isSouthern: boolean
}

/** Series of the study, by network: stations of one have the same weather and count together. */
const NETWORKS: readonly Network[] = [
  { name: 'tokyo', file: 'tokyo_2019_2024.csv.gz', isSouthern: false },
  { name: 'beijing', file: 'beijing_changping_2013_2017.csv.gz', isSouthern: false },
  { name: 'garanhuns', file: 'garanhuns_2020_2024.csv.gz', isSouthern: true },
  { name: 'recife', file: 'recife_2020_2024.csv.gz', isSouthern: true },
  { name: 'nyc', file: 'nyc_2013.csv.gz', isSouthern: false },
  { name: 'ireland', file: 'ireland_network_2017.csv.gz', isSouthern: false },
]

export type Piece = {
  readonly network: Network
  readonly station: Station
  /** Unique among all pieces of a variable. */
  readonly label: string
  readonly variable: ForecastVariable
}

/**
 * The pieces that `only` names: stations, networks and variables; temperature of every station when none.
 * One line for what is absent; throws for a name that nothing has.
 */
export function choosePieces(only: readonly string[], say: (line: string) => void): Piece[] {
  const variables = FORECAST_VARIABLES.filter((variable) => only.includes(variable))
  const places = only.filter((word) => !(FORECAST_VARIABLES as readonly string[]).includes(word))
  const pieces: Piece[] = []
  const unknown = new Set(places)
  for (const network of NETWORKS) {
    if (places.length > 0 && !places.some((place) => place.startsWith(network.name))) continue
    if (!hasReference(network.file)) {
      say(`skipped ${network.name}: no ../shared/data/${network.file}`)
      for (const place of places) if (place.startsWith(network.name)) unknown.delete(place)
      continue
    }
    const stations = readReference(network.file)
    for (const station of stations) {
      const label = stations.length === 1 ? network.name : `${network.name}-${station.stationId}`
      if (places.length > 0 && !places.includes(label) && !places.includes(network.name)) continue
      unknown.delete(label)
      unknown.delete(network.name)
      for (const variable of variables.length > 0 ? variables : (['temperatureC'] as const))
        pieces.push({ network, station, label, variable })
    }
  }
  if (unknown.size > 0) throw new Error(`no station or variable is called ${[...unknown].join(', ')}`)
  return pieces
}

/** The last year of records of two and more, else their second half; hours since 1970, the week after the last origin is observed. */
export function testOrigins(startHour: number, length: number, everyHours: number): number[] {
  const end = startHour + length - 1 - 168
  const from = length >= 2 * YEAR_HOURS ? end - YEAR_HOURS : startHour + Math.floor(length / 2)
  const origins: number[] = []
  // Aligned to the day: 00 and 12 UTC when every 12 hours.
  for (let origin = 24 * Math.ceil(from / 24); origin <= end; origin += everyHours) origins.push(origin)
  return origins
}

/** So many origins before one, as far as there is a record. */
export function originsBefore(origin: number, count: number, everyHours: number, startHour: number): number[] {
  const before = Array.from({ length: count }, (_, k) => origin - (count - k) * everyHours)
  return before.filter((hour) => hour >= startHour)
}
