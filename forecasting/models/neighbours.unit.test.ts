import { describe, expect, it } from 'vitest'
import { buildFeatures, createHourlyGrid, FEATURE_COUNT, HOUR_MS } from '../features/index.ts'
import { FORECAST_VARIABLES, type ForecastVariable, QUANTILE_LEVELS } from '../../schemas/quantities.ts'
import { createRng } from '../verification/index.ts'
import { randomFeatureRidge } from './index.ts'
import { fitNeighbours, networkStation } from './neighbours.ts'
import type { LeftOut, TrainingSet } from './types.ts'

const Q = QUANTILE_LEVELS.length
const START = 376_944
const HOURS = 120 * 24
const FITTED = 90 * 24
/** Hours that the weather takes from the station in the west to the own one. */
const AHEAD = 4
const PLACES = {
  own: { stationId: 'own', latitude: 0, longitude: 0 },
  west: { stationId: 'west', latitude: 0, longitude: -1.1 },
  north: { stationId: 'north', latitude: 0.9, longitude: -0.8 },
}

function weatherOf(seed: number): Float64Array {
  const rng = createRng(seed)
  const out = new Float64Array(HOURS + AHEAD)
  for (let i = 1; i < out.length; i++) out[i] = 0.95 * out[i - 1]! + rng() + rng() + rng() - 1.5
  return out
}

/** A west wind of 5.5 m/s; `weather` is what the station feels, hour by hour, beside its day. */
function stationOf(weather: Float64Array): TrainingSet {
  const grid = createHourlyGrid(START, HOURS)
  const targets = Object.fromEntries(FORECAST_VARIABLES.map((v) => [v, new Float64Array(HOURS).fill(1)])) as Record<
    ForecastVariable,
    Float64Array
  >
  for (let i = 0; i < HOURS; i++) {
    const temperature = 10 + 5 * Math.sin((2 * Math.PI * (START + i - 9)) / 24) + weather[i]!
    grid.set(START + i, [temperature, temperature - 5, 70, 1013, 5.5, 0, 5.5, 0])
    targets.temperatureC[i] = Math.fround(temperature)
  }
  const features = new Float32Array(HOURS * FEATURE_COUNT)
  for (let i = 0; i < HOURS; i++) buildFeatures(grid, START + i, features.subarray(i * FEATURE_COUNT, (i + 1) * FEATURE_COUNT))
  return { startHour: START, targets, features, featureHours: Float64Array.from({ length: HOURS }, (_, i) => START + i) }
}

function until(history: TrainingSet, hours: number): TrainingSet {
  return {
    startHour: history.startHour,
    targets: Object.fromEntries(
      FORECAST_VARIABLES.map((v) => [v, history.targets[v].subarray(0, hours)]),
    ) as TrainingSet['targets'],
    features: history.features.subarray(0, hours * FEATURE_COUNT),
    featureHours: history.featureHours.subarray(0, hours),
  }
}

const shared = weatherOf(3)
const own = stationOf(shared.subarray(0, HOURS))
const upstream = stationOf(shared.subarray(AHEAD))
const stranger = stationOf(weatherOf(4).subarray(0, HOURS))
const leftOut: LeftOut[] = []
const result = randomFeatureRidge.fit(until(own, FITTED), { variable: 'temperatureC', onLeftOut: (left) => leftOut.push(left) })
if (!result.ok) throw new Error(result.refused)
const { fitted } = result

function correctionWith(neighbours: Readonly<Partial<Record<'west' | 'north', TrainingSet>>>, days = 90) {
  const stations = Object.entries(neighbours).map(([name, history]) =>
    networkStation(PLACES[name as 'west'], until(history, days * 24)),
  )
  const kept = leftOut.map(({ rows, residuals, ...left }) => {
    const n = rows.filter((row) => row < days * 24).length
    return { ...left, rows: rows.slice(0, n), residuals: residuals.subarray(0, n * 168) }
  })
  return fitNeighbours('temperatureC', networkStation(PLACES.own, until(own, days * 24)), stations, own.featureHours, kept)
}

/** Mean |error| of the median at leads 1–6 of the days that were not fitted on. */
function errorOf(correction: ReturnType<typeof correctionWith>, reported: Readonly<Record<string, TrainingSet>>): number {
  let error = 0
  let n = 0
  for (let i = FITTED; i + 6 < HOURS; i += 5) {
    const vector = (history: TrainingSet): Float32Array => history.features.subarray(i * FEATURE_COUNT, (i + 1) * FEATURE_COUNT)
    const input = { validAtMs: (START + i) * HOUR_MS, features: vector(own) }
    const prediction = fitted.predict(input)
    const neighbours = new Map(Object.entries(reported).map(([name, history]) => [name, vector(history)]))
    const { quantiles } = correction ? correction.correct(prediction, { ...input, neighbours }) : prediction
    for (let h = 0; h < 6; h++) {
      error += Math.abs(quantiles[h * Q + 3]! - own.targets.temperatureC[i + h + 1]!)
      n++
    }
  }
  return error / n
}

describe('neighbours', () => {
  const alone = errorOf(null, {})
  const both = correctionWith({ west: upstream, north: upstream })

  it('foretells what the station upstream has had already, on days not fitted on', () => {
    expect(errorOf(correctionWith({ west: upstream }), { west: upstream })).toBeLessThan(0.8 * alone)
  })

  it('still gains when one of two upstream stations is silent', () => {
    expect(errorOf(both, { west: upstream, north: upstream })).toBeLessThan(0.8 * alone)
    expect(errorOf(both, { west: upstream })).toBeLessThan(0.9 * alone)
  })

  it('is the own forecast, exactly, when nobody reports', () => {
    const input = { validAtMs: newestAt(), features: own.features.subarray(-FEATURE_COUNT) }
    const prediction = fitted.predict(input)
    expect(both!.correct(prediction, { ...input, neighbours: new Map() })).toBe(prediction)
  })

  it('takes a vector without values as an outage', () => {
    const input = { validAtMs: newestAt(), features: own.features.subarray(-FEATURE_COUNT) }
    const neighbours = new Map([['west', new Float32Array(FEATURE_COUNT).fill(Number.NaN)]])
    const prediction = fitted.predict(input)
    expect(both!.correct(prediction, { ...input, neighbours })).toBe(prediction)
  })

  it('costs nothing when the neighbour has other weather', () => {
    expect(errorOf(correctionWith({ west: stranger }), { west: stranger })).toBeLessThan(1.01 * alone)
  })

  it('is not tried on less than 60 days of origins', () => {
    expect(correctionWith({ west: upstream }, 50)).toBeNull()
  })
})

function newestAt(): number {
  return (START + HOURS - 1) * HOUR_MS
}
