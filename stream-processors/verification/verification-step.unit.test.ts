import { describe, expect, it } from 'vitest'
import { HORIZON_HOURS } from '../../schemas/quantities.ts'
import {
  addForecast,
  addTruth,
  createLedger,
  HOUR_MS,
  type IssuedForecast,
  markHour,
  scoreDueHours,
  verifyHour,
} from './ledger.ts'
import { requireArchived } from './store.ts'

const ISSUE = 380_000

function forecast(issueHour: number, median: number): IssuedForecast {
  const quantiles = new Float32Array(HORIZON_HOURS * 7)
  for (let i = 0; i < quantiles.length; i++) quantiles[i] = median + ((i % 7) - 3)
  return {
    forecastId: `f${issueHour}`,
    variable: 'temperatureC',
    issuedAt: issueHour * HOUR_MS,
    modelVersion: 'v1',
    role: 'champion',
    fallback: null,
    quantiles,
    logFactors: new Float32Array(0),
    persistence: new Float32Array(HORIZON_HOURS).fill(10),
    recentredClimatology: new Float32Array(HORIZON_HOURS).fill(12),
  }
}
const truth = (hour: number, value: number) => ({
  observedAt: hour * HOUR_MS,
  knownAt: hour * HOUR_MS,
  values: { temperatureC: value },
})

describe('restoring', () => {
  const owned = [{ topic: 'weather.forecast.v1', partition: 2, nextOffset: 100 }] as const
  const archive = (committed: number | null) => [
    { topic: 'weather.forecast.v1' as const, partition: 2, committed, end: 120, lag: 0 },
  ]
  it('waits for an archive that is behind what has been read, not for more', () => {
    for (const behind of [archive(99), archive(null), []])
      expect(() => requireArchived(owned, behind)).toThrow(
        expect.objectContaining({ code: 'archive-behind', retry: 'transient' }) as Error,
      )
    requireArchived(owned, archive(100))
    requireArchived([{ ...owned[0], nextOffset: null }], archive(null))
  })
})

describe('verification ledger', () => {
  it('scores an observed hour against every issue that covers it, leads ascending', () => {
    const ledger = createLedger()
    addForecast(ledger, forecast(ISSUE, 20))
    addForecast(ledger, forecast(ISSUE + 1, 21))
    addTruth(ledger, ISSUE + 3, truth(ISSUE + 3, 20.5))
    const [event] = verifyHour(ledger, 'ewr', 'temperatureC', ISSUE + 3)
    expect(event?.leadHours).toEqual([2, 3])
    expect(event?.error).toEqual([0.5, -0.5])
    expect([event?.persistenceError, event?.recentredClimatologyError]).toEqual([
      [-10.5, -10.5],
      [-8.5, -8.5],
    ])
    expect([event?.covered80, event?.covered95]).toEqual([
      [true, true],
      [true, true],
    ])
  })

  it('gives the same event when the forecast is read after the truth', () => {
    const early = createLedger()
    addForecast(early, forecast(ISSUE, 20))
    addTruth(early, ISSUE + 3, truth(ISSUE + 3, 25))
    const late = createLedger()
    addTruth(late, ISSUE + 3, truth(ISSUE + 3, 25))
    expect(addForecast(late, forecast(ISSUE, 20))).toEqual([ISSUE + 3])
    expect(verifyHour(late, 'ewr', 'temperatureC', ISSUE + 3)).toEqual(verifyHour(early, 'ewr', 'temperatureC', ISSUE + 3))
  })

  it('takes nothing in twice, but a forecast or a truth that says something else', () => {
    const ledger = createLedger()
    expect(addTruth(ledger, ISSUE + 3, truth(ISSUE + 3, 25))).toBe(true)
    expect(addTruth(ledger, ISSUE + 3, truth(ISSUE + 3, 25))).toBe(false)
    expect(addTruth(ledger, ISSUE + 3, truth(ISSUE + 3, 24))).toBe(true)
    expect(addForecast(ledger, forecast(ISSUE, 20))).toEqual([ISSUE + 3])
    expect(addForecast(ledger, forecast(ISSUE, 20))).toEqual([])
    expect(addForecast(ledger, forecast(ISSUE, 21))).toEqual([ISSUE + 3])
  })

  it('does not score an hour of which a forecast may be missing: the part would replace the whole', () => {
    const ledger = createLedger(ISSUE)
    for (let i = 0; i < 3; i++) addForecast(ledger, forecast(ISSUE + i, 20))
    for (const hour of [ISSUE + HORIZON_HOURS - 1, ISSUE + HORIZON_HOURS]) {
      addTruth(ledger, hour, truth(hour, 20))
      markHour(ledger, 'temperatureC', hour)
    }
    addForecast(ledger, forecast(ISSUE + HORIZON_HOURS + 1, 20))
    expect(scoreDueHours(ledger, 'ewr').map(({ observedAt, leadHours }) => [observedAt / HOUR_MS, leadHours])).toEqual([
      [ISSUE + HORIZON_HOURS, [HORIZON_HOURS - 2, HORIZON_HOURS - 1, HORIZON_HOURS]],
    ])
  })

  it('does not score the issue hour itself, nor beyond the horizon, nor an hour without truth', () => {
    const ledger = createLedger()
    addForecast(ledger, forecast(ISSUE, 20))
    for (const hour of [ISSUE, ISSUE + HORIZON_HOURS + 1]) {
      addTruth(ledger, hour, truth(hour, 20))
      expect(verifyHour(ledger, 'ewr', 'temperatureC', hour)).toEqual([])
    }
    expect(verifyHour(ledger, 'ewr', 'temperatureC', ISSUE + 5)).toEqual([])
  })
})
