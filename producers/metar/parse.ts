/**
 * METAR reports of the Aviation Weather Center, as JSON → observations. Both forms are understood: absent keys (since September 2025)
 * and nulls with text times (before).
 */
import { z } from 'zod'
import { AppError } from '../../infra/runtime/errors.ts'
import type { Observation, Station } from '../../schemas/generated/types.ts'
import { relativeHumidity } from '../shared/humidity.ts'
import { createObservation, hasAnyValue } from '../shared/observation.ts'
import { INCH_MM, KNOT_MPS, MILE_M, round } from '../shared/units.ts'

const SOURCE = 'metar'

const OptionalNumber = z.number().nullish()
const ReportSchema = z.object({
  icaoId: z.string().regex(/^[A-Z0-9]{3,5}$/),
  obsTime: z.union([z.number().int().positive(), z.string().regex(/^\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2}$/)]),
  metarType: z.string().nullish(),
  temp: OptionalNumber,
  dewp: OptionalNumber,
  wdir: z.union([z.number(), z.string()]).nullish(),
  wspd: OptionalNumber,
  wgst: OptionalNumber,
  visib: z.union([z.number(), z.string()]).nullish(),
  altim: OptionalNumber,
  slp: OptionalNumber,
  precip: OptionalNumber,
  snow: OptionalNumber,
  cover: z.string().nullish(),
  clouds: z.array(z.object({ cover: z.string() })).nullish(),
  lat: OptionalNumber,
  lon: OptionalNumber,
  elev: OptionalNumber,
  name: z.string().nullish(),
})
type Report = z.output<typeof ReportSchema>

export type ParsedReports = {
  readonly observations: Observation[]
  /** Stations as the reports describe them, by station id. */
  readonly stations: Map<string, Omit<Station, 'validFrom'>>
  /** Reports that were not understood: what and why. The others are not affected. */
  readonly problems: string[]
}

/** Eighths of the sky, middle of the class, as percent. */
const COVER_PCT: Readonly<Record<string, number>> = {
  CLR: 0,
  SKC: 0,
  CAVOK: 0,
  NSC: 0,
  NCD: 0,
  FEW: 18.75,
  SCT: 43.75,
  BKN: 75,
  OVC: 100,
  OVX: 100,
  VV: 100,
}
/** A trace is reported as half of the smallest amount; nothing measurable fell. */
const TRACE_INCH = 0.005

export function parseReports(json: unknown, receivedAt: number): ParsedReports {
  if (!Array.isArray(json)) throw new AppError('METAR answer is no list', { code: 'provider-format', retry: 'permanent' })
  const parsed: ParsedReports = { observations: [], stations: new Map(), problems: [] }
  for (const item of json as unknown[]) {
    const report = ReportSchema.safeParse(item)
    if (!report.success) {
      const id = z.object({ icaoId: z.string() }).safeParse(item)
      parsed.problems.push(`${id.success ? id.data.icaoId : 'report without id'}: ${z.prettifyError(report.error)}`)
      continue
    }
    const observation = toObservation(report.data, receivedAt)
    if (observation) parsed.observations.push(observation)
    const station = toStation(report.data)
    if (station) parsed.stations.set(station.stationId, station)
  }
  parsed.observations.sort((a, b) => a.observedAt - b.observedAt)
  return parsed
}

function toObservation(report: Report, receivedAt: number): Observation | null {
  const temperatureC = report.temp ?? null
  const dewPointC = report.dewp ?? null
  const speed = report.wspd ?? null
  const isCalm = speed === 0
  const values = {
    temperatureC,
    dewPointC,
    // METAR has no humidity; where temperatures are whole degrees it is good to a few percent only.
    relativeHumidityPct: temperatureC === null || dewPointC === null ? null : round(relativeHumidity(temperatureC, dewPointC), 1),
    // QNH is no sea-level pressure: it reduces with the standard atmosphere, and differs by several hPa in heat and cold.
    pressureHpa: report.slp ?? null,
    stationPressureHpa: report.altim == null || report.elev == null ? null : round(pressureFromQnh(report.altim, report.elev), 1),
    windSpeedMps: speed === null ? null : round(speed * KNOT_MPS, 2),
    windGustMps: report.wgst == null ? null : round(report.wgst * KNOT_MPS, 2),
    windDirectionDeg: isCalm || typeof report.wdir !== 'number' ? null : report.wdir === 0 ? 360 : report.wdir,
    precipitationMm: hourlyPrecipitation(report),
    cloudCoverPct: cloudCover(report),
    visibilityM: visibility(report.visib),
    snowDepthCm: report.snow == null ? null : round((report.snow * INCH_MM) / 10, 1),
  }
  if (!hasAnyValue(values)) return null
  const stationId = report.icaoId.toLowerCase()
  return createObservation(
    { stationId, observedAt: toInstant(report.obsTime), receivedAt, source: SOURCE, kind: 'observation' },
    values,
  )
}

function toStation({ icaoId, lat, lon, elev, name }: Report): Omit<Station, 'validFrom'> | null {
  if (lat == null || lon == null) return null
  return {
    stationId: icaoId.toLowerCase(),
    name: name ?? icaoId,
    latitude: lat,
    longitude: lon,
    elevationM: elev ?? null,
    timezone: 'UTC',
    provider: SOURCE,
    providerStationId: icaoId,
    kind: 'airport',
  }
}

/** `precip` is the sum since the last hourly report: the past hour only in the hourly report itself, not in a special one. */
function hourlyPrecipitation({ precip, metarType }: Report): number | null {
  if (precip == null || metarType === 'SPECI') return null
  return precip <= TRACE_INCH ? 0 : round(precip * INCH_MM, 2)
}

/** `10+` and `6+` are "at least": the statute miles of 10 SM, and of 9999 m, which means 10 km or more. */
function visibility(visib: Report['visib']): number | null {
  if (visib == null) return null
  if (typeof visib === 'number') return Math.round(visib * MILE_M)
  if (visib === '6+') return 10_000
  const miles = /^(\d+(?:\.\d+)?)\+?$/.exec(visib)?.[1]
  return miles === undefined ? null : Math.round(Number(miles) * MILE_M)
}

function cloudCover({ cover, clouds }: Report): number | null {
  const covers = [...(cover == null ? [] : [cover]), ...(clouds ?? []).map((layer) => layer.cover)].flatMap(
    (name) => COVER_PCT[name] ?? [],
  )
  return covers.length === 0 ? null : Math.max(...covers)
}

/** QNH is defined by the ICAO standard atmosphere: p = QNH·(1 − 0.0065·h/288.15)^5.25588. */
function pressureFromQnh(qnhHpa: number, elevationM: number): number {
  return qnhHpa * (1 - (0.0065 * elevationM) / 288.15) ** 5.25588
}

function toInstant(obsTime: number | string): number {
  return typeof obsTime === 'number' ? obsTime * 1000 : Date.parse(`${obsTime.replace(' ', 'T')}Z`)
}
