/**
 * Rows as RowBinaryWithNamesAndTypes: floats go over as they are (exact, NaN included), and neither side prints or parses numbers,
 * which was most of the cost of a wide row in JSON. The types of the table stand in the header, so a server whose table has changed
 * refuses the insert instead of misreading it.
 * Format: https://clickhouse.com/docs/interfaces/formats/RowBinaryWithNamesAndTypes
 */
import { fromClickHouseInstant } from './instants.ts'

export type ColumnType = { readonly name: string; readonly type: string }
export type RowBinaryEncoder = (rows: ReadonlyArray<readonly unknown[]>) => Buffer

type Out = { buffer: Buffer; used: number }
type WriteValue = (out: Out, value: unknown) => void

const FIRST_BYTES = 64 * 1024

/** Encoder for rows in the order of `columns`; null when a type is not one of those below (JSON does for such tables). */
export function createRowBinaryEncoder(columns: readonly ColumnType[]): RowBinaryEncoder | null {
  const writers: WriteValue[] = []
  for (const { name, type } of columns) {
    const write = writerOf(type)
    if (write === null) return null
    writers.push((out, value) => {
      try {
        write(out, value)
      } catch (error) {
        throw new RangeError(`column ${name} (${type}): ${(error as Error).message}`, { cause: error })
      }
    })
  }
  let expectedBytes = FIRST_BYTES
  return (rows) => {
    const out: Out = { buffer: Buffer.allocUnsafe(expectedBytes), used: 0 }
    writeLength(out, columns.length)
    for (const { name } of columns) writeText(out, name)
    for (const { type } of columns) writeText(out, type)
    for (const row of rows) {
      for (let i = 0; i < writers.length; i++) (writers[i] as WriteValue)(out, row[i])
    }
    expectedBytes = Math.max(FIRST_BYTES, Math.ceil(out.used * 1.1))
    return out.buffer.subarray(0, out.used)
  }
}

function writerOf(type: string): WriteValue | null {
  const [outer, inner] = splitType(type)
  switch (outer) {
    case 'LowCardinality':
      return writerOf(inner)
    case 'Nullable':
      return nullable(writerOf(inner))
    case 'Array':
      if (inner === 'Float32') return writeFloat32Array
      return array(writerOf(inner))
    case 'Map': {
      const [key, value] = splitArguments(inner)
      return map(writerOf(key), writerOf(value))
    }
    case 'DateTime64':
      return inner.startsWith('3') ? writeInstant : null
    case 'String':
      return (out, value) => writeText(out, text(value))
    case 'Bool':
      return (out, value) => {
        if (typeof value !== 'boolean') throw new RangeError(`not a boolean: ${shown(value)}`)
        out.used = reserve(out, 1).writeUInt8(value ? 1 : 0, out.used)
      }
    case 'Float32':
      return (out, value) => void (out.used = reserve(out, 4).writeFloatLE(float(value), out.used))
    case 'Float64':
      return (out, value) => void (out.used = reserve(out, 8).writeDoubleLE(float(value), out.used))
    case 'UInt8':
      return (out, value) => void (out.used = reserve(out, 1).writeUInt8(whole(value), out.used))
    case 'UInt16':
      return (out, value) => void (out.used = reserve(out, 2).writeUInt16LE(whole(value), out.used))
    case 'UInt32':
      return (out, value) => void (out.used = reserve(out, 4).writeUInt32LE(whole(value), out.used))
    case 'UInt64':
      return (out, value) => void (out.used = reserve(out, 8).writeBigUInt64LE(BigInt(whole(value)), out.used))
    case 'Int64':
      return (out, value) => void (out.used = reserve(out, 8).writeBigInt64LE(BigInt(whole(value)), out.used))
    default:
      return null
  }
}

function nullable(write: WriteValue | null): WriteValue | null {
  if (write === null) return null
  return (out, value) => {
    const isNull = value === null
    out.used = reserve(out, 1).writeUInt8(isNull ? 1 : 0, out.used)
    if (!isNull) write(out, value)
  }
}

function array(write: WriteValue | null): WriteValue | null {
  if (write === null) return null
  return (out, value) => {
    const items = list(value)
    writeLength(out, items.length)
    for (let i = 0; i < items.length; i++) write(out, items[i])
  }
}

/** The bulk of a forecast and of a feature vector. */
function writeFloat32Array(out: Out, value: unknown): void {
  const items = list(value)
  writeLength(out, items.length)
  const buffer = reserve(out, items.length * 4)
  let at = out.used
  for (let i = 0; i < items.length; i++) at = buffer.writeFloatLE(float(items[i]), at)
  out.used = at
}

function map(writeKey: WriteValue | null, write: WriteValue | null): WriteValue | null {
  if (writeKey === null || write === null) return null
  return (out, value) => {
    if (value === null || typeof value !== 'object' || Array.isArray(value)) throw new RangeError(`not a map: ${shown(value)}`)
    const entries = Object.entries(value)
    writeLength(out, entries.length)
    for (const [key, item] of entries) {
      writeKey(out, key)
      write(out, item)
    }
  }
}

/** DateTime64(3) reaches from 1900 to 2299; outside it the server would store another instant without a word. */
const FIRST_INSTANT_MS = Date.UTC(1900, 0, 1)
const END_INSTANT_MS = Date.UTC(2300, 0, 1)

/** Text as `toClickHouseInstant` makes it, or epoch milliseconds. */
function writeInstant(out: Out, value: unknown): void {
  const instantMs = typeof value === 'number' ? value : fromClickHouseInstant(text(value))
  if (!(instantMs >= FIRST_INSTANT_MS && instantMs < END_INSTANT_MS)) throw new RangeError(`not an instant: ${shown(value)}`)
  out.used = reserve(out, 8).writeBigInt64LE(BigInt(instantMs), out.used)
}

function writeText(out: Out, value: string): void {
  const bytes = Buffer.byteLength(value)
  writeLength(out, bytes)
  const buffer = reserve(out, bytes)
  out.used += buffer.write(value, out.used)
}

/** Unsigned LEB128. */
function writeLength(out: Out, length: number): void {
  const buffer = reserve(out, 5)
  let rest = length
  while (rest > 127) {
    buffer[out.used++] = (rest & 127) | 128
    rest >>>= 7
  }
  buffer[out.used++] = rest
}

function reserve(out: Out, bytes: number): Buffer {
  if (out.used + bytes > out.buffer.length) {
    const larger = Buffer.allocUnsafe(Math.max(out.buffer.length * 2, out.used + bytes))
    out.buffer.copy(larger, 0, 0, out.used)
    out.buffer = larger
  }
  return out.buffer
}

function text(value: unknown): string {
  if (typeof value !== 'string') throw new RangeError(`not text: ${shown(value)}`)
  return value
}

/** Null stands for NaN, as in the JSON formats. */
function float(value: unknown): number {
  if (value === null) return Number.NaN
  if (typeof value !== 'number') throw new RangeError(`not a number: ${shown(value)}`)
  return value
}

function whole(value: unknown): number {
  const number = typeof value === 'boolean' ? Number(value) : value
  if (!Number.isSafeInteger(number)) throw new RangeError(`not a whole number: ${shown(value)}`)
  return number as number
}

function list(value: unknown): ArrayLike<unknown> {
  if (Array.isArray(value) || ArrayBuffer.isView(value)) return value as unknown as ArrayLike<unknown>
  throw new RangeError(`not an array: ${shown(value)}`)
}

function shown(value: unknown): string {
  return (JSON.stringify(value) ?? String(value)).slice(0, 60)
}

/** `Array(Float32)` → ['Array', 'Float32']; `String` → ['String', '']. */
function splitType(type: string): [string, string] {
  const open = type.indexOf('(')
  return open < 0 ? [type, ''] : [type.slice(0, open), type.slice(open + 1, -1)]
}

/** The two arguments of a Map, split at the comma that is not inside brackets. */
function splitArguments(inner: string): [string, string] {
  let depth = 0
  for (let i = 0; i < inner.length; i++) {
    if (inner[i] === '(') depth += 1
    else if (inner[i] === ')') depth -= 1
    else if (inner[i] === ',' && depth === 0) return [inner.slice(0, i).trim(), inner.slice(i + 1).trim()]
  }
  return [inner, '']
}
