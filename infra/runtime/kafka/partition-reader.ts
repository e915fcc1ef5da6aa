/**
 * Reads a stretch of a partition, without a group: kafkajs's consumer cannot, and to join one takes seconds where brokers wait for more
 * members (`group.initial.rebalance.delay.ms`). This asks kafkajs's own cluster, which its consumers fetch through.
 */
import type { KafkaConfig } from '../config/index.ts'
import { AppError, messageOf } from '../errors.ts'
import type { Logger } from '../log.ts'
import { onBroker, openKafka } from './connection.ts'
import type { FetchedMessage } from './messages.ts'

/** Messages from `from` up to, not including, `to`, in order. All that is asked for must be kept still, and be there. */
export type ReadStretch = (partition: number, from: number, to: number) => Promise<FetchedMessage[]>

/** What we use of kafkajs's inner cluster. */
type Cluster = {
  connect(): Promise<void>
  disconnect(): Promise<void>
  addTargetTopic(topic: string): Promise<void>
  findLeaderForPartitions(topic: string, partitions: readonly number[]): Record<string, number[]>
  findBroker(of: { nodeId: string }): Promise<Broker>
}
type Broker = { fetch(request: object): Promise<{ responses: Array<{ partitions: Array<{ messages: FetchedMessage[] }> }> }> }

const MAX_WAIT_MS = 1000
const FETCH_BYTES = 4 * 1024 * 1024
/** So many answers in a row without a message, each after MAX_WAIT_MS, are a stretch that is not there. */
const EMPTY_ANSWERS = 5

/** Rejects AppError `kafka-unavailable` (transient) for whatever kafkajs rejects with. */
export async function withPartitionReader<T>(
  config: KafkaConfig,
  log: Logger,
  topic: string,
  work: (read: ReadStretch) => Promise<T>,
): Promise<T> {
  const cluster = openCluster(config, log)
  const source = onBroker(config, topic)
  try {
    await cluster.connect()
    await cluster.addTargetTopic(source)
    return await work((partition, from, to) => readStretch(cluster, source, partition, from, to))
  } catch (error) {
    if (error instanceof AppError) throw error
    throw unavailable(messageOf(error), error)
  } finally {
    await cluster.disconnect()
  }
}

async function readStretch(
  cluster: Cluster,
  topic: string,
  partition: number,
  from: number,
  to: number,
): Promise<FetchedMessage[]> {
  const [nodeId] = Object.keys(cluster.findLeaderForPartitions(topic, [partition]))
  if (nodeId === undefined) throw unavailable(`${topic}/${partition} has no leader`)
  const broker = await cluster.findBroker({ nodeId })
  const found: FetchedMessage[] = []
  let empty = 0
  for (let next = from; next < to;) {
    const partitions = [{ partition, fetchOffset: String(next), maxBytes: FETCH_BYTES }]
    const request = { maxWaitTime: MAX_WAIT_MS, minBytes: 1, maxBytes: FETCH_BYTES, topics: [{ topic, partitions }] }
    const { responses } = await broker.fetch(request)
    // A broker sends whole batches: the first may begin before what was asked for.
    const messages = (responses[0]?.partitions[0]?.messages ?? []).filter(({ offset }) => Number(offset) >= next)
    for (const message of messages) if (Number(message.offset) < to) found.push(message)
    const last = messages.at(-1)
    empty = last ? 0 : empty + 1
    if (empty === EMPTY_ANSWERS)
      throw unavailable(`${topic}/${partition} gives nothing from ${next} on, and was said to reach to ${to}`)
    if (last) next = Number(last.offset) + 1
  }
  return found
}

/** Where kafkajs keeps what its consumers are made of. The version is pinned, and a test reads with it. */
const CREATE_CLUSTER = 'private:Kafka:createCluster'

function openCluster(config: KafkaConfig, log: Logger): Cluster {
  const kafka = openKafka(config, 'isobar-reader', log) as unknown as Record<symbol, unknown>
  const key = Object.getOwnPropertySymbols(kafka).find(({ description }) => description === CREATE_CLUSTER)
  const create = key && kafka[key]
  if (typeof create !== 'function') throw new Error(`this kafkajs has no ${CREATE_CLUSTER}`)
  const settings = { metadataMaxAge: 300_000, allowAutoTopicCreation: false, maxInFlightRequests: null, isolationLevel: 1 }
  return (create as (settings: object) => Cluster)(settings)
}

function unavailable(reason: string, cause?: unknown): AppError {
  return new AppError(`Kafka: ${reason}`, {
    code: 'kafka-unavailable',
    retry: 'transient',
    ...(cause === undefined ? {} : { cause }),
  })
}
