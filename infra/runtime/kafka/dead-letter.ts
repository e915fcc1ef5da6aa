/** What goes to <topic>.dlq: the original bytes and headers, plus headers that say what, where, why and when. */
import { type DEAD_LETTER_HEADERS, type TopicName, deadLetterTopic } from '../../../schemas/topics.ts'
import type { FetchedMessage } from './messages.ts'
import type { RawMessage } from './publisher.ts'

export type DeadLetterCause = {
  /** Kebab-case code: the step's reason or the AppError's code. */
  readonly code: string
  readonly message: string
  /** Where it failed: decode, step, sink or publish, after the processor's name. */
  readonly step: string
  /** How many times it was tried. */
  readonly attempt: number
}

const MAX_MESSAGE_CHARACTERS = 2000

export function toDeadLetter(
  source: { topic: TopicName; partition: number; message: FetchedMessage },
  cause: DeadLetterCause,
  failedAtWallMs: number,
): RawMessage {
  const { topic, partition, message } = source
  const headers: Record<string, Buffer | string> = {}
  for (const [name, value] of Object.entries(message.headers ?? {})) {
    const last = Array.isArray(value) ? (value as Array<Buffer | string>).at(-1) : (value as Buffer | string | undefined)
    if (last !== undefined) headers[name] = last
  }
  const reasons: Record<keyof typeof DEAD_LETTER_HEADERS, string> = {
    'isobar-error-code': cause.code,
    'isobar-error-message': cause.message.slice(0, MAX_MESSAGE_CHARACTERS),
    'isobar-step': cause.step,
    'isobar-attempt': String(cause.attempt),
    'isobar-topic': topic,
    'isobar-partition': String(partition),
    'isobar-offset': message.offset,
    'isobar-failed-at': new Date(failedAtWallMs).toISOString(),
  }
  return {
    topic: deadLetterTopic(topic),
    key: message.key,
    value: message.value,
    headers: { ...headers, ...reasons },
  }
}
