import { describe, expect, it } from 'vitest'
import type { WeatherRule } from '../alerting/rules/weather-probability.ts'
import { type BacktestForecast, backtestRule, forecastsOfPredictions } from './backtest.ts'

const FROST: WeatherRule = {
  name: 'frost',
  variable: 'temperatureC',
  op: '<=',
  threshold: 0,
  minProbability: 0.3,
  clearProbability: 0.15,
  withinHours: 2,
  severity: 'warning',
}
const around = (median: number): number[] => [-3, -2, -1, 0, 1, 2, 3].map((step) => median + step)
const HOUR_MS = 3_600_000

function forecast(hour: number, median: number, observed: readonly number[]): BacktestForecast {
  const leadHours = observed.map((_, i) => i + 1)
  return { issuedAt: hour * HOUR_MS, leadHours, quantiles: leadHours.map(() => around(median)), observed }
}

describe('backtestRule', () => {
  it('raises once while it fires, and again after it has cleared', () => {
    const run = [forecast(0, 0, [1, -1]), forecast(12, 0, [1, -1]), forecast(24, 9, [8, 8]), forecast(36, 0, [2, 2])]
    expect(backtestRule(FROST, run.toReversed())).toEqual({
      rule: 'frost',
      forecasts: 4,
      raised: 2,
      right: 1,
      wrong: 1,
      unknown: 0,
      crossings: 2,
      missed: 0,
      raisedAt: ['1970-01-01T00:00:00.000Z', '1970-01-02T12:00:00.000Z'],
    })
  })
  it('counts a crossing that it did not warn of, within its reach only', () => {
    expect(backtestRule(FROST, [forecast(0, 9, [8, -1])])).toMatchObject({ raised: 0, crossings: 1, missed: 1 })
    expect(backtestRule(FROST, [forecast(0, 9, [8, 8, -1])])).toMatchObject({ crossings: 0, missed: 0 })
  })
  it('does not judge an alert whose hours were not all observed', () => {
    expect(backtestRule(FROST, [forecast(0, 0, [1, Number.NaN])])).toMatchObject({ raised: 1, right: 0, wrong: 0, unknown: 1 })
    expect(backtestRule(FROST, [forecast(0, 0, [-1, Number.NaN])])).toMatchObject({ right: 1, unknown: 0 })
  })
})

describe('forecastsOfPredictions', () => {
  const header = 'model,origin,leadHours,q025,q10,q25,q50,q75,q90,q975,observed'
  it('gathers the hours of each origin of one model', () => {
    const csv = `${header}\nisobar,2026-01-01T00:00:00Z,1,1,2,3,4,5,6,7,4.5\nother,2026-01-01T00:00:00Z,1,1,2,3,4,5,6,7,4\nisobar,2026-01-01T00:00:00Z,2,1,2,3,4,5,6,7,\n`
    expect(forecastsOfPredictions(csv, 'isobar')).toEqual([
      {
        issuedAt: Date.UTC(2026, 0, 1),
        leadHours: [1, 2],
        quantiles: [
          [1, 2, 3, 4, 5, 6, 7],
          [1, 2, 3, 4, 5, 6, 7],
        ],
        observed: [4.5, Number.NaN],
      },
    ])
  })
  it('names the line that is no prediction', () => {
    expect(() => forecastsOfPredictions('a,b\n', 'isobar')).toThrow(/line 1/)
    expect(() => forecastsOfPredictions(`${header}\nisobar,yesterday,1,1,2,3,4,5,6,7,4\n`, 'isobar')).toThrow(/line 2/)
  })
})
