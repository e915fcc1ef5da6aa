/** Stations near enough to have the same weather. */
import type { Station } from '../../schemas/generated/types.ts'

const EARTH_RADIUS_KM = 6371
const DEGREE = Math.PI / 180

export type Neighbourhood = {
  readonly add: (station: Station) => void
  readonly of: (stationId: string) => string[]
  readonly size: () => number
}

export function createNeighbourhood(withinKm: number): Neighbourhood {
  const stations = new Map<string, Station>()
  return {
    add: (station) => stations.set(station.stationId, station),
    size: () => stations.size,
    of: (stationId) => {
      const here = stations.get(stationId)
      if (!here) return []
      return [...stations.values()]
        .filter((other) => other.stationId !== stationId && distanceKm(here, other) <= withinKm)
        .map((other) => other.stationId)
        .sort()
    },
  }
}

type Place = Pick<Station, 'latitude' | 'longitude'>

/** Great-circle distance by the haversine formula, km. */
export function distanceKm(a: Place, b: Place): number {
  const north = Math.sin(((b.latitude - a.latitude) * DEGREE) / 2)
  const east = Math.sin(((b.longitude - a.longitude) * DEGREE) / 2)
  const h = north ** 2 + Math.cos(a.latitude * DEGREE) * Math.cos(b.latitude * DEGREE) * east ** 2
  return 2 * EARTH_RADIUS_KM * Math.asin(Math.sqrt(Math.min(1, h)))
}
