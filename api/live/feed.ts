/**
 * The events of all topics in the order this process saw them, the last ones kept, each once. Ids of the stream are positions in the
 * topics, so that a client can resume at any instance of the API, also after a restart.
 */
import type { InboundEvent } from '../../infra/runtime/kafka/types.ts'
import type { TopicName } from '../../schemas/topics.ts'
import { eventJson } from '../json.ts'

/** `topic|partition` → offset of the next event. */
export type Positions = ReadonlyMap<string, number>

export type LiveEvent = {
  readonly topic: TopicName
  readonly partition: number
  readonly offset: number
  /** The station it is about; null when it is about none. */
  readonly stationId: string | null
  /** Made once, for all clients. */
  json(): string
}

export type ReadBack = (
  topics: readonly TopicName[],
  from: Positions,
  onEvent: (event: LiveEvent) => Promise<void>,
  signal: AbortSignal,
) => Promise<'complete' | 'gone'>

export type LiveFeed = {
  /** Where the topics are, as far as this process has seen. */
  positions(topics: readonly TopicName[]): Map<string, number>
  /** Events at or after `from`; null when memory does not reach back that far. */
  since(topics: readonly TopicName[], from: Positions): LiveEvent[] | null
  subscribe(listener: (event: LiveEvent) => void): () => void
  /**
   * Reads from the brokers what is between `from` and the ends of the topics at the time of the call. 'gone': the topics no longer
   * hold it all. What is published meanwhile comes through `subscribe`.
   */
  readonly readBack: ReadBack
}

/** Bytes of events kept in memory, about: a lost connection of some seconds is made good from here. */
const KEPT_BYTES = 32 * 1024 * 1024
const BYTES: Partial<Record<TopicName, number>> = { 'weather.forecast.v1': 20_000, 'weather.verification.v1': 20_000 }
const BYTES_OF_OTHERS = 1000

export function positionKey(topic: string, partition: number): string {
  return `${topic}|${partition}`
}

export function createLiveFeed(options: { readBack: ReadBack; keptBytes?: number }) {
  const kept: LiveEvent[] = []
  let bytes = 0
  /** Oldest offset that memory reaches back to, per partition. */
  const reach = new Map<string, number>()
  /** Offset after the last event seen. */
  const seen = new Map<string, number>()
  const ends = new Map<string, number>()
  const listeners = new Set<(event: LiveEvent) => void>()
  const limit = options.keptBytes ?? KEPT_BYTES

  const feed: LiveFeed = {
    positions: (topics) =>
      new Map(
        [...ends].flatMap(([key, end]) => (topics.includes(topicOf(key)) ? [[key, Math.max(end, seen.get(key) ?? 0)]] : [])),
      ),
    since(topics, from) {
      for (const [key, offset] of from) {
        if (!topics.includes(topicOf(key))) continue
        if (offset < (reach.get(key) ?? Infinity)) return null
      }
      return kept.filter((event) => event.offset >= (from.get(positionKey(event.topic, event.partition)) ?? Infinity))
    },
    subscribe(listener) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    readBack: options.readBack,
  }
  return {
    feed,
    subscribers: () => listeners.size,
    /** Ends of the topics, read after the followers had started: from there on memory is complete, for what was seen before too. */
    startAt(known: ReadonlyArray<{ topic: string; partition: number; end: number }>): void {
      for (const { topic, partition, end } of known) {
        const key = positionKey(topic, partition)
        ends.set(key, end)
        if (!reach.has(key)) reach.set(key, end)
      }
    },
    push(inbound: InboundEvent): void {
      const event = toLiveEvent(inbound)
      const key = positionKey(event.topic, event.partition)
      // After a lost connection a follower may hand the same events over again.
      if (event.offset < (seen.get(key) ?? 0)) return
      seen.set(key, event.offset + 1)
      if (!reach.has(key)) reach.set(key, event.offset)
      kept.push(event)
      bytes += bytesOf(event)
      if (bytes > limit * 1.1) forget()
      for (const listener of listeners) listener(event)
    },
  }

  function forget(): void {
    let count = 0
    while (bytes > limit && count < kept.length) {
      const event = kept[count++] as LiveEvent
      bytes -= bytesOf(event)
      reach.set(positionKey(event.topic, event.partition), event.offset + 1)
    }
    kept.splice(0, count)
  }
}

function bytesOf({ topic }: LiveEvent): number {
  return BYTES[topic] ?? BYTES_OF_OTHERS
}

export function toLiveEvent(inbound: InboundEvent): LiveEvent {
  const { topic, partition, offset, value } = inbound
  let text: string | null = null
  return { topic, partition, offset, stationId: stationOf(inbound), json: () => (text ??= eventJson(value)) }
}

function stationOf(event: InboundEvent): string | null {
  if (event.topic === 'alert.v1') return event.value.labels['station'] ?? null
  if (event.topic === 'alert.delivery.v1') return null
  if (event.topic === 'audit.v1') {
    const subject = event.value.subject.split('/')[0]
    return /^(model|station)\./.test(event.value.action) ? (subject ?? null) : null
  }
  return event.value.stationId
}

function topicOf(key: string): TopicName {
  return key.slice(0, key.lastIndexOf('|')) as TopicName
}
