/** What the rest of the house sees of Kafka: events in, outcomes out. No kafkajs type leaves this folder. */
import type { EventByTopic } from '../../../schemas/generated/types.ts'
import type { TopicName } from '../../../schemas/topics.ts'

/** An event to publish. The codec and the partitioner come from the catalogue row of its topic. */
export type OutboundEvent = {
  [T in TopicName]: {
    readonly topic: T
    readonly key: string
    readonly value: EventByTopic[T]
    readonly headers?: Readonly<Record<string, string>>
    /** Broker timestamp, epoch ms; the publisher's wall time when absent. */
    readonly timestampMs?: number
  }
}[TopicName]

/** A compacted topic's deletion of a key. */
export type Tombstone = { readonly topic: TopicName; readonly key: string; readonly value: null }

/** A decoded event. `TIn` restricts the topics a processor reads. */
export type InboundEvent<TIn extends TopicName = TopicName> = {
  [T in TIn]: {
    readonly topic: T
    readonly key: string
    readonly value: EventByTopic[T]
    readonly partition: number
    readonly offset: number
    readonly headers: Readonly<Record<string, string>>
    readonly timestampMs: number
  }
}[TIn]

/**
 * Events that nobody waits for, made when there is time. Called once `events` and `rows` of its outcome are acknowledged, and again after a
 * transient failure; what it needs must not change meanwhile. Short: while it computes, nothing else of the process runs.
 */
export type Later = () => readonly OutboundEvent[]

/**
 * What became of one input event. `reason` is from the step's closed union and doubles as the metric label.
 * `rows` go to the processor's sink, which must acknowledge them before the input's offset may advance; what is made `later` must be
 * acknowledged before that, too, but holds up no other event until as many wait as may be under way. One that throws leaves the others
 * as they are and sends the input to the dead letters.
 */
export type Outcome<Row = never> =
  | {
      readonly kind: 'emit'
      readonly events: readonly OutboundEvent[]
      readonly rows: readonly Row[]
      readonly later: readonly Later[]
    }
  | { readonly kind: 'skip'; readonly reason: string }
  | { readonly kind: 'dead-letter'; readonly reason: string; readonly detail: string }

export function emit<Row = never>(
  events: readonly OutboundEvent[],
  rows: readonly Row[] = [],
  later: readonly Later[] = [],
): Outcome<Row> {
  return { kind: 'emit', events, rows, later }
}
export function skip(reason: string): Outcome {
  return { kind: 'skip', reason }
}
export function deadLetter(reason: string, detail: string): Outcome {
  return { kind: 'dead-letter', reason, detail }
}

/** A batch of one partition, in offset order, to one outcome per event, same order. Must be safe to call again with the same events. */
export type BatchStep<TIn extends TopicName, Row = never> = (
  events: ReadonlyArray<InboundEvent<TIn>>,
  context: StepContext,
) => Promise<ReadonlyArray<Outcome<Row>>> | ReadonlyArray<Outcome<Row>>

export type StepContext = {
  readonly topic: TopicName
  readonly partition: number
  /** True when the batch reaches the end of the partition as the broker last reported it. */
  readonly caughtUp: boolean
  /** Keeps group membership during long work; throws when the partition was taken away. */
  readonly heartbeat: () => Promise<void>
}

/** Where a step's rows go. `write` resolves only when the rows are durable; rejects with AppError retry 'transient' or 'permanent'. */
export type Sink<Row> = {
  write(rows: readonly Row[]): Promise<void>
}

export type Publisher = {
  /** Resolves when the brokers acknowledged all events (acks=all, idempotent), in order per key. Chunked by bytes. */
  publish(events: ReadonlyArray<OutboundEvent | Tombstone>): Promise<void>
  close(): Promise<void>
}

export type ProcessorOptions<TIn extends TopicName, Row = never> = {
  /** Service name: consumer group `isobar-<name>` (unless groupId), metric prefix, log name. */
  readonly name: string
  readonly groupId?: string
  readonly topics: readonly TIn[]
  readonly step: BatchStep<TIn, Row>
  readonly sink?: Sink<Row>
  /**
   * Called after every (re)assignment before the first batch, with the partitions now owned and their committed next offsets
   * (null: nothing committed). A step drops or restores its state here. Throwing a transient AppError retries with back-off.
   */
  readonly onAssigned?: (assignment: ReadonlyArray<{ topic: TIn; partition: number; nextOffset: number | null }>) => Promise<void>
  /**
   * Reads on while what was made before is still being published and written; offsets follow in order. For steps that never read back
   * between assignments what they made, and sinks whose rows may arrive in any order (replacing tables with versions).
   */
  readonly isPipelined?: boolean
  /**
   * Events handed to one step call at most (default 2,000); twice as many of a partition may be under way in a pipelined processor.
   * A step that makes much of each event sets less: while it computes, nothing else of the process runs, not even its heartbeats.
   */
  readonly maxBatchEvents?: number
  /**
   * Where few large batches are better than early ones: a fetch waits for `minBytes` up to `maxWaitMs` (wall time), and hands up to
   * `partitionsAtOnce` partitions to the step side by side, so that a sink can write them together. Default 1 byte, 1 s, and 3 (1 with several topics: their
   * outputs keep the order in which they were made).
   */
  readonly fetch?: { readonly minBytes?: number; readonly maxWaitMs?: number; readonly partitionsAtOnce?: number }
}

export type RunningProcessor<TIn extends TopicName = TopicName> = {
  /** Assigned, state restored, last poll recent, not draining. The string says why not. */
  readiness(): { ready: true } | { ready: false; reason: string }
  /** Milliseconds of wall time since the loop last ticked (fetch or heartbeat). */
  lastTickAgeMs(): number
  /**
   * For how many milliseconds of wall time the topics have been polled without a break, when this member has read the partition to its
   * end; 0 when it is behind or another member's, while the group rebalances, and while nothing is polled. A key that has not been read
   * for so long has said nothing: anything less may be a pause of the reader.
   */
  listeningMs(topic: TIn, partition: number): number
  /** Finishes the batch in flight, commits, leaves the group. */
  stop(): Promise<void>
  /** Rejects when the loop failed for good; the service must then exit non-zero. */
  readonly failed: Promise<never>
}

/** Follows a compacted or small topic from its beginning in every process (no group, no commit): replicas, caches, live feeds. */
export type FollowerOptions<TIn extends TopicName> = {
  readonly name: string
  readonly topics: readonly TIn[]
  /**
   * 'beginning' replays everything; 'end' only what is new from now; a map (`topic|partition` → offset) goes on from there, at the end
   * of partitions it does not name, and at the oldest kept event where that one is gone.
   */
  readonly from: 'beginning' | 'end' | ReadonlyMap<string, number>
  readonly onEvents: (
    events: ReadonlyArray<InboundEvent<TIn> | { topic: TIn; key: string; value: null; partition: number; offset: number }>,
  ) => Promise<void> | void
}
export type RunningFollower = {
  /** Resolves once everything that was in the topics at start has been handed to onEvents. */
  readonly caughtUp: Promise<void>
  lastTickAgeMs(): number
  stop(): Promise<void>
  readonly failed: Promise<never>
}
