import { describe, expect, it } from 'vitest'
import { type Climatology, directLookup, fitClimatology, fitLeavingOut } from './climatology.ts'

const START = 400_000
const SOLAR = { isSolar: true, dayDoubt: 1, isBounded: false }
const climatologyAt = (climatology: Climatology, hour: number): number => directLookup(climatology).at(hour)
const YEARS = 3
const series = Float64Array.from(
  { length: YEARS * 8766 },
  (_, i) => 12 - 9 * Math.cos((2 * Math.PI * (START + i)) / 8765.82) + 4 * Math.sin((2 * Math.PI * (START + i)) / 24),
)
const range = { from: 8766, to: 8766 + 91 * 24 }
const probes = [0, 999, range.from + 500, 20_000].map((i) => START + i)

describe('climatology with hours left out', () => {
  it('has never seen them: whatever they hold, the one without them is the same, and the whole is not', () => {
    const altered = series.map((value, i) => (i >= range.from && i < range.to ? value + 25 : value))
    const a = fitLeavingOut(START, series, SOLAR, [range])!
    const b = fitLeavingOut(START, altered, SOLAR, [range])!
    expect(b.without[0]).toEqual(a.without[0])
    expect(Math.abs(climatologyAt(b.whole, probes[2]!) - climatologyAt(a.whole, probes[2]!))).toBeGreaterThan(1)
  })

  it('agrees with the whole where the years are alike', () => {
    const { whole, without } = fitLeavingOut(START, series, SOLAR, [range])!
    for (const hour of probes) expect(climatologyAt(without[0]!, hour)).toBeCloseTo(climatologyAt(whole, hour), 1)
  })

  it('the whole does not depend on what is left out beside it, and nothing left out is an ordinary fit', () => {
    const plain = fitClimatology(START, series, SOLAR)!
    const { whole } = fitLeavingOut(START, series, SOLAR, [range, { from: 15_000, to: 30_000 }])!
    for (const hour of probes) expect(climatologyAt(whole, hour)).toBeCloseTo(climatologyAt(plain, hour), 9)
    expect(fitLeavingOut(START, series.subarray(0, 23), SOLAR, [])).toBeNull()
  })
})

describe('climatology of three days', () => {
  const DAYS = 3
  const ofHours = (value: (hour: number) => number): Float64Array =>
    Float64Array.from({ length: DAYS * 24 }, (_, i) => value(START + i))
  const swing = (values: Float64Array): number => {
    const lookup = directLookup(fitClimatology(START, values, SOLAR)!)
    const day = Array.from({ length: 24 }, (_, h) => lookup.at(START + h) - lookup.dailyAt(START + h))
    return Math.max(...day) - Math.min(...day)
  }
  const cycle = (hour: number): number => 4 * Math.sin((2 * Math.PI * hour) / 24)

  it('does not take days that grow colder for a cycle of the day', () => {
    // 0.3 °C an hour colder: a saw of 7.2 °C each day when taken for a cycle.
    expect(swing(ofHours((hour) => 10 - 0.3 * (hour - START)))).toBeLessThan(0.1)
  })

  it('finds the same cycle whether days grow colder or stay as they are', () => {
    const still = swing(ofHours(cycle))
    expect(still).toBeGreaterThan(7.5)
    expect(swing(ofHours((hour) => cycle(hour) - 0.3 * (hour - START)))).toBeCloseTo(still, 1)
  })
})
