import { describe, expect, it } from 'vitest'
import { COLUMN, FEATURE_COUNT } from '../features/index.ts'
import { FORECAST_VARIABLES } from '../../schemas/quantities.ts'
import { fitStationClimate, NEWEST_INDEX } from './station-climate.ts'
import type { TrainingSet } from './types.ts'

const START = 400_000
const HOURS = 3 * 8766
const BLOCK = 91 * 24
/** The sixth block: a season that two other years have seen. */
const ALTERED = { from: 5 * BLOCK, to: 6 * BLOCK }

/** Temperature throughout, `warmer` in one block; pressure only since `pressureFrom`. */
function station(warmer: number, pressureFrom: number): TrainingSet {
  const features = new Float32Array(HOURS * FEATURE_COUNT).fill(Number.NaN)
  for (let i = 0; i < HOURS; i++) {
    const season = Math.cos((2 * Math.PI * (START + i)) / 8765.82)
    const shift = i >= ALTERED.from && i < ALTERED.to ? warmer : 0
    features[i * FEATURE_COUNT + NEWEST_INDEX[COLUMN.temperatureC]!] = 12 - 9 * season + shift
    if (i >= pressureFrom) features[i * FEATURE_COUNT + NEWEST_INDEX[COLUMN.pressureHpa]!] = 1013 + 3 * Math.sin(i / 40)
  }
  const none = new Float64Array(HOURS).fill(Number.NaN)
  return {
    startHour: START,
    targets: Object.fromEntries(FORECAST_VARIABLES.map((variable) => [variable, none])) as TrainingSet['targets'],
    featureHours: Float64Array.from({ length: HOURS }, (_, i) => START + i),
    features,
  }
}

describe('the climatology that a row of the regression sees', () => {
  const middle = START + (ALTERED.from + ALTERED.to) / 2
  const normalAt = (history: TrainingSet, leavesOut: boolean): number =>
    fitStationClimate(history, leavesOut).lookupsAt(middle)[COLUMN.temperatureC]!.at(middle)

  it('has not seen the block the row lies in; one of the whole record has', () => {
    expect(normalAt(station(9, 0), true)).toBeCloseTo(normalAt(station(0, 0), true), 6)
    expect(normalAt(station(9, 0), false) - normalAt(station(0, 0), false)).toBeGreaterThan(1)
  })

  it('is the whole one for a column that only those days have observed', () => {
    const since = HOURS - 60 * 24
    const { lookupsAt, climate } = fitStationClimate(station(0, since), true)
    for (const hour of [START + since + 100, START + HOURS - 1])
      expect(Math.abs(lookupsAt(hour)[COLUMN.pressureHpa]!.at(hour) - 1013)).toBeLessThan(5)
    expect(climate.climatologies[COLUMN.pressureHpa]).not.toBeNull()
    expect(climate.climatologies[COLUMN.dewPointC]).toBeNull()
  })
})

describe('the share of a month that lasts', () => {
  const shareOf = (hours: number, leavesOut = true): number => {
    const { startHour, targets, featureHours, features } = station(0, 0)
    const part = {
      startHour,
      targets,
      featureHours: featureHours.subarray(0, hours),
      features: features.subarray(0, hours * FEATURE_COUNT),
    }
    const { climate } = fitStationClimate(part, leavesOut)
    expect(climate.baselineMonthShare[COLUMN.temperatureC]).toBe(hours < 330 * 24 ? 0.7 : 0.15)
    return climate.monthShare[COLUMN.temperatureC]!
  }

  it('is usual up to two years, and then learnt where days were left out', () => {
    expect(shareOf(200 * 24)).toBe(0.7)
    expect(shareOf(500 * 24)).toBe(0.5)
    expect(shareOf(HOURS, false)).toBe(0.5)
    expect(shareOf(HOURS)).not.toBe(0.5)
  })
})
