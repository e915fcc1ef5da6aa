/** How warm it feels. Null in, null out; outside the range of the inputs null, never NaN. All in the shade. */
import { type Maybe, within } from './humidity.ts'

/**
 * Heat index, °C. US National Weather Service (Rothfusz, SR 90-23, with the Weather Prediction Center's two adjustments), computed in °F:
 * the simple form 0.5·(T + 61 + 1.2·(T − 68) + 0.094·R); where its mean with T reaches 80 °F the regression, lowered for R < 13 %
 * at 80–112 °F and raised for R > 85 % at 80–87 °F. At or below 40 °F the temperature itself. Within 1.3 °F of Steadman's model.
 */
export function heatIndexC(temperatureC: Maybe, relativeHumidityPct: Maybe): number | null {
  if (!within(temperatureC, -80, 60) || !within(relativeHumidityPct, 0, 100)) return null
  const t = temperatureC * 1.8 + 32
  const r = relativeHumidityPct
  if (t <= 40) return temperatureC
  const simple = 0.5 * (t + 61 + 1.2 * (t - 68) + 0.094 * r)
  return ((simple + t) / 2 < 80 ? simple : rothfusz(t, r)) / 1.8 - 32 / 1.8
}

function rothfusz(t: number, r: number): number {
  const regression =
    -42.379 +
    2.04901523 * t +
    10.14333127 * r -
    0.22475541 * t * r -
    6.83783e-3 * t * t -
    5.481717e-2 * r * r +
    1.22874e-3 * t * t * r +
    8.5282e-4 * t * r * r -
    1.99e-6 * t * t * r * r
  if (r < 13 && t >= 80 && t <= 112) return regression - ((13 - r) / 4) * Math.sqrt((17 - Math.abs(t - 95)) / 17)
  if (r > 85 && t >= 80 && t <= 87) return regression + ((r - 85) / 10) * ((87 - t) / 5)
  return regression
}

/**
 * Wind chill, °C (JAG/TI 2001, used by Canada and the US): 13.12 + 0.6215·T − 11.37·V^0.16 + 0.3965·T·V^0.16, V the wind at 10 m in km/h.
 * Defined to 10 °C and above 4.8 km/h; elsewhere the temperature itself. `windSpeedMps` ≥ 0.
 */
export function windChillC(temperatureC: Maybe, windSpeedMps: Maybe): number | null {
  if (!within(temperatureC, -90, 60) || !within(windSpeedMps, 0, 120)) return null
  const kmh = windSpeedMps * 3.6
  if (temperatureC > 10 || kmh <= 4.8) return temperatureC
  const power = kmh ** 0.16
  return 13.12 + 0.6215 * temperatureC - 11.37 * power + 0.3965 * temperatureC * power
}

/**
 * Humidex (Masterson & Richardson 1979): T + 5/9·(6.11·exp(5417.753·(1/273.16 − 1/(273.15 + Td))) − 10), a number on the scale of °C. Not below
 * the temperature: dry air is not reported as cooler. Dew point at most 0.5 °C above the temperature.
 */
export function humidexC(temperatureC: Maybe, dewPointC: Maybe): number | null {
  if (!within(temperatureC, -80, 60) || !within(dewPointC, -80, temperatureC + 0.5)) return null
  const vapourPressureHpa = 6.11 * Math.exp(5417.753 * (1 / 273.16 - 1 / (273.15 + dewPointC)))
  return Math.max(temperatureC, temperatureC + (5 / 9) * (vapourPressureHpa - 10))
}

/**
 * Apparent temperature, °C (Steadman 1994, as used by the Australian Bureau of Meteorology): T + 0.33·e − 0.70·v − 4.00, e the vapour pressure in hPa,
 * v the wind at 10 m in m/s.
 */
export function apparentTemperatureC(temperatureC: Maybe, relativeHumidityPct: Maybe, windSpeedMps: Maybe): number | null {
  if (!within(temperatureC, -90, 60) || !within(relativeHumidityPct, 0, 100) || !within(windSpeedMps, 0, 120)) return null
  const vapourHpa = (relativeHumidityPct / 100) * 6.105 * Math.exp((17.27 * temperatureC) / (237.7 + temperatureC))
  return temperatureC + 0.33 * vapourHpa - 0.7 * windSpeedMps - 4
}
