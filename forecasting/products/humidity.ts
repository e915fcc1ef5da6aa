/**
 * Moisture of the air. Null in, null out; a value that is not finite or outside the range of its formula gives null too, never NaN.
 * Magnus form over water, WMO-No. 8 (Sonntag 1990): e = 6.112·exp(17.62·T/(243.12 + T)) hPa, −45…60 °C.
 */

export type Maybe = number | null | undefined

const A = 17.62
const B = 243.12

/** Is it a number between the bounds, both included? */
export function within(value: Maybe, from: number, to: number): value is number {
  return value !== null && value !== undefined && value >= from && value <= to
}

/** Saturation vapour pressure over water, hPa. −45…60 °C. */
export function saturationVapourPressureHpa(temperatureC: Maybe): number | null {
  return within(temperatureC, -45, 60) ? 6.112 * Math.exp((A * temperatureC) / (B + temperatureC)) : null
}

/** Dew point, °C: the inverse of Magnus. −45…60 °C, above 0 to 100 %; never above the temperature. */
export function dewPointC(temperatureC: Maybe, relativeHumidityPct: Maybe): number | null {
  if (!within(temperatureC, -45, 60) || !within(relativeHumidityPct, 0, 100) || relativeHumidityPct === 0) return null
  return magnusDewPointC(temperatureC, relativeHumidityPct)
}

/** The formula of dewPointC alone: the caller knows what it asks. Above −243.12 °C, above 0 %. */
export function magnusDewPointC(temperatureC: number, relativeHumidityPct: number): number {
  const gamma = Math.log(relativeHumidityPct / 100) + (A * temperatureC) / (B + temperatureC)
  return Math.min(temperatureC, (B * gamma) / (A - gamma))
}

/** Relative humidity, %. A dew point above the temperature by up to 0.5 °C (rounding) is 100 %, further above null. */
export function relativeHumidityPct(temperatureC: Maybe, dewPoint: Maybe): number | null {
  if (!within(temperatureC, -45, 60) || !within(dewPoint, -80, temperatureC + 0.5)) return null
  return magnusHumidityPct(temperatureC, dewPoint)
}

/** The formula of relativeHumidityPct alone: the caller knows what it asks. Both above −243.12 °C. */
export function magnusHumidityPct(temperatureC: number, dewPoint: number): number {
  return Math.min(100, 100 * Math.exp((A * dewPoint) / (B + dewPoint) - (A * temperatureC) / (B + temperatureC)))
}

/**
 * Wet bulb, °C, at sea-level pressure (Stull 2011, J. Appl. Meteor. Climatol. 50, eq. 1, arctangents in radians): −20…50 °C, 5–99 %,
 * error −1…+0.65 °C. Used to 100 %, where it gives the temperature within 0.35 °C (−10…40 °C); never above the temperature.
 */
export function wetBulbC(temperatureC: Maybe, relativeHumidity: Maybe): number | null {
  if (!within(temperatureC, -20, 50) || !within(relativeHumidity, 5, 100)) return null
  const rh = relativeHumidity
  const wetBulb =
    temperatureC * Math.atan(0.151977 * Math.sqrt(rh + 8.313659)) +
    Math.atan(temperatureC + rh) -
    Math.atan(rh - 1.676331) +
    0.00391838 * rh ** 1.5 * Math.atan(0.023101 * rh) -
    4.686035
  return Math.min(temperatureC, wetBulb)
}

/** Saturation vapour pressure of FAO-56 (eq. 11, Tetens): 0.6108·exp(17.27·T/(T + 237.3)) kPa. The caller checks the range. */
export function tetensKpa(temperatureC: number): number {
  return 0.6108 * Math.exp((17.27 * temperatureC) / (temperatureC + 237.3))
}

/** Vapour pressure deficit, kPa: (1 − RH/100)·e°(T), FAO-56 eq. 11 and 54. −45…60 °C, 0–100 %. */
export function vapourPressureDeficitKpa(temperatureC: Maybe, relativeHumidity: Maybe): number | null {
  if (!within(temperatureC, -45, 60) || !within(relativeHumidity, 0, 100)) return null
  return tetensKpa(temperatureC) * (1 - relativeHumidity / 100)
}
