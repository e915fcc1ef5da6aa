import { describe, expect, it } from 'vitest'
import type { Observation } from '../../schemas/generated/types.ts'
import { QUANTITIES } from '../../schemas/quantities.ts'
import { checkObservation, createStationMemory } from './index.ts'

const HOUR = 3_600_000
const START = Date.parse('2013-02-12T00:00:00Z')

function observe(hour: number, values: Partial<Observation>): Observation {
  const nothing = Object.fromEntries(QUANTITIES.map((q) => [q, null])) as Pick<Observation, (typeof QUANTITIES)[number]>
  const at = START + hour * HOUR
  return { stationId: 'ewr', observedAt: at, receivedAt: at, source: 'test', kind: 'observation', revision: 0, ...nothing, ...values }
}
const check = (memory: ReturnType<typeof createStationMemory>, o: Observation) => checkObservation(memory, o, o.receivedAt)

describe('quality control', () => {
  it('marks the 1,048 mph wind of Newark 2013 bad, and the next real wind good', () => {
    const memory = createStationMemory()
    expect(check(memory, observe(0, { windSpeedMps: 6 })).flags.windSpeedMps).toBe('good')
    const verdict = check(memory, observe(1, { windSpeedMps: 468.7 }))
    expect([verdict.flags.windSpeedMps, verdict.rules['windSpeedMps']]).toEqual(['bad', ['physical-range']])
    expect(check(memory, observe(2, { windSpeedMps: 7 })).flags.windSpeedMps).toBe('good')
  })

  it('takes sentinels for missing', () => {
    const { flags } = check(createStationMemory(), observe(0, { temperatureC: -9999, pressureHpa: 0, relativeHumidityPct: 0 }))
    expect([flags.temperatureC, flags.pressureHpa, flags.relativeHumidityPct, flags.dewPointC]).toEqual(['missing', 'missing', 'missing', 'missing'])
  })

  it('lets a thunderstorm drop of 15 °C in an hour pass as suspect, and calls 17 °C bad; a gap of 3 h allows more', () => {
    for (const [after, value, flag] of [[1, 15, 'suspect'], [1, 13, 'bad'], [3, 13, 'good']] as const) {
      const memory = createStationMemory()
      check(memory, observe(0, { temperatureC: 30 }))
      expect(check(memory, observe(after, { temperatureC: value })).flags.temperatureC).toBe(flag)
    }
  })

  it('finds a stuck thermometer: suspect after 8 h, bad after 16 h, good again once it moves', () => {
    const memory = createStationMemory()
    const flags = Array.from({ length: 20 }, (_, h) => check(memory, observe(h, { temperatureC: h < 18 ? 12.3 : 12.3 + h / 10 })).flags.temperatureC)
    expect(flags.slice(6, 10)).toEqual(['good', 'good', 'suspect', 'suspect'])
    expect(flags.slice(15)).toEqual(['suspect', 'bad', 'bad', 'good', 'good'])
  })

  it('knows that dew point cannot be above temperature', () => {
    const { flags, rules } = check(createStationMemory(), observe(0, { temperatureC: 10, dewPointC: 11.5 }))
    expect([flags.dewPointC, rules['dewPointC']]).toEqual(['bad', ['dew-point-above-temperature']])
  })

  it('flags what comes from the future, and does not remember it', () => {
    const memory = createStationMemory()
    check(memory, observe(0, { temperatureC: 10 }))
    expect(checkObservation(memory, observe(5, { temperatureC: 10 }), START).rules['temperatureC']).toEqual(['future-timestamp'])
    expect(check(memory, observe(1, { temperatureC: 11 })).flags.temperatureC).toBe('good')
  })
})
