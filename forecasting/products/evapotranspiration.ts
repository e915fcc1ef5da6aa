/** Water a well-watered short grass gives to the air. FAO Irrigation and Drainage Paper 56 (Allen et al. 1998), hourly. */
import { type Maybe, tetensKpa, within } from './humidity.ts'

export type EvapotranspirationHour = {
  /** Start of the hour, UTC epoch milliseconds. */
  readonly startsAtMs: number
  readonly latitudeDeg: number
  /** East positive. */
  readonly longitudeDeg: number
  readonly elevationM: number
  /** Means of the hour. Wind at 10 m, global radiation on the flat. */
  readonly temperatureC: Maybe
  readonly relativeHumidityPct: Maybe
  readonly windSpeedMps: Maybe
  readonly solarWm2: Maybe
  /** Global over clear-sky radiation two to three hours before sunset, for the night's cloud; 0.8 where it is not known (arid; moist 0.4–0.6). */
  readonly eveningClearness?: number
}

const HOUR_MS = 3_600_000
const SOLAR_CONSTANT_MJ_PER_MINUTE = 0.082
const STEFAN_BOLTZMANN_MJ_PER_HOUR = 2.043e-10
const ALBEDO = 0.23
/** Wind at 2 m over wind at 10 m, eq. 47. */
const WIND_2M = 4.87 / Math.log(67.8 * 10 - 5.42)

/**
 * Reference evapotranspiration of one hour, mm ≥ 0 (eq. 53): (0.408·Δ·(Rn − G) + γ·37/(T + 273)·u₂·(e° − e_a)) / (Δ + γ·(1 + 0.34·u₂)).
 * Net radiation by eq. 38–40 with Rso = (0.75 + 2·10⁻⁵·z)·Ra (eq. 37), soil heat 0.1·Rn by day and 0.5·Rn by night (eq. 45, 46), pressure
 * from the elevation (eq. 7). Condensation (a slightly negative night hour) counts as 0. Null when an input is null or out of range.
 */
export function referenceEvapotranspirationMm(hour: EvapotranspirationHour): number | null {
  const { temperatureC, relativeHumidityPct, windSpeedMps, solarWm2, elevationM, eveningClearness = 0.8 } = hour
  if (!within(temperatureC, -45, 60) || !within(relativeHumidityPct, 0, 100)) return null
  if (!within(windSpeedMps, 0, 120) || !within(solarWm2, 0, 1500)) return null
  if (!within(hour.latitudeDeg, -90, 90) || !within(hour.longitudeDeg, -180, 180) || !within(elevationM, -500, 9000)) return null
  if (!Number.isFinite(hour.startsAtMs) || !within(eveningClearness, 0, 1)) return null

  const sky = skyOf(hour.startsAtMs, hour.latitudeDeg, hour.longitudeDeg)
  const clearSkyMj = (0.75 + 2e-5 * elevationM) * sky.extraterrestrialMj
  const solarMj = solarWm2 * 0.0036
  const clearness = sky.sunHigh && clearSkyMj > 0 ? Math.min(1, Math.max(0.3, solarMj / clearSkyMj)) : eveningClearness

  const saturationKpa = tetensKpa(temperatureC)
  const vapourKpa = (saturationKpa * relativeHumidityPct) / 100
  const longwaveMj =
    STEFAN_BOLTZMANN_MJ_PER_HOUR * (temperatureC + 273.16) ** 4 * (0.34 - 0.14 * Math.sqrt(vapourKpa)) * (1.35 * clearness - 0.35)
  const netMj = (1 - ALBEDO) * solarMj - longwaveMj
  const soilMj = (sky.sunUp ? 0.1 : 0.5) * netMj
  const slope = (4098 * saturationKpa) / (temperatureC + 237.3) ** 2
  const psychrometric = 0.665e-3 * 101.3 * ((293 - 0.0065 * elevationM) / 293) ** 5.26
  const wind2Mps = windSpeedMps * WIND_2M
  const evaporated =
    (0.408 * slope * (netMj - soilMj) + ((psychrometric * 37) / (temperatureC + 273)) * wind2Mps * (saturationKpa - vapourKpa)) /
    (slope + psychrometric * (1 + 0.34 * wind2Mps))
  return Math.max(0, evaporated)
}

/** Radiation at the top of the air over the hour (eq. 28–33, in solar time), MJ/m², and whether the sun is up, and high enough to judge cloud by. */
function skyOf(startsAtMs: number, latitudeDeg: number, longitudeDeg: number) {
  const middle = new Date(startsAtMs + HOUR_MS / 2)
  const dayOfYear = Math.floor((middle.getTime() - Date.UTC(middle.getUTCFullYear(), 0, 1)) / 86_400_000) + 1
  const latitude = (latitudeDeg * Math.PI) / 180
  const distance = 1 + 0.033 * Math.cos((2 * Math.PI * dayOfYear) / 365)
  const declination = 0.409 * Math.sin((2 * Math.PI * dayOfYear) / 365 - 1.39)
  const b = (2 * Math.PI * (dayOfYear - 81)) / 364
  const correctionHours = 0.1645 * Math.sin(2 * b) - 0.1255 * Math.cos(b) - 0.025 * Math.sin(b)
  const clockHours = (middle.getTime() % 86_400_000) / HOUR_MS
  const solarHours = (((clockHours + longitudeDeg / 15 + correctionHours) % 24) + 24) % 24
  const angle = (Math.PI / 12) * (solarHours - 12)
  const sunset = Math.acos(Math.max(-1, Math.min(1, -Math.tan(latitude) * Math.tan(declination))))
  const from = Math.max(-sunset, Math.min(sunset, angle - Math.PI / 24))
  const to = Math.max(-sunset, Math.min(sunset, angle + Math.PI / 24))
  const extraterrestrialMj =
    ((12 * 60) / Math.PI) *
    SOLAR_CONSTANT_MJ_PER_MINUTE *
    distance *
    ((to - from) * Math.sin(latitude) * Math.sin(declination) +
      Math.cos(latitude) * Math.cos(declination) * (Math.sin(to) - Math.sin(from)))
  return {
    extraterrestrialMj: Math.max(0, extraterrestrialMj),
    sunUp: Math.abs(angle) < sunset,
    // Two hours (0.52 rad) off sunrise and sunset: lower, the ratio of two small numbers says nothing about cloud (FAO-56, p. 75).
    sunHigh: Math.abs(angle) < sunset - 0.52,
  }
}
