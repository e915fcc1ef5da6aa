/**
 * Two places where kafkajs 2.2.4 spends most of a busy producer's CPU time, replaced by functions of the same result:
 * grouping messages by partition copies the list for each message (quadratic), and the produce request is put together from one
 * encoder object per record and header (see record-batch.ts). Must be imported before kafkajs; kafkajs.ts sees to it.
 */
import { createRequire } from 'node:module'
import { type BatchMessage, encodeRecordBatch } from './record-batch.ts'
import { replaceModule } from './replace-module.ts'

const require = createRequire(import.meta.url)

type Encoder = {
  writeString(text: string | null): Encoder
  writeInt16(value: number): Encoder
  writeInt32(value: number): Encoder
  writeBytes(bytes: Buffer): Encoder
}
type ProduceRequest = { encode: () => Promise<Encoder> }
export type ProduceOptions = {
  acks: number
  timeout: number
  transactionalId?: string | null
  producerId?: { toString(): string }
  producerEpoch?: number
  compression?: number
  topicData: Array<{ topic: string; partitions: Array<{ partition: number; firstSequence?: number; messages: BatchMessage[] }> }>
}
type PartitionChoice = { topic: string; partitionMetadata: unknown[]; message: unknown }

const Encoder = require('kafkajs/src/protocol/encoder') as new (initialSize: number) => Encoder

replaceModule<(options: ProduceOptions) => ProduceRequest>(
  'kafkajs/src/protocol/requests/produce/v3/request',
  (original) => (options) => {
    const request = original(options)
    // Compressed batches go the original way: the codec wants its encoders.
    if ((options.compression ?? 0) !== 0) return request
    return { ...request, encode: () => Promise.resolve(encodeProduceRequest(options)) }
  },
)

replaceModule<
  (options: {
    topic: string
    partitionMetadata: unknown[]
    messages: unknown[]
    partitioner: (choice: PartitionChoice) => number
  }) => Record<string, unknown[]>
>('kafkajs/src/producer/groupMessagesPerPartition', () => ({ topic, partitionMetadata, messages, partitioner }) => {
  const groups: Record<string, unknown[]> = {}
  if (partitionMetadata.length === 0) return groups
  for (const message of messages) {
    const partition = partitioner({ topic, partitionMetadata, message })
    const group = groups[partition]
    if (group) group.push(message)
    else groups[partition] = [message]
  }
  return groups
})

function encodeProduceRequest(options: ProduceOptions): Encoder {
  const { transactionalId = null, topicData } = options
  const common = {
    producerId: BigInt(options.producerId?.toString() ?? '-1'),
    producerEpoch: options.producerEpoch ?? 0,
    transactional: Boolean(transactionalId),
    wallNowMs: Date.now(),
  }
  const batches = topicData.map(({ partitions }) =>
    partitions.map(({ messages, firstSequence = 0 }) => encodeRecordBatch({ ...common, messages, firstSequence })),
  )
  const size = batches.flat().reduce((sum, batch) => sum + batch.length + 8, 1024)
  const encoder = new Encoder(size)
    .writeString(transactionalId)
    .writeInt16(options.acks)
    .writeInt32(options.timeout)
    .writeInt32(topicData.length)
  topicData.forEach(({ topic, partitions }, topicIndex) => {
    encoder.writeString(topic).writeInt32(partitions.length)
    partitions.forEach(({ partition }, index) => {
      encoder.writeInt32(partition).writeBytes(batches[topicIndex]?.[index] as Buffer)
    })
  })
  return encoder
}
