/** The quantities of an observation and what is forecast from them: one name each, unit in the name (docs/quantities.md). */

/** Observed quantities, in the order used by CSV headers, ClickHouse columns and JSON. */
export const QUANTITIES = [
  'temperatureC',
  'dewPointC',
  'relativeHumidityPct',
  'pressureHpa',
  'stationPressureHpa',
  'windSpeedMps',
  'windGustMps',
  'windDirectionDeg',
  'precipitationMm',
  'cloudCoverPct',
  'visibilityM',
  'solarWm2',
  'snowDepthCm',
] as const
export type Quantity = (typeof QUANTITIES)[number]

/** Variables that are forecast. */
export const FORECAST_VARIABLES = [
  'temperatureC',
  'dewPointC',
  'relativeHumidityPct',
  'pressureHpa',
  'windSpeedMps',
  'precipitationProbabilityPct',
] as const
export type ForecastVariable = (typeof FORECAST_VARIABLES)[number]

export const VARIABLE_UNITS: Readonly<Record<ForecastVariable | Quantity, string>> = {
  temperatureC: '°C',
  dewPointC: '°C',
  relativeHumidityPct: '%',
  pressureHpa: 'hPa',
  stationPressureHpa: 'hPa',
  windSpeedMps: 'm/s',
  windGustMps: 'm/s',
  windDirectionDeg: '°',
  precipitationMm: 'mm',
  cloudCoverPct: '%',
  visibilityM: 'm',
  solarWm2: 'W/m²',
  snowDepthCm: 'cm',
  precipitationProbabilityPct: '%',
}

/** Forecast horizon, hours; leads are 1…HORIZON_HOURS, hourly. */
export const HORIZON_HOURS = 168

/** Published quantile levels, ascending. */
export const QUANTILE_LEVELS = [0.025, 0.1, 0.25, 0.5, 0.75, 0.9, 0.975] as const

/** Precipitation of an hour at or above this counts as the event behind precipitationProbabilityPct, mm. */
export const PRECIPITATION_EVENT_MM = 0.1

/** Lead buckets used in every score, inclusive bounds in hours. */
export const LEAD_BUCKETS = [
  { name: '1-6', from: 1, to: 6 },
  { name: '7-24', from: 7, to: 24 },
  { name: '25-72', from: 25, to: 72 },
  { name: '73-168', from: 73, to: 168 },
] as const
export type LeadBucketName = (typeof LEAD_BUCKETS)[number]['name'] | 'all'

export const STATION_ID_PATTERN = /^[a-z0-9][a-z0-9_-]{0,63}$/
