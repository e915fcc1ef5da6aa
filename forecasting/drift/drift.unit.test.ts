import { describe, expect, it } from 'vitest'
import {
  causeOf,
  closeDay,
  DEFAULT_DETECTOR,
  type Detector,
  findChangePoint,
  jumpsAlong,
  longRunSd,
  NEW_DETECTOR,
  NULL_MODEL,
  restartCharts,
  simulateRunLength,
  standardiseHour,
  thresholds,
  type Verdict,
} from './index.ts'

/** Standard normal numbers from a small linear congruential generator (Box–Muller). */
function normals(seed: number): () => number {
  let state = seed
  const uniform = (): number => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648
    return (state + 0.5) / 2_147_483_648
  }
  return () => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform())
}

/** Daily means of both buckets that follow the null model, shifted by `shift` long-run standard deviations from `from` on. */
function dailyMeans(days: number, seed: number, shift = 0, from = 0): number[][] {
  const normal = normals(seed)
  const state = NULL_MODEL.map(() => normal())
  return Array.from({ length: days }, (_, day) =>
    NULL_MODEL.map((model, bucket) => {
      state[bucket] = model.phi * (state[bucket] as number) + Math.sqrt(1 - model.phi ** 2) * normal()
      return state[bucket] * model.sd + (day >= from ? shift * longRunSd(model) : 0)
    }),
  )
}

function run(
  means: readonly (readonly number[])[],
  start: Detector = NEW_DETECTOR,
  firstDay = 0,
): { verdicts: Array<Verdict & { day: number }>; detector: Detector } {
  let detector = start
  const verdicts: Array<Verdict & { day: number }> = []
  means.forEach((values, i) => {
    const closed = closeDay(detector, firstDay + i, values, DEFAULT_DETECTOR)
    detector = closed.detector
    if (closed.verdict) verdicts.push({ ...closed.verdict, day: firstDay + i })
  })
  return { verdicts, detector }
}

describe('false alarms', () => {
  it('keep to the budget: each of 12 charts of a station alarms once in about 12 years', () => {
    const limits = thresholds(1, 12)
    limits.forEach((threshold, bucket) => {
      const days = simulateRunLength(bucket, threshold, 1_500_000, normals(11 + bucket))
      expect(days / (12 * 365.25)).toBeGreaterThan(0.75)
      expect(days / (12 * 365.25)).toBeLessThan(1.35)
    })
  })
  it('a larger budget lowers the thresholds, more charts raise them', () => {
    const one = thresholds(1, 12)
    thresholds(4, 12).forEach((threshold, i) => expect(threshold).toBeLessThan(one[i] as number))
    thresholds(1, 24).forEach((threshold, i) => expect(threshold).toBeGreaterThan(one[i] as number))
  })
})

describe('detector', () => {
  it('confirms a lasting shift after a warning, in the right direction and dated near its beginning', () => {
    const { verdicts } = run(dailyMeans(80, 5, 1.5, 30))
    const confirmed = verdicts.find(({ state }) => state === 'confirmed') as Verdict & { day: number }
    expect(confirmed.day).toBeGreaterThan(30)
    expect(confirmed.day).toBeLessThan(45)
    expect(confirmed.direction).toBe(1)
    expect(Math.abs(confirmed.since - 30)).toBeLessThan(6)
    expect(verdicts.find(({ state }) => state === 'warned')?.day).toBeLessThan(confirmed.day)
  })
  it('stays quiet on a year of what is usual, for most of ten stations', () => {
    const confirmed = Array.from(
      { length: 10 },
      (_, seed) => run(dailyMeans(365, 100 + seed)).verdicts.filter(({ state }) => state === 'confirmed').length,
    )
    expect(confirmed.reduce((sum, n) => sum + n, 0)).toBeLessThanOrEqual(3)
  })
  it('does not confirm one day of extreme weather', () => {
    const means = dailyMeans(20, 3).map(() => [0, 0])
    means[10] = [50, 50]
    expect(run(means).verdicts.filter(({ state }) => state === 'confirmed')).toEqual([])
  })
  it('does not confirm the same model again within the cooldown', () => {
    const shifted = dailyMeans(60, 9, 2.5)
    const days = run(shifted)
      .verdicts.filter(({ state }) => state === 'confirmed')
      .map(({ day }) => day)
    expect(days.length).toBe(1)
  })
  it('recovers once a new model has shown calm days, and is stable the day after', () => {
    const { detector } = run(dailyMeans(20, 5, 2.5))
    expect(detector.state).toBe('confirmed')
    const { verdicts } = run(
      Array.from({ length: 6 }, () => [0.1, 0.1]),
      restartCharts(detector),
      20,
    )
    expect(verdicts.map(({ state, day }) => [state, day])).toEqual([
      ['recovered', 22],
      ['stable', 23],
    ])
  })
  it('takes longer to call the same model recovered', () => {
    const { detector } = run(dailyMeans(20, 5, 2.5))
    const { verdicts } = run(
      Array.from({ length: 16 }, () => [0.1, 0.1]),
      { ...detector, calmDays: 0 },
      20,
    )
    expect(verdicts[0]).toMatchObject({ state: 'recovered', day: 33 })
  })
  it('decides the same when it is stored and restored every day', () => {
    const means = dailyMeans(120, 5, 1.5, 60)
    const stored: Array<Verdict & { day: number }> = []
    let detector = NEW_DETECTOR
    means.forEach((values, day) => {
      const closed = closeDay(detector, day, values, DEFAULT_DETECTOR)
      detector = JSON.parse(JSON.stringify(closed.detector)) as Detector
      if (closed.verdict) stored.push({ ...closed.verdict, day })
    })
    expect(stored).toEqual(run(means).verdicts)
    expect(stored.length).toBeGreaterThan(1)
  })
})

describe('standardised errors', () => {
  it('are errors in expected scales, averaged over the leads of a bucket', () => {
    const hour = standardiseHour({
      variable: 'temperatureC',
      observedAt: 7_200_000,
      observed: 10,
      leadHours: [1, 7, 8, 30],
      error: [0.5, 2, 4, -3],
      expectedScale: [1, 2, 2, 3],
    })
    expect(hour).toEqual({ hour: 2, standardised: [1.5, -1], innovations: [0.5, null, null] })
  })
  it('of a probability are in standard deviations of the outcome', () => {
    const { standardised } = standardiseHour({
      variable: 'precipitationProbabilityPct',
      observedAt: 0,
      observed: 100,
      leadHours: [12],
      error: [-80],
      expectedScale: [1],
    })
    expect(standardised[0]).toBeCloseTo(-2) // p = 0.2: sqrt(.2 * .8) = .4
  })
})

describe('change point', () => {
  const jumpAt = 300
  const series = (size: number, seed: number) => {
    const normal = normals(seed)
    return new Map(
      Array.from({ length: 400 }, (_, hour) => [
        hour,
        [1, 3, 6].map((lead) => 0.5 * Math.sqrt(lead) * normal() - (hour >= jumpAt && hour < jumpAt + lead ? size : 0)),
      ]),
    )
  }
  it('finds the hour and the size of a step', () => {
    const change = findChangePoint([series(3, 1)], 250, 350, -1)
    expect(change?.hour).toBe(jumpAt)
    expect(change?.offset).toBeGreaterThan(2)
    expect(change?.offset).toBeLessThan(4)
  })
  it('finds nothing where nothing stands out, or only the other way', () => {
    expect(findChangePoint([series(0, 2)], 250, 350, -1)?.score ?? 0).toBeLessThan(4)
    expect(findChangePoint([series(6, 1)], 280, 320, 1)?.hour).not.toBe(jumpAt)
  })
  it('knows which neighbours jumped along', () => {
    const change = { hour: jumpAt, offset: 3 }
    expect(jumpsAlong(series(3, 7), change, 250, 350, 2)).toBe(true)
    expect(jumpsAlong(series(0, 8), { hour: 320, offset: 3 }, 250, 350, 3)).toBe(false)
  })
})

describe('cause', () => {
  const change = { hour: 1, offset: 2, score: 5 }
  it.each([
    [
      'flagged by quality control',
      { flaggedShare: 0.5, neighbours: [{ signedRatio: 0.9, jumped: true }], changePoint: change },
      'sensor',
    ],
    [
      'neighbours move along',
      {
        flaggedShare: 0,
        neighbours: [
          { signedRatio: 0.5, jumped: false },
          { signedRatio: 0, jumped: false },
        ],
        changePoint: null,
      },
      'network',
    ],
    [
      'neighbours jumped along',
      { flaggedShare: 0, neighbours: [{ signedRatio: 0, jumped: true }], changePoint: change },
      'network',
    ],
    [
      'alone, a clean step',
      { flaggedShare: 0, neighbours: [{ signedRatio: -0.5, jumped: false }], changePoint: change },
      'instrument-change',
    ],
    ['alone, creeping', { flaggedShare: 0, neighbours: [{ signedRatio: 0, jumped: false }], changePoint: null }, 'sensor'],
    ['nobody to compare with, no step', { flaggedShare: 0, neighbours: [], changePoint: null }, 'model'],
    ['nobody to compare with, a step', { flaggedShare: 0, neighbours: [], changePoint: change }, 'instrument-change'],
  ] as const)('%s', (_, evidence, cause) => {
    expect(causeOf({ direction: 1, ...evidence })).toBe(cause)
  })
})
