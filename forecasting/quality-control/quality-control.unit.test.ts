import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Observation } from '../../schemas/generated/types.ts'
import { QUANTITIES } from '../../schemas/quantities.ts'
import { expectedDewPoint } from './checks.ts'
import { checkObservation, createStationMemory, RULES } from './index.ts'
import type { StationMemory } from './index.ts'

const HOUR = 3_600_000
const START = Date.parse('2013-02-12T00:00:00Z')

function observe(hour: number, values: Partial<Observation>): Observation {
  const nothing = Object.fromEntries(QUANTITIES.map((q) => [q, null])) as Pick<Observation, (typeof QUANTITIES)[number]>
  const at = START + hour * HOUR
  return {
    stationId: 'ewr',
    observedAt: at,
    receivedAt: at,
    source: 'test',
    kind: 'observation',
    revision: 0,
    ...nothing,
    ...values,
  }
}

/** A station that is judged observation by observation. */
function station() {
  let memory: StationMemory = createStationMemory()
  return (hour: number, values: Partial<Observation>) => {
    const verdict = checkObservation(memory, observe(hour, values))
    memory = verdict.memory
    if (verdict.kind !== 'checked') throw new Error('duplicate')
    return verdict
  }
}

describe('range and sentinels', () => {
  it('marks the 1,048 mph wind of Newark 2013 bad, and the next real wind good', () => {
    const check = station()
    expect(check(0, { windSpeedMps: 6 }).flags.windSpeedMps).toBe('good')
    const verdict = check(1, { windSpeedMps: 468.66 })
    expect([verdict.flags.windSpeedMps, verdict.rules['windSpeedMps']]).toEqual(['bad', ['physical-range']])
    expect(check(2, { windSpeedMps: 7 }).flags.windSpeedMps).toBe('good')
  })

  it.each([
    ['temperatureC', -9999, 'missing'],
    ['temperatureC', -273.2, 'missing'],
    ['temperatureC', -99, 'missing'],
    ['temperatureC', 61, 'bad'],
    ['temperatureC', 54, 'good'],
    ['relativeHumidityPct', 0, 'missing'],
    ['relativeHumidityPct', 101, 'good'],
    ['relativeHumidityPct', 104, 'suspect'],
    ['relativeHumidityPct', 120, 'bad'],
    ['pressureHpa', 0, 'missing'],
    ['pressureHpa', 905, 'suspect'],
    ['pressureHpa', 865, 'bad'],
    ['windSpeedMps', 50, 'suspect'],
    ['windSpeedMps', -1, 'bad'],
    ['windDirectionDeg', 361, 'bad'],
    ['precipitationMm', 25.8, 'good'],
    ['precipitationMm', 400, 'bad'],
    ['visibilityM', 9999, 'good'],
    ['visibilityM', 99_999, 'missing'],
    ['temperatureC', NaN, 'missing'],
    ['temperatureC', Infinity, 'missing'],
    ['solarWm2', 1e300, 'missing'],
  ] as const)('%s %d is %s', (quantity, value, flag) => {
    expect(station()(0, { [quantity]: value }).flags[quantity]).toBe(flag)
  })

  it('lets the 109 km/h mean wind of storm Ophelia stand', () => {
    const check = station()
    check(0, { windSpeedMps: 22, windGustMps: 33 })
    expect(check(1, { windSpeedMps: 109 / 3.6, windGustMps: 43 }).flags).toMatchObject({
      windSpeedMps: 'good',
      windGustMps: 'good',
    })
  })
})

describe('step', () => {
  it.each([
    [1, 15, 'suspect'],
    [1, 13, 'bad'],
    [1, 23, 'good'],
    [3, 13, 'good'],
    [13, -20, 'good'],
  ] as const)('30 °C, then after %d h %d °C is %s', (hours, value, flag) => {
    const check = station()
    check(0, { temperatureC: 30 })
    expect(check(hours, { temperatureC: value }).flags.temperatureC).toBe(flag)
  })

  it('compares with the last accepted value, not with a bad one', () => {
    const check = station()
    check(0, { temperatureC: 20 })
    expect(check(1, { temperatureC: -10 }).flags.temperatureC).toBe('bad')
    expect(check(2, { temperatureC: 21 }).flags.temperatureC).toBe('good')
  })

  it('does not judge a late observation by newer ones', () => {
    const check = station()
    check(5, { temperatureC: 30 })
    expect(check(1, { temperatureC: 5 }).flags.temperatureC).toBe('good')
    expect(check(6, { temperatureC: 29 }).flags.temperatureC).toBe('good')
  })
})

describe('stuck sensor', () => {
  const flagsOf = (n: number, value: (hour: number) => number, before: (hour: number) => number): string[] => {
    const check = station()
    for (let h = 0; h < 60; h++) check(h, { temperatureC: before(h) })
    return Array.from({ length: n }, (_, h) => check(60 + h, { temperatureC: value(h) }).flags.temperatureC)
  }

  it('suspect after 8 h, bad after 16 h, good once it moves, where the station reports tenths', () => {
    const flags = flagsOf(
      20,
      (h) => (h < 18 ? 12.3 : 12.3 + h / 10),
      (h) => 12 + (h % 3) / 10,
    )
    expect(flags.slice(6, 10)).toEqual(['good', 'good', 'suspect', 'suspect'])
    expect(flags.slice(15)).toEqual(['suspect', 'bad', 'bad', 'good', 'good'])
  })

  it('takes twice the time where it reports whole degrees', () => {
    const flags = flagsOf(
      40,
      () => 12,
      (h) => 12 + (h % 7),
    )
    expect([flags.indexOf('suspect'), flags.indexOf('bad')]).toEqual([16, 32])
  })

  it('does not count silence', () => {
    const check = station()
    check(0, { temperatureC: 12.3 })
    expect(check(20, { temperatureC: 12.3 }).flags.temperatureC).toBe('good')
  })

  it('is sure earlier when the still temperature contradicts a moving humidity and dew point, and blames only the temperature', () => {
    const check = station()
    const verdicts = Array.from({ length: 12 }, (_, h) => {
      // The air warms by 1 °C an hour, the thermometer stays at 20 °C.
      const dewPointC = 12 + h / 10
      const relativeHumidityPct = Math.round(10 * (60 - 3 * h)) / 10
      return check(h, { temperatureC: 20, dewPointC, relativeHumidityPct })
    })
    const eighth = verdicts[8]
    expect(eighth?.flags).toMatchObject({ temperatureC: 'bad', dewPointC: 'good', relativeHumidityPct: 'good' })
    expect(eighth?.rules['temperatureC']).toContain('stuck-sensor')
    expect(verdicts[6]?.flags.temperatureC).toBe('suspect')
    // The weather passes by the stuck value: the three agree, and the thermometer is still stuck.
    expect(check(12, { temperatureC: 20, dewPointC: 9.3, relativeHumidityPct: 50 }).flags.temperatureC).toBe('bad')
    expect(check(13, { temperatureC: 20.2, dewPointC: 9.3, relativeHumidityPct: 49.5 }).flags.temperatureC).toBe('good')
  })

  it('lets fog, calm nights and light wind be', () => {
    const check = station()
    for (let h = 0; h < 70; h++) {
      const { flags } = check(h, { relativeHumidityPct: 100, windSpeedMps: 0 })
      expect(flags).toMatchObject({ relativeHumidityPct: 'good', windSpeedMps: 'good' })
    }
    expect(check(70, { windSpeedMps: 0 }).flags.windSpeedMps).toBe('good')
    for (let h = 71; h < 74; h++) check(h, { windSpeedMps: 0 })
    expect(check(74, { windSpeedMps: 0 }).rules['windSpeedMps']).toEqual(['long-calm'])
  })
})

describe('internal consistency', () => {
  it('computes the dew point of published examples', () => {
    const cases = [
      [20, 50, 9.26],
      [30, 70, 23.93],
      [0, 80, -3.04],
      [-10, 60, -16.31],
      [35, 20, 8.69],
    ] as const
    for (const [t, rh, td] of cases) expect(expectedDewPoint(t, rh).expected).toBeCloseTo(td, 2)
  })

  it('dew point above temperature', () => {
    expect(station()(0, { temperatureC: 10, dewPointC: 10.4 }).flags.dewPointC).toBe('good')
    expect(station()(0, { temperatureC: 10, dewPointC: 10.8 }).flags.dewPointC).toBe('suspect')
    const { flags, rules } = station()(0, { temperatureC: 10, dewPointC: 11.5 })
    expect([flags.dewPointC, rules['dewPointC']]).toEqual(['bad', ['dew-point-above-temperature']])
  })

  it('humidity that contradicts temperature and dew point makes all three doubtful', () => {
    const trio = (relativeHumidityPct: number) => station()(0, { temperatureC: 20, dewPointC: 9.3, relativeHumidityPct }).flags
    expect(trio(50)).toMatchObject({ temperatureC: 'good', dewPointC: 'good', relativeHumidityPct: 'good' })
    expect(trio(57)).toMatchObject({ temperatureC: 'suspect', dewPointC: 'suspect', relativeHumidityPct: 'suspect' })
    expect(trio(80)).toMatchObject({ temperatureC: 'bad', dewPointC: 'bad', relativeHumidityPct: 'bad' })
  })

  it('gust below mean, and a direction of 0 in moving air', () => {
    const { flags } = station()(0, { windSpeedMps: 10, windGustMps: 6, windDirectionDeg: 0 })
    expect([flags.windGustMps, flags.windDirectionDeg, flags.windSpeedMps]).toEqual(['suspect', 'suspect', 'good'])
  })
})

describe('time and repetition', () => {
  it('calls what comes from the future bad and does not learn from it', () => {
    const check = station()
    check(0, { temperatureC: 10 })
    const future = check(5, { temperatureC: 10, receivedAt: START + HOUR })
    expect([future.flags.temperatureC, future.rules['temperatureC']]).toEqual(['bad', ['future-timestamp']])
    expect(check(1, { temperatureC: 11 }).flags.temperatureC).toBe('good')
    check(400, { receivedAt: START + HOUR })
    expect(check(2, { temperatureC: -30 }).rules['temperatureC']).toEqual(['step'])
  })

  it('tolerates ten minutes of clock error', () => {
    expect(station()(1, { temperatureC: 10, receivedAt: START + HOUR - 10 * 60_000 }).flags.temperatureC).toBe('good')
  })

  it('calls what is older than any station bad', () => {
    expect(station()(0, { temperatureC: 10, observedAt: Date.UTC(1820, 0, 1) }).rules['temperatureC']).toEqual(['old-timestamp'])
  })

  it('drops a repetition, counts a correction, and keeps sources apart', () => {
    const first = checkObservation(createStationMemory(), observe(0, { temperatureC: 10 }))
    expect(checkObservation(first.memory, observe(0, { temperatureC: 10, receivedAt: START + HOUR })).kind).toBe('duplicate')
    const corrected = checkObservation(first.memory, observe(0, { temperatureC: 10.5 }))
    expect(corrected).toMatchObject({ kind: 'checked', revision: 1 })
    expect(checkObservation(corrected.memory, observe(0, { temperatureC: 10.5 })).kind).toBe('duplicate')
    expect(checkObservation(corrected.memory, observe(0, { temperatureC: 11 }))).toMatchObject({ revision: 2 })
    expect(checkObservation(first.memory, observe(0, { temperatureC: 10, source: 'other' }))).toMatchObject({ revision: 0 })
  })
})

describe('for any values', () => {
  const anyValue = fc.option(fc.oneof(fc.double(), fc.double({ min: -50, max: 1100, noNaN: true })))
  const anyObservation = fc
    .record({
      hour: fc.integer({ min: 0, max: 100 }),
      values: fc.record(Object.fromEntries(QUANTITIES.map((q) => [q, anyValue]))),
    })
    .map(({ hour, values }) => observe(hour, values as Partial<Observation>))

  it('null is missing, every raised flag names its rule, and the memory is plain data that is never changed', () => {
    fc.assert(
      fc.property(fc.array(anyObservation, { maxLength: 12 }), (series) => {
        let memory = createStationMemory()
        for (const observation of series) {
          const before = JSON.stringify(memory)
          const verdict = checkObservation(memory, observation)
          expect(JSON.stringify(memory)).toBe(before)
          expect(JSON.stringify(checkObservation(JSON.parse(before) as StationMemory, observation))).toBe(JSON.stringify(verdict))
          memory = verdict.memory
          if (verdict.kind === 'duplicate') continue
          for (const quantity of QUANTITIES) {
            const flag = verdict.flags[quantity]
            const rules = verdict.rules[quantity] ?? []
            if (observation[quantity] === null) expect([flag, rules]).toEqual(['missing', []])
            else expect(rules.length > 0).toBe(flag !== 'good')
            expect(rules.every((rule) => (RULES as readonly string[]).includes(rule))).toBe(true)
          }
        }
      }),
    )
  })
})
