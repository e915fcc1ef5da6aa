import { assert, double, property } from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ACTIVITIES, adviseClothing, type ClothingHour, requiredClo } from './clothing.ts'

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

  it.each([
    [28, 'hot'],
    [27.9, 'warm'],
    [23, 'warm'],
    [22.9, 'mild'],
    [18, 'mild'],
    [17.9, 'cool'],
    [12, 'cool'],
    [11.9, 'cold'],
    [5, 'cold'],
    [4.9, 'very cold'],
    [-60, 'very cold'],
  ])('calls a day with a mean of %d °C %s', (temperature, dayClass) => {
    expect(adviseClothing([hour(temperature - 3), hour(temperature + 3)], stroll)).toMatchObject({ dayClass })
  })

  it('says which quantile it dresses for: the 20 % one, linear between those of 10 and 25 %', () => {
    const advice = adviseClothing([hour(10, { temperatureC: { q10: 4, q25: 7, q50: 10 } })], stroll)
    expect(advice.temperatureQuantile).toBe(0.2)
    expect(advice.requiredClo.max).toBeCloseTo(requiredClo(6, 2, ACTIVITIES.strolling), 9)
  })

  it('feels like wind chill to 10 °C, the temperature to 20 °C, and the apparent temperature above', () => {
    const feels = (temperature: number, more: Partial<ClothingHour> = {}) =>
      adviseClothing([hour(temperature, { windSpeedMps: 20 / 3.6, ...more })], stroll).hours[0]!.feelsLikeC
    expect(feels(0)).toBeCloseTo(-5.2, 1)
    expect(feels(15)).toBe(15)
    expect(feels(30, { relativeHumidityPct: 70, windSpeedMps: 2 })).toBeCloseTo(34.4, 1)
    expect(feels(30, { relativeHumidityPct: null })).toBe(30)
  })

  it('leaves hours without a temperature out, and takes another quantity that is no number as not forecast', () => {
    const nothing = hour(Number.NaN)
    const odd = { windSpeedMps: Number.NaN, relativeHumidityPct: Number.NaN, precipitationProbabilityPct: Number.NaN }
    const none = { windSpeedMps: null, relativeHumidityPct: null, precipitationProbabilityPct: null }
    expect(adviseClothing([nothing, hour(12, odd)], stroll)).toEqual(adviseClothing([hour(12, none)], stroll))
  })

  it('refuses to dress for no hour', () => {
    expect(() => adviseClothing([], stroll)).toThrow(RangeError)
    expect(() => adviseClothing([hour(Number.NaN)], stroll)).toThrow('no hours to dress for')
  })
})
