import { describe, expect, it } from 'vitest'
import { judgeFirstModel } from './first-model.ts'
import { metric } from './testing/world.ts'

describe('gate of a first model', () => {
  it('accepts what beats persistence and is not worse than recentred climatology', () => {
    expect(
      judgeFirstModel({
        variable: 'temperatureC',
        metrics: [metric('candidate', 2), metric('persistence', 3), metric('recentred-climatology', 2.1)],
      }).accepted,
    ).toBe(true)
  })
  it('rejects what is worse than either, with the figures, and what was not scored', () => {
    expect(
      judgeFirstModel({
        variable: 'temperatureC',
        metrics: [metric('candidate', 3), metric('persistence', 3), metric('recentred-climatology', 4)],
      }).reasons[0],
    ).toMatch(/worse-than-persistence: 3.000 >= 3.000/)
    expect(
      judgeFirstModel({
        variable: 'temperatureC',
        metrics: [metric('candidate', 2.2), metric('persistence', 3), metric('recentred-climatology', 2.1)],
      }).reasons[0],
    ).toMatch(/worse-than-recentred-climatology/)
    expect(judgeFirstModel({ variable: 'temperatureC', metrics: [] })).toEqual({ accepted: false, reasons: ['not-scored'] })
  })
  it('judges a probability by its Brier score, not by its absolute error', () => {
    const metrics = [
      { ...metric('candidate', 15.2), crps: 7 },
      { ...metric('persistence', 14.9), crps: 14.9 },
      { ...metric('recentred-climatology', 15), crps: 7.5 },
    ]
    expect(judgeFirstModel({ variable: 'precipitationProbabilityPct', metrics }).accepted).toBe(true)
    expect(judgeFirstModel({ variable: 'temperatureC', metrics }).accepted).toBe(false)
  })
})
