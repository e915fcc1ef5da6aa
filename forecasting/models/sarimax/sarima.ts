/**
 * Seasonal ARIMA (p,d,q)(P,D,Q)s by exact maximum likelihood of the differenced series (Box & Jenkins 1970; statsmodels calls it
 * `simple_differencing`). Parameters stay stationary and invertible by the transformation of Monahan (1984).
 */
import { filterArma, forecastArma } from './arma-filter.ts'
import { minimise } from './nelder-mead.ts'

export type SarimaOrder = {
  readonly p: number
  readonly d: number
  readonly q: number
  readonly seasonal: { readonly p: number; readonly d: number; readonly q: number; readonly period: number }
}

export type SarimaFit = {
  readonly order: SarimaOrder
  /** φ, θ, Φ, Θ in this order. */
  readonly coefficients: Float64Array
  /** Variance of an innovation. */
  readonly variance: number
  readonly logLikelihood: number
}

/** Null where fewer than 3 differenced values for each coefficient are observed, or nothing varies. */
export function fitSarima(series: Float64Array, order: SarimaOrder): SarimaFit | null {
  const differenced = difference(series, order)
  const { p, q, seasonal } = order
  const count = p + q + seasonal.p + seasonal.q
  let observed = 0
  let squares = 0
  for (const value of differenced) {
    if (value !== value) continue
    observed++
    squares += value * value
  }
  if (observed < 3 * (count + 1) || squares < 1e-9 * observed) return null
  // −2/n of the log-likelihood with σ² replaced by its maximum, without constants.
  const loss = (free: Float64Array): number => {
    const { sumSquares, logDeterminant, observed: n } = filterArma(expand(constrain(free, order), order), differenced)
    return Math.log(sumSquares / n) + logDeterminant / n
  }
  const settings = { step: 0.4, tolerance: 1e-10, evaluations: 220 * count }
  const start = Float64Array.from({ length: count }, (_, i) => (i < p ? 0.3 : -0.3))
  const first = minimise(loss, start, settings)
  // A second simplex about the best point gets out of a collapsed first one.
  const { point } = minimise(loss, first.point, { ...settings, step: 0.05 })
  return concentrated(differenced, order, constrain(point, order))
}

function concentrated(differenced: Float64Array, order: SarimaOrder, coefficients: Float64Array): SarimaFit {
  const { sumSquares, logDeterminant, observed: n } = filterArma(expand(coefficients, order), differenced)
  const variance = sumSquares / n
  const logLikelihood = -0.5 * (n * Math.log(2 * Math.PI * variance) + logDeterminant + n)
  return { order, coefficients, variance, logLikelihood }
}

/** Means and standard deviations at 1…steps after the end of a series, whose newest d + D·s values must be known. */
export function forecastSarima(
  { order, coefficients, variance }: Omit<SarimaFit, 'logLikelihood'>,
  series: Float64Array,
  steps: number,
): { readonly mean: Float64Array; readonly deviation: Float64Array } {
  const arma = expand(coefficients, order)
  const { state } = filterArma(arma, difference(series, order))
  const ahead = forecastArma(arma.ar, state, steps)
  const delta = differencing(order)
  const levels = new Float64Array(delta.length + steps)
  levels.set(series.subarray(series.length - delta.length))
  for (let h = 0; h < steps; h++) {
    let value = ahead[h]!
    for (let k = 0; k < delta.length; k++) value += delta[k]! * levels[delta.length + h - 1 - k]!
    levels[delta.length + h] = value
  }
  // ψ weights of the undifferenced process: the variance h steps ahead is σ² Σ ψ².
  const full = multiply(negated(arma.ar), negated(delta))
  const psi = new Float64Array(steps)
  const deviation = new Float64Array(steps)
  let sum = 0
  for (let h = 0; h < steps; h++) {
    let value = h === 0 ? 1 : (arma.ma[h - 1] ?? 0)
    for (let k = 1; k < full.length && k <= h; k++) value -= full[k]! * psi[h - k]!
    psi[h] = value
    sum += value * value
    deviation[h] = Math.sqrt(variance * sum)
  }
  return { mean: levels.subarray(delta.length), deviation }
}

/** w = (1 − B)^d (1 − B^s)^D y; NaN where any value that it needs is. */
function difference(series: Float64Array, order: SarimaOrder): Float64Array {
  const delta = differencing(order)
  return Float64Array.from({ length: Math.max(0, series.length - delta.length) }, (_, i) => {
    let value = series[i + delta.length]!
    for (let k = 0; k < delta.length; k++) if (delta[k] !== 0) value -= delta[k]! * series[i + delta.length - 1 - k]!
    return value
  })
}

/** δ₁… of y_t = w_t + Σ δ_k y_{t−k}. */
function differencing({ d, seasonal }: SarimaOrder): Float64Array {
  let polynomial: Float64Array = Float64Array.of(1)
  for (let i = 0; i < d; i++) polynomial = multiply(polynomial, Float64Array.of(1, -1))
  const season = new Float64Array(seasonal.period + 1)
  season[0] = 1
  season[seasonal.period] = -1
  for (let i = 0; i < seasonal.d; i++) polynomial = multiply(polynomial, season)
  return polynomial.subarray(1).map((value) => -value)
}

/** The seasonal and the ordinary polynomials multiplied out. */
function expand(coefficients: Float64Array, { p, q, seasonal }: SarimaOrder) {
  const spread = (values: Float64Array, sign: number): Float64Array => {
    const out = new Float64Array(values.length * seasonal.period + 1)
    out[0] = 1
    values.forEach((value, i) => (out[(i + 1) * seasonal.period] = sign * value))
    return out
  }
  const part = (from: number, length: number): Float64Array => coefficients.subarray(from, from + length)
  const ar = multiply(negated(part(0, p)), spread(part(p + q, seasonal.p), -1))
  const ma = multiply(Float64Array.of(1, ...part(p, q)), spread(part(p + q + seasonal.p, seasonal.q), 1))
  return { ar: ar.subarray(1).map((value) => -value), ma: ma.subarray(1) }
}

/** 1 − Σ a_i B^i. */
function negated(values: Float64Array): Float64Array {
  return Float64Array.of(1, ...values.map((value) => -value))
}

function multiply(a: Float64Array, b: Float64Array): Float64Array {
  const out = new Float64Array(a.length + b.length - 1)
  a.forEach((x, i) => b.forEach((y, j) => (out[i + j] = out[i + j]! + x * y)))
  return out
}

/** From free numbers to coefficients inside the stationary and invertible region: partial autocorrelations x/√(1 + x²), then Durbin–Levinson. */
function constrain(free: Float64Array, { p, q, seasonal }: SarimaOrder): Float64Array {
  const out = new Float64Array(free.length)
  let from = 0
  for (const [length, sign] of [
    [p, 1],
    [q, -1],
    [seasonal.p, 1],
    [seasonal.q, -1],
  ] as const) {
    let current: number[] = []
    for (let k = 0; k < length; k++) {
      const x = free[from + k]!
      const partial = (sign * x) / Math.sqrt(1 + x * x)
      current = [...current.map((value, i) => value - partial * current[k - 1 - i]!), partial]
    }
    current.forEach((value, i) => (out[from + i] = sign * value))
    from += length
  }
  return out
}
