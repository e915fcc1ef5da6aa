import { expect, it } from 'vitest'
import { SCHEMA_BY_TOPIC } from '../../../schemas/generated/types.ts'
import { AppError } from '../errors.ts'
import type { Registry } from '../registry/index.ts'
import { aFeature, anObservation } from '../testing/fixtures.ts'
import { createCodec } from './codec.ts'

const OBSERVATION = 'weather.observation.v1'
const FEATURE = 'weather.feature.v1'
const unavailable = () => new AppError('down', { code: 'registry-unavailable', retry: 'transient' })

function fakeRegistry(schemas: Record<number, object>, lookups: number[] = []): Registry {
  return {
    findId: (subject) => Promise.resolve(subject === `${OBSERVATION}-value` ? 1 : 2),
    findSchema: (id) => {
      lookups.push(id)
      const schema = schemas[id]
      return schema
        ? Promise.resolve(schema)
        : Promise.reject(new AppError('none', { code: 'schema-id-unknown', retry: 'permanent' }))
    },
    register: () => Promise.reject(new Error('services never register')),
    ping: () => Promise.resolve(),
  }
}
const standard = () => fakeRegistry({ 1: SCHEMA_BY_TOPIC[OBSERVATION], 2: SCHEMA_BY_TOPIC[FEATURE] })

it('writes the Confluent wire format and reads it back, NaN and null included', async () => {
  const codec = createCodec(standard())
  await codec.prepareEncoding(FEATURE)
  const feature = aFeature({ values: [1.5, Number.NaN, -2] })
  const bytes = codec.encode(FEATURE, feature)
  expect([bytes[0], bytes.readUInt32BE(1)]).toEqual([0, 2])
  expect(codec.decode(FEATURE, bytes)).toBeNull()
  await codec.prepareDecoding(FEATURE, bytes)
  expect({ ...codec.decode(FEATURE, bytes) }).toEqual(feature)
})

it('keeps every event intact over slab borders and for events larger than a slab', async () => {
  const codec = createCodec(standard())
  await codec.prepareEncoding(OBSERVATION)
  const events = Array.from({ length: 3000 }, (_, i) => anObservation({ revision: i, source: 'x'.repeat(i % 400) }))
  events.push(anObservation({ revision: 9999, source: 'y'.repeat(600_000) }), anObservation({ revision: 10_000 }))
  const encoded = events.map((event) => codec.encode(OBSERVATION, event))
  await codec.prepareDecoding(OBSERVATION, encoded[0] as Buffer)
  encoded.forEach((bytes, index) => expect({ ...codec.decode(OBSERVATION, bytes) }).toEqual(events[index]))
})

it('refuses an event that does not fit its schema', async () => {
  const codec = createCodec(standard())
  await codec.prepareEncoding(OBSERVATION)
  const wrong = { ...anObservation(), temperatureC: 'warm' } as never
  expect(() => codec.encode(OBSERVATION, wrong)).toThrow(
    expect.objectContaining({ code: 'event-invalid', retry: 'permanent' }) as Error,
  )
  // A failed encode leaves no trace in the next event.
  const next = codec.encode(OBSERVATION, anObservation())
  await codec.prepareDecoding(OBSERVATION, next)
  expect({ ...codec.decode(OBSERVATION, next) }).toEqual(anObservation())
})

it('fills in the defaults of fields that an older writer did not know', async () => {
  const [id, ...rest] = [SCHEMA_BY_TOPIC[OBSERVATION].fields[0], ...SCHEMA_BY_TOPIC[OBSERVATION].fields.slice(1)]
  const older = { ...SCHEMA_BY_TOPIC[OBSERVATION], fields: [id, ...rest.filter(({ name }) => name !== 'snowDepthCm')] }
  const avsc = (await import('avsc')).default
  const body = avsc.Type.forSchema(older as never).toBuffer({ ...anObservation(), snowDepthCm: undefined })
  const bytes = Buffer.concat([Buffer.from([0, 0, 0, 0, 7]), body])
  const codec = createCodec(fakeRegistry({ 7: older }))
  await codec.prepareDecoding(OBSERVATION, bytes)
  expect({ ...codec.decode(OBSERVATION, bytes) }).toEqual(anObservation())
})

it('asks for an unknown id once in a while, not for every message', async () => {
  const lookups: number[] = []
  let now = 0
  const codec = createCodec(fakeRegistry({}, lookups), () => now)
  const bytes = Buffer.from([0, 0, 0, 0, 99, 1])
  await codec.prepareDecoding(OBSERVATION, bytes)
  expect(() => codec.decode(OBSERVATION, bytes)).toThrow(expect.objectContaining({ code: 'schema-id-unknown' }) as Error)
  expect(() => codec.decode(OBSERVATION, bytes)).toThrow()
  expect(lookups).toEqual([99])
  now += 31_000
  expect(codec.decode(OBSERVATION, bytes)).toBeNull()
  await codec.prepareDecoding(OBSERVATION, bytes)
  expect(lookups).toEqual([99, 99])
})

it('does not take a registry that is down for a poison message', async () => {
  const codec = createCodec({ ...standard(), findSchema: () => Promise.reject(unavailable()) })
  const bytes = Buffer.from([0, 0, 0, 0, 1, 1])
  await expect(codec.prepareDecoding(OBSERVATION, bytes)).rejects.toMatchObject({ retry: 'transient' })
  expect(codec.decode(OBSERVATION, bytes)).toBeNull()
})

it.each([
  ['empty', Buffer.alloc(0), 'bytes-malformed'],
  ['short', Buffer.from([0, 0, 0]), 'bytes-malformed'],
  ['JSON', Buffer.from('{"a":1}'), 'bytes-malformed'],
  ['cut off', Buffer.from([0, 0, 0, 0, 1, 40, 65]), 'bytes-undecodable'],
])('calls %s bytes poison', async (_name, bytes, code) => {
  const codec = createCodec(standard())
  const decode = async (): Promise<unknown> => {
    const first = codec.decode(OBSERVATION, bytes)
    if (first !== null) return first
    await codec.prepareDecoding(OBSERVATION, bytes)
    return codec.decode(OBSERVATION, bytes)
  }
  await expect(decode()).rejects.toMatchObject({ code, retry: 'permanent' })
})
