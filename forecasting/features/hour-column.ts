/**
 * A column of the hourly grid: 16-bit hundredths while every value is one (most instruments report tenths), 32-bit floats from the first
 * value that is not. Reading gives back the Float32 that was put in, bit for bit: no vector depends on how its column is kept.
 */
import { COLUMN, COLUMN_COUNT } from './columns.ts'
import type { Arrays } from './arrays.ts'

export type HourColumn = Uint16Array | Float32Array

/** Code of a gap. */
const MISSING = 0
const GREATEST = 65_535
const NO_CODE = GREATEST + 1

/** Hundredths that code 0 stands for, by column: codes reach from −327.67 to 327.67, of pressure from 672.33 to 1327.67 hPa. */
const ORIGIN = new Int32Array(COLUMN_COUNT).fill(-32_768)
ORIGIN[COLUMN.pressureHpa] = 100_000 - 32_768

/** By column the value of each code. To look it up is faster than to work it out, and a gap is no case of its own. */
const VALUES: Float32Array[] = []
ORIGIN.forEach((origin, column) => VALUES.push(valuesFrom(origin, column)))

function valuesFrom(origin: number, column: number): Float32Array {
  const same = ORIGIN.indexOf(origin)
  if (same < column) return VALUES[same]!
  const values = new Float32Array(GREATEST + 1)
  for (let code = 0; code <= GREATEST; code++) values[code] = (code + origin) / 100
  values[MISSING] = Number.NaN
  return values
}

/** A column of nothing but gaps, in the form that holds `first`. */
export function createHourColumn(arrays: Arrays, column: number, length: number, first: number): HourColumn {
  if (codeOf(column, first) === NO_CODE) return arrays.take(Float32Array, length).fill(Number.NaN)
  return arrays.take(Uint16Array, length).fill(MISSING)
}

export function valueAt(held: HourColumn, column: number, slot: number): number {
  return held instanceof Float32Array ? held[slot]! : VALUES[column]![held[slot]!]!
}

/** Returns the column to go on with: another one when this cannot hold the value. `value`: a Float32, NaN = not observed. */
export function putValue(arrays: Arrays, held: HourColumn, column: number, slot: number, value: number): HourColumn {
  if (held instanceof Float32Array) {
    held[slot] = value
    return held
  }
  const code = codeOf(column, value)
  if (code !== NO_CODE) {
    held[slot] = code
    return held
  }
  const wide = arrays.take(Float32Array, held.length)
  copyValues(held, column, 0, held.length, wide, 0)
  arrays.giveBack(held)
  wide[slot] = value
  return wide
}

/** Copies `count` values from slot `from` on to out from `at` on. */
export function copyValues(held: HourColumn, column: number, from: number, count: number, out: Float32Array, at: number): void {
  if (held instanceof Float32Array) for (let i = 0; i < count; i++) out[at + i] = held[from + i]!
  else {
    const values = VALUES[column]!
    for (let i = 0; i < count; i++) out[at + i] = values[held[from + i]!]!
  }
}

/** `start` and `count` values from slot `from` on, added up in their order as Float64; NaN when one of them is. */
export function addValues(held: HourColumn, column: number, from: number, count: number, start: number): number {
  let total = start
  if (held instanceof Float32Array) for (let i = from; i < from + count; i++) total += held[i]!
  else {
    const values = VALUES[column]!
    for (let i = from; i < from + count; i++) total += values[held[i]!]!
  }
  return total
}

function codeOf(column: number, value: number): number {
  if (Number.isNaN(value)) return MISSING
  const code = Math.round(value * 100) - ORIGIN[column]!
  // Object.is: a zero below zero would come back as the other one.
  return code > MISSING && code <= GREATEST && Object.is(VALUES[column]![code], value) ? code : NO_CODE
}
