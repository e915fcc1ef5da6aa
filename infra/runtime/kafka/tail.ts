/** The newest events of partitions, read backwards from their ends in growing pieces, until somebody has seen enough. */
import type { TopicName } from '../../../schemas/topics.ts'
import type { KafkaConfig, RegistryConfig } from '../config/index.ts'
import { isPermanent, messageOf } from '../errors.ts'
import type { Logger } from '../log.ts'
import { openRegistry } from '../registry/index.ts'
import { type Codec, createCodec } from './codec.ts'
import { DecodedEvent, type FetchedMessage } from './messages.ts'
import { type ReadStretch, withPartitionReader } from './partition-reader.ts'
import type { InboundEvent } from './types.ts'

/** Where a tail ends, and where it can begin at the earliest; see readEnds(). */
export type TailRange = { readonly partition: number; readonly low: number; readonly end: number }

export type TailOptions<T extends TopicName> = {
  readonly config: KafkaConfig & RegistryConfig
  readonly log: Logger
  readonly topic: T
  readonly ranges: readonly TailRange[]
  /** A piece of a partition, oldest event first; the next piece is the one before it. Answers whether another one is wanted. */
  readonly onPiece: (partition: number, events: ReadonlyArray<InboundEvent<T>>) => boolean
  /** Events of a partition at most. */
  readonly maxEvents: number
}

const FIRST_PIECE_EVENTS = 64
const PIECE_GROWTH = 4
/** Of forecasts, the largest events that there are, this is 10 MB. */
const LARGEST_PIECE_EVENTS = 2048

/**
 * Answers with the partitions of which `maxEvents` were read and more was wanted. Tombstones, and events that no one can read, are passed
 * over. Rejects AppError transient while brokers or registry are away.
 */
export async function readTails<T extends TopicName>(options: TailOptions<T>): Promise<number[]> {
  const { config, log, topic } = options
  const ranges = options.ranges.filter(({ low, end }) => low < end)
  if (ranges.length === 0) return []
  const codec = createCodec(openRegistry(config))
  return withPartitionReader(config, log, topic, async (read) => {
    const cut = await Promise.all(ranges.map((range) => readTail(options, range, read, codec)))
    return cut.flatMap((isCut, i) => (isCut ? [ranges[i]!.partition] : []))
  })
}

/** Whether more was wanted than is read. */
async function readTail<T extends TopicName>(
  { log, topic, onPiece, maxEvents }: TailOptions<T>,
  { partition, low, end }: TailRange,
  read: ReadStretch,
  codec: Codec,
): Promise<boolean> {
  const earliest = Math.max(low, end - maxEvents)
  let size = FIRST_PIECE_EVENTS
  for (let to = end; to > earliest; size = Math.min(LARGEST_PIECE_EVENTS, size * PIECE_GROWTH)) {
    const from = Math.max(earliest, to - size)
    const events: Array<InboundEvent<T>> = []
    for (const message of await read(partition, from, to)) {
      const value = await decode(codec, log, topic, message)
      if (value !== null) events.push(new DecodedEvent(topic, partition, message, value))
    }
    if (!onPiece(partition, events)) return false
    to = from
  }
  return earliest > low
}

async function decode<T extends TopicName>(codec: Codec, log: Logger, topic: T, { value, offset }: FetchedMessage) {
  if (value === null) return null
  try {
    const known = codec.decode(topic, value)
    if (known !== null) return known
    await codec.prepareDecoding(topic, value)
    return codec.decode(topic, value)
  } catch (error) {
    if (!isPermanent(error)) throw error
    log.error({ topic, offset, reason: messageOf(error) }, 'event cannot be read; passed over')
    return null
  }
}
