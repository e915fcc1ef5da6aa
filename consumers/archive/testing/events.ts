/** Events of every archived topic, made from the schemas, so that no table is left out of a test. */
import type { AvroRecord, AvroType } from '../../../schemas/codegen/avro-types.ts'
import { type EventByTopic, SCHEMA_BY_TOPIC } from '../../../schemas/generated/types.ts'
import { ARCHIVED_TOPICS, type ArchivedTopic } from '../rows.ts'

const T0 = Date.UTC(2013, 0, 1)
const MINUTE_MS = 60_000

export type ArchivedEvent = {
  [T in ArchivedTopic]: { readonly topic: T; readonly key: string; readonly value: EventByTopic[T] }
}[ArchivedTopic]

/** The topics in turn: number n has a key, texts and instants of its own. */
export function archivedEvent(n: number): ArchivedEvent {
  const topic = ARCHIVED_TOPICS[n % ARCHIVED_TOPICS.length] as ArchivedTopic
  return { topic, key: `key-${n}`, value: valueOf(SCHEMA_BY_TOPIC[topic], n) } as ArchivedEvent
}

/** The n-th value of an Avro type. `named`: the records met before, which are meant by their name from then on. */
function valueOf(type: AvroType, n: number, named = new Map<string, AvroRecord>()): unknown {
  if (Array.isArray(type)) return type.includes('null') ? null : valueOf(type[0] as AvroType, n, named)
  if (typeof type === 'string') {
    const record = named.get(type)
    if (record) return valueOf(record, n, named)
    if (type === 'string') return `text-${n}`
    // Small enough for every column of whole numbers.
    return type === 'boolean' ? n % 2 === 0 : n % 100
  }
  switch (type.type) {
    case 'record':
      named.set(type.name, type)
      return Object.fromEntries(type.fields.map(({ name, type: of }) => [name, valueOf(of, n, named)]))
    case 'array':
      return [valueOf(type.items, n, named)]
    case 'map':
      return { key: valueOf(type.values, n, named) }
    case 'string':
      return type.values[0]
    case 'long':
      return T0 + n * MINUTE_MS
  }
}
