/**
 * Open-Meteo forecast and archive answers → observations of kind `analysis`: model fields at a point, never a measurement.
 * Requests ask for GMT unix times and SI units; the units are read from the answer all the same, because they depend on the request.
 */
import { z } from 'zod'
import { AppError } from '../../infra/runtime/errors.ts'
import type { Observation } from '../../schemas/generated/types.ts'
import type { Quantity } from '../../schemas/quantities.ts'
import { createObservation, hasAnyValue } from '../shared/observation.ts'
import type { QuantityValues } from '../shared/observation.ts'
import { INCH_MM, KMH_MPS, KNOT_MPS, round } from '../shared/units.ts'

const SOURCE = 'open-meteo'

/** Provider variable of each quantity. */
export const VARIABLES: Partial<Record<Quantity, string>> = {
  temperatureC: 'temperature_2m',
  dewPointC: 'dew_point_2m',
  relativeHumidityPct: 'relative_humidity_2m',
  pressureHpa: 'pressure_msl',
  stationPressureHpa: 'surface_pressure',
  windSpeedMps: 'wind_speed_10m',
  windGustMps: 'wind_gusts_10m',
  windDirectionDeg: 'wind_direction_10m',
  precipitationMm: 'precipitation',
  cloudCoverPct: 'cloud_cover',
  visibilityM: 'visibility',
  solarWm2: 'shortwave_radiation',
  snowDepthCm: 'snow_depth',
}

/** To the unit of the quantity. A label that is not here is refused: a guess would be wrong by a factor. */
const TO_UNIT: Readonly<Record<string, (value: number) => number>> = {
  '°C': (v) => v,
  '°F': (v) => (v - 32) / 1.8,
  '%': (v) => v,
  hPa: (v) => v,
  'm/s': (v) => v,
  'km/h': (v) => v * KMH_MPS,
  mph: (v) => (v * 1609.344) / 3600,
  'mp/h': (v) => (v * 1609.344) / 3600,
  kn: (v) => v * KNOT_MPS,
  '°': (v) => v,
  mm: (v) => v,
  inch: (v) => v * INCH_MM,
  'W/m²': (v) => v,
  ft: (v) => v * 0.3048,
  m: (v) => v,
}

const Time = z.union([z.number().int(), z.string().regex(/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}$/)])
const Units = z.record(z.string(), z.string())
const AnswerSchema = z.object({
  utc_offset_seconds: z.number(),
  hourly_units: Units.optional(),
  hourly: z.looseObject({ time: z.array(Time) }).optional(),
  current_units: Units.optional(),
  current: z.looseObject({ time: Time, interval: z.number().optional() }).optional(),
})
type Answer = z.output<typeof AnswerSchema>

/** One answer per requested place, in the order of the request (Open-Meteo answers a single place without the list). */
export function parseAnswers(json: unknown): Answer[] {
  const parsed = z.union([z.array(AnswerSchema), AnswerSchema.transform((one) => [one])]).safeParse(json)
  if (!parsed.success) throw formatError(z.prettifyError(parsed.error))
  return parsed.data
}

/** The hours of `answer` up to `until` (epoch ms); later ones are forecasts. Hours without any value are left out. */
export function hourlyObservations(answer: Answer, stationId: string, receivedAt: number, until: number): Observation[] {
  const { hourly, hourly_units: units } = answer
  if (!hourly) return []
  const columns = Object.entries(VARIABLES).flatMap(([quantity, variable]) => {
    const raw = hourly[variable]
    if (raw === undefined) return []
    const values = z.array(z.number().nullable()).safeParse(raw)
    if (!values.success || values.data.length !== hourly.time.length)
      throw formatError(`${variable} is no column of ${hourly.time.length} numbers`)
    return [{ quantity: quantity as Quantity, convert: converter(variable, quantity, units), values: values.data }]
  })
  return hourly.time.flatMap((time, i) => {
    const observedAt = toInstant(time, answer.utc_offset_seconds)
    if (observedAt > until) return []
    const values: Partial<QuantityValues> = {}
    for (const { quantity, convert, values: column } of columns) values[quantity] = convert(column[i] ?? null)
    return toObservation(stationId, observedAt, receivedAt, values)
  })
}

/**
 * The current conditions. Null at the full hour, which the hourly series has with a true hourly precipitation: here it is the sum of the
 * last `interval` seconds, and therefore left out.
 */
export function currentObservation(answer: Answer, stationId: string, receivedAt: number): Observation | null {
  const { current, current_units: units } = answer
  if (!current) return null
  const observedAt = toInstant(current.time, answer.utc_offset_seconds)
  if (observedAt % 3_600_000 === 0) return null
  const values: Partial<QuantityValues> = {}
  for (const [quantity, variable] of Object.entries(VARIABLES)) {
    const raw = current[variable]
    if (raw === undefined || quantity === 'precipitationMm') continue
    const value = z.number().nullable().safeParse(raw)
    if (!value.success) throw formatError(`current ${variable} is no number`)
    values[quantity as Quantity] = converter(variable, quantity, units)(value.data)
  }
  return toObservation(stationId, observedAt, receivedAt, values)[0] ?? null
}

/** How long a refusal asks to wait, from its text (Open-Meteo sends no Retry-After); counters reset on the full minute, hour or day UTC. */
export function waitFromBody(body: string, wallNowMs: number): number | null {
  const untilFull = (periodMs: number): number => periodMs - (wallNowMs % periodMs) + 1_000
  if (/minutely/i.test(body)) return untilFull(60_000)
  if (/hourly/i.test(body)) return untilFull(3_600_000)
  if (/daily/i.test(body)) return untilFull(86_400_000)
  return null
}

function toObservation(
  stationId: string,
  observedAt: number,
  receivedAt: number,
  values: Partial<QuantityValues>,
): Observation[] {
  if (values.windSpeedMps === 0) values.windDirectionDeg = null
  return hasAnyValue(values)
    ? [createObservation({ stationId, observedAt, receivedAt, source: SOURCE, kind: 'analysis' }, values)]
    : []
}

function converter(
  variable: string,
  quantity: string,
  units: Record<string, string> | undefined,
): (value: number | null) => number | null {
  const label = units?.[variable]
  const convert = label === undefined ? undefined : TO_UNIT[label]
  if (!convert) throw formatError(`${variable} has the unit ${label === undefined ? 'missing' : `"${label}"`}`)
  // Snow depth comes in metres (or feet), ours is centimetres.
  const scale = quantity === 'snowDepthCm' ? 100 : 1
  return (value) => (value === null ? null : round(convert(value) * scale, 3))
}

/** Unix seconds are GMT; ISO texts are local to the answer's offset and carry none themselves. */
function toInstant(time: number | string, utcOffsetSeconds: number): number {
  return typeof time === 'number' ? time * 1000 : Date.parse(`${time}:00Z`) - utcOffsetSeconds * 1000
}

function formatError(detail: string): AppError {
  return new AppError(`Open-Meteo answered in an unknown form: ${detail}`, { code: 'provider-format', retry: 'permanent' })
}
