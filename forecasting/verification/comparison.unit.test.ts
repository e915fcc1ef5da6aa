import { describe, expect, it } from 'vitest'
import { commonSupport, createRng, dieboldMariano, pairedBlockBootstrap } from './index.ts'
import { normalQuantile, studentQuantile } from './student-quantile.ts'
import { studentTwoSided } from './student-tail.ts'

const ZEROS = [0, 0, 0, 0]

function normal(rng: () => number): number {
  return Math.sqrt(-2 * Math.log(1 - rng())) * Math.cos(2 * Math.PI * rng())
}

describe('test of equal accuracy', () => {
  it('is the one-sample t test when forecasts look one step ahead: differences 1, 2, 3, 4 give t = 3.8730, p = 0.0305', () => {
    const test = dieboldMariano([1, 2, 3, 4], ZEROS, { horizon: 1 })
    expect(test.statistic).toBeCloseTo(2.5 / Math.sqrt(5 / 12), 10)
    // Closed form for 3 degrees of freedom: 1 − (2/π)(atan(t/√3) + (t/√3)/(1 + t²/3)).
    const u = test.statistic / Math.sqrt(3)
    expect(test.pValue).toBeCloseTo(1 - (2 / Math.PI) * (Math.atan(u) + u / (1 + u * u)), 9)
    expect(test.pValue).toBeCloseTo(0.0305, 4)
  })

  it('adds Bartlett-weighted covariances and the small-sample correction, by hand for two steps', () => {
    // γ₀ = 1.25, γ₁ = 0.3125, weight ½: long-run variance 1.5625; 2.5/√(1.5625/4) = 4; correction √((4 + 1 − 4 + 2/4)/4) = √0.375.
    const test = dieboldMariano([1, 2, 3, 4], ZEROS, { horizon: 2 })
    expect(test.standardError).toBeCloseTo(0.625, 12)
    expect(test.statistic).toBeCloseTo(4 * Math.sqrt(0.375), 12)
    expect(test.lags).toBe(1)
  })

  it('changes sign with the order and has no opinion on identical differences', () => {
    const a = [1, 3, 2, 5, 4]
    const b = [2, 2, 2, 2, 2]
    expect(dieboldMariano(a, b, { horizon: 1 }).statistic).toBeCloseTo(-dieboldMariano(b, a, { horizon: 1 }).statistic, 12)
    expect(dieboldMariano(a, a, { horizon: 1 })).toMatchObject({ mean: 0, statistic: NaN, pValue: NaN })
  })

  it('rejects about 5 % of true null hypotheses under MA(3) errors, where the plain t test rejects far more', () => {
    const rng = createRng(11)
    const runs = 800
    let hac = 0
    let plain = 0
    for (let run = 0; run < runs; run++) {
      const shocks = Array.from({ length: 203 }, () => normal(rng))
      const d = Array.from({ length: 200 }, (_, t) => shocks[t]! + shocks[t + 1]! + shocks[t + 2]! + shocks[t + 3]!)
      const zeros = d.map(() => 0)
      if (dieboldMariano(d, zeros, { horizon: 4, lags: 9 }).pValue < 0.05) hac++
      if (dieboldMariano(d, zeros, { horizon: 1 }).pValue < 0.05) plain++
    }
    expect(hac / runs).toBeGreaterThan(0.02)
    expect(hac / runs).toBeLessThan(0.1)
    expect(plain / runs).toBeGreaterThan(0.2)
  })

  it('refuses series of different length, too few cases and impossible horizons', () => {
    expect(() => dieboldMariano([1], [1], { horizon: 1 })).toThrow(RangeError)
    expect(() => dieboldMariano([1, 2], [1], { horizon: 1 })).toThrow(RangeError)
    expect(() => dieboldMariano([1, 2, 3], [1, 1, 1], { horizon: 4 })).toThrow(RangeError)
    expect(() => dieboldMariano([1, 2, 3], [1, 1, 1], { horizon: 1, lags: 3 })).toThrow(RangeError)
  })

  it("gives the tables' tail of Student's t", () => {
    for (const [t, degrees, p] of [
      [12.706, 1, 0.05],
      [4.303, 2, 0.05],
      [2.228, 10, 0.05],
      [2.75, 30, 0.01],
      [1.98, 120, 0.05],
      [1.959964, 1e7, 0.05],
      [0, 5, 1],
    ] as const) {
      expect(studentTwoSided(t, degrees)).toBeCloseTo(p, 4)
      expect(studentTwoSided(-t, degrees)).toBeCloseTo(p, 4)
    }
    expect(studentTwoSided(Infinity, 3)).toBe(0)
  })
})

describe('block bootstrap of a paired difference', () => {
  it('holds the mean, repeats with the seed, and widens when cases are correlated', () => {
    const rng = createRng(3)
    const a: number[] = []
    for (let t = 0, x = 0; t < 2000; t++) a.push((x = 0.9 * x + normal(rng)))
    const b = a.map(() => 0)
    const blocks = pairedBlockBootstrap(a, b, { blockLength: 50, rng: createRng(1) })
    const single = pairedBlockBootstrap(a, b, { blockLength: 1, rng: createRng(1) })
    expect(blocks.mean).toBeCloseTo(a.reduce((sum, value) => sum + value, 0) / a.length, 12)
    expect(pairedBlockBootstrap(a, b, { blockLength: 50, rng: createRng(1) })).toEqual(blocks)
    // AR(1) with 0.9: the standard error of the mean is √((1+0.9)/(1−0.9)) = 4.4 times that of independent cases.
    expect((blocks.high - blocks.low) / (single.high - single.low)).toBeGreaterThan(2.5)
  })
})

describe('common support', () => {
  const row = (origin: number, leadHours: number, observed: number, value: number) => ({ origin, leadHours, observed, value })

  it('keeps only the cases every model predicted, in one order, and counts what it left out', () => {
    const joined = commonSupport(
      new Map([
        ['a', [row(12, 1, 5, 50), row(0, 2, 4, 40), row(0, 1, 3, 30)]],
        ['b', [row(0, 1, 3, 31), row(0, 2, 4, NaN), row(12, 1, 5, 51), row(24, 1, 6, 61), row(24, 2, NaN, 62)]],
      ]),
      ({ value }) => Number.isFinite(value),
    )
    expect(joined.cases).toBe(2)
    expect(joined.rows.get('a')?.map(({ value }) => value)).toEqual([30, 50])
    expect(joined.rows.get('b')?.map(({ value }) => value)).toEqual([31, 51])
    expect([...joined.dropped]).toEqual([
      ['a', 1],
      ['b', 1],
    ])
    expect([...joined.unusable]).toEqual([
      ['a', 0],
      ['b', 2],
    ])
  })

  it('refuses a case predicted twice and models verified against different truths', () => {
    expect(() => commonSupport(new Map([['a', [row(0, 1, 3, 1), row(0, 1, 3, 2)]]]))).toThrow(/twice/)
    expect(() =>
      commonSupport(
        new Map([
          ['a', [row(0, 1, 3, 1)]],
          ['b', [row(0, 1, 4, 1)]],
        ]),
      ),
    ).toThrow(/disagree/)
  })

  it('has nothing in common when there is nothing', () => {
    expect(commonSupport(new Map()).cases).toBe(0)
    expect(
      commonSupport(
        new Map([
          ['a', [row(0, 1, 3, 1)]],
          ['b', []],
        ]),
      ).dropped.get('a'),
    ).toBe(1)
  })
})

describe("quantiles of Student's t", () => {
  // NIST/SEMATECH e-Handbook 1.3.6.7.2.
  it.each([
    [0.995, 1, 63.657],
    [0.99, 2, 6.965],
    [0.995, 3, 5.841],
    [0.975, 4, 2.776],
    [0.999, 6, 5.208],
    [0.9, 10, 1.372],
    [0.95, 30, 1.697],
  ])('at %f with %i degrees is %f', (p, degrees, value) => {
    expect(studentQuantile(p, degrees)).toBeGreaterThan(value * 0.998)
    expect(studentQuantile(p, degrees)).toBeLessThan(value * 1.002)
    expect(studentQuantile(1 - p, degrees)).toBeCloseTo(-studentQuantile(p, degrees), 9)
  })

  it('fall from one number of degrees to the next, whole or not, to those of the normal distribution', () => {
    const degrees = [4, 4.5, 5, 7.6, 30, 1e6]
    const quantiles = degrees.map((n) => studentQuantile(0.9, n))
    expect(quantiles.toSorted((x, y) => y - x)).toEqual(quantiles)
    expect(quantiles.at(-1)).toBeCloseTo(normalQuantile(0.9), 4)
    expect(normalQuantile(0.9)).toBeCloseTo(1.281552, 6)
  })
})
