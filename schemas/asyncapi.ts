/** The topics as an AsyncAPI 3.0 document: one channel per topic and per dead-letter topic, who sends and who receives. */
import { SCHEMA_BY_TOPIC } from './generated/types.ts'
import {
  DEAD_LETTER_HEADERS,
  DEAD_LETTER_RETENTION_HOURS,
  TOPICS,
  TOPIC_NAMES,
  type TopicName,
  deadLetterTopic,
} from './topics.ts'
import { TRAFFIC } from './traffic.ts'

const HOUR_MS = 3_600_000
const BINDING = { bindingVersion: '0.5.0' }
const AVRO = 'application/vnd.apache.avro;version=1.9.0'

type Node = Readonly<Record<string, unknown>>

/** Depends on nothing but the catalogue: the same code gives the same document. */
export function asyncApiDocument(): Node {
  const withDeadLetters = TOPIC_NAMES.filter((topic) => TOPICS[topic].deadLetters)
  return {
    asyncapi: '3.0.0',
    info: {
      title: 'Isobar events',
      version: '1.0.0',
      description:
        'Every event is a past fact. Values are Avro in the Confluent wire format, keys plain text, instants UTC in milliseconds since 1970. Schemas are registered as <topic>-value with compatibility FULL_TRANSITIVE. KAFKA_TOPIC_PREFIX, where it is set, stands before every address.',
      license: { name: 'Apache-2.0' },
    },
    defaultContentType: 'application/vnd.confluent.avro',
    channels: Object.fromEntries([
      ...TOPIC_NAMES.map((topic) => [topic, channel(topic)]),
      ...withDeadLetters.map((topic) => [deadLetterTopic(topic), deadLetterChannel(topic)]),
    ]),
    operations: operations(),
    components: {
      messages: Object.fromEntries([
        ...TOPIC_NAMES.map((topic) => [topic, message(topic)]),
        ...withDeadLetters.map((topic) => [deadLetterTopic(topic), deadLetterMessage(topic)]),
      ]),
      messageTraits: { deadLetter: { headers: deadLetterHeaders() } },
    },
  }
}

function channel(topic: TopicName): Node {
  const { description, partitions, cleanup, retentionHours, key } = TOPICS[topic]
  return {
    address: topic,
    description,
    messages: { event: { $ref: `#/components/messages/${topic}` } },
    bindings: { kafka: kafkaChannel(partitions, cleanup, retentionHours) },
    'x-key': key,
  }
}

function deadLetterChannel(topic: TopicName): Node {
  const name = deadLetterTopic(topic)
  return {
    address: name,
    description: `What could not be processed from ${topic}: the original bytes and headers, and why.`,
    messages: { letter: { $ref: `#/components/messages/${name}` } },
    bindings: { kafka: kafkaChannel(1, 'delete', DEAD_LETTER_RETENTION_HOURS) },
    'x-key': TOPICS[topic].key,
  }
}

function kafkaChannel(partitions: number, cleanup: 'compact' | 'delete', retentionHours: number | null): Node {
  return {
    partitions,
    topicConfiguration: {
      'cleanup.policy': [cleanup],
      ...(retentionHours === null ? {} : { 'retention.ms': retentionHours * HOUR_MS }),
    },
    ...BINDING,
  }
}

function message(topic: TopicName): Node {
  const schema = SCHEMA_BY_TOPIC[topic]
  return {
    name: schema.name,
    ...(schema.doc === undefined ? {} : { summary: schema.doc }),
    payload: { schemaFormat: AVRO, schema },
    bindings: {
      kafka: {
        key: keySchema(topic),
        schemaIdLocation: 'payload',
        schemaIdPayloadEncoding: 'confluent',
        schemaLookupStrategy: 'TopicNameStrategy',
        ...BINDING,
      },
    },
  }
}

/** No payload schema: what is there may be the very bytes that could not be decoded. */
function deadLetterMessage(topic: TopicName): Node {
  return {
    name: `${SCHEMA_BY_TOPIC[topic].name}DeadLetter`,
    summary: 'The original bytes; not necessarily Avro.',
    contentType: 'application/octet-stream',
    traits: [{ $ref: '#/components/messageTraits/deadLetter' }],
    bindings: { kafka: { key: keySchema(topic), ...BINDING } },
  }
}

function deadLetterHeaders(): Node {
  const properties = Object.entries(DEAD_LETTER_HEADERS).map(([name, description]) => [name, { type: 'string', description }])
  return { type: 'object', required: Object.keys(DEAD_LETTER_HEADERS), properties: Object.fromEntries(properties) }
}

const keySchema = (topic: TopicName): Node => ({ type: 'string', description: TOPICS[topic].key })

function operations(): Node {
  return Object.fromEntries(
    Object.entries(TRAFFIC).flatMap(([service, { sends, receives }]) => [
      ...sends.map((topic) => [`${service}.send.${topic}`, operation(service, 'send', topic)]),
      ...receives.map((topic) => [`${service}.receive.${topic}`, operation(service, 'receive', topic)]),
    ]),
  )
}

function operation(service: string, action: 'send' | 'receive', topic: TopicName): Node {
  return {
    action,
    channel: { $ref: `#/channels/${topic}` },
    messages: [{ $ref: `#/channels/${topic}/messages/event` }],
    tags: [{ name: service }],
  }
}
