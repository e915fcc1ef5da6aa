/**
 * Records of a fetched batch (message format 2, uncompressed), read in place. kafkajs makes a decoder per record, big integers for
 * offsets and timestamps, and an object per header; that was a seventh of a processor's CPU time. Headers are read when somebody looks.
 * Layout: https://kafka.apache.org/documentation/#recordbatch
 */

/** What kafkajs knows of a batch and hands on with each of its records. Offsets and timestamps are decimal text. */
export type BatchContext = {
  readonly firstOffset: string
  readonly firstTimestamp: string
  readonly maxTimestamp: string
  readonly partitionLeaderEpoch: number
  readonly inTransaction: boolean
  readonly isControlBatch: boolean
  readonly lastOffsetDelta: number
  readonly producerId: string
  readonly producerEpoch: number
  readonly firstSequence: number
  readonly timestampType: number
  readonly magicByte: number
}

type HeaderValue = Buffer | null
type Headers = Record<string, HeaderValue | HeaderValue[]>

const LOG_APPEND_TIME = 1
/** Where the parts of a batch begin, after its first offset and length. */
const RECORD_COUNT = 57
const RECORDS = 61

/** A record as kafkajs gives it. */
export class FetchedRecord {
  readonly magicByte: number
  readonly attributes: number
  readonly timestamp: string
  readonly offset: string
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly isControlRecord: boolean
  readonly batchContext: BatchContext
  readonly #bytes: Buffer
  readonly #headersAt: number

  constructor(cursor: Cursor, context: BatchContext, firstOffset: number, firstTimestamp: number) {
    this.magicByte = context.magicByte
    this.attributes = cursor.int8()
    const timestampDelta = cursor.varint()
    this.timestamp = context.timestampType === LOG_APPEND_TIME ? context.maxTimestamp : String(firstTimestamp + timestampDelta)
    this.offset = String(firstOffset + cursor.varint())
    this.key = cursor.bytes()
    this.value = cursor.bytes()
    this.isControlRecord = context.isControlBatch
    this.batchContext = context
    this.#bytes = cursor.buffer
    this.#headersAt = cursor.at
  }

  get headers(): Headers {
    const headers: Headers = {}
    const cursor = new Cursor(this.#bytes, this.#headersAt)
    for (let left = cursor.varint(); left > 0; left--) {
      const name = cursor.bytes()?.toString() ?? ''
      const value = cursor.bytes()
      const known = headers[name]
      headers[name] = known === undefined ? value : Array.isArray(known) ? [...known, value] : [known, value]
    }
    return headers
  }
}

/** Records of the batch that begins at `start` of `bytes` and is whole. */
export function readRecords(bytes: Buffer, start: number, context: BatchContext): FetchedRecord[] {
  const count = bytes.readInt32BE(start + RECORD_COUNT)
  const cursor = new Cursor(bytes, start + RECORDS)
  const firstOffset = Number(context.firstOffset)
  const firstTimestamp = Number(context.firstTimestamp)
  const records: FetchedRecord[] = []
  for (let i = 0; i < count; i++) {
    const length = cursor.varint()
    const end = cursor.at + length
    records.push(new FetchedRecord(cursor, context, firstOffset, firstTimestamp))
    cursor.at = end
  }
  return records
}

class Cursor {
  readonly buffer: Buffer
  at: number

  constructor(buffer: Buffer, at: number) {
    this.buffer = buffer
    this.at = at
  }

  int8(): number {
    return this.buffer.readInt8(this.at++)
  }

  /** Zigzag varint up to 2^53: timestamp deltas may pass 2^31. */
  varint(): number {
    const { buffer } = this
    let byte = buffer[this.at++] as number
    // Most are one or two bytes long.
    if (byte < 128) return byte & 1 ? -(byte + 1) / 2 : byte / 2
    let value = byte & 127
    let scale = 128
    do {
      byte = buffer[this.at++] as number
      value += (byte & 127) * scale
      scale *= 128
    } while (byte > 127)
    return value % 2 === 1 ? -(value + 1) / 2 : value / 2
  }

  /** Length and bytes, a view; null when the length is −1. */
  bytes(): Buffer | null {
    const length = this.varint()
    if (length < 0) return null
    const from = this.at
    this.at = from + length
    return this.buffer.subarray(from, this.at)
  }
}
