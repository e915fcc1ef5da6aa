/**
 * Meteostat hourly data → observations. Meteostat fills gaps with model values: where the source of a value is given, model values become
 * a separate observation of kind `model-fill`; where it is not, nothing can be taken for a measurement.
 * Units: °C, %, mm, km/h, hPa at sea level; times UTC.
 */
import { parse as parseCsv } from 'csv-parse/sync'
import { z } from 'zod'
import { AppError, messageOf } from '../../infra/runtime/errors.ts'
import type { Observation } from '../../schemas/generated/types.ts'
import type { Quantity } from '../../schemas/quantities.ts'
import { createObservation, hasAnyValue } from '../shared/observation.ts'
import type { QuantityValues } from '../shared/observation.ts'
import { KMH_MPS, round } from '../shared/units.ts'

const SOURCE = 'meteostat'

type Column = { readonly quantity: Quantity; readonly convert: (value: number) => number }
const same = (value: number): number => value
const fromKmh = (value: number): number => round(value * KMH_MPS, 2)
const fromMm = (value: number): number => round(value / 10, 1)

/** `snow` was renamed `snwd` in 2026; both are a depth in mm. */
const COLUMNS: Readonly<Record<string, Column>> = {
  temp: { quantity: 'temperatureC', convert: same },
  dwpt: { quantity: 'dewPointC', convert: same },
  rhum: { quantity: 'relativeHumidityPct', convert: same },
  prcp: { quantity: 'precipitationMm', convert: same },
  snow: { quantity: 'snowDepthCm', convert: fromMm },
  snwd: { quantity: 'snowDepthCm', convert: fromMm },
  wdir: { quantity: 'windDirectionDeg', convert: same },
  wspd: { quantity: 'windSpeedMps', convert: fromKmh },
  wpgt: { quantity: 'windGustMps', convert: fromKmh },
  pres: { quantity: 'pressureHpa', convert: same },
  cldc: { quantity: 'cloudCoverPct', convert: (okta) => round((100 * okta) / 8, 1) },
  vsby: { quantity: 'visibilityM', convert: same },
}
/** Sources of measurements. Any other source, also one not known yet, counts as model: a forecast must never verify a forecast. */
const MEASURED = new Set(['isd_lite', 'metar', 'synop', 'dwd_poi', 'dwd_hourly', 'eccc_hourly', 'noaa_ghcnh', 'ghcnh'])
/** The dump without header and sources. */
const LEGACY_COLUMNS = ['date', 'hour', 'temp', 'dwpt', 'rhum', 'prcp', 'snow', 'wdir', 'wspd', 'wpgt', 'pres', 'tsun', 'coco']

const AnswerSchema = z.object({
  data: z.array(z.looseObject({ time: z.string().regex(/^\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2}$/) })).nullable(),
})

type Head = { readonly stationId: string; readonly receivedAt: number }

/** The JSON API's answer. `model`: what was asked for; with model=false every value is measured. */
export function parseHourlyJson(json: unknown, head: Head, model: boolean): Observation[] {
  const parsed = AnswerSchema.safeParse(json)
  if (!parsed.success) throw formatError(z.prettifyError(parsed.error))
  return (parsed.data.data ?? []).flatMap((row) => {
    const values: Partial<QuantityValues> = {}
    for (const [name, { quantity, convert }] of Object.entries(COLUMNS)) {
      const raw = row[name]
      if (raw === undefined || raw === null) continue
      if (typeof raw !== 'number') throw formatError(`${name} is ${JSON.stringify(raw)}`)
      values[quantity] = convert(raw)
    }
    return toObservations(Date.parse(`${row.time.replace(' ', 'T')}Z`), head, model ? {} : values, model ? values : {})
  })
}

/** A bulk file: with header and source columns (since 2026), or the legacy one without both. Fields that are no number reject the file. */
export function parseBulkCsv(text: string, head: Head): Observation[] {
  let rows: string[][]
  try {
    rows = parseCsv(text, { relax_column_count: true, skip_empty_lines: true, bom: true, trim: true })
  } catch (error) {
    throw formatError(messageOf(error))
  }
  const first = rows[0]
  if (!first) return []
  const isLegacy = /^\d{4}-\d{2}-\d{2}$/.test(first[0] ?? '')
  const names = isLegacy ? LEGACY_COLUMNS : first
  if (!isLegacy && !['year', 'month', 'day', 'hour'].every((name) => names.includes(name)))
    throw formatError(`header ${first.join(',')}`)
  const index = new Map(names.map((name, i) => [name, i]))
  const cell = (row: readonly string[], name: string): string => row[index.get(name) ?? -1] ?? ''

  return (isLegacy ? rows : rows.slice(1)).flatMap((row, i) => {
    const line = i + (isLegacy ? 1 : 2)
    const measured: Partial<QuantityValues> = {}
    const filled: Partial<QuantityValues> = {}
    for (const [name, { quantity, convert }] of Object.entries(COLUMNS)) {
      const text = cell(row, name)
      if (text === '') continue
      if (!Number.isFinite(Number(text))) throw formatError(`line ${line}: ${name} is ${JSON.stringify(text)}`)
      const target = MEASURED.has(cell(row, `${name}_source`)) ? measured : filled
      target[quantity] = convert(Number(text))
    }
    return toObservations(instantOf(row, line), head, measured, filled)
  })

  function instantOf(row: readonly string[], line: number): number {
    const two = (text: string): string => text.padStart(2, '0')
    const date = isLegacy ? cell(row, 'date') : [cell(row, 'year'), two(cell(row, 'month')), two(cell(row, 'day'))].join('-')
    const instant = Date.parse(`${date}T${two(cell(row, 'hour'))}:00:00Z`)
    if (Number.isNaN(instant)) throw formatError(`line ${line}: no date in ${row.slice(0, 4).join(',')}`)
    return instant
  }
}

function toObservations(
  observedAt: number,
  head: Head,
  measured: Partial<QuantityValues>,
  filled: Partial<QuantityValues>,
): Observation[] {
  const speed = measured.windSpeedMps ?? filled.windSpeedMps
  for (const values of [measured, filled]) {
    if (values.windDirectionDeg === undefined) continue
    // North is 360; calm has no direction.
    if (speed === 0) values.windDirectionDeg = null
    else if (values.windDirectionDeg === 0) values.windDirectionDeg = 360
  }
  const observations: Observation[] = []
  if (hasAnyValue(measured))
    observations.push(createObservation({ ...head, observedAt, source: SOURCE, kind: 'observation' }, measured))
  if (hasAnyValue(filled))
    observations.push(createObservation({ ...head, observedAt, source: SOURCE, kind: 'model-fill' }, filled))
  return observations
}

function formatError(detail: string): AppError {
  return new AppError(`Meteostat answered in an unknown form: ${detail}`, { code: 'provider-format', retry: 'permanent' })
}
