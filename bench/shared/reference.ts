/** Real series that are no part of the repository (../shared/data): read as a producer of their format would publish them. */
import { existsSync, readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import { parse } from 'csv-parse/sync'
import { createObservation } from '../../producers/shared/observation.ts'
import type { Observation } from '../../schemas/generated/types.ts'

/** A checkout may have them beside it. */
const REFERENCE_DATA = new URL('../../../shared/data/', import.meta.url)
export const hasReference = (file: string): boolean => existsSync(new URL(file, REFERENCE_DATA))

export type Station = { readonly stationId: string; readonly observations: readonly Observation[] }

type Row = Readonly<Record<string, string | undefined>>
const KMH_PER_MPS = 3.6

/** The id that `readReference` gives a station of that name. */
const idOf = (name: string): string => name.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-')

/** Where the stations of a network are, by id. */
export function readPlaces(file: string): Map<string, { readonly latitude: number; readonly longitude: number }> {
  const rows: Row[] = parse(readFileSync(new URL(file, REFERENCE_DATA)), { columns: true })
  return new Map(
    rows.map((row) => [idOf(row['station'] ?? ''), { latitude: Number(row['latitude']), longitude: Number(row['longitude']) }]),
  )
}

/** A file of hourly observations in Meteostat's columns, by station. */
export function readReference(file: string): Station[] {
  const rows: Row[] = parse(gunzipSync(readFileSync(new URL(file, REFERENCE_DATA))), { columns: true })
  const name = file.replace(/_\d.*$/, '')
  const byStation = Map.groupBy(rows, (row) => idOf(row['station'] || name))
  return [...byStation].map(([stationId, own]) => ({ stationId, observations: own.map((row) => toObservation(stationId, row)) }))
}

function toObservation(stationId: string, row: Row): Observation {
  const at = Date.parse(`${row['time']?.replace(' ', 'T')}Z`)
  const number = (text: string | undefined): number | null => (text === undefined || text === '' ? null : Number(text))
  const speed = number(row['wspd'])
  return createObservation(
    { stationId, observedAt: at, receivedAt: at, source: 'reference', kind: 'observation' },
    {
      temperatureC: number(row['temp']),
      dewPointC: number(row['dwpt']),
      relativeHumidityPct: number(row['rhum']),
      precipitationMm: number(row['prcp']),
      // Sixteen-point series write north as 0; a producer makes it 360, and null of a calm.
      windDirectionDeg: speed === 0 ? null : number(row['wdir'] === '0.0' ? '360' : row['wdir']),
      windSpeedMps: speed === null ? null : speed / KMH_PER_MPS,
      pressureHpa: number(row['pres']),
    },
  )
}
