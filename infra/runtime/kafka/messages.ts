/** Kafka messages as this folder passes them on. */
import type { EventByTopic } from '../../../schemas/generated/types.ts'
import type { TopicName } from '../../../schemas/topics.ts'

export type RawHeaders = Readonly<Record<string, Buffer | string | ReadonlyArray<Buffer | string> | undefined>>

/** The fields of kafkajs's message that we read. */
export type FetchedMessage = {
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly headers?: RawHeaders
  readonly offset: string
  readonly timestamp: string
}

/** An InboundEvent whose headers are decoded only when somebody looks: most steps never do. */
export class DecodedEvent<T extends TopicName> {
  readonly topic: T
  readonly key: string
  readonly value: EventByTopic[T]
  readonly partition: number
  readonly offset: number
  readonly timestampMs: number
  readonly #message: FetchedMessage

  constructor(topic: T, partition: number, message: FetchedMessage, value: EventByTopic[T]) {
    this.topic = topic
    this.key = message.key === null ? '' : message.key.toString()
    this.value = value
    this.partition = partition
    this.offset = Number(message.offset)
    this.timestampMs = Number(message.timestamp)
    this.#message = message
  }

  get headers(): Readonly<Record<string, string>> {
    return textHeaders(this.#message.headers)
  }
}

/** Headers as text; of a repeated header the last. */
export function textHeaders(raw: RawHeaders | undefined): Record<string, string> {
  const headers: Record<string, string> = {}
  for (const [name, value] of Object.entries(raw ?? {})) {
    const last = Array.isArray(value) ? (value as Array<Buffer | string>).at(-1) : (value as Buffer | string | undefined)
    if (last !== undefined) headers[name] = last.toString()
  }
  return headers
}
