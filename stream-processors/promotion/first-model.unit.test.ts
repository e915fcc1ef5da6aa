import { describe, expect, it } from 'vitest'
import { judgeFirstModel } from './first-model.ts'

const score = (model: string, mae: number) => ({
  model,
  leadBucket: 'all',
  n: 1000,
  mae,
  rmse: mae,
  bias: 0,
  crps: mae,
  coverage80: 0.8,
  coverage95: 0.95,
})

describe('gate of a first model', () => {
  it('accepts what beats persistence and is not worse than recentred climatology', () => {
    expect(
      judgeFirstModel({
        variable: 'temperatureC',
        metrics: [score('candidate', 2), score('persistence', 3), score('recentred-climatology', 2.1)],
      }).accepted,
    ).toBe(true)
  })
  it('rejects what is worse than either, with the figures, and what was not scored', () => {
    expect(
      judgeFirstModel({
        variable: 'temperatureC',
        metrics: [score('candidate', 3), score('persistence', 3), score('recentred-climatology', 4)],
      }).reasons[0],
    ).toMatch(/worse-than-persistence: 3.000 >= 3.000/)
    expect(
      judgeFirstModel({
        variable: 'temperatureC',
        metrics: [score('candidate', 2.2), score('persistence', 3), score('recentred-climatology', 2.1)],
      }).reasons[0],
    ).toMatch(/worse-than-recentred-climatology/)
    expect(judgeFirstModel({ variable: 'temperatureC', metrics: [] })).toEqual({ accepted: false, reasons: ['not-scored'] })
  })
  it('judges a probability by its Brier score, not by its absolute error', () => {
    const metrics = [
      { ...score('candidate', 15.2), crps: 7 },
      { ...score('persistence', 14.9), crps: 14.9 },
      { ...score('recentred-climatology', 15), crps: 7.5 },
    ]
    expect(judgeFirstModel({ variable: 'precipitationProbabilityPct', metrics }).accepted).toBe(true)
    expect(judgeFirstModel({ variable: 'temperatureC', metrics }).accepted).toBe(false)
  })
})
