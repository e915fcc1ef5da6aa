/** For operators: what lies in the dead-letter topics, and sending it back to where it came from. */
import { randomUUID } from 'node:crypto'
import { DEAD_LETTER_HEADERS, type TopicName, TOPICS, TOPIC_NAMES, deadLetterTopic } from '../../../schemas/topics.ts'
import type { KafkaConfig } from '../config/index.ts'
import { AppError } from '../errors.ts'
import type { Logger } from '../log.ts'
import { RETRY, onBroker, openKafka } from './connection.ts'
import { textHeaders } from './messages.ts'
import { readEnds } from './offsets.ts'
import type { KafkaPublisher, RawMessage } from './publisher.ts'

export type DeadLetter = {
  /** Where it is now: offset in <topic>.dlq (one partition). */
  readonly offset: number
  readonly topic: TopicName
  readonly partition: number | null
  readonly originalOffset: number | null
  readonly errorCode: string
  readonly errorMessage: string
  readonly step: string
  readonly attempt: number | null
  readonly failedAt: string | null
  readonly key: Buffer | null
  /** The original bytes, not decoded: that may be what is wrong with them. */
  readonly value: Buffer | null
  readonly headers: Readonly<Record<string, string>>
}

/** Dead letters that are kept, per input topic. */
export async function countDeadLetters(config: KafkaConfig, log: Logger): Promise<Array<{ topic: TopicName; count: number }>> {
  const topics = TOPIC_NAMES.filter((topic) => TOPICS[topic].deadLetters)
  const ends = await readEnds(config, log, topics.map(deadLetterTopic))
  return topics.map((topic) => ({
    topic,
    count: ends.filter((row) => row.topic === deadLetterTopic(topic)).reduce((sum, { low, end }) => sum + end - low, 0),
  }))
}

/** The newest `limit` dead letters of a topic, oldest first; `onlyOffsets` picks some. */
export async function readDeadLetters(
  config: KafkaConfig,
  log: Logger,
  topic: TopicName,
  options: { readonly limit?: number; readonly onlyOffsets?: readonly number[] } = {},
): Promise<DeadLetter[]> {
  const source = deadLetterTopic(topic)
  const [range] = await readEnds(config, log, [source])
  if (!range || range.end <= range.low) return []
  const wanted = options.onlyOffsets ? new Set(options.onlyOffsets) : null
  const from = wanted ? Math.max(range.low, Math.min(...wanted)) : Math.max(range.low, range.end - (options.limit ?? 100))
  if (!Number.isFinite(from) || from >= range.end) return []
  const letters = await readRange(config, log, topic, from, range.end)
  return wanted ? letters.filter(({ offset }) => wanted.has(offset)) : letters
}

/**
 * Publishes dead letters to their original topics with the original bytes, key and headers, marked with `isobar-redriven-from`.
 * They stay in the dead-letter topic (a log), so redriving twice publishes twice; deterministic keys make that harmless.
 */
export async function redrive(publisher: Pick<KafkaPublisher, 'publishRaw'>, letters: readonly DeadLetter[]): Promise<number> {
  await publisher.publishRaw(letters.map(toOriginal))
  return letters.length
}

function toOriginal({ topic, offset, key, value, headers }: DeadLetter): RawMessage {
  const original = Object.fromEntries(Object.entries(headers).filter(([name]) => !Object.hasOwn(DEAD_LETTER_HEADERS, name)))
  return { topic, key, value, headers: { ...original, 'isobar-redriven-from': `${deadLetterTopic(topic)}/${offset}` } }
}

const READ_TIMEOUT_MS = 30_000

async function readRange(config: KafkaConfig, log: Logger, topic: TopicName, from: number, end: number): Promise<DeadLetter[]> {
  const source = onBroker(config, deadLetterTopic(topic))
  const consumer = openKafka(config, 'isobar-dead-letters', log).consumer({
    groupId: onBroker(config, `isobar-dlq-${randomUUID()}`),
    maxWaitTimeInMs: 100,
    retry: RETRY,
    allowAutoTopicCreation: false,
  })
  const letters: DeadLetter[] = []
  const done = Promise.withResolvers<void>()
  const timeout = setTimeout(
    () => done.reject(new AppError(`reading ${source} took too long`, { code: 'kafka-unavailable', retry: 'transient' })),
    READ_TIMEOUT_MS,
  )
  consumer.on('consumer.crash', ({ payload }) => {
    if (!payload.restart) done.reject(payload.error)
  })
  consumer.on('consumer.group_join', () => consumer.seek({ topic: source, partition: 0, offset: String(from) }))
  try {
    await consumer.connect()
    await consumer.subscribe({ topic: source, fromBeginning: true })
    await consumer.run({
      autoCommit: false,
      eachBatch: ({ batch }) => {
        for (const message of batch.messages) {
          if (Number(message.offset) < end) letters.push(toDeadLetterView(topic, message))
        }
        if (Number(batch.lastOffset()) + 1 >= end) done.resolve()
        return Promise.resolve()
      },
    })
    await done.promise
    return letters
  } finally {
    clearTimeout(timeout)
    await consumer.disconnect()
  }
}

function toDeadLetterView(
  topic: TopicName,
  message: { offset: string; key: Buffer | null; value: Buffer | null; headers?: Parameters<typeof textHeaders>[0] },
): DeadLetter {
  const headers = textHeaders(message.headers)
  const number = (name: string): number | null => (headers[name] === undefined ? null : Number(headers[name]))
  return {
    offset: Number(message.offset),
    topic,
    partition: number('isobar-partition'),
    originalOffset: number('isobar-offset'),
    errorCode: headers['isobar-error-code'] ?? 'unknown',
    errorMessage: headers['isobar-error-message'] ?? '',
    step: headers['isobar-step'] ?? '',
    attempt: number('isobar-attempt'),
    failedAt: headers['isobar-failed-at'] ?? null,
    key: message.key,
    value: message.value,
    headers,
  }
}
