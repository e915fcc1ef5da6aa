/**
 * One fetched batch of one partition: decode → step → sink and publish → what may wait → dead letters, in slices. A slice begins when
 * the one before is durable or, in a pipelined processor, when its step is over. Knows no consumer: the guard says whether the partition
 * is still ours and keeps time.
 * Guarantee: `acknowledged(offset)` is called only when everything before it is durable somewhere (sink, topic or dead letters).
 */
import type { TopicName } from '../../../schemas/topics.ts'
import { AppError, isPermanent, isTransient, messageOf } from '../errors.ts'
import type { Exclusive } from '../exclusive.ts'
import type { Logger } from '../log.ts'
import type { Codec } from './codec.ts'
import { type DeadLetterCause, toDeadLetter } from './dead-letter.ts'
import { createSpareTime, createTurns, type InFlight } from './in-flight.ts'
import { DecodedEvent, type FetchedMessage } from './messages.ts'
import type { ProcessorMetrics } from './processor-metrics.ts'
import type { KafkaPublisher } from './publisher.ts'
import { traceContextOf, withTraceContext } from './trace-context.ts'
import { type BatchStep, emit, type InboundEvent, type Later, type OutboundEvent, type Outcome, type Sink } from './types.ts'

/** Thrown to leave a batch without advancing: stopping, or the partition is no longer ours. */
export class BatchAbandoned extends Error {
  override readonly name = 'BatchAbandoned'
}

export type BatchGuard = {
  /** Throws BatchAbandoned when the partition is no longer ours. */
  check(): void
  /** The same between slices, where a stop is welcome too: a slice that has begun is finished. */
  checkBeforeSlice(): void
  /** Keeps membership; throws BatchAbandoned when it is lost. */
  heartbeat(): Promise<void>
  /** The loop goes on behind this offset; what is before it may not be durable yet. */
  passed(offset: string): void
  /** Everything up to this offset (inclusive) is durable. */
  acknowledged(offset: string): void
  /** Waits out a back-off; throws BatchAbandoned when it is no use. */
  backOff(attempt: number): Promise<void>
  /** What the processor is stuck on, for readiness; null when it goes on. */
  stuck(reason: string | null): void
}

export type FetchedBatch<TIn extends TopicName> = {
  readonly topic: TIn
  readonly partition: number
  readonly messages: readonly FetchedMessage[]
  readonly highWatermark: number
}

export type BatchRunnerDeps<TIn extends TopicName, Row> = {
  readonly name: string
  readonly step: BatchStep<TIn, Row>
  readonly sink: Sink<Row> | undefined
  readonly publisher: Pick<KafkaPublisher, 'publish' | 'publishRaw'>
  readonly codec: Pick<Codec, 'decode' | 'prepareDecoding'>
  readonly maxBatchEvents: number
  /** Absent: a slice waits until the one before is durable. */
  readonly inFlight?: InFlight
  /** Runs step calls of this processor one at a time: steps share state between partitions. */
  readonly exclusive: Exclusive
  readonly metrics: ProcessorMetrics
  readonly log: Logger
  readonly wallNow: () => number
}

export type BatchRunner<TIn extends TopicName> = {
  run(batch: FetchedBatch<TIn>, guard: BatchGuard): Promise<void>
}

type Item<TIn extends TopicName, Row> = {
  readonly message: FetchedMessage
  readonly event: InboundEvent<TIn> | null
  outcome: Outcome<Row> | null
  failure: DeadLetterCause | null
}

/** How often an event whose step threw something unknown is tried alone before it is dead-lettered. */
const UNKNOWN_ERROR_ATTEMPTS = 2

export function createBatchRunner<TIn extends TopicName, Row>(deps: BatchRunnerDeps<TIn, Row>): BatchRunner<TIn> {
  const { name, step, sink, publisher, codec, metrics, log } = deps
  /** Of several slices what is published together goes in their order; a retry holds back what comes after. */
  const publishInTurn = createTurns<Item<TIn, Row>, BatchGuard>(publishEvents)
  const publishLaterInTurn = createTurns<Item<TIn, Row>, BatchGuard>(publishEvents)
  const inSpareTime = createSpareTime()

  return {
    async run(batch, guard) {
      for (let from = 0; from < batch.messages.length; from += deps.maxBatchEvents) {
        guard.checkBeforeSlice()
        const messages = batch.messages.slice(from, from + deps.maxBatchEvents)
        const isLastSlice = from + messages.length >= batch.messages.length
        const { durable } = await runSlice(batch, messages, isLastSlice, guard)
        const { offset } = messages.at(-1) as FetchedMessage
        const acknowledge = (): void => {
          guard.check()
          guard.acknowledged(offset)
        }
        if (deps.inFlight) {
          guard.passed(offset)
          await deps.inFlight.push(`${batch.topic}|${batch.partition}`, messages.length, durable, acknowledge)
        } else {
          await durable
          guard.passed(offset)
          acknowledge()
        }
      }
    },
  }

  /** Resolves when the step is over, with what resolves once all that it made is durable. */
  async function runSlice(
    batch: FetchedBatch<TIn>,
    messages: readonly FetchedMessage[],
    isLastSlice: boolean,
    guard: BatchGuard,
  ): Promise<{ durable: Promise<void> }> {
    const items = await decodeAll(batch, messages, guard)
    const decoded = items.filter((item) => item.event !== null)
    const caughtUp = isLastSlice && Number((messages.at(-1) as FetchedMessage).offset) + 1 >= batch.highWatermark
    await runStep(batch, decoded, caughtUp, guard)
    const finish = async (): Promise<void> => {
      // Both may run at once: neither is visible as progress before both are durable.
      await allDone([writeRows(decoded, guard), publishInTurn(decoded, guard)])
      await finishLater(decoded, guard)
      await publishDeadLetters(batch, items, guard)
      metrics.eventsIn(batch.topic, messages.length)
      for (const { outcome, failure } of items) {
        if (failure) metrics.outcome('dead-letter', failure.code)
        else if (outcome?.kind === 'emit') metrics.outcome('emit', 'ok')
        else if (outcome) metrics.outcome(outcome.kind, outcome.reason)
        else metrics.outcome('skip', 'tombstone')
      }
    }
    return { durable: finish() }
  }

  async function decodeAll(
    batch: FetchedBatch<TIn>,
    messages: readonly FetchedMessage[],
    guard: BatchGuard,
  ): Promise<Array<Item<TIn, Row>>> {
    const items: Array<Item<TIn, Row>> = []
    for (const message of messages) {
      const item: Item<TIn, Row> = { message, event: null, outcome: null, failure: null }
      const { value } = message
      if (value !== null) {
        try {
          const decoded = codec.decode(batch.topic, value) ?? (await decodeUnknownSchema(batch.topic, value, guard))
          items.push({
            ...item,
            event: new DecodedEvent(batch.topic, batch.partition, message, decoded),
          })
          continue
        } catch (error) {
          if (!isPermanent(error)) throw error
          item.failure = causeOf(error, 'decode', 1)
        }
      }
      items.push(item)
    }
    return items
  }

  async function decodeUnknownSchema(topic: TIn, value: Buffer, guard: BatchGuard) {
    await untilDone('registry', guard, () => codec.prepareDecoding(topic, value))
    const decoded = codec.decode(topic, value)
    if (decoded === null) throw new Error(`schema lookup for ${topic} ended without an answer`)
    return decoded
  }

  /** Fills in outcomes. Halves the batch around an event whose step throws, so that only that event is lost to the stream. */
  async function runStep(
    batch: FetchedBatch<TIn>,
    items: ReadonlyArray<Item<TIn, Row>>,
    caughtUp: boolean,
    guard: BatchGuard,
    attempt = 1,
  ): Promise<void> {
    if (items.length === 0) return
    const events = items.map((item) => item.event as InboundEvent<TIn>)
    const context = { topic: batch.topic, partition: batch.partition, caughtUp, heartbeat: () => guard.heartbeat() }
    try {
      const outcomes = await untilDone('step', guard, () =>
        deps.exclusive(async () => {
          guard.check()
          const stopTimer = metrics.startTimer('step')
          const result = await step(events, context)
          stopTimer()
          return result
        }),
      )
      if (outcomes.length !== events.length) {
        throw new StepBroken(`step of ${name} returned ${outcomes.length} outcomes for ${events.length} events`)
      }
      items.forEach((item, index) => {
        const outcome = outcomes[index] as Outcome<Row>
        item.outcome = outcome
        if (outcome.kind === 'dead-letter') {
          item.failure = { code: outcome.reason, message: outcome.detail, step: `${name}/step`, attempt }
        }
      })
    } catch (error) {
      if (error instanceof BatchAbandoned || error instanceof StepBroken) throw error
      if (items.length > 1) {
        const middle = items.length >> 1
        await runStep(batch, items.slice(0, middle), false, guard)
        await runStep(batch, items.slice(middle), caughtUp, guard)
        return
      }
      if (!isPermanent(error) && attempt < UNKNOWN_ERROR_ATTEMPTS) {
        await runStep(batch, items, caughtUp, guard, attempt + 1)
        return
      }
      log.error(
        { error, topic: batch.topic, partition: batch.partition, offset: items[0]?.message.offset },
        'step threw; event goes to dead letters',
      )
      ;(items[0] as Item<TIn, Row>).failure = causeOf(error, 'step', attempt)
    }
  }

  /** Makes and publishes what may wait, event by event; what was published before is let go of. */
  async function finishLater(items: ReadonlyArray<Item<TIn, Row>>, guard: BatchGuard): Promise<void> {
    const finish = async (item: Item<TIn, Row>, later: readonly Later[]): Promise<void> => {
      item.outcome = emit<Row>([])
      const made: OutboundEvent[] = []
      await allDone(later.map((make) => inSpareTime(async () => void made.push(...(await makeLater(item, make, guard))))))
      item.outcome = emit<Row>(made)
      await publishLaterInTurn([item], guard)
    }
    await allDone(
      items.flatMap((item) =>
        item.outcome?.kind === 'emit' && item.outcome.later.length > 0 ? [finish(item, item.outcome.later)] : [],
      ),
    )
  }

  async function makeLater(item: Item<TIn, Row>, make: Later, guard: BatchGuard): Promise<readonly OutboundEvent[]> {
    try {
      return await untilDone('later', guard, async () => make())
    } catch (error) {
      if (error instanceof BatchAbandoned) throw error
      log.error({ error, offset: item.message.offset }, 'what may wait threw; event goes to dead letters')
      item.failure ??= causeOf(error, 'later', 1)
      return []
    }
  }

  function causeOf(error: unknown, stage: string, attempt: number): DeadLetterCause {
    const code = error instanceof AppError ? error.code : 'step-threw'
    return { code, message: messageOf(error), step: `${name}/${stage}`, attempt }
  }

  async function writeRows(items: ReadonlyArray<Item<TIn, Row>>, guard: BatchGuard): Promise<void> {
    const write = sink
    if (!write) return
    await deliver(
      'sink',
      items.filter((item) => item.outcome?.kind === 'emit' && item.outcome.rows.length > 0),
      guard,
      (group) => write.write(group.flatMap((item) => (item.outcome?.kind === 'emit' ? item.outcome.rows : []))),
    )
  }

  async function publishEvents(items: ReadonlyArray<Item<TIn, Row>>, guard: BatchGuard): Promise<void> {
    await deliver(
      'publish',
      items.filter((item) => item.outcome?.kind === 'emit' && item.outcome.events.length > 0),
      guard,
      (group) => {
        const events: OutboundEvent[] = []
        for (const { message, outcome } of group) {
          if (outcome?.kind !== 'emit') continue
          const trace = traceContextOf(message.headers)
          for (const event of outcome.events) events.push(trace ? withTraceContext(event, trace) : event)
        }
        return publisher.publish(events)
      },
    )
  }

  /** Sends what the items made; halves the group around an item that is refused for good. An unknown error ends the process. */
  async function deliver(
    stage: 'sink' | 'publish',
    items: ReadonlyArray<Item<TIn, Row>>,
    guard: BatchGuard,
    send: (group: ReadonlyArray<Item<TIn, Row>>) => Promise<void>,
  ): Promise<void> {
    if (items.length === 0) return
    try {
      const stopTimer = metrics.startTimer(stage)
      await untilDone(stage, guard, () => send(items))
      stopTimer()
    } catch (error) {
      if (!isPermanent(error)) throw error
      if (items.length > 1) {
        const middle = items.length >> 1
        await deliver(stage, items.slice(0, middle), guard, send)
        await deliver(stage, items.slice(middle), guard, send)
        return
      }
      log.error({ error, offset: items[0]?.message.offset }, `${stage} refused what an event made; it goes to dead letters`)
      ;(items[0] as Item<TIn, Row>).failure ??= causeOf(error, stage, 1)
    }
  }

  async function publishDeadLetters(
    batch: FetchedBatch<TIn>,
    items: ReadonlyArray<Item<TIn, Row>>,
    guard: BatchGuard,
  ): Promise<void> {
    const letters = items.flatMap(({ message, failure }) =>
      failure ? [toDeadLetter({ topic: batch.topic, partition: batch.partition, message }, failure, deps.wallNow())] : [],
    )
    if (letters.length === 0) return
    await untilDone('dead-letter', guard, () => publisher.publishRaw(letters))
    metrics.deadLetters(batch.topic, letters.length)
  }

  /** Tries again after transient failures for as long as the partition is ours; everything else is thrown. */
  async function untilDone<T>(stage: string, guard: BatchGuard, call: () => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      guard.check()
      try {
        const result = await call()
        if (attempt > 1) {
          guard.stuck(null)
          log.info({ stage, attempt }, 'works again')
        }
        return result
      } catch (error) {
        if (!isTransient(error)) throw error
        metrics.retry(stage)
        guard.stuck(`${stage}: ${messageOf(error)}`)
        log.warn({ stage, attempt, code: (error as AppError).code, reason: messageOf(error) }, 'transient failure; waiting')
        await guard.backOff(attempt)
      }
    }
  }
}

/** Resolves when all have; rejects, as the first that did, when none is under way any more. */
async function allDone(promises: ReadonlyArray<Promise<unknown>>): Promise<void> {
  const failed = (await Promise.allSettled(promises)).find((result) => result.status === 'rejected')
  if (failed) throw failed.reason
}

/** A step that breaks its contract cannot be trusted with any event. */
class StepBroken extends Error {
  override readonly name = 'StepBroken'
}
