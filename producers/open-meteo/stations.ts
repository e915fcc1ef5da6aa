/** Stations of Open-Meteo: JSON, or the short form `id@latitude,longitude;…`. */
import { AppError } from '../../infra/runtime/errors.ts'
import type { Station } from '../../schemas/generated/types.ts'
import { STATION_ID_PATTERN } from '../../schemas/quantities.ts'
import { readStations } from '../shared/stations.ts'

export async function openMeteoStations(text: string, validFrom: number): Promise<Station[]> {
  if (!text.includes('@')) return readStations(text, validFrom)
  return text.split(';').map((item) => {
    const match = /^\s*([^@\s]+)@(-?\d+(?:\.\d+)?),(-?\d+(?:\.\d+)?)\s*$/.exec(item)
    const [, stationId = '', latitude, longitude] = match ?? []
    if (!STATION_ID_PATTERN.test(stationId) || Math.abs(Number(latitude)) > 90 || Math.abs(Number(longitude)) > 180) {
      throw new AppError(`"${item}" is not of the form id@latitude,longitude`, { code: 'stations-invalid', retry: 'permanent' })
    }
    return {
      stationId,
      name: stationId,
      latitude: Number(latitude),
      longitude: Number(longitude),
      elevationM: null,
      timezone: 'UTC',
      provider: 'open-meteo',
      providerStationId: `${latitude},${longitude}`,
      kind: 'model-point',
      validFrom,
    }
  })
}
