import { mean, sampleVariance } from 'simple-statistics'
import { describe, expect, it } from 'vitest'
import type { Gains, SkillSums } from '../ports.ts'
import { headlines, skillRows, studentT95 } from './scores.ts'

const sums = (bucket: SkillSums['bucket'], n: number, mae: number): SkillSums => ({
  stationId: 'jfk',
  variable: 'temperatureC',
  bucket,
  n,
  absolute: n * mae,
  squared: n * mae * mae * 1.5,
  error: n * 0.1,
  crps: n * mae * 0.7,
  in80: n * 0.8,
  in95: n * 0.95,
  persistence: { n: n / 2, absoluteError: n, forecastAbsoluteError: (n / 2) * mae },
  recentredClimatology: { n: 0, absoluteError: 0, forecastAbsoluteError: 0 },
})

describe('skill rows', () => {
  it('are in lead order, add up to all, and compare with a baseline only where it had a value', () => {
    const rows = skillRows([sums('25-72', 300, 2), sums('1-6', 100, 1)])
    expect(rows.map(({ leadBucket, n }) => [leadBucket, n])).toEqual([
      ['1-6', 100],
      ['25-72', 300],
      ['all', 400],
    ])
    expect(rows[0]).toMatchObject({
      mae: 1,
      skillOverPersistence: 0.5,
      persistenceMae: 2,
      recentredClimatologyMae: null,
      skillOverRecentredClimatology: null,
    })
    expect(rows[2]?.mae).toBeCloseTo((100 * 1 + 300 * 2) / 400, 12)
  })
})

describe('headline', () => {
  const gains = (leads: number, days: number, gain: (lead: number, day: number) => number): Gains[] => [
    {
      stationId: 'jfk',
      variable: 'temperatureC',
      days,
      leads: Array.from({ length: leads }, (_, l) => {
        const lead = l + 1
        const daily = Array.from({ length: days }, (_day, day) => gain(lead, day))
        const blocks = [...Map.groupBy(daily.keys(), (day) => Math.floor(day / Math.ceil(lead / 24))).values()].map((block) =>
          mean(block.map((day) => daily[day]!)),
        )
        return { lead, blocks: blocks.length, mean: mean(blocks), variance: blocks.length > 1 ? sampleVariance(blocks) : null }
      }),
    },
  ]

  it('is the longest lead up to which every lead gains for sure', () => {
    const wobble = (day: number): number => (day % 2 === 0 ? 0.1 : -0.1)
    expect(headlines(gains(40, 40, (lead, day) => 2 - 0.1 * lead + wobble(day)))[0]).toMatchObject({
      usefulToHours: 19,
      days: 40,
    })
    // A gap ends it, whatever gains beyond.
    expect(headlines(gains(40, 40, (lead, day) => (lead === 7 ? -1 : 1) + wobble(day)))[0]?.usefulToHours).toBe(6)
  })

  it('asks for at least five blocks as long as the lead', () => {
    const steady = (lead: number, day: number): number => 1 + ((lead * 7 + day * 3) % 5) / 50
    expect(headlines(gains(60, 4, steady))[0]?.usefulToHours).toBe(0)
    // Ten days are ten blocks at one day of lead, but only five at two and four at three.
    expect(headlines(gains(60, 10, steady))[0]?.usefulToHours).toBe(48)
  })

  it('is not fooled by noise: without any gain, the first lead passes about as often as declared', () => {
    let seed = 7
    const uniform = (): number => (seed = (seed * 16_807) % 2_147_483_647) / 2_147_483_647
    const normal = (): number => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform())
    let useful = 0
    for (let trial = 0; trial < 2000; trial++) if ((headlines(gains(1, 20, normal))[0]?.usefulToHours ?? 0) > 0) useful++
    expect(useful / 2000).toBeGreaterThan(0.03)
    expect(useful / 2000).toBeLessThan(0.07)
  })

  it('has the quantiles of the t tables', () => {
    for (const [degrees, value] of [
      [4, 2.132],
      [15, 1.753],
      [30, 1.697],
      [120, 1.658],
    ] as const)
      expect(studentT95(degrees)).toBeCloseTo(value, 3)
  })
})
