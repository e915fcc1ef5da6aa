/**
 * Reads whole topics in every process, without commits: replicas, caches, live feeds. kafkajs cannot read without a group, so each
 * follower has its own, named at random; nothing is ever committed, so the broker forgets the group when the follower leaves.
 */
import { randomUUID } from 'node:crypto'
import type { EachBatchPayload } from 'kafkajs'
import type { TopicName } from '../../../schemas/topics.ts'
import { backoffMs, pause } from '../backoff.ts'
import type { KafkaConfig, RegistryConfig } from '../config/index.ts'
import { isPermanent, isTransient, messageOf } from '../errors.ts'
import type { Logger } from '../log.ts'
import { type Registry, openRegistry } from '../registry/index.ts'
import { type Codec, createCodec } from './codec.ts'
import { MAX_WAIT_MS, RETRY, fromBroker, onBroker, openKafka } from './connection.ts'
import { DecodedEvent } from './messages.ts'
import type { FollowerOptions, RunningFollower } from './types.ts'

export type FollowerDeps = {
  readonly config: KafkaConfig & RegistryConfig
  readonly log: Logger
  readonly registry?: Registry
}

const MAX_EVENTS = 2000

/** Resolves once the ends of the topics are known: what is published after that is never missed, also with from 'end'. */
export async function startFollower<TIn extends TopicName>(
  options: FollowerOptions<TIn> & FollowerDeps,
): Promise<RunningFollower> {
  const { name, log, topics, onEvents, config } = options
  const kafka = openKafka(config, `isobar-follow-${name}`, log)
  const codec = createCodec(options.registry ?? openRegistry(config))
  const stopping = new AbortController()
  const bounds = await readBounds()
  /** Next offset to read per topic|partition; groups without commits start over at each rejoin unless told where. */
  const positions = new Map([...bounds].map(([key, bound]) => [key, startOf(options.from, key, bound)]))
  const behind = new Set([...bounds].filter(([key, { high }]) => (positions.get(key) as bigint) < high).map(([key]) => key))
  let lastTick = Date.now()

  const caughtUp = Promise.withResolvers<void>()
  const failed = Promise.withResolvers<never>()
  failed.promise.catch(() => undefined)
  caughtUp.promise.catch(() => undefined)
  if (behind.size === 0) caughtUp.resolve()
  const fail = (error: unknown): void => {
    log.error({ error }, `follower ${name} failed`)
    failed.reject(error)
    caughtUp.reject(error)
  }

  const consumer = kafka.consumer({
    groupId: onBroker(config, `isobar-follow-${name}-${randomUUID()}`),
    sessionTimeout: 30_000,
    rebalanceTimeout: 60_000,
    maxWaitTimeInMs: MAX_WAIT_MS,
    maxBytes: 4 * 1024 * 1024,
    maxBytesPerPartition: 1024 * 1024,
    allowAutoTopicCreation: false,
    retry: RETRY,
  })
  const tick = (): void => {
    lastTick = Date.now()
  }
  consumer.on('consumer.fetch', tick)
  consumer.on('consumer.heartbeat', tick)
  consumer.on('consumer.group_join', ({ payload }) => {
    for (const [topic, partitions] of Object.entries(payload.memberAssignment)) {
      for (const partition of partitions) {
        const offset = positions.get(keyOf(fromBroker(config, topic), partition))
        if (offset !== undefined) consumer.seek({ topic, partition, offset: offset.toString() })
      }
    }
  })
  consumer.on('consumer.crash', ({ payload }) => {
    if (!payload.restart) fail(payload.error)
  })
  await consumer.connect()
  await consumer.subscribe({ topics: topics.map((topic) => onBroker(config, topic)), fromBeginning: true })
  await consumer.run({
    autoCommit: false,
    eachBatchAutoResolve: false,
    partitionsConsumedConcurrently: 1,
    eachBatch: handleBatch,
  })

  return {
    caughtUp: caughtUp.promise,
    failed: failed.promise,
    lastTickAgeMs: () => Date.now() - lastTick,
    async stop() {
      if (stopping.signal.aborted) return
      stopping.abort()
      await consumer.disconnect()
    },
  }

  async function readBounds(): Promise<Map<string, { low: bigint; high: bigint }>> {
    for (let attempt = 1; ; attempt++) {
      const admin = kafka.admin({ retry: { ...RETRY, retries: 5 } })
      try {
        await admin.connect()
        const found = new Map<string, { low: bigint; high: bigint }>()
        for (const topic of topics) {
          for (const { partition, low, high } of await admin.fetchTopicOffsets(onBroker(config, topic))) {
            found.set(keyOf(topic, partition), { low: BigInt(low), high: BigInt(high) })
          }
        }
        return found
      } catch (error) {
        log.warn({ attempt, reason: messageOf(error) }, 'cannot read the ends of the topics; retrying')
        await pause(backoffMs(attempt, { initialMs: 200, maxMs: 5000 }))
      } finally {
        await admin.disconnect()
      }
    }
  }

  async function handleBatch(payload: EachBatchPayload): Promise<void> {
    const { batch } = payload
    const topic = fromBroker(config, batch.topic) as TIn
    const key = keyOf(topic, batch.partition)
    const isCurrent = (): boolean => payload.isRunning() && !payload.isStale() && !stopping.signal.aborted
    for (let from = 0; from < batch.messages.length && isCurrent(); from += MAX_EVENTS) {
      const slice = batch.messages.slice(from, from + MAX_EVENTS)
      const events: Parameters<typeof onEvents>[0][number][] = []
      for (const message of slice) {
        const { partition } = batch
        if (message.value === null) {
          events.push({ topic, key: message.key?.toString() ?? '', value: null, partition, offset: Number(message.offset) })
          continue
        }
        const value = await decode(topic, message.value, message.offset)
        if (value === 'stopped') return
        if (value !== null) events.push(new DecodedEvent(topic, partition, message, value as never))
      }
      try {
        if (events.length > 0) await onEvents(events)
      } catch (error) {
        fail(error)
        throw Object.assign(new Error(`follower ${name} failed: ${messageOf(error)}`), { retriable: false })
      }
      const last = slice.at(-1)?.offset as string
      const isLast = from + slice.length >= batch.messages.length
      payload.resolveOffset(last)
      advance(key, (isLast ? BigInt(batch.lastOffset()) : BigInt(last)) + 1n)
      await payload.heartbeat()
    }
  }

  function advance(key: string, next: bigint): void {
    positions.set(key, next)
    if (behind.has(key) && next >= (bounds.get(key)?.high ?? 0n)) {
      behind.delete(key)
      if (behind.size === 0) caughtUp.resolve()
    }
  }

  /** Null for bytes that no one can read: a follower has no dead letters (the processors of the topic do), it says so and goes on. */
  async function decode(topic: TIn, bytes: Buffer, offset: string): Promise<ReturnType<Codec['decode']> | 'stopped'> {
    for (let attempt = 1; !stopping.signal.aborted; attempt++) {
      try {
        const value = codec.decode(topic, bytes)
        if (value !== null) return value
        await codec.prepareDecoding(topic, bytes)
      } catch (error) {
        if (isPermanent(error)) {
          log.error({ topic, offset, reason: messageOf(error) }, 'event cannot be read; passed over')
          return null
        }
        if (!isTransient(error)) throw error
        log.warn({ attempt, reason: messageOf(error) }, 'transient failure; waiting')
        await pause(backoffMs(attempt, { initialMs: 100, maxMs: 2000 }), stopping.signal)
      }
    }
    return 'stopped'
  }
}

function startOf(
  from: 'beginning' | 'end' | ReadonlyMap<string, number>,
  key: string,
  { low, high }: { low: bigint; high: bigint },
): bigint {
  if (from === 'beginning') return low
  const asked = from === 'end' ? undefined : from.get(key)
  if (asked === undefined || BigInt(asked) > high) return high
  return BigInt(asked) < low ? low : BigInt(asked)
}

function keyOf(topic: string, partition: number): string {
  return `${topic}|${partition}`
}
