import { describe, expect, it } from 'vitest'
import { buildFeatures, createHourlyGrid, FEATURE_COUNT, HOUR_MS } from '../features/index.ts'
import { FORECAST_VARIABLES, type ForecastVariable, QUANTILE_LEVELS } from '../../schemas/quantities.ts'
import { createRng } from '../verification/index.ts'
import { randomFeatureRidge } from './index.ts'
import { fitNeighbours, type Left } from './neighbours.ts'
import { createNetwork, type Network, networkStation } from './network.ts'
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

type Name = keyof typeof PLACES
type Reported = Readonly<Partial<Record<Name, TrainingSet>>>

/** Of the own station's residuals alone, so that what it learns is known. */
function fitWith(neighbours: Reported, days = 90) {
  const stations = Object.entries({ own, ...neighbours }).map(([name, history]) =>
    networkStation(PLACES[name as Name], until(history, days * 24)),
  )
  const kept = leftOut.map(({ rows, residuals, ...rest }) => {
    const n = rows.filter((row) => row < days * 24).length
    return { ...rest, rows: rows.slice(0, n), residuals: residuals.subarray(0, n * 168) }
  })
  const left = new Map<string, Left>([['own', { featureHours: own.featureHours, leftOut: kept }]])
  const network = createNetwork(stations)
  return { network, correction: fitNeighbours('temperatureC', network, left) }
}

function vectorsAt(i: number, reported: Reported): Map<string, Float32Array> {
  const vectorOf = ({ features }: TrainingSet): Float32Array => features.subarray(i * FEATURE_COUNT, (i + 1) * FEATURE_COUNT)
  return new Map(Object.entries(reported).map(([name, history]) => [name, vectorOf(history)]))
}

function predictAt(i: number, { network, correction }: ReturnType<typeof fitWith>, reported: Reported, stationId = 'own') {
  const validAtMs = (START + i) * HOUR_MS
  const vectors = vectorsAt(i, { own, ...reported })
  const alone = fitted.predict({ validAtMs, features: vectors.get('own')! })
  const corrected = correction?.correct(stationId, alone, network.issue(validAtMs, vectors)) ?? alone
  return { alone, corrected }
}

/** Mean |error| of the median at leads 1–6 of the days that were not fitted on: with the correction, and without it. */
function errorsOf(fit: ReturnType<typeof fitWith>, reported: Reported): { corrected: number; alone: number } {
  const errors = { corrected: 0, alone: 0 }
  let n = 0
  for (let i = FITTED; i + 6 < HOURS; i += 5) {
    const said = predictAt(i, fit, reported)
    for (let h = 0; h < 6; h++, n++)
      for (const name of ['corrected', 'alone'] as const)
        errors[name] += Math.abs(said[name].quantiles[h * Q + 3]! - own.targets.temperatureC[i + h + 1]!)
  }
  return { corrected: errors.corrected / n, alone: errors.alone / n }
}

function ratioOf(fit: ReturnType<typeof fitWith>, reported: Reported): number {
  const { corrected, alone } = errorsOf(fit, reported)
  return corrected / alone
}

describe('neighbours', () => {
  const both = fitWith({ west: upstream, north: upstream })
  const newest = HOURS - 1

  it('foretell what the station upstream has had already, on days not fitted on', () => {
    expect(ratioOf(fitWith({ west: upstream }), { west: upstream })).toBeLessThan(0.8)
  })

  it('still gain when one of two upstream stations is silent', () => {
    expect(ratioOf(both, { west: upstream, north: upstream })).toBeLessThan(0.8)
    expect(ratioOf(both, { west: upstream })).toBeLessThan(0.9)
  })

  it('leave the own forecast, exactly, when nobody reports', () => {
    const { alone, corrected } = predictAt(newest, both, {})
    expect(corrected).toBe(alone)
  })

  it('take a vector without values as an outage', () => {
    const silent = { ...upstream, features: new Float32Array(upstream.features.length).fill(Number.NaN) }
    const { alone, corrected } = predictAt(newest, both, { west: silent })
    expect(corrected).toBe(alone)
  })

  it('leave a station alone that they were not fitted for', () => {
    const { alone, corrected } = predictAt(newest, both, { west: upstream }, 'north')
    expect(corrected).toBe(alone)
  })

  it('narrow the interval by what they were worth, and less when fewer have reported', () => {
    const widthOf = ({ quantiles }: { quantiles: Float32Array }): number => quantiles[5]! - quantiles[1]!
    const all = predictAt(newest, both, { west: upstream, north: upstream })
    const one = predictAt(newest, both, { west: upstream })
    expect(widthOf(all.corrected)).toBeLessThan(widthOf(one.corrected))
    expect(widthOf(one.corrected)).toBeLessThan(widthOf(one.alone))
  })

  it('cost nothing when they have other weather', () => {
    expect(ratioOf(fitWith({ west: stranger }), { west: stranger })).toBeLessThan(1.01)
  })

  it('are not tried on less than 60 days of origins, nor without a second station', () => {
    expect(fitWith({ west: upstream }, 50).correction).toBeNull()
    expect(fitWith({}).correction).toBeNull()
  })
})

describe('a network', () => {
  const all: Network = createNetwork(
    (['own', 'west', 'north'] as const).map((name) =>
      networkStation(PLACES[name], until(name === 'own' ? own : upstream, FITTED)),
    ),
  )

  it('knows where its stations are, from each to each', () => {
    const kmPerDegree = 111.2
    expect(all.east[1]!).toBeCloseTo(-1.1 * kmPerDegree, 6)
    expect(all.north[2]!).toBeCloseTo(0.9 * kmPerDegree, 6)
    expect(all.east[3]!).toBeCloseTo(1.1 * kmPerDegree, 6)
  })

  it('averages over whoever has a value, and says that nobody has', () => {
    const heard = all.issue((START + FITTED) * HOUR_MS, vectorsAt(FITTED, { own, west: upstream }))
    const [mine, west, north] = heard.departures
    expect(heard.means[0]!).toBeCloseTo((mine![0]! + west![0]!) / 2, 12)
    expect(north!.every(Number.isNaN)).toBe(true)
    expect(all.issue((START + FITTED) * HOUR_MS, new Map()).means.every(Number.isNaN)).toBe(true)
  })
})
