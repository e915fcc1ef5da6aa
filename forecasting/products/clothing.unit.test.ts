import { assert, double, property } from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ACTIVITIES, adviseClothing, apparentTemperatureC, type ClothingHour, requiredClo, windChillC } from './clothing.ts'

const hour = (temperatureC: number, more: Partial<ClothingHour> = {}): ClothingHour => ({
  validAt: 0,
  temperatureC: { q10: temperatureC - 1, q25: temperatureC - 0.5, q50: temperatureC },
  windSpeedMps: 2,
  relativeHumidityPct: 60,
  precipitationProbabilityPct: 5,
  ...more,
})
const stroll = { activity: 'strolling', offsetClo: 0 } as const

describe('required insulation', () => {
  // ISO 11079 IREQ neutral: metabolic rate, wind at the body, temperature → clo.
  it.each([
    [80, 0.4, 0, 3.1],
    [80, 3, -10, 5.2],
    [115, 0.4, 10, 1.4],
    [115, 0.4, -10, 3.0],
    [115, 3, 0, 2.7],
    [115, 8, -10, 5.0],
    [165, 0.4, 5, 1.1],
    [165, 3, -20, 3.2],
  ])('M %d W/m², %d m/s, %d °C needs %d clo', (rate, body, temperature, clo) => {
    expect(Math.abs(requiredClo(temperature, body / 0.67, rate) - clo)).toBeLessThanOrEqual(0.13)
  })

  it('grows with cold and wind, falls with activity, and never below 0.3', () => {
    assert(
      property(double({ min: -40, max: 45, noNaN: true }), double({ min: 0, max: 30, noNaN: true }), (t, v) => {
        const clo = requiredClo(t, v, ACTIVITIES.strolling)
        expect(clo).toBeGreaterThanOrEqual(0.3)
        expect(requiredClo(t - 1, v, ACTIVITIES.strolling)).toBeGreaterThanOrEqual(clo)
        expect(requiredClo(t, v + 1, ACTIVITIES.strolling)).toBeGreaterThanOrEqual(clo)
        if (t < 25) expect(requiredClo(t, v, ACTIVITIES.waiting)).toBeGreaterThanOrEqual(requiredClo(t, v, ACTIVITIES.brisk))
      }),
    )
  })
})

describe('feels like', () => {
  it('has the published values of wind chill and apparent temperature', () => {
    // Environment Canada's table: −10 °C at 30 km/h feels like −20, −25 °C at 50 km/h like −42.
    expect(windChillC(-10, 30 / 3.6)).toBeCloseTo(-20, 0)
    expect(windChillC(-25, 50 / 3.6)).toBeCloseTo(-42, 0)
    expect(windChillC(12, 10)).toBeNull()
    // Bureau of Meteorology: 30 °C, 50 %, calm.
    expect(apparentTemperatureC(30, 50, 0)).toBeCloseTo(33, 0)
  })
})

describe('advice', () => {
  it('dresses for the cautious temperature, and more in wind', () => {
    expect(adviseClothing([hour(25)], stroll).base).toBe('T-shirt and shorts or a skirt')
    expect(adviseClothing([hour(10, { windSpeedMps: 0.5 })], stroll).base).toBe('sweater and jacket')
    expect(adviseClothing([hour(10, { windSpeedMps: 12 })], stroll).base).toContain('down coat')
    const uncertain = { temperatureC: { q10: 2, q25: 6, q50: 10 } }
    expect(adviseClothing([hour(10, uncertain)], stroll).requiredClo.max).toBeGreaterThan(
      adviseClothing([hour(10)], stroll).requiredClo.max,
    )
  })

  it('carries a layer when the day is uneven, and one set when it is not', () => {
    const uneven = adviseClothing([hour(4), hour(20)], stroll)
    expect(uneven.base).toBe('T-shirt or shirt and trousers')
    expect(uneven.extra).toBe('sweater and coat, with a scarf')
    expect(adviseClothing([hour(18), hour(20)], stroll).extra).toBeNull()
  })

  it('takes rain gear from 40 %, no umbrella in a gale, and says when nothing is known', () => {
    expect(adviseClothing([hour(15, { precipitationProbabilityPct: 39 })], stroll).accessories).toEqual([])
    expect(adviseClothing([hour(15, { precipitationProbabilityPct: 40 })], stroll).accessories).toEqual([
      'umbrella or rain jacket',
    ])
    expect(adviseClothing([hour(15, { precipitationProbabilityPct: 80, windSpeedMps: 12 })], stroll).accessories[0]).toContain(
      'too windy',
    )
    expect(adviseClothing([hour(1, { precipitationProbabilityPct: 80 })], stroll).accessories).toContain(
      'waterproof shoes that do not slip',
    )
    expect(adviseClothing([hour(15, { precipitationProbabilityPct: null })], stroll).rainProbabilityPct).toBeNull()
  })

  it('warns of heat and of dangerous cold', () => {
    expect(adviseClothing([hour(34)], stroll).warnings).toEqual(['Heat: drink, seek shade, avoid tight or dark clothes.'])
    const cold = adviseClothing([hour(-30, { windSpeedMps: 8 })], stroll)
    expect(cold.warnings).toEqual(['Wind chill: cover all skin.', 'Limit the time outside: clothes alone do not keep warm.'])
    expect(cold.summary).toContain('Limit the time outside')
  })

  it('refuses to dress for no hour', () => {
    expect(() => adviseClothing([], stroll)).toThrow(RangeError)
  })
})
