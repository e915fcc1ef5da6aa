import { describe, expect, it } from 'vitest'
import { bridgeGaps } from './hour-rows.ts'

const none = Number.NaN
const bridged = (...values: number[]): number[] => {
  const row = Float64Array.from(values)
  bridgeGaps(row)
  return [...row]
}

describe('gaps among the hours ahead', () => {
  it('are filled from both sides, nearer to nothing in the middle of long ones', () => {
    const [, short] = bridged(2, none, 2)
    expect(short).toBeCloseTo(2 / Math.cosh(1 / 24), 12)
    const long = bridged(2, ...Array.from({ length: 95 }, () => none), 2)
    expect(long[48]).toBeCloseTo(2 / Math.cosh(2), 12)
    expect(long).toEqual(long.toReversed())
  })
  it('go from one value to another without passing either', () => {
    const filled = bridged(1, none, none, none, 4)
    expect(filled).toEqual(filled.toSorted((a, b) => a - b))
  })
  it('fade where a value stands on one side alone, and are nothing where there is none', () => {
    const row = bridged(none, none, 3, none, none)
    expect(row[1]).toBeCloseTo(3 * Math.exp(-1 / 24), 12)
    expect(row).toEqual(row.toReversed())
    expect(bridged(none, none)).toEqual([0, 0])
  })
  it('leave what was observed as it was', () => {
    expect(bridged(1, 2, none, -1).filter((_, i) => i !== 2)).toEqual([1, 2, -1])
  })
})
