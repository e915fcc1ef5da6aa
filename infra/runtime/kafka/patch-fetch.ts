/** Fetched record batches that are not compressed are read by record-batch-reader.ts; all others go kafkajs's own way. */
import { type BatchContext, type FetchedRecord, readRecords } from './record-batch-reader.ts'
import { replaceModule } from './replace-module.ts'

/** A position in a buffer, as kafkajs passes it on. */
export type FetchDecoder = { readonly buffer: Buffer; offset: number; forward(bytes: number): void }
export type DecodedBatch = Omit<BatchContext, 'magicByte'> & { readonly records: FetchedRecord[] }

const COMPRESSION = 0x07
const LOG_APPEND_TIME = 0x08
const TRANSACTIONAL = 0x10
const CONTROL = 0x20
/** First offset and length. */
const BEFORE_LENGTH_ENDS = 12

replaceModule<(decoder: FetchDecoder) => Promise<DecodedBatch>>(
  'kafkajs/src/protocol/recordBatch/v0/decoder',
  (original) => (decoder) => {
    const { buffer, offset } = decoder
    const length = buffer.readInt32BE(offset + 8)
    const isWhole = offset + BEFORE_LENGTH_ENDS + length <= buffer.length
    // The original also knows how to tell a batch that the fetch has cut off.
    if (!isWhole || (buffer.readInt16BE(offset + 21) & COMPRESSION) !== 0) return original(decoder)
    decoder.forward(BEFORE_LENGTH_ENDS + length)
    return Promise.resolve(decode(buffer, offset))
  },
)

function decode(buffer: Buffer, start: number): DecodedBatch {
  const attributes = buffer.readInt16BE(start + 21)
  const context = {
    firstOffset: buffer.readBigInt64BE(start).toString(),
    firstTimestamp: buffer.readBigInt64BE(start + 27).toString(),
    partitionLeaderEpoch: buffer.readInt32BE(start + 12),
    inTransaction: (attributes & TRANSACTIONAL) > 0,
    isControlBatch: (attributes & CONTROL) > 0,
    lastOffsetDelta: buffer.readInt32BE(start + 23),
    producerId: buffer.readBigInt64BE(start + 43).toString(),
    producerEpoch: buffer.readInt16BE(start + 51),
    firstSequence: buffer.readInt32BE(start + 53),
    maxTimestamp: buffer.readBigInt64BE(start + 35).toString(),
    timestampType: (attributes & LOG_APPEND_TIME) > 0 ? 1 : 0,
  }
  return { ...context, records: readRecords(buffer, start, { ...context, magicByte: buffer.readInt8(start + 16) }) }
}
