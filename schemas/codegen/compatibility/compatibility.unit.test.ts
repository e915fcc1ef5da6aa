import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { TOPICS, TOPIC_NAMES } from '../../topics.ts'
import { findIncompatibilities, type Version } from './compare.ts'
import { readHistory } from './history.ts'

type Field = { name: string; type: unknown; default?: unknown }

const base: Field[] = [
  { name: 'stationId', type: 'string' },
  { name: 'temperatureC', type: ['null', 'double'], default: null },
]
const version = (name: string, fields: Field[]): Version => ({
  name,
  schema: { type: 'record', name: 'Probe', fields } as Version['schema'],
})
const check = (fields: Field[]): string[] => findIncompatibilities(version('new', fields), [version('old', base)])

it('takes an added field with a default', () => {
  expect(check([...base, { name: 'note', type: ['null', 'string'], default: null }])).toEqual([])
})

it('refuses an added field without a default: old messages could not be read', () => {
  expect(check([...base, { name: 'note', type: 'string' }])).toEqual([
    expect.stringMatching(/^new cannot read what old wrote: .*note/),
  ])
})

it('refuses a removed field without a default: old services could not read new messages', () => {
  expect(check(base.slice(1))).toEqual([expect.stringMatching(/^old cannot read what new wrote: .*stationId/)])
})

it('refuses a changed type', () => {
  expect(check([{ name: 'stationId', type: 'long' }, ...base.slice(1)]).length).toBeGreaterThan(0)
})

it('checks against every earlier version, not only the newest', () => {
  const first = version('first', [{ name: 'a', type: 'string' }])
  const second = version('second', [{ name: 'a', type: 'string', default: '' }])
  const third = version('third', [])
  expect(findIncompatibilities(third, [second])).toEqual([])
  expect(findIncompatibilities(third, [first, second])).toEqual([expect.stringMatching(/^first cannot read what third wrote/)])
})

it.each(TOPIC_NAMES)('%s is compatible with all its recorded versions', (topic) => {
  const name = TOPICS[topic].schema
  const schema = JSON.parse(readFileSync(new URL(`../../avro/${name}.avsc`, import.meta.url), 'utf8')) as Version['schema']
  const history = readHistory(name)
  expect(history.length).toBeGreaterThan(0)
  expect(findIncompatibilities({ name, schema }, history)).toEqual([])
})
