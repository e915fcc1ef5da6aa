import { createRequire } from 'node:module'
import { expect, it } from 'vitest'
import { crc32c } from './crc32c.ts'
import { type BatchMessage, encodeRecordBatch } from './record-batch.ts'

const require = createRequire(import.meta.url)
const Long = require('kafkajs/src/utils/long') as { fromValue(value: number | string): unknown }
const Record = require('kafkajs/src/protocol/recordBatch/record/v0') as (record: object) => unknown
const { RecordBatch } = require('kafkajs/src/protocol/recordBatch/v0') as {
  RecordBatch: (batch: object) => Promise<{ buffer: Buffer }>
}
const NOW = 1_700_000_000_000

/** The same batch by kafkajs's own encoder. */
async function byKafkajs(messages: BatchMessage[], transactional = false): Promise<Buffer> {
  const stamps = messages.map(({ timestamp }) => Number(timestamp ?? NOW))
  const first = Math.min(...stamps)
  const batch = await RecordBatch({
    records: messages.map((message, offsetDelta) =>
      Record({ ...message, offsetDelta, timestampDelta: (stamps[offsetDelta] as number) - first }),
    ),
    firstTimestamp: first,
    maxTimestamp: Math.max(...stamps),
    producerId: Long.fromValue('9007199254740993'),
    producerEpoch: 7,
    firstSequence: 123_456,
    transactional,
    lastOffsetDelta: messages.length - 1,
  })
  return batch.buffer
}
const byUs = (messages: BatchMessage[], transactional = false) =>
  encodeRecordBatch({
    messages,
    producerId: 9_007_199_254_740_993n,
    producerEpoch: 7,
    firstSequence: 123_456,
    transactional,
    wallNowMs: NOW,
  })

const shared = { 'content-type': 'a', 'isobar-producer': 'b/1' }
const cases: Record<string, BatchMessage[]> = {
  'one plain message': [{ key: 'k', value: Buffer.from('v') }],
  'no key, no value': [{ key: null, value: null }],
  'text, bytes and letters of several bytes': [
    { key: 'münchen', value: 'grüße' },
    { key: Buffer.from([0, 255]), value: Buffer.alloc(0) },
  ],
  'shared, own, repeated and binary headers': [
    { key: 'a', value: 'b', headers: shared },
    { key: 'a', value: 'b', headers: shared },
    { key: 'a', value: 'b', headers: { x: ['1', '22'], y: Buffer.from([1, 2, 3]) } },
    { key: 'a', value: 'b', headers: {} },
  ],
  'timestamps far apart and out of order': [
    { key: 'a', value: 'b', timestamp: String(NOW) },
    { key: 'a', value: 'b', timestamp: '1000' },
    { key: 'a', value: 'b', timestamp: String(NOW + 5) },
  ],
  'many, of many sizes': Array.from({ length: 1500 }, (_, i) => ({
    key: `station-${i % 20}`,
    value: Buffer.alloc((i * 37) % 700, i),
    headers: shared,
  })),
}

it.each(Object.entries(cases))('makes the same bytes as kafkajs: %s', async (_name, messages) => {
  expect(byUs(messages).equals(await byKafkajs(messages))).toBe(true)
  expect(byUs(messages, true).equals(await byKafkajs(messages, true))).toBe(true)
})

it('computes CRC-32C as published (RFC 3720, B.4)', () => {
  expect(crc32c(Buffer.alloc(32))).toBe(0x8a9136aa)
  expect(crc32c(Buffer.alloc(32, 0xff))).toBe(0x62a8ab43)
  expect(crc32c(Buffer.from(Array.from({ length: 32 }, (_, i) => i)))).toBe(0x46dd794e)
  expect(crc32c(Buffer.from('123456789'))).toBe(0xe3069283)
  expect(crc32c(Buffer.from('xx123456789y'), 2, 11)).toBe(0xe3069283)
})
