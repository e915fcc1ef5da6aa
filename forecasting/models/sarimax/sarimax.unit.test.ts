import { describe, expect, it } from 'vitest'
import { createRng } from '../../verification/index.ts'
import { forecastSarimax } from './index.ts'
import { fitSarima, forecastSarima, type SarimaOrder } from './sarima.ts'

/** International airline passengers 1949–1960, thousands (Box & Jenkins 1976, series G). */
const AIRLINE = Float64Array.from([
  112, 118, 132, 129, 121, 135, 148, 148, 136, 119, 104, 118, 115, 126, 141, 135, 125, 149, 170, 170, 158, 133, 114, 140, 145,
  150, 178, 163, 172, 178, 199, 199, 184, 162, 146, 166, 171, 180, 193, 181, 183, 218, 230, 242, 209, 191, 172, 194, 196, 196,
  236, 235, 229, 243, 264, 272, 237, 211, 180, 201, 204, 188, 235, 227, 234, 264, 302, 293, 259, 229, 203, 229, 242, 233, 267,
  269, 270, 315, 364, 347, 312, 274, 237, 278, 284, 277, 317, 313, 318, 374, 413, 405, 355, 306, 271, 306, 315, 301, 356, 348,
  355, 422, 465, 467, 404, 347, 305, 336, 340, 318, 362, 348, 363, 435, 491, 505, 404, 359, 310, 337, 360, 342, 406, 396, 420,
  472, 548, 559, 463, 407, 362, 405, 417, 391, 419, 461, 472, 535, 622, 606, 508, 461, 390, 432,
]).map(Math.log)
const order = (p: number, d: number, q: number, P: number, D: number, Q: number, period: number): SarimaOrder => ({
  p,
  d,
  q,
  seasonal: { p: P, d: D, q: Q, period },
})

describe('seasonal ARIMA', () => {
  // statsmodels 0.15.0, SARIMAX(…, simple_differencing=True); the first is example 3 of its Stata notebook, the second R's arima() on AirPassengers.
  it.each([
    { at: order(2, 1, 0, 1, 1, 0, 12), coefficients: [-0.4057, -0.0799, -0.4723], variance: 0.001446, logLikelihood: 240.8215 },
    { at: order(0, 1, 1, 0, 1, 1, 12), coefficients: [-0.4018, -0.5569], variance: 0.001348, logLikelihood: 244.6965 },
    {
      at: order(2, 0, 1, 0, 1, 1, 12),
      coefficients: [1.1806, -0.183, -0.5661, -0.56],
      variance: 0.001339,
      logLikelihood: 245.8234,
    },
  ])(
    'finds the maximum that statsmodels publishes for the airline series: $logLikelihood',
    ({ at, coefficients, variance, logLikelihood }) => {
      const fit = fitSarima(AIRLINE, at)!
      coefficients.forEach((value, i) => expect(fit.coefficients[i]).toBeCloseTo(value, 3))
      expect(fit.variance).toBeCloseTo(variance, 5)
      expect(fit.logLikelihood).toBeCloseTo(logLikelihood, 3)
    },
  )

  it('skips missing values exactly: 221.9314 with three months of the airline series taken out (statsmodels, same)', () => {
    const gaps = AIRLINE.slice()
    for (const i of [30, 31, 90]) gaps[i] = Number.NaN
    const fit = fitSarima(gaps, order(0, 1, 1, 0, 1, 1, 12))!
    expect(fit.logLikelihood).toBeCloseTo(221.9314, 3)
    expect(fit.coefficients[0]).toBeCloseTo(-0.3854, 3)
  })

  it('forecasts the airline series as statsmodels does: 6.1102, 6.1680, 6.2643 at 1, 12 and 24 months, deviations 0.0367, 0.0816, 0.1385', () => {
    const { mean, deviation } = forecastSarima(fitSarima(AIRLINE, order(0, 1, 1, 0, 1, 1, 12))!, AIRLINE, 24)
    for (const [i, value] of [
      [0, 6.1102],
      [11, 6.168],
      [23, 6.2643],
    ] as const)
      expect(mean[i]).toBeCloseTo(value, 3)
    for (const [i, value] of [
      [0, 0.0367],
      [11, 0.0816],
      [23, 0.1385],
    ] as const)
      expect(deviation[i]).toBeCloseTo(value, 3)
  })
})

describe('SARIMAX of an hourly series', () => {
  const random = createRng(3)
  let weather = 0
  const values = Float64Array.from({ length: 15 * 24 }, (_, i) => {
    weather = 0.9 * weather + random() - 0.5
    return 10 + 5 * Math.sin((2 * Math.PI * i) / 24) + weather
  })

  it('follows the day, grows less certain with lead, and answers over a gap at the end', () => {
    const whole = forecastSarimax(values, 48)
    if (!whole.ok) throw new Error(whole.refused)
    for (let h = 0; h < 48; h++) {
      expect(Math.abs(whole.mean[h]! - 10 - 5 * Math.sin((2 * Math.PI * (values.length + h)) / 24))).toBeLessThan(2.5)
      if (h > 0) expect(whole.deviation[h]!).toBeGreaterThanOrEqual(whole.deviation[h - 1]!)
    }
    const stale = values.slice()
    stale.fill(Number.NaN, stale.length - 5)
    stale.fill(Number.NaN, 200, 212)
    const later = forecastSarimax(stale, 48)
    expect(later.ok && later.deviation[0]!).toBeGreaterThan(whole.deviation[0]!)
  })

  it('filters with given coefficients what it would have fitted', () => {
    const whole = forecastSarimax(values, 24)
    if (!whole.ok) throw new Error(whole.refused)
    expect(forecastSarimax(values, 24, whole)).toEqual(whole)
  })

  it.each([
    ['nothing', new Float64Array(0), /nothing observed/],
    ['an old record', Float64Array.from({ length: 900 }, (_, i) => (i < 800 ? i % 7 : Number.NaN)), /nothing observed/],
    ['a week', values.slice(0, 7 * 24), /needs 240/],
    ['all calm', new Float64Array(900), /does not vary/],
  ])('refuses %s as a value', (_, series, reason) => {
    expect(forecastSarimax(series, 24)).toMatchObject({ ok: false, refused: expect.stringMatching(reason) })
  })
})
