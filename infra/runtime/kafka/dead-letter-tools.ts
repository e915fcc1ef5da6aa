/** For operators: what lies in the dead-letter topics, and sending it back to where it came from. */
import { DEAD_LETTER_HEADERS, type TopicName, TOPICS, TOPIC_NAMES, deadLetterTopic } from '../../../schemas/topics.ts'
import type { KafkaConfig } from '../config/index.ts'
import type { Logger } from '../log.ts'
import { type FetchedMessage, textHeaders } from './messages.ts'
import { readEnds } from './offsets.ts'
import { withPartitionReader } from './partition-reader.ts'
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
  const messages = await withPartitionReader(config, log, source, (read) => read(range.partition, from, range.end))
  const letters = messages.map((message) => toDeadLetterView(topic, message))
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

function toDeadLetterView(topic: TopicName, message: FetchedMessage): DeadLetter {
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
