import { expect, it } from 'vitest'
import { COLUMN_COUNT, FEATURE_COUNT } from '../features/index.ts'
import { FORECAST_VARIABLES, type ForecastVariable } from '../../schemas/quantities.ts'
import { createRng } from '../verification/index.ts'
import { directLookup } from './climatology.ts'
import { type FittedClimate, NEWEST_INDEX, OWN } from './station-climate.ts'
import type { TrainingSet } from './types.ts'
import { fitDamping, sharesOfYoung } from './young-station.ts'

const HOURS = 40 * 24
const VARIABLE: ForecastVariable = 'dewPointC'

/** Departures of a deviation that fade to 1/e in three hours, from a climatology that is 0. */
function quickStation(deviation: number): { history: TrainingSet; climate: FittedClimate } {
  const random = createRng(9)
  const kept = Math.exp(-1 / 3)
  const values = new Float64Array(HOURS)
  for (let i = 1; i < HOURS; i++)
    values[i] = kept * values[i - 1]! + deviation * Math.sqrt(12 * (1 - kept * kept)) * (random() - 0.5)
  const features = new Float32Array(HOURS * FEATURE_COUNT)
  values.forEach((value, i) => (features[i * FEATURE_COUNT + NEWEST_INDEX[OWN[VARIABLE].column]!] = value))
  const normal = directLookup({ annualPairs: 1, diurnalPairs: 2, coefficients: new Float64Array(15) })
  const none = new Float64Array(HOURS)
  return {
    history: {
      startHour: 0,
      targets: Object.fromEntries(FORECAST_VARIABLES.map((v) => [v, v === VARIABLE ? values : none])) as TrainingSet['targets'],
      features,
      featureHours: Float64Array.from({ length: HOURS }, (_, i) => i),
    },
    climate: {
      lookupsAt: () => Array.from({ length: COLUMN_COUNT }, () => normal),
      offsets: new Float64Array(HOURS * COLUMN_COUNT),
    } as unknown as FittedClimate,
  }
}

it('learns how a departure fades alike where departures are small, as in the tropics, and where they are large', () => {
  const [small, large] = [0.5, 5].map((deviation) => {
    const { history, climate } = quickStation(deviation)
    return fitDamping(history, VARIABLE, climate).share
  })
  // e^−2 of it is left after six hours; what is usual, .84, still weighs 25 days beside these forty.
  expect(small![5]!).toBeCloseTo(large![5]!, 6)
  expect(small![5]!).toBeLessThan(0.5)
})

it('lets a part of the newest departure stay where the level is that of few days, the less the longer the record', () => {
  const { history, climate } = quickStation(2)
  const damping = fitDamping(history, VARIABLE, climate)
  expect(damping.span).toBe(HOURS)
  const last = (span: number): number => sharesOfYoung(VARIABLE, { ...damping, span }).at(-1)! - damping.share.at(-1)!
  expect(last(3 * 24)).toBeGreaterThan(0.1)
  expect(last(3 * 24)).toBeLessThan(0.25)
  expect(last(14 * 24)).toBeLessThan(last(3 * 24) / 2)
  expect(last(14 * 24)).toBeGreaterThan(0)
})

it('leaves what does not fade as it is', () => {
  const { history, climate } = quickStation(2)
  const damping = fitDamping(history, VARIABLE, climate)
  expect(sharesOfYoung(VARIABLE, { ...damping, span: 72, share: damping.share.map(() => 1) }).every((share) => share === 1)).toBe(
    true,
  )
})
