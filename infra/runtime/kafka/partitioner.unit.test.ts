import type { PartitionerArgs } from 'kafkajs'
import { expect, it } from 'vitest'
import kafkajs from './kafkajs.ts'
import { createKeyPartitioner } from './partitioner.ts'

const choice = (key: string | Buffer, partitions: number, partition?: number): PartitionerArgs => ({
  topic: 'a',
  partitionMetadata: Array.from({ length: partitions }, (_, partitionId) => ({
    partitionId,
    partitionErrorCode: 0,
    leader: 1,
    replicas: [],
    isr: [],
  })),
  message: { key, value: null, ...(partition === undefined ? {} : { partition }) },
})

it('puts every key where kafkajs would, also when asked again and with another count of partitions', () => {
  const ours = createKeyPartitioner()
  const theirs = kafkajs.Partitioners.DefaultPartitioner()
  for (const partitions of [6, 1, 6, 7]) {
    for (let i = 0; i < 200; i++) {
      expect(ours(choice(`station-${i}`, partitions))).toBe(theirs(choice(`station-${i}`, partitions)))
      expect(ours(choice(Buffer.from(`münchen-${i}`), partitions))).toBe(theirs(choice(`münchen-${i}`, partitions)))
    }
  }
})

it('obeys a partition that the message names', () => {
  const ours = createKeyPartitioner()
  ours(choice('a', 6))
  expect(ours(choice('a', 6, 5))).toBe(5)
})
