/** A forecast answer as bytes: JSON, CSV or NDJSON. Pure: the same selection and options give the same bytes (strong ETags depend on it). */
import type { Forecast, Station } from '../../schemas/generated/types.ts'
import { QUANTILE_LEVELS, type ForecastVariable } from '../../schemas/quantities.ts'
import { csvLine } from './csv.ts'
import { isoIn, isoUtc } from './local-time.ts'
import type { Freshness, Selection } from './select.ts'
import { outputUnit, outputValue, type UnitSystem } from './units.ts'

export type ForecastFormat = 'json' | 'csv' | 'ndjson'
export type BodyOptions = {
  readonly hours: number
  readonly quantiles: readonly number[]
  readonly units: UnitSystem
  /** IANA name; 'station' is resolved before. */
  readonly timezone: string
  readonly format: ForecastFormat
}
export type StationSummary = Pick<Station, 'stationId' | 'name' | 'latitude' | 'longitude' | 'elevationM' | 'timezone'>

export const CONTENT_TYPES: Readonly<Record<ForecastFormat, string>> = {
  json: 'application/json',
  csv: 'text/csv; charset=utf-8',
  ndjson: 'application/x-ndjson',
}

export function renderForecast(
  station: StationSummary,
  selection: Selection,
  freshness: Freshness,
  options: BodyOptions,
): string {
  if (options.format === 'json') return JSON.stringify(forecastBody(station, selection, freshness, options))
  const rows = hourlyRows(station, selection, freshness, options)
  if (options.format === 'ndjson') return rows.map((row) => `${JSON.stringify(row)}\n`).join('')
  const header = Object.keys(rows[0] ?? {})
  return [header, ...rows.map((row) => header.map((name) => row[name] ?? null))].map(csvLine).join('')
}

/** The JSON body of INTERFACES §3, plus `models` per variable and `unavailable`. */
function forecastBody(station: StationSummary, selection: Selection, freshness: Freshness, options: BodyOptions) {
  const { forecasts } = selection
  const leads = commonLeads(forecasts, options.hours)
  const hourly: Record<string, unknown> = { time: leads.map((lead) => isoIn(options.timezone, validAt(selection, lead))) }
  const units: Record<string, string> = {}
  const models: Record<string, { id: string; version: string; sha256: string }> = {}
  for (const forecast of forecasts) {
    const unit = outputUnit(forecast.variable, options.units)
    units[unit.name] = unit.unit
    models[unit.name] = { id: forecast.modelId, version: forecast.modelVersion, sha256: forecast.modelSha256 }
    const rows = rowsByLead(forecast)
    hourly[unit.name] = Object.fromEntries(
      options.quantiles.map((level) => [
        String(level),
        leads.map((lead) => outputValue(unit, rows.get(lead)?.[levelIndex(level)])),
      ]),
    )
  }
  return {
    station: summary(station),
    issuedAt: isoUtc(selection.issuedAt),
    status: freshness.status,
    statusReason: freshness.reason,
    fallback: fallbackOf(forecasts),
    featureKnownAt: isoUtc(Math.max(...forecasts.map((forecast) => forecast.featureKnownAt))),
    model: Object.values(models)[0] ?? null,
    models,
    timezone: options.timezone,
    units,
    hourly,
    unavailable: selection.unavailable.map(({ variable, reason }) => ({ variable, reason })),
    attribution: [`Isobar forecast for ${station.name}`],
  }
}

/** One flat record per hour; quantiles as `temperatureC_q10`. */
function hourlyRows(
  station: StationSummary,
  selection: Selection,
  freshness: Freshness,
  options: BodyOptions,
): Record<string, string | number | null>[] {
  const { forecasts } = selection
  const columns = forecasts.map((forecast) => ({
    forecast,
    unit: outputUnit(forecast.variable, options.units),
    rows: rowsByLead(forecast),
  }))
  return commonLeads(forecasts, options.hours).map((lead) => {
    const row: Record<string, string | number | null> = {
      stationId: station.stationId,
      stationName: station.name,
      issuedAt: isoUtc(selection.issuedAt),
      validAt: isoIn(options.timezone, validAt(selection, lead)),
      leadHours: lead,
      status: freshness.status,
    }
    for (const { unit, rows } of columns) {
      for (const level of options.quantiles)
        row[`${unit.name}_q${quantileLabel(level)}`] = outputValue(unit, rows.get(lead)?.[levelIndex(level)])
    }
    for (const { unit, forecast } of columns) row[`${unit.name}_model`] = forecast.modelVersion
    return row
  })
}

/** 0.1 → 10, 0.025 → 025 (as in prediction files: q025, q10, … q975). */
function quantileLabel(level: number): string {
  return level.toFixed(3).slice(2).replace(/0$/, '')
}

function summary(s: StationSummary): StationSummary {
  return {
    stationId: s.stationId,
    name: s.name,
    latitude: s.latitude,
    longitude: s.longitude,
    elevationM: s.elevationM,
    timezone: s.timezone,
  }
}

function validAt(selection: Selection, lead: number): number {
  return selection.issuedAt + lead * 3_600_000
}

function commonLeads(forecasts: readonly Forecast[], hours: number): number[] {
  const leads = new Set(forecasts.flatMap((forecast) => forecast.leadHours))
  return [...leads].filter((lead) => lead <= hours).sort((a, b) => a - b)
}

function rowsByLead(forecast: Forecast): Map<number, readonly number[]> {
  return new Map(forecast.leadHours.map((lead, index) => [lead, forecast.quantiles[index] ?? []]))
}

function levelIndex(level: number): number {
  return QUANTILE_LEVELS.findIndex((known) => known === level)
}

function fallbackOf(forecasts: readonly Forecast[]): string | null {
  const used = forecasts
    .filter((forecast) => forecast.fallback !== null)
    .map((forecast): [ForecastVariable, string | null] => [forecast.variable, forecast.fallback])
  return used.length === 0 ? null : used.map(([variable, fallback]) => `${variable}: ${fallback}`).join('; ')
}
