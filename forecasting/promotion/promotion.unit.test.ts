import { describe, expect, it } from 'vitest'
import { createRng, pairedBlockBootstrap } from '../verification/index.ts'
import { GATE_POLICY, judgeChallenger, lookHours, pairHours, type VerifiedHour } from './index.ts'
import { simulateTrial } from './simulation.ts'

const HOUR_MS = 3_600_000
const rng = () => createRng(7)

function verified(hour: number, error: number | ((lead: number) => number), leads = [1, 6, 12, 24, 48, 100]): VerifiedHour {
  const errors = leads.map((lead) => (typeof error === 'number' ? error : error(lead)))
  return {
    observedAt: hour * HOUR_MS,
    observed: 10,
    leadHours: leads,
    error: errors,
    crps: errors.map((e) => 0.7 * Math.abs(e)),
    covered80: leads.map((lead) => (hour + lead) % 5 !== 0),
    covered95: leads.map((lead) => (hour + lead) % 20 !== 0),
  }
}
const span = (hours: number, error: (hour: number) => number) => Array.from({ length: hours }, (_, h) => verified(h, error(h)))
const options = { since: null, impossibleError: 60 }
/** An error series with both signs, its size changing from hour to hour. */
const wave = (h: number): number => 1.2 * Math.sin((h * Math.PI) / 12) + 0.3 * Math.cos(h / 3)

describe('pairing', () => {
  it('keeps the rows both have and counts what it drops', () => {
    const champion = [verified(1, 1, [1, 2, 3]), verified(2, 1), verified(3, 1, [1])]
    const challenger = [verified(1, 1, [2, 3, 4]), verified(3, 1, [1]), verified(4, 1, [1, 2])]
    const sample = pairHours(champion, challenger, options)
    expect(sample.hours.map(({ observedAt }) => observedAt / HOUR_MS)).toEqual([1, 3])
    expect(sample.rows).toBe(3)
    // Leads 1 and 4 of hour 1, six rows of hour 2, two rows of hour 4.
    expect(sample.dropped).toEqual({ beforeChange: 0, unpaired: 10, observedDiffers: 0 })
  })
  it('counts nothing up to a change point', () => {
    const sample = pairHours(span(10, wave), span(10, wave), { ...options, since: 4 * HOUR_MS })
    expect(sample.hours.map(({ observedAt }) => observedAt / HOUR_MS)).toEqual([5, 6, 7, 8, 9])
    expect(sample.dropped.beforeChange).toBe(5 * 6)
  })
  it('refuses to compare scores against different observations', () => {
    const corrected = { ...verified(1, 1), observed: 11 }
    expect(pairHours([verified(1, 1)], [corrected], options)).toMatchObject({ rows: 0, dropped: { observedDiffers: 6 } })
  })
  it('notices rows no forecast may have', () => {
    expect(pairHours([verified(1, 1)], [verified(1, Number.NaN)], options).impossible).toBe(6)
    expect(pairHours([verified(1, 1)], [verified(1, 61)], options).impossible).toBe(6)
  })
})

describe('gate', () => {
  const judge = (hours: number, champion: (h: number) => number, challenger: (h: number) => number) =>
    judgeChallenger(pairHours(span(hours, champion), span(hours, challenger), options), { rng: rng() })

  it('waits for the minimum sample', () => {
    expect(judge(71, wave, (h) => wave(h) / 2)).toMatchObject({ decision: 'continue', reasons: ['too-few-hours: 71 of 72'] })
  })
  it('promotes a clearly better model at the first look and says on what', () => {
    const report = judge(72, wave, (h) => wave(h) / 2)
    expect(report.decision).toBe('promote')
    expect(report.reasons[0]).toMatch(/^better: 50\.0 %/)
    expect(report.text[0]).toMatch(/^Promoted: better/)
    expect(report.metrics.find((row) => row.model === 'candidate' && row.leadBucket === 'all')?.n).toBe(72 * 6)
  })
  it('never promotes an identical model, and rejects it as no improvement', () => {
    const report = judge(96, wave, wave)
    expect(report.decision).toBe('reject')
    expect(report.effect).toEqual({ mean: 0, low: 0, high: 0 })
  })
  it('rejects a clearly worse model before the trial ends', () => {
    expect(judge(72, wave, (h) => 1.5 * wave(h))).toMatchObject({ decision: 'reject' })
  })
  it('does not promote what is worse in one lead bucket however good the rest', () => {
    const challenger = Array.from({ length: 120 }, (_, h) =>
      verified(h, (lead) => wave(h) * (lead > 24 && lead <= 72 ? 1.3 : 0.3)),
    )
    const report = judgeChallenger(pairHours(span(120, wave), challenger, options), { rng: rng() })
    expect(report.decision).toBe('continue')
    expect(report.reasons.join()).toMatch(/worse-at-25-72/)
  })
  it('does not promote what buys its score with coverage, buckets weighted as in the effect', () => {
    const covering = (covered: readonly boolean[]) =>
      judgeChallenger(
        pairHours(
          span(120, wave),
          span(120, (h) => wave(h) / 2).map((hour) => ({
            ...hour,
            covered80: Array.from(hour.covered80, (held, i) => held && covered[i]!),
          })),
          options,
        ),
        { rng: rng() },
      )
    expect(covering([false, false, false, false, false, false]).reasons.join()).toMatch(/coverage80-worse: 0.000 against 0.8/)
    expect(covering([false, true, true, true, true, true]).reasons.join()).toMatch(/coverage80-worse/)
    // One kind of weather decides what holds beyond three days in a trial.
    expect(covering([true, true, true, true, true, false]).decision).toBe('promote')
  })
  it('rejects a model that forecasts the impossible', () => {
    const report = judgeChallenger(
      pairHours(
        span(80, wave),
        span(80, (h) => (h === 50 ? 99 : 0)),
        options,
      ),
      { rng: rng() },
    )
    expect(report).toMatchObject({ decision: 'reject', reasons: ['impossible-values: 6 rows'] })
  })
  it('ends an undecided trial with a rejection', () => {
    const sample = pairHours(
      span(80, wave),
      span(80, (h) => 0.97 * wave(h)),
      options,
    )
    expect(judgeChallenger(sample, { rng: rng() }).decision).toBe('continue')
    expect(judgeChallenger(sample, { rng: rng(), isLast: true }).decision).toBe('reject')
  })
  it('decides the same from the same rows', () => {
    const sample = simulateTrial({ ratio: 0.95, correlation: 0.99 }, 170, createRng(3))
    expect(judgeChallenger(sample, { rng: createRng(1) })).toEqual(judgeChallenger(sample, { rng: createRng(1) }))
  })
  it('looks after 72 hours and every day from then on until the trial ends', () => {
    expect([71, 72, 73, 96, 336, 400].map((n) => lookHours(GATE_POLICY, n))).toEqual([0, 72, 72, 96, 336, 336])
  })
})

describe('paired block bootstrap', () => {
  const bootstrap = (a: number[], b: number[], blockLength: number) =>
    pairedBlockBootstrap(a, b, { blockLength, rng: createRng(5), resamples: 500 })
  /** AR(1) differences with mean 0 and a memory of about ten cases. */
  const noise = (seed: number, length: number): number[] => {
    const random = createRng(seed)
    let value = 0
    return Array.from({ length }, () => (value = 0.9 * value + (random() + random() + random() - 1.5)))
  }
  const zeros = (length: number): number[] => Array.from({ length }, () => 0)

  it('of a constant difference is that difference without an interval', () => {
    const found = bootstrap([3, 4, 5, 6], [1, 2, 3, 4], 2)
    expect(found).toEqual({ mean: 2, low: 2, high: 2, pairs: 4, blocks: 2 })
  })
  it('changes its sign with the order of the two', () => {
    const a = noise(1, 200)
    const forth = bootstrap(a, zeros(200), 24)
    const back = bootstrap(zeros(200), a, 24)
    expect(back.mean).toBeCloseTo(-forth.mean, 12)
    expect(back.high).toBeCloseTo(-forth.low, 1)
  })
  it('holds the truth about as often as it says on autocorrelated differences, which blocks of one case do not', () => {
    const share = (blockLength: number): number => {
      let held = 0
      for (let seed = 0; seed < 200; seed++) {
        const { low, high } = bootstrap(noise(seed + 1, 600), zeros(600), blockLength)
        if (low <= 0 && high >= 0) held++
      }
      return held / 200
    }
    expect(share(60)).toBeGreaterThan(0.85)
    expect(share(1)).toBeLessThan(0.6)
  })
  it('refuses what is not paired', () => {
    expect(() => bootstrap([1, 2], [1], 1)).toThrow(RangeError)
    expect(() => bootstrap([], [], 1)).toThrow(RangeError)
  })
})
