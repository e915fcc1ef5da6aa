import { describe, expect, it } from 'vitest'
import { verifyLead } from '../../forecasting/verification/index.ts'
import { HORIZON_HOURS, QUANTILE_LEVELS } from '../../schemas/quantities.ts'
import { AS_MADE, SERVED } from './families.ts'
import { withIssued } from './issued.ts'
import type { OriginResult } from './origins.ts'

const Q = QUANTILE_LEVELS.length
const START = 372_000
const EVERY = 12
const made = Float32Array.from({ length: HORIZON_HOURS * Q }, (_, i) => 10 + [-1.96, -1.28, -0.67, 0, 0.67, 1.28, 1.96][i % Q]!)
const options = { variable: 'temperatureC', refitHours: 0, poison: true } as const

/** A hundred days of forecasts that claim a deviation of 1, beside observations of one of 2. */
function results(observedAt: (hour: number) => number): OriginResult[] {
  return Array.from({ length: 200 }, (_, k) => {
    const origin = START + k * EVERY
    return {
      origin,
      answers: { [SERVED]: { ok: true, quantiles: made, fitSeconds: null, predictMilliseconds: 0 } },
      observed: Float64Array.from({ length: HORIZON_HOURS }, (_, h) => observedAt(origin + h + 1)),
    }
  })
}
const noisy = (hour: number): number => 10 + 2.8 * Math.sin(hour * hour)
const quantilesOf = ({ answers }: OriginResult, name: string): Float32Array => {
  const answer = answers[name]
  if (!answer?.ok) throw new Error(`no answer of ${name}`)
  return answer.quantiles
}
const covered = (all: readonly OriginResult[], name: string): number => {
  const hits = all
    .slice(100)
    .flatMap((result) =>
      Array.from(
        result.observed,
        (value, h) => verifyLead(quantilesOf(result, name).subarray(h * Q, (h + 1) * Q), value).covered80,
      ),
    )
  return hits.filter(Boolean).length / hits.length
}

describe('answers as issued', () => {
  it('come nearer to nominal coverage, beside those as made, with the same medians; the order of results does not matter', () => {
    const issued = withIssued(results(noisy), options)
    expect(covered(issued, AS_MADE)).toBeLessThan(0.4)
    expect(covered(issued, SERVED)).toBeGreaterThan(covered(issued, AS_MADE) + 0.2)
    for (const result of issued) {
      expect(quantilesOf(result, AS_MADE)).toBe(made)
      expect(quantilesOf(result, SERVED)[3]).toBe(made[3])
    }
    expect(withIssued(results(noisy).toReversed(), options)).toEqual(issued)
  })

  it('are the same whatever comes after their origin', () => {
    const at = START + 120 * EVERY
    const issued = withIssued(results(noisy), options)
    const otherwise = withIssued(
      results((hour) => (hour > at ? -40 : noisy(hour))),
      options,
    )
    const upTo = (all: readonly OriginResult[]) => all.slice(0, 121).map((result) => quantilesOf(result, SERVED))
    expect(upTo(otherwise)).toEqual(upTo(issued))
    expect(quantilesOf(otherwise[140]!, SERVED)).not.toEqual(quantilesOf(issued[140]!, SERVED))
  })

  it('begin anew with the larger part of what was learnt at a refit', () => {
    const one = withIssued(results(noisy), { ...options, refitHours: 1e6 })
    const refitted = withIssued(results(noisy), { ...options, refitHours: 1500 })
    const width = (all: readonly OriginResult[], k: number): number => quantilesOf(all[k]!, SERVED)[24 * Q + Q - 1]! - 10
    expect(refitted.slice(0, 125).map((_, k) => width(refitted, k))).toEqual(one.slice(0, 125).map((_, k) => width(one, k)))
    expect(width(refitted, 125)).toBeLessThan(width(one, 125))
    expect(width(refitted, 125)).toBeGreaterThan(width(one, 0))
  })

  it('are refusals where the engine refused, and as made for a probability', () => {
    const refused = { ok: false, refused: 'nothing observed' } as const
    const [first, ...rest] = results(noisy)
    const [none] = withIssued([{ ...first!, answers: { [SERVED]: refused } }, ...rest], options)
    expect(none?.answers).toEqual({ [SERVED]: refused, [AS_MADE]: refused })
    const wet = withIssued(results(noisy), { ...options, variable: 'precipitationProbabilityPct' })
    for (const result of wet) expect(quantilesOf(result, SERVED)).toBe(made)
  })
})
