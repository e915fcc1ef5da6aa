import officialSchema from '@asyncapi/specs/schemas/3.0.0.json' with { type: 'json' }
import { Ajv } from 'ajv'
import { Type } from 'avsc'
import { expect, it } from 'vitest'
import { asyncApiDocument } from './asyncapi.ts'
import { deadLetterTopic, TOPICS, TOPIC_NAMES } from './topics.ts'

type Channel = {
  address: string
  messages: Record<string, { $ref: string }>
  bindings: { kafka: { partitions: number; topicConfiguration: Record<string, unknown> } }
  'x-key': string
}
type Message = { payload?: { schemaFormat: string; schema: Parameters<typeof Type.forSchema>[0] }; traits?: unknown[] }
type Document = {
  channels: Record<string, Channel>
  operations: Record<string, { action: string; channel: { $ref: string } }>
  components: { messages: Record<string, Message> }
}

// As a reader gets it: through JSON.
const parsed = (): Document => JSON.parse(JSON.stringify(asyncApiDocument())) as Document

function officialValidator() {
  // It brings its own draft-07 (ajv's own would be a second one of that name), and keywords that ajv's strict mode does not know.
  return new Ajv({ strict: false, meta: false, validateSchema: false, validateFormats: false }).compile(officialSchema)
}

it('is valid by the official schema of AsyncAPI 3.0, which refuses a damaged one', () => {
  const validate = officialValidator()
  validate(parsed())
  expect(validate.errors).toBeNull()

  const damaged = parsed()
  Object.assign(damaged.channels['alert.v1'] as Channel, { bindings: { kafka: { partitions: 'one' } } })
  expect(validate(damaged)).toBe(false)
  const actionless = parsed()
  Object.assign(Object.values(actionless.operations)[0] as object, { action: 'publish' })
  expect(validate(actionless)).toBe(false)
})

it('has a channel for every topic and its dead letters, as the catalogue has them', () => {
  const { channels, components } = parsed()
  expect(Object.keys(channels).sort()).toEqual(TOPIC_NAMES.flatMap((topic) => [topic, deadLetterTopic(topic)]).sort())
  for (const topic of TOPIC_NAMES) {
    const channel = channels[topic] as Channel
    expect(channel).toMatchObject({ address: topic, 'x-key': TOPICS[topic].key })
    expect(channel.bindings.kafka.partitions).toBe(TOPICS[topic].partitions)
    expect(channel.bindings.kafka.topicConfiguration['cleanup.policy']).toEqual([TOPICS[topic].cleanup])
    const { payload } = components.messages[topic] as Message
    expect(payload?.schemaFormat).toBe('application/vnd.apache.avro;version=1.9.0')
    expect(() => Type.forSchema((payload as NonNullable<typeof payload>).schema)).not.toThrow()
    expect(components.messages[deadLetterTopic(topic)]?.payload).toBeUndefined()
  }
})

it('has only references that resolve', () => {
  const document = parsed()
  const references = [...JSON.stringify(document).matchAll(/"\$ref":"#\/([^"]+)"/g)].map(([, path]) => path ?? '')
  expect(references.length).toBeGreaterThan(TOPIC_NAMES.length)
  for (const path of references) {
    const found = path.split('/').reduce<unknown>((node, name) => (node as Record<string, unknown> | undefined)?.[name], document)
    expect(found, path).toBeDefined()
  }
})

it('has a sender and a receiver for every topic', () => {
  const operations = Object.values(parsed().operations)
  for (const action of ['send', 'receive']) {
    const topics = operations.filter((one) => one.action === action).map(({ channel }) => channel.$ref.replace('#/channels/', ''))
    expect([...new Set(topics)].sort()).toEqual([...TOPIC_NAMES].sort())
  }
})
