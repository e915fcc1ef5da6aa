/**
 * Publishing: acks from all in-sync replicas, idempotent, one send in flight; what arrives meanwhile goes out together in the next.
 * A failed send rejects everything in it as transient and discards the producer: kafkajs rolls its sequence numbers back on failure
 * (kafkajs#598), so a producer that has failed once must not be used again.
 */
import type { Message, Producer } from 'kafkajs'
import kafkajs from './kafkajs.ts'
import type { TopicName } from '../../../schemas/topics.ts'
import { backoffMs, pause } from '../backoff.ts'
import type { KafkaConfig, RegistryConfig } from '../config/index.ts'
import { AppError, messageOf } from '../errors.ts'
import { VERSION } from '../version.ts'
import type { Logger } from '../log.ts'
import { type Registry, openRegistry } from '../registry/index.ts'
import { createCodec } from './codec.ts'
import { RETRY, onBroker, openKafka } from './connection.ts'
import { createKeyPartitioner } from './partitioner.ts'
import { type SendQueue, createSendQueue } from './send-queue.ts'
import type { OutboundEvent, Publisher, Tombstone } from './types.ts'

/** Bytes as they are, for dead letters and redrives. */
export type RawMessage = {
  readonly topic: string
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly headers: Readonly<Record<string, Buffer | string>>
}

export type KafkaPublisher = Publisher & {
  publishRaw(messages: readonly RawMessage[]): Promise<void>
}

export type PublisherDeps = {
  readonly config: KafkaConfig & RegistryConfig
  /** Service name: client id and the `isobar-producer` header. */
  readonly name: string
  readonly log: Logger
  readonly registry?: Registry
}

const CONTENT_TYPE = 'application/vnd.confluent.avro'
/** Under the broker's 1 MiB limit for a record batch, with room for record headers. */
const MAX_SEND_BYTES = 900_000
const RECORD_OVERHEAD_BYTES = 120
const CLOSE_TIMEOUT_MS = 5000

/** Does not wait for Kafka: the first publish does, so that services start in any order. */
export function openPublisher(deps: PublisherDeps): KafkaPublisher {
  const { config, name, log } = deps
  const kafka = openKafka(config, `isobar-${name}`, log)
  const codec = createCodec(deps.registry ?? openRegistry(config))
  const standardHeaders = { 'content-type': CONTENT_TYPE, 'isobar-producer': `${name}/${VERSION}` }
  const closing = new AbortController()
  const prepared = new Set<TopicName>()
  let producer: Promise<Producer> | null = null

  const connect = async (): Promise<Producer> => {
    for (let attempt = 1; ; attempt++) {
      const candidate = kafka.producer({
        idempotent: true,
        maxInFlightRequests: 1,
        allowAutoTopicCreation: false,
        createPartitioner: createKeyPartitioner,
        // Never give up by count while idempotent; the caller waits, heartbeats and does not advance meanwhile.
        retry: { ...RETRY, retries: Number.MAX_SAFE_INTEGER },
      })
      try {
        await candidate.connect()
        return candidate
      } catch (error) {
        log.warn({ attempt, reason: messageOf(error) }, 'Kafka producer cannot connect; retrying')
        await candidate
          .disconnect()
          .catch((cause: unknown) => log.debug({ cause: messageOf(cause) }, 'producer disconnect failed'))
        if (closing.signal.aborted) throw unavailable('the publisher is closed', error)
        await pause(backoffMs(attempt, { initialMs: 100, maxMs: 2000 }), closing.signal)
      }
    }
  }

  const queue: SendQueue = createSendQueue(MAX_SEND_BYTES, async (topicMessages) => {
    producer ??= connect()
    const current = producer
    try {
      await (await current).sendBatch({ topicMessages, acks: -1, compression: kafkajs.CompressionTypes.None })
    } catch (error) {
      if (producer === current) producer = null
      current
        .then((broken) => broken.disconnect())
        .catch((cause: unknown) => log.debug({ cause: messageOf(cause) }, 'producer disconnect failed'))
      throw unavailable(`Kafka publish failed: ${messageOf(error)}`, error)
    }
  })

  const toMessage = (event: OutboundEvent | Tombstone): Message => {
    if (event.value === null) return { key: event.key, value: null, headers: standardHeaders }
    const { topic, value } = event
    const message: Message = {
      key: event.key,
      // The union of topic and value is matched by construction of OutboundEvent.
      value: codec.encode(topic, value),
      headers: event.headers ? { ...standardHeaders, ...event.headers } : standardHeaders,
    }
    if (event.timestampMs !== undefined) message.timestamp = String(event.timestampMs)
    return message
  }

  return {
    async publish(events) {
      if (closing.signal.aborted) throw unavailable('the publisher is closed')
      if (events.length === 0) return
      for (const event of events) {
        if (event.value === null || prepared.has(event.topic)) continue
        await codec.prepareEncoding(event.topic)
        prepared.add(event.topic)
      }
      await queue.push(
        events.map((event) => {
          const message = toMessage(event)
          return { topic: onBroker(config, event.topic), message, bytes: sized(event.topic, message, MAX_SEND_BYTES) }
        }),
      )
    },
    async publishRaw(messages) {
      if (closing.signal.aborted) throw unavailable('the publisher is closed')
      if (messages.length === 0) return
      await queue.push(
        messages.map(({ topic, key, value, headers }) => {
          const message: Message = { key, value, headers: { ...headers } }
          return { topic: onBroker(config, topic), message, bytes: sized(topic, message, Number.POSITIVE_INFINITY) }
        }),
      )
    },
    async close() {
      if (closing.signal.aborted) return
      await Promise.race([queue.drained(), pause(CLOSE_TIMEOUT_MS)])
      closing.abort()
      queue.reject(unavailable('the publisher was closed before Kafka acknowledged'))
      const current = producer
      producer = null
      if (current)
        await current
          .then((open) => open.disconnect())
          .catch((error: unknown) => log.debug({ error }, 'producer disconnect failed'))
    },
  }
}

function sized(topic: string, message: Message, limit: number): number {
  const key = message.key
  const bytes = RECORD_OVERHEAD_BYTES + (message.value?.length ?? 0) + (key?.length ?? 0) + headerBytes(message)
  if (bytes > limit) {
    throw new AppError(`event of ${bytes} bytes is too large for ${topic}`, {
      code: 'event-too-large',
      retry: 'permanent',
      context: { topic, bytes, limit },
    })
  }
  return bytes
}

const headerSizes = new WeakMap<object, number>()

/** Dead letters carry long headers: without them a full batch would pass the broker's limit. Most events share one headers object. */
function headerBytes({ headers }: Message): number {
  if (!headers) return 0
  let size = headerSizes.get(headers)
  if (size === undefined) headerSizes.set(headers, (size = sizeOfHeaders(headers)))
  return size
}

function sizeOfHeaders(headers: NonNullable<Message['headers']>): number {
  return Object.entries(headers).reduce((sum, [name, value]) => sum + name.length + (value?.length ?? 0) + 4, 0)
}

function unavailable(message: string, cause?: unknown): AppError {
  return new AppError(message, { code: 'kafka-unavailable', retry: 'transient', ...(cause === undefined ? {} : { cause }) })
}
