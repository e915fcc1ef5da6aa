import avsc from 'avsc'
import { expect, it } from 'vitest'
import { closedStringHook } from './closed-strings.ts'

const flag = { type: 'string', values: ['good', 'bad', 'goodness', ''] }
const record = (fields: object[]): avsc.Schema => ({ type: 'record', name: 'Checked', fields }) as avsc.Schema
const schema = record([
  { name: 'flag', type: flag },
  { name: 'role', type: ['null', flag], default: null },
  { name: 'flags', type: { type: 'map', values: flag } },
  { name: 'free', type: 'string' },
])
const plain = avsc.Type.forSchema(schema)
const ours = avsc.Type.forSchema(schema, { typeHook: closedStringHook })

it.each(['good', 'bad', 'goodness', '', 'goo', 'unheard of', 'ü', 'x'.repeat(300)])(
  'reads and writes %j as avsc does, in the set or not',
  (text) => {
    for (const role of [text, null]) {
      const value = { flag: text, role, flags: { a: text, b: 'bad' }, free: text }
      const bytes = plain.toBuffer(value)
      expect(ours.toBuffer(value).equals(bytes)).toBe(true)
      expect(ours.fromBuffer(bytes)).toEqual(plain.fromBuffer(bytes))
    }
  },
)

it('has the fingerprint of the schema that is registered', () => {
  expect(ours.fingerprint().equals(plain.fingerprint())).toBe(true)
})

it('reads what another schema wrote', () => {
  const writer = avsc.Type.forSchema(
    record([
      { name: 'flag', type: 'string' },
      { name: 'free', type: 'string' },
    ]),
  )
  const reader = avsc.Type.forSchema(
    record([
      { name: 'flag', type: flag },
      { name: 'role', type: flag, default: 'bad' },
    ]),
    {
      typeHook: closedStringHook,
    },
  )
  const bytes = writer.toBuffer({ flag: 'good', free: 'bad' })
  expect(reader.fromBuffer(bytes, reader.createResolver(writer))).toEqual({ flag: 'good', role: 'bad' })
})

it('refuses bytes that end within a string', () => {
  const bytes = plain.toBuffer({ flag: 'goodness', role: null, flags: {}, free: '' })
  for (let length = 0; length < bytes.length; length++) {
    expect(() => ours.fromBuffer(bytes.subarray(0, length))).toThrow('truncated buffer')
  }
})
