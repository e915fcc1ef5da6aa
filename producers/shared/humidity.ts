/**
 * Humidity conversions for providers that report only one of dew point and relative humidity.
 * WMO-No. 8 Magnus form over water (Sonntag 1990), valid −45…60 °C: e = 6.112·exp(17.62·T/(243.12+T)) hPa.
 */
const MAGNUS_SLOPE = 17.62
const MAGNUS_OFFSET_C = 243.12

/** Relative humidity, %, of air at `temperatureC` with `dewPointC`; at most 100. */
export function relativeHumidity(temperatureC: number, dewPointC: number): number {
  return Math.min(100, 100 * Math.exp(magnusExponent(dewPointC) - magnusExponent(temperatureC)))
}

/** Dew point, °C; null when the humidity is not above zero, where no dew point exists. */
export function dewPoint(temperatureC: number, relativeHumidityPct: number): number | null {
  if (relativeHumidityPct <= 0) return null
  const gamma = Math.log(relativeHumidityPct / 100) + magnusExponent(temperatureC)
  return (MAGNUS_OFFSET_C * gamma) / (MAGNUS_SLOPE - gamma)
}

function magnusExponent(temperatureC: number): number {
  return (MAGNUS_SLOPE * temperatureC) / (MAGNUS_OFFSET_C + temperatureC)
}
