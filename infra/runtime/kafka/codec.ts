/**
 * Events ↔ bytes in the Confluent wire format: 0, schema id (4 bytes, big endian), Avro. One resolver per writer schema is compiled and
 * kept, ids that do not exist are remembered for a while, and a registry that is down is told apart from bytes that are wrong.
 */
import avsc, { type Type } from 'avsc'
import type { EventByTopic } from '../../../schemas/generated/types.ts'
import { SCHEMA_BY_TOPIC } from '../../../schemas/generated/types.ts'
import type { TopicName } from '../../../schemas/topics.ts'
import { AppError, isPermanent, messageOf } from '../errors.ts'
import type { Registry } from '../registry/index.ts'
import { closedStringHook } from './closed-strings.ts'

const MAGIC = 0
const HEADER_BYTES = 5
const SLAB_BYTES = 256 * 1024
/** How long an id that the registry did not know stays unknown without asking again. Wall time. */
const UNKNOWN_ID_MS = 30_000

type Reader = (body: Buffer) => unknown

export type Codec = {
  /** Looks up what encoding this topic needs; once per topic. Throws AppError `schema-not-registered` or `registry-unavailable`. */
  prepareEncoding(topic: TopicName): Promise<void>
  /** Bytes of an event. Throws AppError `event-invalid` (permanent) when it does not fit the schema. Needs prepareEncoding first. */
  encode<T extends TopicName>(topic: T, value: EventByTopic[T]): Buffer
  /**
   * The event in the bytes, or null when its schema id has not been looked up yet (call `prepareDecoding`).
   * Throws AppError permanent: `bytes-malformed`, `schema-id-unknown`, `schema-mismatch`, `bytes-undecodable`.
   */
  decode<T extends TopicName>(topic: T, bytes: Buffer): EventByTopic[T] | null
  /** Looks up the schema id in the bytes. Throws AppError `registry-unavailable` (transient) only. */
  prepareDecoding(topic: TopicName, bytes: Buffer): Promise<void>
}

export function createCodec(registry: Registry, wallNow: () => number = Date.now): Codec {
  const types = new Map<TopicName, Type>()
  const encoders = new Map<TopicName, { id: number; type: Type }>()
  const readers = new Map<TopicName, Map<number, Reader>>()
  const failures = new Map<TopicName, Map<number, { error: AppError; until: number }>>()
  let slab: Buffer = Buffer.allocUnsafe(SLAB_BYTES)
  let used = 0

  const typeOf = (topic: TopicName): Type => {
    let type = types.get(topic)
    if (!type)
      types.set(topic, (type = avsc.Type.forSchema(SCHEMA_BY_TOPIC[topic] as avsc.Schema, { typeHook: closedStringHook })))
    return type
  }

  return {
    async prepareEncoding(topic) {
      if (encoders.has(topic)) return
      const id = await registry.findId(`${topic}-value`, SCHEMA_BY_TOPIC[topic])
      encoders.set(topic, { id, type: typeOf(topic) })
    },

    encode(topic, value) {
      const encoder = encoders.get(topic)
      if (!encoder) throw new Error(`prepareEncoding(${topic}) has not been awaited`)
      try {
        // Written in place into a shared slab: no copy, one allocation per quarter megabyte.
        let end = encoder.type.encode(value, slab, used + HEADER_BYTES)
        if (end < 0) {
          slab = Buffer.allocUnsafe(SLAB_BYTES)
          used = 0
          end = encoder.type.encode(value, slab, HEADER_BYTES)
        }
        if (end < 0) return largeEvent(encoder.id, encoder.type.toBuffer(value))
        slab[used] = MAGIC
        slab.writeUInt32BE(encoder.id, used + 1)
        const bytes = slab.subarray(used, end)
        used = end
        return bytes
      } catch (error) {
        throw new AppError(`event does not fit the schema of ${topic}: ${messageOf(error)}`, {
          code: 'event-invalid',
          retry: 'permanent',
          cause: error,
          context: { topic },
        })
      }
    },

    decode<T extends TopicName>(topic: T, bytes: Buffer) {
      const id = schemaId(topic, bytes)
      const reader = readers.get(topic)?.get(id)
      if (!reader) {
        const failure = failures.get(topic)?.get(id)
        if (failure && failure.until > wallNow()) throw failure.error
        return null
      }
      try {
        return reader(bytes.subarray(HEADER_BYTES)) as EventByTopic[T]
      } catch (error) {
        throw new AppError(`bytes do not decode with schema ${id}: ${messageOf(error)}`, {
          code: 'bytes-undecodable',
          retry: 'permanent',
          cause: error,
          context: { topic, schemaId: id },
        })
      }
    },

    async prepareDecoding(topic, bytes) {
      const id = schemaId(topic, bytes)
      if (readers.get(topic)?.has(id)) return
      try {
        const writerSchema = await registry.findSchema(id)
        entry(readers, topic).set(id, createReader(topic, id, writerSchema, typeOf(topic)))
        failures.get(topic)?.delete(id)
      } catch (error) {
        if (!isPermanent(error)) throw error
        const known = error as AppError
        // A schema that cannot be resolved stays so; an unknown id may be registered later.
        const until = known.code === 'schema-id-unknown' ? wallNow() + UNKNOWN_ID_MS : Number.POSITIVE_INFINITY
        entry(failures, topic).set(id, { error: known, until })
      }
    },
  }
}

function createReader(topic: TopicName, id: number, writerSchema: object, readerType: Type): Reader {
  try {
    const writerType = avsc.Type.forSchema(writerSchema as avsc.Schema)
    if (writerType.fingerprint().equals(readerType.fingerprint())) return (body) => readerType.fromBuffer(body) as unknown
    const resolver = readerType.createResolver(writerType)
    return (body) => readerType.fromBuffer(body, resolver) as unknown
  } catch (error) {
    throw new AppError(`schema ${id} cannot be read as ${topic}: ${messageOf(error)}`, {
      code: 'schema-mismatch',
      retry: 'permanent',
      cause: error,
      context: { topic, schemaId: id },
    })
  }
}

/** An event of more than a slab. */
function largeEvent(id: number, body: Buffer): Buffer {
  const bytes = Buffer.allocUnsafe(HEADER_BYTES + body.length)
  bytes[0] = MAGIC
  bytes.writeUInt32BE(id, 1)
  body.copy(bytes, HEADER_BYTES)
  return bytes
}

function schemaId(topic: TopicName, bytes: Buffer): number {
  if (bytes.length < HEADER_BYTES || bytes[0] !== MAGIC) {
    throw new AppError(`not in the Confluent wire format (${bytes.length} bytes)`, {
      code: 'bytes-malformed',
      retry: 'permanent',
      context: { topic },
    })
  }
  return bytes.readUInt32BE(1)
}

function entry<K, V>(maps: Map<TopicName, Map<K, V>>, topic: TopicName): Map<K, V> {
  let map = maps.get(topic)
  if (!map) maps.set(topic, (map = new Map()))
  return map
}
