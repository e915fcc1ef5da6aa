/** SARIMA(2,0,1)(0,1,1)24 of an hourly series, as a user of statsmodels would set it up: its own normal intervals, no regressors. */
import { fitSarima, forecastSarima, type SarimaOrder } from './sarima.ts'

/** Chosen over (1,1,1)(0,1,1)24, which drifts off beyond a day (docs/forecasting/families.md). */
const SARIMA_ORDER: SarimaOrder = { p: 2, d: 0, q: 1, seasonal: { p: 0, d: 1, q: 1, period: 24 } }
/** A seasonal ARIMA learns nothing of the year: more history costs time and memory only. */
const HISTORY_HOURS = 60 * 24
const MIN_HOURS = 10 * 24
/** An older last value is no start for a forecast, hours. */
const MAX_AGE_HOURS = 72
/** Share of the history that has to be observed. */
const MIN_SHARE = 0.25

export type SarimaForecast =
  | {
      readonly ok: true
      readonly mean: Float64Array
      readonly deviation: Float64Array
      readonly coefficients: Float64Array
      readonly variance: number
    }
  | { readonly ok: false; readonly refused: string }

/**
 * Forecast of the `steps` hours after the end of `values` (NaN = not observed). `last`: coefficients of an earlier fit, to be used instead of
 * a new one. Differences that involve a gap are missing to the filter; the level goes on from the same hour of the day before.
 */
export function forecastSarimax(
  values: Float64Array,
  steps: number,
  last?: { readonly coefficients: Float64Array; readonly variance: number },
): SarimaForecast {
  let end = values.length
  while (end > 0 && Number.isNaN(values[end - 1]!)) end--
  const age = values.length - end
  if (end === 0 || age > MAX_AGE_HOURS) return { ok: false, refused: `sarimax: nothing observed in the last ${MAX_AGE_HOURS} h` }
  const recent = values.subarray(Math.max(0, end - HISTORY_HOURS), end)
  const observed = recent.reduce((n, value) => n + (value === value ? 1 : 0), 0)
  if (recent.length < MIN_HOURS || observed < MIN_SHARE * recent.length)
    return {
      ok: false,
      refused: `sarimax: ${observed} observed hours of the last ${recent.length}, needs ${MIN_HOURS} and a quarter of them observed`,
    }
  const fit = last ? { ...last, order: SARIMA_ORDER } : fitSarima(recent, SARIMA_ORDER)
  if (!fit) return { ok: false, refused: 'sarimax: the series does not vary' }
  const { mean, deviation } = forecastSarima(fit, withLevels(recent), age + steps)
  if (!mean.every(Number.isFinite) || !deviation.every(Number.isFinite))
    return { ok: false, refused: 'sarimax: the fit is not finite' }
  return {
    ok: true,
    mean: mean.slice(age),
    deviation: deviation.slice(age),
    coefficients: fit.coefficients,
    variance: fit.variance,
  }
}

/** Gaps in the newest day, from which the levels are taken up, filled from a day before; older ones stay gaps. */
function withLevels(values: Float64Array): Float64Array {
  const filled = values.slice()
  const { d, seasonal } = SARIMA_ORDER
  for (let i = Math.max(0, values.length - d - seasonal.d * seasonal.period); i < values.length; i++) {
    let back = i
    while (back >= 0 && Number.isNaN(values[back]!)) back -= seasonal.period
    // No day has this hour: the last value known before it.
    if (back < 0) for (back = i; back > 0 && Number.isNaN(filled[back]!);) back--
    filled[i] = back < 0 ? Number.NaN : filled[back]!
  }
  return filled
}
