import { describe, expect, it } from 'vitest'
import { BASELINES, linearRidge, type TrainingSet, trainingSetOf } from '../models/index.ts'
import { createRng } from '../verification/index.ts'
import { HORIZON_HOURS, QUANTILE_LEVELS } from '../../schemas/quantities.ts'
import { type FamilyAnswer, forecastHeldOut, FORECAST_LENGTH, HELD_OUT_DAYS, type HeldOut, holdOutNewest } from './held-out.ts'
import { scoreTogether } from './score.ts'

const START = 438_000
const DAYS = 130
const Q = QUANTILE_LEVELS.length

/** A daily cycle that weather moves for some days. `valueAt` changes the hours it is told to; NaN: not reported. */
function station(days: number, valueAt: (i: number, value: number) => number = (_, value) => value): TrainingSet {
  const random = createRng(9)
  let weather = 0
  const rows = Array.from({ length: days * 24 }, (_, i) => {
    weather = 0.98 * weather + random() - 0.5
    const value = valueAt(i, Math.fround(10 + 4 * Math.sin((2 * Math.PI * i) / 24) + weather))
    const nothing = Number.isNaN(value) ? Number.NaN : 0
    const row = [value, value - 4, 70 - 3 * weather, 1013 - weather, 1, 1, Math.abs(weather), 0]
    return [START + i, row.map((one) => one + nothing)] as const
  })
  return trainingSetOf(START, days * 24, rows)
}

function heldOutOf(history: TrainingSet): HeldOut {
  const held = holdOutNewest(history)
  if (!held.ok) throw new Error(held.refused)
  return held.heldOut
}
let ticks = 0
const now = (): number => ticks++
const forecast = (heldOut: HeldOut, name: string): FamilyAnswer =>
  forecastHeldOut(name, heldOut, ['temperatureC'], now).get('temperatureC')!
const quantilesOf = (answer: FamilyAnswer): Float32Array => {
  if (!answer.ok) throw new Error(answer.refused)
  return answer.quantiles
}

describe('held-out weeks', () => {
  const full = heldOutOf(station(DAYS))

  it('are the newest four, an origin a day, and nothing later than the first is known to the fit', () => {
    expect(full.origins).toHaveLength(HELD_OUT_DAYS)
    expect(new Set(full.origins.map((hour) => hour % 24)).size).toBe(1)
    expect(full.known.featureHours.at(-1)).toBe(full.origins[0])
    expect(full.known.targets.temperatureC).toHaveLength(full.origins[0]! - START + 1)
    expect(full.origins.at(-1)!).toBe(START + DAYS * 24 - 1 - 24)
  })
  it('are not taken from too little, or from a station that was silent', () => {
    expect(holdOutNewest(station(100))).toMatchObject({ ok: false, refused: expect.stringMatching(/^too-little-history/) })
    const silent = station(DAYS, (i, value) => (i > (DAYS - 30) * 24 ? Number.NaN : value))
    expect(holdOutNewest(silent)).toMatchObject({ ok: false, refused: expect.stringMatching(/^no-reports/) })
  })
  it('begin at hours in which the station reports: of three-hourly reports these', () => {
    const sparse = heldOutOf(station(DAYS, (i, value) => (i % 3 === 1 ? value : Number.NaN)))
    expect(sparse.origins).toHaveLength(HELD_OUT_DAYS)
    expect(sparse.origins.every((hour) => (hour - START) % 3 === 1)).toBe(true)
  })

  it.each(['ridge-direct', 'damped-anomaly'])('%s never looks past an origin, and says the same again', (name) => {
    const last = full.origins.at(-2)! - START
    const other = heldOutOf(station(DAYS, (i, value) => (i > last ? value + 9 : value)))
    const said = quantilesOf(forecast(full, name))
    expect(said.some(Number.isNaN)).toBe(false)
    expect(quantilesOf(forecast(full, name))).toEqual(said)
    const until = (full.origins.length - 1) * FORECAST_LENGTH
    const changed = quantilesOf(forecast(other, name))
    expect(changed.subarray(0, until)).toEqual(said.subarray(0, until))
    expect(changed.subarray(until)).not.toEqual(said.subarray(until))
  })
  it('a family that refuses is an answer', () => {
    const { known } = full
    const targets = { ...known.targets, dewPointC: known.targets.dewPointC.map(() => Number.NaN) }
    const never = { ...full, known: { ...known, targets } }
    const answers = forecastHeldOut('ridge-direct', never, ['temperatureC', 'dewPointC'], now)
    expect(answers.get('temperatureC')?.ok).toBe(true)
    // Of targets that were never observed there is no regression.
    expect(answers.get('dewPointC')).toEqual({ ok: false, refused: 'provisional: young-station' })
    expect(forecast(full, 'no-such-family')).toEqual({ ok: false, refused: 'unknown-family: no-such-family' })
  })
})

describe('scores on common support', () => {
  const history = station(DAYS)
  const heldOut = heldOutOf(history)
  const { origins } = heldOut
  /** Quantiles that are `off` the truth at every origin that is not left out. */
  const planted = (off: number, isMissed: (origin: number) => boolean = () => false): FamilyAnswer => {
    const quantiles = new Float32Array(origins.length * FORECAST_LENGTH).fill(Number.NaN)
    origins.forEach((origin, i) => {
      if (isMissed(i)) return
      for (let h = 0; h < HORIZON_HOURS; h++) {
        const truth = history.targets.temperatureC[origin + 1 + h - START] ?? 0
        for (let q = 0; q < Q; q++) quantiles[i * FORECAST_LENGTH + h * Q + q] = truth + off
      }
    })
    return { ok: true, quantiles, missed: 'too dark', seconds: 1 }
  }
  const real = [linearRidge.name, ...BASELINES.map(({ name }) => name)].map((name) => [name, forecast(heldOut, name)] as const)
  const maeOf = (compared: ReturnType<typeof scoreTogether>, name: string, bucket = 'all'): number =>
    compared.families.find(({ family }) => family === name)!.metrics.find(({ leadBucket }) => leadBucket === bucket)!.mae

  it('a planted better family wins, and by as much as it is better', () => {
    const compared = scoreTogether(heldOut, 'temperatureC', new Map([...real, ['near', planted(0.1)], ['far', planted(5)]]))
    const best = compared.families.toSorted((a, b) => maeOf(compared, a.family) - maeOf(compared, b.family))
    expect(best[0]!.family).toBe('near')
    expect(maeOf(compared, 'near')).toBeCloseTo(0.1, 5)
    expect(maeOf(compared, 'far')).toBeCloseTo(5, 5)
    // The weather of this station fades to its daily cycle, which repeating the last value misses.
    expect(maeOf(compared, 'ridge-direct')).toBeLessThan(maeOf(compared, 'persistence'))
    expect(compared.families.map(({ family }) => family)).toEqual([...real.map(([name]) => name), 'near', 'far'])
  })
  it('counts every family on the same rows: what one misses all lose', () => {
    const every = scoreTogether(heldOut, 'temperatureC', new Map(real))
    const some = scoreTogether(heldOut, 'temperatureC', new Map([...real, ['gaps', planted(1, (i) => i < 3)]]))
    expect([every.origins, some.origins]).toEqual([28, 25])
    for (const { origins: common, families } of [every, some])
      for (const { metrics } of families) expect(metrics.find(({ leadBucket }) => leadBucket === '1-6')?.n).toBe(6 * common)
  })
  it('a family that refused, or answered too seldom, has a reason instead of scores and costs the others nothing', () => {
    const compared = scoreTogether(
      heldOut,
      'temperatureC',
      new Map<string, FamilyAnswer>([
        ...real,
        ['crashed', { ok: false, refused: 'crashed: out of memory' }],
        ['seldom', planted(0, (i) => i > 2)],
      ]),
    )
    expect(compared.origins).toBe(28)
    expect(compared.families.slice(-2)).toMatchObject([
      { family: 'crashed', refused: 'crashed: out of memory', metrics: [] },
      { family: 'seldom', refused: '3 of 28 origins answered: too dark', metrics: [] },
    ])
    expect(compared.families[0]).toMatchObject({ family: 'ridge-direct', refused: null })
  })
})
