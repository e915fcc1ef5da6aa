import { describe, expect, it } from 'vitest'
import { FORECAST_VARIABLES } from '../../schemas/quantities.ts'
import { BASELINES } from './baselines.ts'
import type { Observed } from './types.ts'

const START = Date.UTC(2022, 0, 1) / 3_600_000
const median = (quantiles: Float32Array, lead: number): number => quantiles[(lead - 1) * 7 + 3]!
const of = (name: string, values: Float64Array): Float32Array => {
  return answer(name, values, values)
}
const observed = (values: Float64Array): Observed => ({
  startHour: START,
  targets: Object.fromEntries(FORECAST_VARIABLES.map((variable) => [variable, values])) as Observed['targets'],
})
const say = (name: string, learnt: Float64Array, now: Float64Array) => {
  const fit = BASELINES.find((baseline) => baseline.name === name)!.fit(observed(learnt), { variable: 'temperatureC' })
  if (!fit.ok) throw new Error(fit.refused)
  const validAtMs = (START + now.length - 1) * 3_600_000
  return fit.fitted.predict({ validAtMs, features: new Float32Array(0), known: observed(now) })
}
const answer = (name: string, learnt: Float64Array, now: Float64Array): Float32Array => {
  const result = say(name, learnt, now)
  if ('refused' in result) throw new Error(result.refused)
  return result.quantiles
}
const cycle = (i: number): number => 12 + 5 * Math.sin((2 * Math.PI * (START + i)) / 24)
const series = (hours: number, value: (i: number) => number): Float64Array =>
  Float64Array.from({ length: hours }, (_, i) => value(i))

describe('baselines', () => {
  it('persistence stays at the last value, over a gap too', () => {
    const values = series(600, cycle)
    values[598] = 3
    values[599] = Number.NaN
    for (const lead of [1, 24, 168]) expect(median(of('persistence', values), lead)).toBe(3)
  })

  it('seasonal naive repeats the day', () => {
    const quantiles = of('seasonal-naive', series(600, cycle))
    for (const lead of [1, 24, 25, 168]) expect(median(quantiles, lead)).toBeCloseTo(cycle(599 + lead), 4)
  })

  it('climatology knows the cycle of a pure one', () => {
    const quantiles = of(
      'climatology',
      series(2 * 8766, (i) => cycle(i) - 9 * Math.cos((2 * Math.PI * i) / 8765.82)),
    )
    for (const lead of [1, 13, 168])
      expect(median(quantiles, lead)).toBeCloseTo(
        cycle(2 * 8766 - 1 + lead) - 9 * Math.cos((2 * Math.PI * (2 * 8766 - 1 + lead)) / 8765.82),
        0,
      )
  })

  it('recentring follows a month that is 4 degrees too warm, by the share that lasts', () => {
    const values = series(150 * 24, (i) => cycle(i) + (i > 120 * 24 ? 4 : 0))
    const [plain, recentred] = [of('climatology', values), of('recentred-climatology', values)]
    expect(median(recentred, 100) - median(plain, 100)).toBeGreaterThan(0.3)
  })

  it('a sensor that has been silent for a week is forecast from what was last seen of it', () => {
    const values = series(600, cycle).fill(Number.NaN, 600 - 7 * 24)
    const last = Math.fround(values[600 - 7 * 24 - 1]!)
    expect([1, 168].map((lead) => median(of('persistence', values), lead))).toEqual([last, last])
    for (const lead of [1, 24, 168]) expect(median(of('seasonal-naive', values), lead)).toBeCloseTo(cycle(599 + lead), 4)
    expect(of('damped-anomaly', values).filter((_, i) => i % 7 === 3)).toEqual(
      of('recentred-climatology', values).filter((_, i) => i % 7 === 3),
    )
  })

  it('what was learnt stays until the next fit, the recent level and the newest values do not', () => {
    const values = series(150 * 24, (i) => cycle(i) + (i > 120 * 24 ? 4 : 0))
    const later = (name: string): Float32Array => answer(name, values.subarray(0, 120 * 24), values)
    expect(median(later('climatology'), 24)).toBeCloseTo(cycle(values.length - 1 + 24), 0)
    // Seven tenths of the four degrees.
    expect(median(later('recentred-climatology'), 100) - median(later('climatology'), 100)).toBeCloseTo(2.8, 1)
    expect(median(later('persistence'), 1)).toBe(Math.fround(values.at(-1)!))
    expect(median(later('seasonal-naive'), 24)).toBe(Math.fround(values.at(-1)!))
  })

  it('a departure fades with lead', () => {
    let weather = 0
    const values = series(200 * 24, (i) => cycle(i) + (weather = 0.97 * weather + Math.sin(i * i)))
    values[values.length - 1] = cycle(values.length - 1) + 6
    const [damped, recentred] = [of('damped-anomaly', values), of('recentred-climatology', values)]
    const extra = (lead: number): number => median(damped, lead) - median(recentred, lead)
    expect(extra(1)).toBeGreaterThan(3)
    expect(Math.abs(extra(120))).toBeLessThan(extra(1) / 3)
  })

  it.each(BASELINES.map(({ name }) => name))('%s refuses nothing at all as a value', (name) => {
    for (const values of [new Float64Array(300).fill(Number.NaN), new Float64Array(0)])
      expect(say(name, values, values)).toEqual({ refused: expect.stringMatching(/too little of temperatureC observed/) })
  })
})
