import { describe, expect, it } from 'vitest'
import { QUANTILE_LEVELS } from '../../schemas/quantities.ts'
import { createRng, verifyLead } from '../verification/index.ts'
import { adapt, type Adaptation, NO_ADAPTATION, withAdaptation } from './index.ts'

const H = 168
const Q = QUANTILE_LEVELS.length
const NORMAL = [-1.96, -1.2816, -0.6745, 0, 0.6745, 1.2816, 1.96]
const claimed = Float32Array.from({ length: H * Q }, (_, i) => NORMAL[i % Q]!)
/** Every lead of a group gets the same factors: a few leads tell as much as all. */
const leads = [3, 20, 120]
const FROM = -1e3
const TO = 1e3

/**
 * `hours` of forecasts that claim N(0, 1) at every lead, while errors are biasAt(hour) + deviationAt(hour) × AR(1) noise. An
 * observation of hour t verifies lead h of the forecast issued at t − h, with the adaptation of that hour.
 */
function simulate(hours: number, deviationAt: (hour: number) => number, biasAt: (hour: number) => number = () => 0) {
  const uniform = createRng(11)
  const normal = (): number => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform())
  const MEMORY = 0.9
  let state: Adaptation = NO_ADAPTATION
  const issued: Float32Array[] = []
  let noise = 0
  const covered = [0, 1].map(() => ({ in80: new Float64Array(hours), in95: new Float64Array(hours) }))
  for (let t = 0; t < hours; t++) {
    noise = MEMORY * noise + Math.sqrt(1 - MEMORY ** 2) * normal()
    const observed = biasAt(t) + deviationAt(t) * noise
    const verified: number[] = []
    const pit: number[] = []
    for (const lead of leads) {
      const quantiles = issued[t - lead]?.subarray((lead - 1) * Q, lead * Q)
      if (!quantiles) continue
      const score = verifyLead(quantiles, observed)
      verified.push(lead)
      pit.push(score.pit)
      for (const [k, at] of [3, 120].entries()) {
        if (lead !== at) continue
        covered[k]!.in80[t] = score.covered80 ? 1 : 0
        covered[k]!.in95[t] = score.covered95 ? 1 : 0
      }
    }
    state = adapt(state, verified, pit)
    issued.push(withAdaptation(claimed, state, FROM, TO))
  }
  const mean = (values: Float64Array, from: number, to: number): number =>
    values.subarray(from, to).reduce((a, b) => a + b, 0) / (to - from)
  return {
    state,
    coverage: (k: number, from: number, to: number) => ({
      c80: mean(covered[k]!.in80, from, to),
      c95: mean(covered[k]!.in95, from, to),
    }),
  }
}

describe('online adaptation', () => {
  it('brings coverage back after errors have become 1.8 times as large, at a short and at a long lead', () => {
    const change = 3000
    const { coverage } = simulate(9000, (t) => (t < change ? 1 : 1.8))
    for (const k of [0, 1]) {
      expect(coverage(k, change, change + 168).c80).toBeLessThan(0.72)
      const after = coverage(k, change + 2000, 9000)
      expect(after.c80).toBeGreaterThan(0.77)
      expect(after.c80).toBeLessThan(0.83)
      expect(after.c95).toBeGreaterThan(0.93)
      expect(after.c95).toBeLessThan(0.97)
    }
  })

  it('narrows what is too wide', () => {
    const { coverage, state } = simulate(6000, () => 0.6)
    expect(coverage(0, 3000, 6000).c80).toBeLessThan(0.83)
    for (const group of [1, 4, 7]) expect(Math.max(...state.slice(group * Q, group * Q + 3))).toBeLessThan(0)
  })

  it('leaves honest intervals about as they are', () => {
    const { coverage, state } = simulate(6000, () => 1)
    expect(coverage(0, 1000, 6000).c80).toBeGreaterThan(0.77)
    expect(coverage(1, 1000, 6000).c80).toBeLessThan(0.83)
    expect(Math.max(...state.map(Math.abs))).toBeLessThan(0.5)
  })

  it('widens only the side on which observations fall outside', () => {
    const { state } = simulate(
      4000,
      () => 1,
      () => 1,
    )
    // Leads 2–3: group 1.
    expect(state[Q + 5]).toBeGreaterThan(0.3)
    expect(state[Q + 1]).toBeLessThan(0)
  })

  it('lets leads of which nothing verified follow longer ones a part of the way, and never shorter ones', () => {
    const state = adapt(NO_ADAPTATION, [10], [0.999])
    const upper = Array.from({ length: 8 }, (_, group) => state[group * Q + 5]!)
    // Lead 10: group 3.
    expect(upper[3]).toBeGreaterThan(0)
    for (const group of [0, 1, 2]) {
      expect(upper[group]).toBeGreaterThan(0)
      expect(upper[group]).toBeLessThan(upper[3]! / 2)
    }
    expect(upper.slice(4)).toEqual([0, 0, 0, 0])
    const both = adapt(NO_ADAPTATION, [1, 10], [0.5, 0.999])
    expect(both[5]).toBeLessThan(0)
  })

  it('its state is plain JSON, and nothing verified changes nothing', () => {
    const { state } = simulate(500, () => 2)
    expect(JSON.parse(JSON.stringify(state))).toEqual(state)
    expect(adapt(state, [], [])).toEqual(state)
    expect(adapt(state, [0, 169, 3], [0.5, 0.5, Number.NaN])).toEqual(state)
    expect(withAdaptation(claimed, NO_ADAPTATION, FROM, TO)).toEqual(claimed)
  })

  it('keeps quantiles ascending and within bounds whatever the state', () => {
    const uniform = createRng(3)
    const wild = NO_ADAPTATION.map(() => 2.8 * (uniform() - 0.5))
    const out = withAdaptation(claimed, wild, -1.5, 1.7)
    for (let i = 0; i < out.length; i++) {
      expect(out[i]!).toBeGreaterThanOrEqual(-1.5)
      expect(out[i]!).toBeLessThanOrEqual(Math.fround(1.7))
      if (i % Q > 0) expect(out[i]!).toBeGreaterThanOrEqual(out[i - 1]!)
    }
  })
})
