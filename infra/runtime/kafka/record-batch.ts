/**
 * Kafka record batch (message format 2), uncompressed, written into one buffer of the exact size. kafkajs builds an encoder object of
 * 512 zeroed bytes for each record and header and copies each several times; that was most of a processor's CPU time.
 * Layout: https://kafka.apache.org/documentation/#recordbatch
 */
import { crc32c } from './crc32c.ts'

export type BatchMessage = {
  readonly key?: Buffer | string | null
  readonly value: Buffer | string | null
  readonly headers?: Readonly<Record<string, Buffer | string | ReadonlyArray<Buffer | string> | undefined>>
  readonly timestamp?: string
}

export type BatchSource = {
  readonly messages: readonly BatchMessage[]
  readonly producerId: bigint
  readonly producerEpoch: number
  readonly firstSequence: number
  readonly transactional: boolean
  /** For messages without a timestamp of their own. */
  readonly wallNowMs: number
}

/** firstOffset 8, length 4, leader epoch 4, magic 1, CRC 4. */
const BEFORE_CHECKED_PART = 21
/** attributes 2, last offset delta 4, timestamps 16, producer id 8, epoch 2, sequence 4, count 4. */
const CHECKED_HEADER = 40
const TRANSACTIONAL = 16

export function encodeRecordBatch(source: BatchSource): Buffer {
  const { messages, wallNowMs } = source
  let first = Number.POSITIVE_INFINITY
  let last = 0
  for (const { timestamp } of messages) {
    const at = timestamp === undefined ? wallNowMs : Number(timestamp)
    if (at < first) first = at
    if (at > last) last = at
  }
  const count = messages.length
  const keys: Array<Buffer | string | null> = []
  const bodySizes: number[] = []
  const headers: Buffer[] = []
  let size = BEFORE_CHECKED_PART + CHECKED_HEADER
  for (let i = 0; i < count; i++) {
    const message = messages[i] as BatchMessage
    const key = message.key ?? null
    keys.push(key)
    const section = headerSection(message.headers)
    headers.push(section)
    const delta = (message.timestamp === undefined ? wallNowMs : Number(message.timestamp)) - first
    const body = 1 + sizeOfVarint(delta) + sizeOfVarint(i) + sizeOfBytes(key) + sizeOfBytes(message.value) + section.length
    bodySizes.push(body)
    size += sizeOfVarint(body) + body
  }

  const buffer = Buffer.allocUnsafe(size)
  buffer.writeBigInt64BE(0n, 0)
  buffer.writeInt32BE(size - 12, 8)
  buffer.writeInt32BE(0, 12)
  buffer.writeInt8(2, 16)
  buffer.writeInt16BE(source.transactional ? TRANSACTIONAL : 0, 21)
  buffer.writeInt32BE(count - 1, 23)
  buffer.writeBigInt64BE(BigInt(first), 27)
  buffer.writeBigInt64BE(BigInt(last), 35)
  buffer.writeBigInt64BE(source.producerId, 43)
  buffer.writeInt16BE(source.producerEpoch, 51)
  buffer.writeInt32BE(source.firstSequence, 53)
  buffer.writeInt32BE(count, 57)
  let at = BEFORE_CHECKED_PART + CHECKED_HEADER
  for (let i = 0; i < count; i++) {
    const message = messages[i] as BatchMessage
    at = writeVarint(buffer, bodySizes[i] as number, at)
    buffer[at++] = 0
    at = writeVarint(buffer, (message.timestamp === undefined ? wallNowMs : Number(message.timestamp)) - first, at)
    at = writeVarint(buffer, i, at)
    at = writeBytes(buffer, keys[i] as Buffer | string | null, at)
    at = writeBytes(buffer, message.value, at)
    const section = headers[i] as Buffer
    buffer.set(section, at)
    at += section.length
  }
  buffer.writeUInt32BE(crc32c(buffer, BEFORE_CHECKED_PART), 17)
  return buffer
}

/** Most events of a publisher share one headers object: its bytes are made once. */
const sections = new WeakMap<object, Buffer>()
const NO_HEADERS = Buffer.from([0])

function headerSection(headers: BatchMessage['headers']): Buffer {
  if (headers === undefined) return NO_HEADERS
  let section = sections.get(headers)
  if (!section) sections.set(headers, (section = encodeHeaders(headers)))
  return section
}

function encodeHeaders(headers: NonNullable<BatchMessage['headers']>): Buffer {
  const pairs = Object.entries(headers).flatMap(([name, value]) =>
    (Array.isArray(value) ? (value as Array<Buffer | string>) : [value as Buffer | string | undefined]).map(
      (one) => [name, one ?? null] as const,
    ),
  )
  const size = pairs.reduce((sum, [name, value]) => sum + sizeOfBytes(name) + sizeOfBytes(value), sizeOfVarint(pairs.length))
  const buffer = Buffer.allocUnsafe(size)
  let at = writeVarint(buffer, pairs.length, 0)
  for (const [name, value] of pairs) {
    at = writeBytes(buffer, name, at)
    at = writeBytes(buffer, value, at)
  }
  return buffer
}

function byteLength(value: Buffer | string): number {
  return typeof value === 'string' ? Buffer.byteLength(value) : value.length
}

function sizeOfBytes(value: Buffer | string | null): number {
  if (value === null) return 1
  const length = byteLength(value)
  return sizeOfVarint(length) + length
}

function writeBytes(buffer: Buffer, value: Buffer | string | null, at: number): number {
  if (value === null) return writeVarint(buffer, -1, at)
  if (typeof value !== 'string') {
    const next = writeVarint(buffer, value.length, at)
    buffer.set(value, next)
    return next + value.length
  }
  const next = writeVarint(buffer, Buffer.byteLength(value), at)
  return next + buffer.write(value, next)
}

/** Zigzag varint, as numbers: timestamp deltas may pass 2^31. */
function zigzag(value: number): number {
  return value >= 0 ? value * 2 : -value * 2 - 1
}

function sizeOfVarint(value: number): number {
  let rest = zigzag(value)
  let bytes = 1
  while (rest > 127) {
    rest = Math.floor(rest / 128)
    bytes += 1
  }
  return bytes
}

function writeVarint(buffer: Buffer, value: number, from: number): number {
  let rest = zigzag(value)
  let at = from
  while (rest > 127) {
    buffer[at++] = (rest % 128) | 128
    rest = Math.floor(rest / 128)
  }
  buffer[at++] = rest
  return at
}
