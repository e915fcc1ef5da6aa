import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createArrayPool, separateArrays } from './arrays.ts'
import { COLUMN, COLUMN_COUNT } from './columns.ts'
import { addValues, copyValues, createHourColumn, type HourColumn, putValue, valueAt } from './hour-column.ts'

const HOURS = 30

function columnOf(column: number, values: readonly number[], arrays = separateArrays): HourColumn {
  return values.reduce<HourColumn>(
    (held, value, slot) => putValue(arrays, held, column, slot, value),
    createHourColumn(arrays, column, values.length, values[0]!),
  )
}

/** What stations report, and every other Float32: zero from below, huge and tiny ones, gaps. */
const anyValue = fc.oneof(
  { weight: 8, arbitrary: fc.integer({ min: -40_000, max: 140_000 }).map((n) => Math.fround(n / 100)) },
  { weight: 1, arbitrary: fc.float({ noDefaultInfinity: true }) },
  { weight: 1, arbitrary: fc.constant(-0) },
)

describe('a column of hours', () => {
  it('gives back what was put in, bit for bit, in whichever form it is kept', () => {
    fc.assert(
      fc.property(
        fc.nat(COLUMN_COUNT - 1),
        fc.array(anyValue, { minLength: HOURS, maxLength: HOURS }),
        fc.boolean(),
        (column, values, isPooled) => {
          const held = columnOf(column, values, isPooled ? createArrayPool() : separateArrays)
          expect(values.map((_, slot) => valueAt(held, column, slot))).toEqual(values)
          const copied = new Float32Array(HOURS)
          copyValues(held, column, 0, HOURS, copied, 0)
          expect([...copied]).toEqual(values)
          expect(addValues(held, column, 0, HOURS, 0)).toBe(values.reduce((sum, value) => sum + value, 0))
        },
      ),
      { numRuns: 300 },
    )
  })

  it('keeps hundredths in 16 bits as far as weather goes', () => {
    for (const [column, low, high] of [
      [COLUMN.temperatureC, -100, 70],
      [COLUMN.relativeHumidityPct, 0, 110],
      [COLUMN.pressureHpa, 800, 1100],
      [COLUMN.windSpeedMps, 0, 120],
      [COLUMN.precipitationMm, 0, 320],
    ] as const) {
      const values = Array.from({ length: (high - low) * 100 + 1 }, (_, n) => Math.fround((low * 100 + n) / 100))
      expect(columnOf(column, values)).toBeInstanceOf(Uint16Array)
    }
  })

  it('takes 32 bits from the first value on that is no hundredth', () => {
    const column = COLUMN.windU
    expect(columnOf(column, [1.5, Math.fround(1 / 3)])).toBeInstanceOf(Float32Array)
    expect(createHourColumn(separateArrays, column, 2, Math.fround(1 / 3))).toBeInstanceOf(Float32Array)
  })
})

describe('arrays of a pool', () => {
  it('share no byte, and are aligned', () => {
    const { take } = createArrayPool()
    const taken = Array.from({ length: 3000 }, (_, i) => [
      take(Uint8Array, 37),
      take(Float64Array, 1 + (i % 9)),
      take(Uint16Array, 5),
    ])
    taken.flat().forEach((array, i) => array.fill(i % 251))
    taken.flat().forEach((array, i) => expect(new Set(array)).toEqual(new Set([i % 251])))
  })

  it('are used again once they were given back, and only by their like', () => {
    const { take, giveBack } = createArrayPool()
    const array = take(Uint16Array, 840)
    giveBack(array)
    expect(take(Uint16Array, 841)).not.toBe(array)
    expect(take(Int32Array, 840)).not.toBe(array)
    expect(take(Uint16Array, 840)).toBe(array)
    expect(take(Uint16Array, 840)).not.toBe(array)
  })
})
