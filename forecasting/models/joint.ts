/**
 * Forecasts of a station's quantities that agree with one another. Each model knows only its own quantity; published together, a dew point above
 * the temperature or a humidity that neither allows is a mistake that anyone can see.
 */
import { QUANTILE_LEVELS } from '../../schemas/quantities.ts'
import { magnusDewPointC, magnusHumidityPct } from '../products/humidity.ts'
import { clamp, OWN } from './station-climate.ts'

const Q = QUANTILE_LEVELS.length
const MEDIAN = QUANTILE_LEVELS.indexOf(0.5)
/** Medians may differ from what the other two say by so much (rounding, and medians of different distributions), %. */
const TOLERANCE_PCT = 2

/** Leads × 7 quantiles each, lead-major, the same leads; what is not forecast is left out. */
export type HumidityForecasts = {
  readonly temperatureC?: Float32Array
  readonly dewPointC?: Float32Array
  readonly relativeHumidityPct?: Float32Array
}

/**
 * Dew point ≤ temperature in every quantile, at every lead: for each τ, if both are random variables with Td ≤ T almost surely, then
 * q_τ(Td) ≤ q_τ(T). And at the median the humidity of temperature and dew point (Magnus): where it differs from the forecast one by more than
 * 2 %, both move to the humidity half way between, their other quantiles along with them. The temperature is never changed: it is the best known
 * of the three. Quantiles stay ascending: shifts, bounds and the lesser of two ascending rows keep an order. New arrays; inputs stay.
 */
export function agree(forecasts: HumidityForecasts): HumidityForecasts {
  const { temperatureC: temperature } = forecasts
  if (!temperature || !forecasts.dewPointC) return forecasts
  const dewPoint = Float32Array.from(forecasts.dewPointC)
  const humidity = forecasts.relativeHumidityPct && Float32Array.from(forecasts.relativeHumidityPct)
  for (let at = 0; at + Q <= temperature.length; at += Q) {
    capBy(temperature, dewPoint, at)
    if (!humidity) continue
    reconcileMedians(temperature[at + MEDIAN]!, dewPoint, humidity, at)
    capBy(temperature, dewPoint, at)
  }
  return { ...forecasts, dewPointC: dewPoint, ...(humidity ? { relativeHumidityPct: humidity } : {}) }
}

function capBy(bound: Float32Array, quantiles: Float32Array, at: number): void {
  for (let i = at; i < at + Q; i++) quantiles[i] = Math.min(quantiles[i]!, bound[i]!)
}

/** Beyond the range of the Magnus form, too (a polar night, a desert): the two must say the same there as well, however little it means. */
function reconcileMedians(temperature: number, dewPoint: Float32Array, humidity: Float32Array, at: number): void {
  const implied = magnusHumidityPct(temperature, dewPoint[at + MEDIAN]!)
  const forecast = humidity[at + MEDIAN]!
  if (Math.abs(implied - forecast) <= TOLERANCE_PCT) return
  const { low, high } = OWN.dewPointC
  const halfWay = (implied + forecast) / 2
  const wanted = magnusDewPointC(temperature, halfWay)
  const agreedDewPoint = clamp(wanted, low, high)
  const agreed = agreedDewPoint === wanted ? halfWay : magnusHumidityPct(temperature, agreedDewPoint)
  const shift = agreedDewPoint - dewPoint[at + MEDIAN]!
  for (let q = 0; q < Q; q++) {
    humidity[at + q] = clamp(humidity[at + q]! + agreed - forecast, 0, 100)
    dewPoint[at + q] = clamp(dewPoint[at + q]! + shift, low, high)
  }
}
