import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { CheckedObservation } from '../../schemas/generated/types.ts'
import { QUANTITIES } from '../../schemas/quantities.ts'
import {
  buildFeatures,
  COLUMN,
  createHourlyGrid,
  createHourlyWindow,
  FEATURE_COUNT,
  FEATURE_NAMES,
  FEATURE_SET,
  hourOf,
  observationToHourlyRow,
} from './index.ts'

const START = 376_000
const at = (name: string): number => {
  const index = FEATURE_NAMES.indexOf(name)
  if (index < 0) throw new Error(`no feature ${name}`)
  return index
}

function checked(values: Partial<CheckedObservation>): CheckedObservation {
  const empty = Object.fromEntries(QUANTITIES.map((quantity) => [quantity, null]))
  const flags = Object.fromEntries(QUANTITIES.map((quantity) => [quantity, 'good']))
  return {
    stationId: 's',
    observedAt: START * 3_600_000,
    receivedAt: START * 3_600_000,
    source: 'test',
    kind: 'observation',
    revision: 0,
    rules: {},
    qcVersion: '1',
    ...empty,
    flags,
    ...values,
  } as CheckedObservation
}

describe('hourly rows', () => {
  it('takes the nearest hour', () => {
    expect(hourOf(Date.UTC(2013, 0, 1, 6, 29, 59))).toBe(Date.UTC(2013, 0, 1, 6) / 3_600_000)
    expect(hourOf(Date.UTC(2013, 0, 1, 5, 51))).toBe(Date.UTC(2013, 0, 1, 6) / 3_600_000)
  })

  it('drops bad and missing values and keeps suspect ones', () => {
    const base = checked({ temperatureC: 20.1, dewPointC: 10, pressureHpa: 1000 })
    const row = observationToHourlyRow({
      ...base,
      flags: { ...base.flags, temperatureC: 'suspect', dewPointC: 'bad', pressureHpa: 'missing' },
    })
    expect(row?.[COLUMN.temperatureC]).toBe(Math.fround(20.1))
    expect(row?.[COLUMN.dewPointC]).toBeNaN()
    expect(row?.[COLUMN.pressureHpa]).toBeNaN()
  })

  it('has no infinity, not even of a number that is finite until it is rounded', () => {
    const base = checked({ temperatureC: 1e39, dewPointC: -Infinity, pressureHpa: 1000 })
    const row = observationToHourlyRow({ ...base, flags: { ...base.flags, temperatureC: 'unchecked', dewPointC: 'unchecked' } })
    expect([row?.[COLUMN.temperatureC], row?.[COLUMN.dewPointC], row?.[COLUMN.pressureHpa]]).toEqual([NaN, NaN, 1000])
  })

  it('turns a west wind into a positive u and calm without direction into zero', () => {
    const west = observationToHourlyRow(checked({ windSpeedMps: 5, windDirectionDeg: 270 }))
    expect(west?.[COLUMN.windU]).toBeCloseTo(5, 6)
    expect(west?.[COLUMN.windV]).toBeCloseTo(0, 6)
    const calm = observationToHourlyRow(checked({ windSpeedMps: 0 }))
    expect([calm?.[COLUMN.windU], calm?.[COLUMN.windV]]).toEqual([0, 0])
    expect(observationToHourlyRow(checked({ windSpeedMps: 4 }))?.[COLUMN.windU]).toBeNaN()
  })

  it('gives no row for model fill or an empty observation', () => {
    expect(observationToHourlyRow(checked({ kind: 'model-fill', temperatureC: 5 }))).toBeNull()
    expect(observationToHourlyRow(checked({}))).toBeNull()
  })
})

describe('feature vectors', () => {
  it('have unique names and a stable identity', () => {
    expect(new Set(FEATURE_NAMES).size).toBe(FEATURE_COUNT)
    expect(FEATURE_COUNT).toBeGreaterThanOrEqual(78)
    expect(FEATURE_SET).toMatch(/^fs1-[0-9a-f]{16}$/)
  })

  it('match a hand-made ramp', () => {
    const window = createHourlyWindow()
    for (let i = 0; i < 960; i++) window.set(START + i, [i, 0, 50, 1000, 1, -1, 2, i % 4 === 0 ? 0.1 : 0])
    const x = buildFeatures(window, START + 959)
    expect(x[at('temperatureC.lag0h')]).toBe(959)
    expect(x[at('temperatureC.lag48h')]).toBe(911)
    expect(x[at('temperatureC.mean24h.before24h')]).toBeCloseTo(959 - 24 - 11.5, 4)
    expect(x[at('temperatureC.mean120h.before120h')]).toBeCloseTo(959 - 120 - 59.5, 4)
    expect(x[at('temperatureC.range24h.before0h')]).toBe(23)
    expect(x[at('temperatureC.mean720h.before0h')]).toBeCloseTo(959 - 359.5, 4)
    expect(x[at('precipitationMm.wet24h.before0h')]).toBeCloseTo(0.25, 6)
    expect(x[at('precipitationMm.wet720h.before0h')]).toBeCloseTo(0.25, 6)
  })

  it('use only hours up to the one described', () => {
    const grid = createHourlyGrid(START, 1000)
    for (let i = 0; i < 1000; i++) grid.set(START + i, [Math.sin(i), 1, 2, 3, 4, 5, 6, 0])
    const before = buildFeatures(grid, START + 800)
    for (let i = 801; i < 1000; i++) grid.set(START + i, [1e6, 1e6, 1e6, 1e6, 1e6, 1e6, 1e6, 1e6])
    expect(buildFeatures(grid, START + 800)).toEqual(before)
  })

  it('are NaN where fewer than half of the hours are known', () => {
    const window = createHourlyWindow()
    for (let i = 0; i < 11; i++) window.set(START + i, [10, 1, 2, 3, 4, 5, 6, 0])
    const x = buildFeatures(window, START + 10)
    expect(x[at('temperatureC.mean24h.before0h')]).toBeNaN()
    window.set(START + 11, [10, 1, 2, 3, 4, 5, 6, 0])
    expect(buildFeatures(window, START + 11)[at('temperatureC.mean24h.before0h')]).toBe(10)
  })

  it('are bit-identical from the sliding window and from a flat grid, with gaps, late rows and corrections', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 2 ** 31 - 1 }), fc.integer({ min: 900, max: 2300 }), (seed, hours) => {
        let state = seed
        const random = () => {
          state = (Math.imul(state, 1664525) + 1013904223) >>> 0
          return state / 2 ** 32
        }
        // Of each column: never observed, hundredths, hundredths until some hour, or anything.
        const exactUntil = Array.from({ length: 8 }, () => [-1, hours, random() * hours, 0][Math.floor(4 * random())]!)
        const valueOf = (c: number, i: number): number => {
          const until = exactUntil[c]!
          if (until < 0 || random() < 0.15) return NaN
          const x = (c === 7 ? 0.5 : 30) * random()
          return Math.fround(i < until ? Math.round(100 * x) / 100 : x)
        }
        const rowOf = (i: number) => Array.from({ length: 8 }, (_, c) => valueOf(c, i))
        const window = createHourlyWindow()
        const grid = createHourlyGrid(START, hours)
        const pending: [number, number[]][] = []
        for (let i = 0; i < hours; i++) {
          const row = rowOf(i)
          if (random() < 0.05) continue
          if (random() < 0.05) pending.push([START + i, row])
          else {
            window.set(START + i, row)
            grid.set(START + i, row)
          }
          if (random() < 0.05) buildFeatures(window, START + i) // fills the day cache midway
          const late = pending.length > 3 ? pending.shift() : undefined
          if (late && window.set(late[0], late[1])) grid.set(late[0], late[1])
        }
        const newest = window.newestHour
        for (const back of [0, 1, 7, 24, 100, 239])
          expect(buildFeatures(window, newest - back)).toEqual(buildFeatures(grid, newest - back))
      }),
      { numRuns: 25 },
    )
  })
})
