/**
 * The forecast of a station that has not reported yet: what is usual at its latitude and elevation, by day of the year and hour of the day, wide.
 * Temperature: zonal means of North, Cahalan & Coakley 1981 (Rev. Geophys. 19, 91: 14.9 − 28·P₂(sin φ) °C, annual cycle 15.5·sin φ °C), −6.5 °C
 * per km of the standard atmosphere, a day's cycle of 4 °C with its peak at 15 h solar time; 5·sin²φ °C more, because stations stand where
 * people live (eight of them between 9° S and 54° N were 2 to 10 °C warmer than their zone in the middle latitudes). The others: round values.
 */
import { type ForecastVariable, HORIZON_HOURS } from '../../schemas/quantities.ts'
import type { Climatology } from './climatology.ts'
import { OWN } from './station-climate.ts'
import type { Site } from './types.ts'
import { usualShare } from './usual.ts'
import { USUAL } from './young-station.ts'

const H = HORIZON_HOURS
const LAPSE_PER_M = 0.0065
const PEAK_SOLAR_HOUR = 15
/** From this many hours of age on a newest value says nothing here. */
const BLIND_HOURS = 48

/** Column's unit: mean at a mid-latitude site, half the day's cycle (peak at 15 h), and how far sites differ from this (standard deviation). */
const SITES: Readonly<Record<ForecastVariable, { mean: number; diurnal: number; between: number }>> = {
  temperatureC: { mean: 0, diurnal: 4, between: 2 },
  dewPointC: { mean: -6, diurnal: 0, between: 3 },
  relativeHumidityPct: { mean: 72, diurnal: -12, between: 14 },
  pressureHpa: { mean: 1013.5, diurnal: 0, between: 7 },
  windSpeedMps: { mean: 3.3, diurnal: 0.6, between: 1.5 },
  precipitationProbabilityPct: { mean: 0.1, diurnal: 0, between: 7 },
}

/** Oceans and continents: sites of a latitude differ the more in temperature and dew point the farther they are from the equator, °C per degree. */
const BETWEEN_PER_DEGREE = 0.13

const followsTemperature = (variable: ForecastVariable): boolean => variable === 'temperatureC' || variable === 'dewPointC'

/** 3 annual × 3 diurnal terms in UTC; see climatology.ts for the phase of the year. */
export function sitePrior(variable: ForecastVariable, { latitude, longitude, elevationM }: Site): Climatology {
  const { mean, diurnal } = SITES[variable]
  const sine = Math.sin((latitude * Math.PI) / 180)
  const zonal = 14.9 - 28 * ((3 * sine * sine - 1) / 2) + 5 * sine * sine - LAPSE_PER_M * elevationM
  const peak = (2 * Math.PI * (PEAK_SOLAR_HOUR - longitude / 15)) / 24
  const coefficients = new Float64Array(9)
  coefficients[0] = mean + (followsTemperature(variable) ? zonal : 0)
  coefficients[1] = diurnal * Math.cos(peak)
  coefficients[2] = diurnal * Math.sin(peak)
  coefficients[3] = followsTemperature(variable) ? -15.5 * sine : 0
  return { annualPairs: 1, diurnalPairs: 1, coefficients }
}

/**
 * By lead: share of the newest departure, and the deviation that is left. A departure from what is usual is mostly the site's own and stays:
 * (b² + σ²·ρ(h)) / (b² + σ²) with b between sites, σ of the weather. From 48 h on, where the spread of a station that has not reported at all is
 * looked up, as if nothing had been seen.
 */
export function priorDamping(
  variable: ForecastVariable,
  { latitude }: Site,
): { readonly share: Float64Array; readonly deviation: Float64Array } {
  const { deviation, nugget } = USUAL[variable]
  const wider = followsTemperature(variable) ? BETWEEN_PER_DEGREE * Math.abs(latitude) : 0
  const between = (SITES[variable].between + wider) ** 2
  const weather = deviation ** 2
  const total = between + weather
  const share = Float64Array.from({ length: H }, (_, h) => (between + weather * usualShare(OWN[variable].column, h + 1)) / total)
  const left = share.map((value, h) => Math.sqrt(nugget ** 2 + total * (h < BLIND_HOURS ? 1 - value ** 2 : 1)))
  return { share, deviation: left }
}
