import { describe, expect, it } from 'vitest'
import { type Canary, decideRelease, isCanaryStation } from './index.ts'

const DAY_MS = 24 * 3_600_000
const stations = Array.from({ length: 10_000 }, (_, i) => `station-${i}`)

describe('canary stations', () => {
  it('are the share that was asked for, of ids that differ in a digit only', () => {
    for (const share of [0.02, 0.1, 0.5]) {
      const count = stations.filter((id) => isCanaryStation(id, share)).length
      // Four standard deviations of a binomial.
      expect(Math.abs(count - share * stations.length)).toBeLessThan(4 * Math.sqrt(stations.length * share * (1 - share)))
    }
  })
  it('stay canaries when the share grows, and are none or all at its ends', () => {
    const few = stations.filter((id) => isCanaryStation(id, 0.1))
    expect(few.every((id) => isCanaryStation(id, 0.3))).toBe(true)
    expect(stations.some((id) => isCanaryStation(id, 0))).toBe(false)
    expect(stations.every((id) => isCanaryStation(id, 1))).toBe(true)
  })
  it('are the same in every version: a changed hash would give stations a new part in the middle of a wave', () => {
    expect(stations.slice(0, 40).filter((id) => isCanaryStation(id, 0.1))).toMatchInlineSnapshot(`
      [
        "station-24",
        "station-38",
      ]
    `)
  })
})

describe('release', () => {
  const open = (n: number): Canary => ({ model: `open-${n}`, state: 'open' })
  const ended = (state: 'passed' | 'rolled-back', n: number, at: number): Canary => ({ model: `${state}-${n}`, state, at })
  const passed = (count: number, at = 0): Canary[] => Array.from({ length: count }, (_, n) => ended('passed', n, at))
  const back = (count: number, at = 0): Canary[] => Array.from({ length: count }, (_, n) => ended('rolled-back', n, at + n))

  it('waits for nobody when there is no canary', () => {
    expect(decideRelease([], { acceptedAt: 7, now: 7 })).toEqual({ decision: 'release', at: 7, reasons: [] })
  })
  it('waits while one is open, and says for how many', () => {
    expect(decideRelease([...passed(3), open(0)], { acceptedAt: 0, now: DAY_MS })).toMatchObject({
      decision: 'wait',
      reasons: ['waits-for-canaries: 1 of 4'],
    })
  })
  it('releases as of the last that passed, whenever it is asked', () => {
    const canaries = [...passed(2, DAY_MS), ...passed(1, 3 * DAY_MS)]
    for (const now of [3 * DAY_MS, 9 * DAY_MS, 90 * DAY_MS])
      expect(decideRelease(canaries, { acceptedAt: 0, now })).toEqual({
        decision: 'release',
        at: 3 * DAY_MS,
        reasons: ['canaries-passed: 3 of 3'],
      })
  })
  it('does not know yet what comes later', () => {
    expect(decideRelease(passed(1, 3 * DAY_MS), { acceptedAt: 0, now: 2 * DAY_MS }).decision).toBe('wait')
    expect(decideRelease(back(1, 3 * DAY_MS), { acceptedAt: 0, now: 2 * DAY_MS }).decision).toBe('wait')
  })
  it('refuses at the first rollback of a few, without waiting for the others', () => {
    expect(decideRelease([...back(1, DAY_MS), open(0), open(1)], { acceptedAt: 0, now: 2 * DAY_MS })).toEqual({
      decision: 'refuse',
      at: DAY_MS,
      reasons: ['canaries-rolled-back: 1 of 3, rolled-back-0'],
    })
  })
  it('of many it takes more than a tenth, and the answer stays that of the one too many', () => {
    expect(decideRelease([...back(5), ...passed(45)], { acceptedAt: 9, now: DAY_MS })).toMatchObject({
      decision: 'release',
      at: 9,
    })
    const refused = decideRelease([...back(6, 20), ...passed(44)], { acceptedAt: 9, now: DAY_MS })
    expect(refused).toMatchObject({ decision: 'refuse', at: 25 })
    expect(decideRelease([...back(9, 20), ...passed(41)], { acceptedAt: 9, now: DAY_MS })).toEqual(refused)
  })
  it('a model accepted after the rollbacks is refused as of its own acceptance', () => {
    expect(decideRelease(back(1), { acceptedAt: DAY_MS, now: DAY_MS })).toMatchObject({ decision: 'refuse', at: DAY_MS })
  })
  it('waits three weeks at most, and takes no later outcome into account', () => {
    const canaries = [open(0), ...back(1, 30 * DAY_MS)]
    expect(decideRelease(canaries, { acceptedAt: 0, now: 21 * DAY_MS - 1 }).decision).toBe('wait')
    for (const now of [21 * DAY_MS, 40 * DAY_MS])
      expect(decideRelease(canaries, { acceptedAt: 0, now })).toEqual({
        decision: 'release',
        at: 21 * DAY_MS,
        reasons: ['canaries-overdue: 2 of 2'],
      })
  })
})
