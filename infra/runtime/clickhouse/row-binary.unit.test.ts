import { describe, expect, it } from 'vitest'
import { createRowBinaryEncoder } from './row-binary.ts'

const encode = (type: string, value: unknown): number[] => {
  const encoder = createRowBinaryEncoder([{ name: 'v', type }])
  if (encoder === null) throw new Error(`no encoder for ${type}`)
  const header = 3 + 1 + type.length
  return [...encoder([[value]]).subarray(header)]
}

describe('row binary', () => {
  it('begins with the number of columns, their names and types', () => {
    const encoder = createRowBinaryEncoder([
      { name: 'id', type: 'UInt16' },
      { name: 's', type: 'String' },
    ])
    expect(encoder?.([]).toString('latin1')).toBe('\x02\x02id\x01s\x06UInt16\x06String')
  })

  it.each([
    ['UInt16', 258, [2, 1]],
    ['UInt64', 2 ** 40, [0, 0, 0, 0, 0, 1, 0, 0]],
    ['Int64', -1, [255, 255, 255, 255, 255, 255, 255, 255]],
    ['LowCardinality(String)', 'é', [2, 195, 169]],
    ['Nullable(UInt8)', null, [1]],
    ['Nullable(UInt8)', 7, [0, 7]],
    ['Array(Bool)', [true, false], [2, 1, 0]],
    ['Array(Float32)', [1, Number.NaN], [2, 0, 0, 128, 63, 0, 0, 192, 127]],
    ['Array(Float32)', Float32Array.of(1), [1, 0, 0, 128, 63]],
    ['Map(String, Array(LowCardinality(String)))', { a: ['b'] }, [1, 1, 97, 1, 1, 98]],
    ["DateTime64(3, 'UTC')", '1970-01-01 00:00:01.002', [234, 3, 0, 0, 0, 0, 0, 0]],
    ["DateTime64(3, 'UTC')", 1002, [234, 3, 0, 0, 0, 0, 0, 0]],
  ])('writes %s', (type, value, bytes) => {
    expect(encode(type, value)).toEqual(bytes)
  })

  it('grows past its first buffer without losing a byte', () => {
    const text = 'x'.repeat(200_000)
    expect(encode('String', text)).toHaveLength(3 + 200_000)
  })

  it.each([
    ['UInt16', 70_000],
    ['UInt16', 1.5],
    ['Float64', 'warm'],
    ['String', 5],
    ['Array(String)', 'abc'],
    ["DateTime64(3, 'UTC')", 'yesterday'],
    ["DateTime64(3, 'UTC')", 9e15],
    ["DateTime64(3, 'UTC')", Number.NaN],
  ])('refuses a value that does not fit %s, naming the column', (type, value) => {
    expect(() => encode(type, value)).toThrow(/^column v/)
  })

  it('has no encoder for a type it does not know', () => {
    expect(createRowBinaryEncoder([{ name: 'v', type: 'Tuple(UInt8, UInt8)' }])).toBeNull()
    expect(createRowBinaryEncoder([{ name: 'v', type: 'Array(Decimal(9, 2))' }])).toBeNull()
  })
})
