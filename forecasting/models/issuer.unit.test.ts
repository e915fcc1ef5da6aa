import { describe, expect, it } from 'vitest'
import { HORIZON_HOURS, QUANTILE_LEVELS } from '../../schemas/quantities.ts'
import { verifyLead } from '../verification/index.ts'
import { adaptationFor, type AdaptationRecord, completeUntil, createIssuer, foldBlock, withAdaptation } from './index.ts'

const Q = QUANTILE_LEVELS.length
const START = 372_000
const NORMAL = [-1.96, -1.2816, -0.6745, 0, 0.6745, 1.2816, 1.96]
const made = Float32Array.from({ length: HORIZON_HOURS * Q }, (_, i) => 10 + NORMAL[i % Q]!)
/** Three times as wide as claimed. */
const observedAt = (hour: number): number => 10 + 3 * Math.sin(hour * hour)
const width = (quantiles: Float32Array, lead: number): number => quantiles[(lead - 1) * Q + Q - 1]! - quantiles[(lead - 1) * Q]!

describe('an issuer', () => {
  it('issues what verification folds and inference applies, hour by hour', () => {
    const issuer = createIssuer('temperatureC')
    const byHand = new Map<number, Float32Array>()
    let record: AdaptationRecord = { end: START, versions: [] }
    const partsOf = (hour: number) =>
      [...byHand].flatMap(([at, quantiles]) => {
        const lead = hour - at
        if (lead < 1 || lead > HORIZON_HOURS) return []
        const { pit } = verifyLead(quantiles.subarray((lead - 1) * Q, lead * Q), observedAt(hour))
        return [{ modelVersion: 'v1', leadHours: [lead], pit: [pit] }]
      })
    for (let hour = START; hour < START + 400; hour++) {
      issuer.observe(hour, observedAt(hour))
      if (hour % 12 !== 0) continue
      while (record.end < completeUntil(hour)) record = foldBlock(record, partsOf)
      const factors = adaptationFor(record, 'v1', hour)
      const expected = factors ? withAdaptation(made, factors, -95, 65) : made
      byHand.set(hour, expected)
      expect(issuer.issue(hour, 'v1', made)).toEqual(expected)
    }
    expect(width(byHand.get(START + 396)!, 24)).toBeGreaterThan(1.05 * width(made, 24))
  })

  it('knows nothing that it was not told: hours without a value change nothing', () => {
    const issuer = createIssuer('temperatureC')
    for (let hour = START; hour < START + 300; hour++) {
      issuer.observe(hour, Number.NaN)
      if (hour % 12 === 0) expect(issuer.issue(hour, 'v1', made)).toBe(made)
    }
  })

  it('leaves a probability as it is', () => {
    const issuer = createIssuer('precipitationProbabilityPct')
    for (let hour = START; hour < START + 300; hour++) {
      issuer.observe(hour, hour % 2 === 0 ? 100 : 0)
      expect(issuer.issue(hour, 'v1', made)).toBe(made)
    }
  })
})
