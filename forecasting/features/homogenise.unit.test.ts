import { expect, it } from 'vitest'
import type { ChangePoint } from '../../schemas/generated/types.ts'
import {
  buildFeatures,
  COLUMN,
  COLUMN_COUNT,
  createHourlyGrid,
  FEATURES,
  homogeniseGrid,
  homogeniseVector,
  HOUR_MS,
} from './index.ts'

const START = 400_000
const HOURS = 1200
const STEP = START + 900
const change = (offset: number, hour = STEP, variable = 'temperatureC'): ChangePoint => ({ variable, at: hour * HOUR_MS, offset })

function grid(shift: (hour: number) => number) {
  const made = createHourlyGrid(START, HOURS)
  for (let hour = START; hour < START + HOURS; hour++) {
    const row = Array.from({ length: COLUMN_COUNT }, (_, c) => Math.fround(10 + c + 4 * Math.sin(hour / 4) + Math.cos(hour / 37)))
    row[COLUMN.temperatureC]! += shift(hour)
    made.set(hour, row)
  }
  return made
}

it('a homogenised history is the history as the new instrument would have told it', () => {
  const told = grid((hour) => (hour >= STEP ? 2.5 : 0))
  homogeniseGrid(told, COLUMN_COUNT, [change(2.5)])
  const wanted = grid(() => 2.5)
  for (const hour of [START + 5, STEP - 1, STEP, STEP + 100])
    for (let c = 0; c < COLUMN_COUNT; c++) expect(told.value(c, hour)).toBeCloseTo(wanted.value(c, hour), 4)
})

it('a homogenised vector equals the vector of the homogenised history, ranges that span the step excepted', () => {
  const told = grid((hour) => (hour >= STEP ? 2.5 : 0))
  const wanted = grid(() => 2.5)
  for (const hour of [STEP - 1, STEP, STEP + 1, STEP + 20, STEP + 60, STEP + 290]) {
    const vector = homogeniseVector(buildFeatures(told, hour), hour, [change(2.5)])
    const exact = buildFeatures(wanted, hour)
    FEATURES.forEach(({ kind, name }, i) => {
      if (kind !== 'range') expect(vector[i], `${name} at ${hour - STEP} h`).toBeCloseTo(exact[i]!, 3)
    })
  }
})

it('two steps add up', () => {
  const told = grid((hour) => (hour >= STEP ? 3 : hour >= STEP - 200 ? 1 : 0))
  const wanted = grid(() => 3)
  const vector = homogeniseVector(buildFeatures(told, STEP + 3), STEP + 3, [change(1, STEP - 200), change(2)])
  const exact = buildFeatures(wanted, STEP + 3)
  FEATURES.forEach(({ kind }, i) => {
    if (kind !== 'range') expect(vector[i]).toBeCloseTo(exact[i]!, 3)
  })
})

it('leaves a vector alone that no step reaches, and one without steps', () => {
  const vector = buildFeatures(
    grid(() => 0),
    START + 1100,
  )
  expect(homogeniseVector(vector, START + 1100, [change(2, START + 100)])).toBe(vector)
  expect(homogeniseVector(vector, START + 1100, [])).toBe(vector)
  expect(homogeniseVector(vector, START + 1100, [change(2, STEP, 'precipitationProbabilityPct')])).toBe(vector)
})
