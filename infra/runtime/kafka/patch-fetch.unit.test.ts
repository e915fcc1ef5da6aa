import { createRequire } from 'node:module'
import { expect, it } from 'vitest'
import type { DecodedBatch, FetchDecoder } from './patch-fetch.ts'
import { type BatchMessage, encodeRecordBatch } from './record-batch.ts'

const require = createRequire(import.meta.url)
const Decoder = require('kafkajs/src/protocol/decoder') as new (buffer: Buffer) => FetchDecoder
type Decode = (decoder: FetchDecoder) => Promise<DecodedBatch>
const DECODER = 'kafkajs/src/protocol/recordBatch/v0/decoder'
// Before the patch is imported: this is kafkajs's own.
const byKafkajs = require(DECODER) as Decode
await import('./patch-fetch.ts')
const byUs = require(DECODER) as Decode

const NOW = 1_700_000_000_000
const OFFSET = 5_000_000_000n
const LOG_APPEND_TIME = 8
const CONTROL = 32

function batchOf(messages: BatchMessage[], attributes = 0, transactional = false): Buffer {
  const bytes = encodeRecordBatch({
    messages,
    producerId: 9_007_199_254_740_993n,
    producerEpoch: 7,
    firstSequence: 123_456,
    transactional,
    wallNowMs: NOW,
  })
  bytes.writeBigInt64BE(OFFSET, 0)
  bytes.writeInt16BE(bytes.readInt16BE(21) | attributes, 21)
  return bytes
}

/** Getters count as fields. */
const shown = ({ records, ...context }: DecodedBatch) => ({
  ...context,
  records: records.map(({ magicByte, attributes, timestamp, offset, key, value, headers, isControlRecord, batchContext }) => ({
    magicByte,
    attributes,
    timestamp,
    offset,
    key,
    value,
    headers,
    isControlRecord,
    batchContext,
  })),
})

const cases: Record<string, Buffer> = {
  'one plain message': batchOf([{ key: 'k', value: Buffer.from('v') }]),
  'no key, no value, nothing in it': batchOf([
    { key: null, value: null },
    { key: '', value: Buffer.alloc(0) },
  ]),
  'shared, repeated and binary headers': batchOf([
    { key: 'a', value: 'b', headers: { x: ['1', '22', '333'], y: Buffer.from([1, 2, 3]) } },
    { key: 'a', value: 'b', headers: {} },
  ]),
  'timestamps far apart and out of order': batchOf([
    { key: 'a', value: 'b', timestamp: String(NOW) },
    { key: 'a', value: 'b', timestamp: '1000' },
    { key: 'a', value: 'b', timestamp: String(NOW + 5) },
  ]),
  'append time': batchOf([{ key: 'a', value: 'b', timestamp: '1000' }], LOG_APPEND_TIME),
  'a control record of a transaction': batchOf([{ key: Buffer.alloc(4), value: 'b' }], CONTROL, true),
  'many, of many sizes': batchOf(
    Array.from({ length: 1500 }, (_, i) => ({ key: `station-${i % 20}`, value: Buffer.alloc((i * 37) % 700, i) })),
  ),
}

it('is not kafkajs’s own any more', () => {
  expect(byUs).not.toBe(byKafkajs)
})

it.each(Object.entries(cases))('reads what kafkajs reads: %s', async (_name, batch) => {
  // Two in a row, as a fetch brings them.
  const both = Buffer.concat([batch, batch])
  const [mine, theirs] = [new Decoder(both), new Decoder(both)]
  for (let i = 0; i < 2; i++) {
    expect(shown(await byUs(mine))).toEqual(shown(await byKafkajs(theirs)))
    expect(mine.offset).toBe(theirs.offset)
  }
})

it('leaves a batch that was cut off to kafkajs, which says so', async () => {
  const batch = cases['many, of many sizes'] as Buffer
  await expect(async () => byUs(new Decoder(batch.subarray(0, batch.length - 5)))).rejects.toMatchObject({
    name: 'KafkaJSPartialMessageError',
  })
})
