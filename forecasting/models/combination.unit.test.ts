import { describe, expect, it } from 'vitest'
import { createRng } from '../verification/index.ts'
import { learnWeights } from './combination.ts'

const LEADS = 168
const ROWS = 120

/** Members with independent errors of the given sizes about a truth of 0. */
function members(sizes: readonly number[], rows = ROWS) {
  const random = createRng(11)
  const noise = (): number => random() + random() + random() - 1.5
  const medians = sizes.map((size) => Float64Array.from({ length: rows * LEADS }, () => size * noise()))
  return { medians, observed: new Float64Array(rows * LEADS), rows, leads: LEADS }
}

describe('combination', () => {
  it('has weights ≥ 0 that add up to 1, the larger the smaller the error', () => {
    for (const { weights } of learnWeights(members([2, 1, 4]), 2)) {
      expect(weights.reduce((a, b) => a + b, 0)).toBeCloseTo(1, 9)
      expect(Math.min(...weights)).toBeGreaterThanOrEqual(0)
      expect(weights[1]!).toBeGreaterThan(weights[0]!)
      expect(weights[0]!).toBeGreaterThan(weights[2]!)
    }
  })

  it('leaves the base alone where the others only add noise', () => {
    const { medians, ...rest } = members([1, 1])
    const worse = Float64Array.from(medians[0]!, (value, i) => 1.5 * value + 2 * Math.sin(i))
    for (const { weights } of learnWeights({ ...rest, medians: [medians[0]!, worse] }, 2)) expect(weights).toEqual([1, 0])
  })

  it('leaves the base alone without enough that has verified', () => {
    for (const { weights, pValue } of learnWeights(members([2, 1], 30), 2)) {
      expect(weights).toEqual([1, 0])
      expect(pValue).toBeNull()
    }
  })

  it('takes no notice of what was not observed', () => {
    const told = members([2, 1])
    const gap = { ...told, observed: told.observed.slice() }
    for (let i = 0; i < gap.observed.length; i += 5) gap.observed[i] = Number.NaN
    for (const { weights } of learnWeights(gap, 2)) {
      expect(weights.every(Number.isFinite)).toBe(true)
      expect(weights[1]!).toBeGreaterThan(0.5)
    }
  })
})
