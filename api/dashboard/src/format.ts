/** Numbers, ages and instants for people. */
import type { ForecastVariable, Quantity } from '../../../schemas/quantities.ts'
import { VARIABLE_UNITS } from '../../../schemas/quantities.ts'

const VARIABLE_LABELS: Readonly<Record<ForecastVariable, string>> = {
  temperatureC: 'Temperature',
  dewPointC: 'Dew point',
  relativeHumidityPct: 'Relative humidity',
  pressureHpa: 'Pressure',
  windSpeedMps: 'Wind speed',
  precipitationProbabilityPct: 'Chance of rain',
}

/** The label of a variable; an unknown one (a newer server) is shown by its own name. */
export function variableLabel(variable: string): string {
  return (VARIABLE_LABELS as Record<string, string>)[variable] ?? variable
}

export function unitOf(variable: string): string {
  return (VARIABLE_UNITS as Record<string, string>)[variable] ?? ''
}

const DECIMALS: Partial<Record<ForecastVariable | Quantity, number>> = {
  temperatureC: 1,
  dewPointC: 1,
  pressureHpa: 1,
  windSpeedMps: 1,
  relativeHumidityPct: 0,
  precipitationProbabilityPct: 0,
  precipitationMm: 1,
}

export function formatValue(value: number | null | undefined, variable: string): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return '–'
  return formatNumber(value, DECIMALS[variable as ForecastVariable] ?? 1)
}

export function formatNumber(value: number | null | undefined, decimals: number): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return '–'
  const text = value.toFixed(decimals)
  // A true minus sign; and no "−0.0".
  return Number(text) === 0 ? text.replace('-', '') : text.replace('-', '−')
}

export function formatPercent(share: number | null | undefined, options: { sign?: boolean } = {}): string {
  if (share === null || share === undefined || !Number.isFinite(share)) return '–'
  const text = formatNumber(share * 100, 0)
  return `${options.sign && share > 0 && text !== '0' ? '+' : ''}${text} %`
}

/** 8 s, 4 min, 3.2 h, 5 d. */
export function formatSeconds(seconds: number | null | undefined): string {
  if (seconds === null || seconds === undefined || !Number.isFinite(seconds)) return '–'
  const magnitude = Math.abs(seconds)
  const sign = seconds < 0 ? '−' : ''
  if (magnitude < 10) return `${sign}${magnitude.toFixed(1)} s`
  if (magnitude < 120) return `${sign}${Math.round(magnitude)} s`
  if (magnitude < 7200) return `${sign}${Math.round(magnitude / 60)} min`
  if (magnitude < 172_800) return `${sign}${(magnitude / 3600).toFixed(1)} h`
  return `${sign}${Math.round(magnitude / 86_400)} d`
}

/** Event seconds per wall second as "2.0 h/s" or "real time". */
export function formatSpeed(ratio: number | null): string {
  if (ratio === null || !Number.isFinite(ratio)) return 'speed –'
  if (ratio < 0.05) return 'standing still'
  if (ratio < 5) return 'real time'
  if (ratio < 300) return `${Math.round(ratio)}× real time`
  if (ratio < 7200 * 12) return `${formatNumber(ratio / 3600, 1)} h/s`
  return `${formatNumber(ratio / 86_400, 1)} d/s`
}

const formatters = new Map<string, Intl.DateTimeFormat>()

function formatter(timeZone: string, style: 'full' | 'short' | 'axis'): Intl.DateTimeFormat {
  const key = `${timeZone}|${style}`
  let found = formatters.get(key)
  if (!found) {
    const options: Intl.DateTimeFormatOptions =
      style === 'full'
        ? {
            weekday: 'short',
            day: 'numeric',
            month: 'short',
            year: 'numeric',
            hour: '2-digit',
            minute: '2-digit',
            timeZoneName: 'short',
          }
        : style === 'short'
          ? { day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit' }
          : { weekday: 'short', day: 'numeric', month: 'short' }
    found = new Intl.DateTimeFormat('en-GB', { ...options, timeZone, hourCycle: 'h23' })
    formatters.set(key, found)
  }
  return found
}

/** UTC when the runtime does not know the zone (a station may name any). */
export function knownTimeZone(timeZone: string): string {
  try {
    return new Intl.DateTimeFormat('en-GB', { timeZone }).resolvedOptions().timeZone
  } catch (error) {
    if (error instanceof RangeError) return 'UTC'
    throw error
  }
}

export function formatInstant(instantMs: number | null, timeZone: string, style: 'full' | 'short' | 'axis' = 'short'): string {
  if (instantMs === null || !Number.isFinite(instantMs)) return '–'
  return formatter(timeZone, style).format(instantMs)
}

/** Epoch ms of an ISO instant, null when absent or unreadable. */
export function instant(iso: string | null | undefined): number | null {
  if (!iso) return null
  const value = Date.parse(iso)
  return Number.isNaN(value) ? null : value
}

export function shortVersion(version: string | null | undefined): string {
  if (!version) return 'none'
  return version.length > 22 ? `${version.slice(0, 19)}…` : version
}
