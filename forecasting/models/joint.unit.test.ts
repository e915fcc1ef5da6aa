import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import { relativeHumidityPct } from '../products/humidity.ts'
import { agree } from './joint.ts'
import { OWN } from './station-climate.ts'

const Q = 7
const MEDIAN = 3
const everyLead = (quantiles: readonly number[]): Float32Array =>
  Float32Array.from({ length: 168 * Q }, (_, i) => quantiles[i % Q]!)
const ascending = (low: number, high: number) =>
  fc
    .array(fc.float({ min: low, max: high, noNaN: true }), { minLength: Q, maxLength: Q })
    .map((values) => values.toSorted((a, b) => a - b))

it('whatever the models say: dew point below temperature, humidity as both say, nothing crosses, bounds hold, temperature untouched', () => {
  fc.assert(
    fc.property(ascending(-40, 50), ascending(-40, 50), ascending(5, 100), (t, td, rh) => {
      const given = { temperatureC: everyLead(t), dewPointC: everyLead(td), relativeHumidityPct: everyLead(rh) }
      const { temperatureC, dewPointC, relativeHumidityPct: humidity } = agree(given)
      expect(temperatureC).toEqual(everyLead(t))
      for (let q = 0; q < Q; q++) {
        expect(dewPointC![q]!).toBeLessThanOrEqual(temperatureC![q]!)
        expect(humidity![q]!).toBeGreaterThanOrEqual(0)
        expect(humidity![q]!).toBeLessThanOrEqual(100)
        if (q === 0) continue
        expect(dewPointC![q]!).toBeGreaterThanOrEqual(dewPointC![q - 1]!)
        expect(humidity![q]!).toBeGreaterThanOrEqual(humidity![q - 1]!)
      }
      const implied = relativeHumidityPct(temperatureC![MEDIAN], dewPointC![MEDIAN])!
      expect(Math.abs(implied - humidity![MEDIAN]!)).toBeLessThan(2.01)
    }),
    { numRuns: 300 },
  )
})

it('in a polar night, in a furnace, in air without any moisture as well: humidity as temperature and dew point say, nothing out of bounds', () => {
  const { temperatureC: t, dewPointC: td } = OWN
  fc.assert(
    fc.property(ascending(t.low, t.high), ascending(td.low, td.high), ascending(0, 100), (temperature, dew, rh) => {
      const given = { temperatureC: everyLead(temperature), dewPointC: everyLead(dew), relativeHumidityPct: everyLead(rh) }
      const { dewPointC, relativeHumidityPct: humidity } = agree(given)
      for (let q = 0; q < Q; q++) {
        expect(dewPointC![q]!).toBeLessThanOrEqual(given.temperatureC[q]!)
        expect(dewPointC![q]!).toBeGreaterThanOrEqual(Math.min(td.low, given.temperatureC[q]!))
        expect(humidity![q]! >= 0 && humidity![q]! <= 100).toBe(true)
        if (q > 0) expect(dewPointC![q]! >= dewPointC![q - 1]! && humidity![q]! >= humidity![q - 1]!).toBe(true)
      }
      const magnus = (x: number): number => Math.exp((17.62 * x) / (243.12 + x))
      const implied = Math.min(100, (100 * magnus(dewPointC![MEDIAN]!)) / magnus(given.temperatureC[MEDIAN]!))
      expect(Math.abs(implied - humidity![MEDIAN]!)).toBeLessThan(2.01)
    }),
    { numRuns: 500 },
  )
})

it('leaves forecasts alone that agree', () => {
  // 20 °C and 9.27 °C: 50 %.
  const t = everyLead([14, 16, 18, 20, 22, 24, 26])
  const td = everyLead([3, 5, 7, 9.27, 11, 13, 15])
  const rh = everyLead([30, 38, 44, 50, 57, 65, 80])
  expect(agree({ temperatureC: t, dewPointC: td, relativeHumidityPct: rh })).toEqual({
    temperatureC: t,
    dewPointC: td,
    relativeHumidityPct: rh,
  })
})

it('meets half way where they do not: 20 °C, dew point 9.27 °C (50 %) and 60 %', () => {
  const { dewPointC, relativeHumidityPct: humidity } = agree({
    temperatureC: everyLead([14, 16, 18, 20, 22, 24, 26]),
    dewPointC: everyLead([3, 5, 7, 9.27, 11, 13, 15]),
    relativeHumidityPct: everyLead([40, 48, 54, 60, 67, 75, 99]),
  })
  expect(humidity![MEDIAN]).toBeCloseTo(55, 1)
  expect(dewPointC![MEDIAN]).toBeCloseTo(10.7, 1)
  expect(humidity![6]).toBeCloseTo(94, 1)
})

it('what is not forecast is not made up', () => {
  const humidity = everyLead([40, 48, 54, 60, 67, 75, 99])
  expect(agree({ relativeHumidityPct: humidity })).toEqual({ relativeHumidityPct: humidity })
})
