/** Unit systems of answers. The unit is part of a quantity's name, so converted series get another name. */
import { VARIABLE_UNITS, type ForecastVariable, type Quantity } from '../../schemas/quantities.ts'

export type UnitSystem = 'metric' | 'us'
export type OutputUnit = {
  readonly name: string
  readonly unit: string
  readonly decimals: number
  readonly convert: (value: number) => number
}

const FAHRENHEIT = (c: number): number => c * 1.8 + 32
const MPH = (mps: number): number => mps / 0.44704
const INCHES_OF_MERCURY = (hpa: number): number => hpa / 33.8638866667
const INCHES = (mm: number): number => mm / 25.4
const MILES = (m: number): number => m / 1609.344

const US: Partial<Record<ForecastVariable | Quantity, Omit<OutputUnit, 'decimals'> & { decimals: number }>> = {
  temperatureC: { name: 'temperatureF', unit: '°F', decimals: 2, convert: FAHRENHEIT },
  dewPointC: { name: 'dewPointF', unit: '°F', decimals: 2, convert: FAHRENHEIT },
  pressureHpa: { name: 'pressureInHg', unit: 'inHg', decimals: 3, convert: INCHES_OF_MERCURY },
  stationPressureHpa: { name: 'stationPressureInHg', unit: 'inHg', decimals: 3, convert: INCHES_OF_MERCURY },
  windSpeedMps: { name: 'windSpeedMph', unit: 'mph', decimals: 2, convert: MPH },
  windGustMps: { name: 'windGustMph', unit: 'mph', decimals: 2, convert: MPH },
  precipitationMm: { name: 'precipitationIn', unit: 'in', decimals: 3, convert: INCHES },
  visibilityM: { name: 'visibilityMi', unit: 'mi', decimals: 2, convert: MILES },
  snowDepthCm: { name: 'snowDepthIn', unit: 'in', decimals: 2, convert: (cm) => INCHES(cm * 10) },
}

export function outputUnit(variable: ForecastVariable | Quantity, system: UnitSystem): OutputUnit {
  const us = system === 'us' ? US[variable] : undefined
  return us ?? { name: variable, unit: VARIABLE_UNITS[variable], decimals: 2, convert: (value) => value }
}

/** Rounded for output; null where there is no finite value. */
export function outputValue(unit: OutputUnit, value: number | null | undefined): number | null {
  if (value === null || value === undefined || !Number.isFinite(value)) return null
  const scale = 10 ** unit.decimals
  const rounded = Math.round(unit.convert(value) * scale) / scale
  return Object.is(rounded, -0) ? 0 : rounded
}
