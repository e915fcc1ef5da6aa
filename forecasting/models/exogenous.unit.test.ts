import { describe, expect, it } from 'vitest'
import { HORIZON_HOURS, QUANTILE_LEVELS } from '../../schemas/quantities.ts'
import { COLUMN_COUNT, HOUR_MS } from '../features/index.ts'
import { createRng, type Rng } from '../verification/index.ts'
import { type ExogenousRun, fitExogenous } from './exogenous.ts'
import type { LeftOut, Prediction } from './types.ts'

const H = HORIZON_HOURS
const Q = QUANTILE_LEVELS.length
const START = 400_000
const LENGTH = 260 * 24
const NORMAL = [-1.96, -1.2816, -0.6745, 0, 0.6745, 1.2816, 1.96]
/** Weather: a departure of this deviation that keeps this share of itself over an hour. */
const WEATHER = 3
const KEPT = Math.exp(-1 / 40)

function normalOf(rng: Rng): number {
  return Math.sqrt(-2 * Math.log(1 - rng())) * Math.cos(2 * Math.PI * rng())
}

/** Errors of standard deviation 1 that stay alike over neighbouring leads, as real ones do. */
function errors(rng: Rng): Float64Array {
  const out = new Float64Array(H)
  for (let h = 0; h < H; h++) out[h] = h === 0 ? normalOf(rng) : 0.9 * out[h - 1]! + Math.sqrt(1 - 0.81) * normalOf(rng)
  return out
}

const truth = weather()
function weather(): Float64Array {
  const rng = createRng(5)
  const out = new Float64Array(LENGTH)
  for (let i = 0; i < LENGTH; i++)
    out[i] = 10 + (i === 0 ? 0 : KEPT * (out[i - 1]! - 10)) + WEATHER * Math.sqrt(1 - KEPT ** 2) * normalOf(rng)
  return out
}

/** The best forecast without a weather model: the departure, damped. Its error is independent of what it says. */
const centreOf = (at: number, h: number): number => 10 + KEPT ** (h + 1) * (truth[at]! - 10)
const deviationAt = (h: number): number => WEATHER * Math.sqrt(1 - KEPT ** (2 * (h + 1)))

const climate = {
  climatologies: Array.from({ length: COLUMN_COUNT }, () => null),
  yearDeparture: new Float64Array(COLUMN_COUNT),
  monthShare: new Float64Array(COLUMN_COUNT),
  baselineMonthShare: new Float64Array(COLUMN_COUNT),
}

/** Origins every 6 h, half of them to fit on, half to judge by; each with a run of each model. */
function world(deviations: Readonly<Record<string, number | null>>, horizon = H) {
  const rng = createRng(11)
  const featureHours = Float64Array.from({ length: LENGTH }, (_, i) => START + i)
  const origins = Array.from({ length: Math.floor((LENGTH - H - 24) / 6) }, (_, k) => 24 + k * 6)
  const runs: ExogenousRun[] = []
  for (const at of origins) {
    for (const [model, deviation] of Object.entries(deviations)) {
      const error = errors(rng)
      const temperatureC = Float64Array.from({ length: horizon }, (_, h) =>
        // Null: a forecast that knows nothing, of the right size.
        deviation === null ? 10 + 6 * error[h]! : truth[at + h + 1]! + deviation * error[h]!,
      )
      runs.push({ model, publishedHour: START + at, startHour: START + at + 1, values: { temperatureC } })
    }
  }
  const half = Math.floor(origins.length / 2)
  const past = origins.slice(0, half)
  const residuals = new Float64Array(past.length * H)
  past.forEach((at, r) => {
    for (let h = 0; h < H; h++) residuals[r * H + h] = truth[at + h + 1]! - centreOf(at, h)
  })
  const leftOut: LeftOut[] = [{ variable: 'temperatureC', hour: 11.5, rows: past, residuals }]
  const history = { startHour: START, target: truth, featureHours }
  const fitted = fitExogenous('temperatureC', climate, history, leftOut, runs)
  const predictionOf = (at: number): Prediction => {
    const quantiles = new Float32Array(H * Q)
    for (let h = 0; h < H; h++) for (let q = 0; q < Q; q++) quantiles[h * Q + q] = centreOf(at, h) + deviationAt(h) * NORMAL[q]!
    return {
      leadHours: Int32Array.from({ length: H }, (_, h) => h + 1),
      quantiles,
      persistence: new Float32Array(H),
      recentredClimatology: new Float32Array(H),
      degradedBecause: [],
    }
  }
  /** On origins not fitted on: error of the median in leads up to `leads`, and share covered by the 80 % interval. */
  const judge = (use: (run: ExogenousRun) => boolean, leads = horizon) => {
    let error = 0
    let before = 0
    let covered = 0
    let n = 0
    for (const at of origins.slice(half + 28)) {
      const prediction = predictionOf(at)
      const validAtMs = (START + at) * HOUR_MS
      const { quantiles } = fitted
        ? fitted.correct(prediction, { validAtMs, runs: runs.filter((run) => run.publishedHour <= START + at + 6 && use(run)) })
        : prediction
      for (let h = 0; h < leads; h++) {
        const y = truth[at + h + 1]!
        error += Math.abs(quantiles[h * Q + 3]! - y)
        before += Math.abs(prediction.quantiles[h * Q + 3]! - y)
        if (y >= quantiles[h * Q + 1]! && y <= quantiles[h * Q + 5]!) covered++
        n++
      }
    }
    return { error: error / n, before: before / n, covered: covered / n }
  }
  return { fitted, judge, runs, predictionOf, origins, half }
}

/** Mean |error| of the best combination of the own forecast with independent unbiased errors. */
function best(...deviations: readonly number[]): number {
  let sum = 0
  for (let h = 0; h < H; h++) {
    const precision = [deviationAt(h), ...deviations].reduce((total, deviation) => total + 1 / deviation ** 2, 0)
    sum += Math.sqrt(2 / Math.PI / precision)
  }
  return sum / H
}

describe('forecasts of weather models as regressors', () => {
  const good = world({ ifs: 1 })

  it('finds a skilful weather model: close to the best combination, with an honest interval', () => {
    const { error, covered } = good.judge(() => true)
    expect(error).toBeLessThan(1.04 * best(1))
    expect(covered).toBeGreaterThan(0.76)
    expect(covered).toBeLessThan(0.84)
  })

  it('is the own forecast, exactly, without a run, and with a run that is published later', () => {
    const at = good.origins.at(-1)!
    const prediction = good.predictionOf(at)
    const validAtMs = (START + at) * HOUR_MS
    expect(good.fitted!.correct(prediction, { validAtMs, runs: [] }).quantiles).toEqual(prediction.quantiles)
    const late = good.runs.map((run) => ({ ...run, publishedHour: START + at + 1 }))
    expect(good.fitted!.correct(prediction, { validAtMs, runs: late }).quantiles).toEqual(prediction.quantiles)
  })

  it('is not worse than the own forecast when the weather model knows nothing', () => {
    const { error, before } = world({ noise: null }).judge(() => true)
    expect(error).toBeLessThanOrEqual(1.002 * before)
  })

  it('gains as much as there is to gain from a weather model that is no better than itself', () => {
    const { error, before } = world({ gfs: 3 }).judge(() => true)
    expect(error).toBeLessThan(0.8 * before)
    expect(error).toBeLessThan(1.04 * best(3))
  })

  it('uses two weather models together, and either alone when the other is silent', () => {
    const two = world({ gfs: 1.5, ifs: 1 })
    expect(two.judge(() => true).error).toBeLessThan(1.05 * best(1.5, 1))
    expect(two.judge(({ model }) => model === 'gfs').error).toBeLessThan(1.05 * best(1.5))
    expect(two.judge(({ model }) => model === 'ifs').error).toBeLessThan(1.05 * best(1))
  })

  it('leaves leads alone that a run does not reach', () => {
    const short = world({ arome: 0.8 }, 48)
    const at = short.origins.at(-1)!
    const prediction = short.predictionOf(at)
    const { quantiles } = short.fitted!.correct(prediction, { validAtMs: (START + at) * HOUR_MS, runs: short.runs })
    expect(quantiles.subarray(0, 40 * Q)).not.toEqual(prediction.quantiles.subarray(0, 40 * Q))
    expect(quantiles.subarray(48 * Q)).toEqual(prediction.quantiles.subarray(48 * Q))
  })

  it('never takes nonsense as a number', () => {
    const at = good.origins.at(-1)!
    const run = good.runs.find(({ publishedHour }) => publishedHour === START + at)!
    const holes = Float64Array.from(run.values.temperatureC!, (value, h) => (h % 3 === 0 ? Number.NaN : value))
    const { quantiles } = good.fitted!.correct(good.predictionOf(at), {
      validAtMs: (START + at) * HOUR_MS,
      runs: [{ ...run, values: { temperatureC: holes } }],
    })
    expect(quantiles.every(Number.isFinite)).toBe(true)
    for (let i = 0; i < H * Q; i++) if (i % Q > 0) expect(quantiles[i]!).toBeGreaterThanOrEqual(quantiles[i - 1]!)
  })
})
