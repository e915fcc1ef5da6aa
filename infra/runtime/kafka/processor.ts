/**
 * The shared loop of every processor. At least once: an offset is committed only after the sink, the output topics and the dead
 * letters have acknowledged; with deterministic keys downstream this is effectively once. Commits run beside the loop (awaiting them
 * costs 10 ms a hop). No work survives a rebalance: kafkajs settles all batches before it rejoins, and every batch checks that its
 * assignment is still the current one before it advances anything.
 */
import type { EachBatchPayload } from 'kafkajs'
import type { TopicName } from '../../../schemas/topics.ts'
import { backoffMs, pause } from '../backoff.ts'
import type { KafkaConfig, RegistryConfig } from '../config/index.ts'
import { isTransient, messageOf } from '../errors.ts'
import { createExclusive } from '../exclusive.ts'
import type { Logger } from '../log.ts'
import type { Metrics } from '../metrics.ts'
import { type Registry, openRegistry } from '../registry/index.ts'
import { BatchAbandoned, type BatchGuard, createBatchRunner } from './batch-runner.ts'
import { createCodec } from './codec.ts'
import { MAX_WAIT_MS, RETRY, fromBroker, onBroker, openKafka } from './connection.ts'
import { type Committer, createCommitter } from './committer.ts'
import { createProcessorMetrics } from './processor-metrics.ts'
import { createInFlight } from './in-flight.ts'
import type { KafkaPublisher } from './publisher.ts'
import { createReading } from './reading.ts'
import type { ProcessorOptions, RunningProcessor } from './types.ts'

export type ProcessorDeps = {
  readonly config: KafkaConfig & RegistryConfig
  /** Dead letters go through it too, as they are. */
  readonly publisher: KafkaPublisher
  readonly log: Logger
  readonly metrics: Metrics
  readonly registry?: Registry
}

/** A killed process's partitions stand still for so long; membership is kept alive beside the batches, every second. */
const SESSION_TIMEOUT_MS = 15_000
const REBALANCE_TIMEOUT_MS = 60_000
const HEARTBEAT_TICK_MS = 1000
/** After this long in one batch without progress the loop stops keeping its membership and its liveness alive. */
const STUCK_LIMIT_MS = 10 * 60_000
const STALE_POLL_MS = 30_000
/**
 * Of a single topic. State fed by several topics (a station's forecasts and its truths) makes outputs whose order counts, whichever
 * partition they come from: side by side, what was made later could be published first, and a retry of the earlier would replace it.
 */
const PARTITIONS_AT_ONCE = 3
/** An idle fetch waits for one `maxWaitMs` at the broker: so many of them without one coming back are a reader that stands still. */
const POLLS_MISSED = 3
const FETCH_BYTES = 8 * 1024 * 1024
const MAX_BATCH_EVENTS = 2000
/** Short: what has to wait for a server that is back is passed by what comes after it. */
const BACKOFF = { initialMs: 100, maxMs: 2000 }
/** Of a partition, beside the slice at hand: what brokers and store take in meanwhile, and bounded memory when they stand still. */
const SLICES_IN_FLIGHT = 2

/** Resolves once the consumer has been started; joining the group goes on beside, see readiness(). */
export async function startProcessor<TIn extends TopicName, Row = never>(
  options: ProcessorOptions<TIn, Row> & ProcessorDeps,
): Promise<RunningProcessor<TIn>> {
  const { name, log, topics } = options
  const { config } = options
  const groupId = onBroker(config, options.groupId ?? `isobar-${name}`)
  const metrics = createProcessorMetrics(options.metrics)
  const maxWaitMs = options.fetch?.maxWaitMs ?? MAX_WAIT_MS
  const reading = createReading(POLLS_MISSED * maxWaitMs, Date.now)
  const kafka = openKafka(config, `isobar-${name}`, log)
  const consumer = kafka.consumer({
    groupId,
    sessionTimeout: SESSION_TIMEOUT_MS,
    rebalanceTimeout: REBALANCE_TIMEOUT_MS,
    heartbeatInterval: 3000,
    maxWaitTimeInMs: maxWaitMs,
    minBytes: options.fetch?.minBytes ?? 1,
    maxBytes: FETCH_BYTES,
    maxBytesPerPartition: 1024 * 1024,
    allowAutoTopicCreation: false,
    retry: RETRY,
  })
  const committer: Committer = createCommitter(consumer, metrics, log)
  const stopping = new AbortController()
  const inFlight = new Set<Promise<void>>()
  let epoch = 0
  let state: 'joining' | 'restoring' | 'running' = 'joining'
  let stuckOn: { reason: string; since: number } | null = null
  let lastTick = Date.now()
  let lastProgress = Date.now()
  let assigned: Promise<void> = Promise.resolve()

  let reject: (error: unknown) => void = () => undefined
  const failed = new Promise<never>((_resolve, rejectFailed) => {
    reject = rejectFailed
  })
  // Whoever owns the processor listens to `failed`; a process that does not must not die of an unhandled rejection twice.
  failed.catch(() => undefined)
  const fail = (error: unknown): void => {
    log.error({ error }, `processor ${name} failed`)
    reject(error)
  }

  const exclusive = createExclusive()

  const maxBatchEvents = options.maxBatchEvents ?? MAX_BATCH_EVENTS
  const slicesInFlight = createInFlight(SLICES_IN_FLIGHT * maxBatchEvents, (error) => {
    if (!(error instanceof BatchAbandoned)) fail(error)
  })
  const runner = createBatchRunner<TIn, Row>({
    name,
    step: options.step,
    sink: options.sink,
    publisher: options.publisher,
    codec: createCodec(options.registry ?? openRegistry(config)),
    maxBatchEvents,
    ...(options.isPipelined ? { inFlight: slicesInFlight } : {}),
    exclusive,
    metrics,
    log,
    wallNow: Date.now,
  })

  consumer.on('consumer.group_join', ({ payload }) => {
    epoch += 1
    committer.reset()
    slicesInFlight.reset()
    metrics.forgetLag()
    reading.assigned()
    state = 'restoring'
    const assignment = Object.entries(payload.memberAssignment).flatMap(([topic, partitions]) =>
      partitions.map((partition) => ({ topic: fromBroker(config, topic) as TIn, partition })),
    )
    assigned = restore(epoch, assignment)
    assigned.catch(() => undefined)
  })
  // The group waits for us to rejoin: what is done must be committed under the old generation or be done again.
  consumer.on('consumer.rebalancing', () => void committer.flush())
  consumer.on('consumer.fetch_start', tick)
  consumer.on('consumer.fetch', () => {
    tick()
    reading.polled()
  })
  consumer.on('consumer.heartbeat', tick)
  consumer.on('consumer.crash', ({ payload }) => {
    state = 'joining'
    if (!payload.restart) fail(payload.error)
  })

  await startConsumer()
  return {
    failed,
    lastTickAgeMs: () => Date.now() - lastTick,
    listeningMs: (topic, partition) => reading.listeningMs(`${onBroker(config, topic)}|${partition}`),
    readiness() {
      if (stopping.signal.aborted) return { ready: false, reason: 'draining' }
      if (state === 'joining') return { ready: false, reason: `joining consumer group ${groupId}` }
      if (stuckOn)
        return { ready: false, reason: `waiting ${Math.round((Date.now() - stuckOn.since) / 1000)} s on ${stuckOn.reason}` }
      if (state === 'restoring') return { ready: false, reason: 'restoring state after assignment' }
      const age = Date.now() - lastTick
      if (age > STALE_POLL_MS) return { ready: false, reason: `no poll for ${Math.round(age / 1000)} s` }
      return { ready: true }
    },
    async stop() {
      if (stopping.signal.aborted) return
      stopping.abort()
      await Promise.allSettled(inFlight)
      await slicesInFlight.settled()
      await committer.close()
      await consumer.disconnect()
    },
  }

  function tick(): void {
    lastTick = Date.now()
  }

  async function startConsumer(): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      try {
        await consumer.connect()
        await consumer.subscribe({ topics: topics.map((topic) => onBroker(config, topic)), fromBeginning: true })
        break
      } catch (error) {
        if (stopping.signal.aborted) return
        lastTick = Date.now()
        log.warn({ attempt, reason: messageOf(error) }, 'Kafka consumer cannot connect; retrying')
        await pause(backoffMs(attempt, { initialMs: 200, maxMs: 5000 }), stopping.signal)
      }
    }
    await consumer.run({
      autoCommit: false,
      eachBatchAutoResolve: false,
      partitionsConsumedConcurrently: options.fetch?.partitionsAtOnce ?? (topics.length > 1 ? 1 : PARTITIONS_AT_ONCE),
      eachBatch: (payload) => {
        const work = handleBatch(payload)
        inFlight.add(work)
        const done = (): void => void inFlight.delete(work)
        work.then(done, done)
        return work
      },
    })
  }

  /** Hands the new assignment to the step, with committed offsets, before its first batch. Retries for as long as it is current. */
  async function restore(myEpoch: number, assignment: ReadonlyArray<{ topic: TIn; partition: number }>): Promise<void> {
    const isCurrent = (): boolean => epoch === myEpoch && !stopping.signal.aborted
    const { onAssigned } = options
    // A state must not be read back while rows made of it are still on their way.
    await slicesInFlight.settled()
    for (let attempt = 1; isCurrent(); attempt++) {
      try {
        if (onAssigned) {
          const offsets = await committedOffsets(assignment)
          await exclusive(async () => (isCurrent() ? onAssigned(offsets) : undefined))
        }
        if (!isCurrent()) return
        stuckOn = null
        state = 'running'
        return
      } catch (error) {
        if (!isTransient(error) && !isKafkaError(error)) {
          fail(error)
          throw Object.assign(new Error('state could not be restored', { cause: error }), { retriable: false })
        }
        setStuck(`restoring state: ${messageOf(error)}`)
        log.warn({ attempt, reason: messageOf(error) }, 'cannot restore state; retrying')
        await pause(backoffMs(attempt), stopping.signal)
      }
    }
  }

  async function committedOffsets(assignment: ReadonlyArray<{ topic: TIn; partition: number }>) {
    if (assignment.length === 0) return []
    const admin = kafka.admin({ retry: { ...RETRY, retries: 5 } })
    await admin.connect()
    try {
      const owned = [...new Set(assignment.map(({ topic }) => onBroker(config, topic)))]
      const byTopic = new Map((await admin.fetchOffsets({ groupId, topics: owned })).map((row) => [row.topic, row.partitions]))
      return assignment.map(({ topic, partition }) => {
        const text = byTopic.get(onBroker(config, topic))?.find((row) => row.partition === partition)?.offset
        const nextOffset = text === undefined ? -1 : Number(text)
        return { topic, partition, nextOffset: nextOffset < 0 ? null : nextOffset }
      })
    } finally {
      await admin.disconnect()
    }
  }

  function setStuck(reason: string | null): void {
    lastProgress = Date.now()
    stuckOn = reason === null ? null : { reason, since: stuckOn?.since ?? Date.now() }
  }

  async function handleBatch(payload: EachBatchPayload): Promise<void> {
    if (stopping.signal.aborted) return
    const { batch } = payload
    const topic = fromBroker(config, batch.topic) as TIn
    const myEpoch = epoch
    let lost: unknown = null
    const isOurs = (): boolean => lost === null && epoch === myEpoch && payload.isRunning() && !payload.isStale()
    const isWanted = (): boolean => isOurs() && !stopping.signal.aborted
    const beat = async (): Promise<void> => {
      try {
        await payload.heartbeat()
      } catch (error) {
        // Only an answer from the group means that the partition is gone; a broken connection may come back in time.
        if (isMembershipError(error)) lost ??= error
        else log.debug({ reason: messageOf(error) }, 'heartbeat failed')
      }
    }
    lastProgress = Date.now()
    const partition = `${batch.topic}|${batch.partition}`
    reading.begun(partition)
    const timer = setInterval(() => {
      if (Date.now() - lastProgress < STUCK_LIMIT_MS) void beat()
    }, HEARTBEAT_TICK_MS)
    const guard: BatchGuard = {
      check() {
        lastProgress = Date.now()
        if (!isOurs()) throw new BatchAbandoned('reassigned')
      },
      checkBeforeSlice() {
        if (!isWanted()) throw new BatchAbandoned('stopping or reassigned')
      },
      async heartbeat() {
        lastProgress = Date.now()
        await beat()
        if (!isOurs()) throw new BatchAbandoned('reassigned')
      },
      passed(offset) {
        lastProgress = Date.now()
        payload.resolveOffset(offset)
      },
      acknowledged(offset) {
        lastProgress = Date.now()
        const isLast = offset === batch.messages.at(-1)?.offset
        const next = (isLast ? BigInt(batch.lastOffset()) : BigInt(offset)) + 1n
        committer.remember(batch.topic, batch.partition, next)
        metrics.lag(topic, batch.partition, Math.max(0, Number(BigInt(batch.highWatermark) - next)))
      },
      async backOff(attempt) {
        const until = Date.now() + backoffMs(attempt, BACKOFF)
        while (Date.now() < until && isWanted()) await pause(Math.min(250, until - Date.now()), stopping.signal)
        if (!isWanted()) throw new BatchAbandoned('stopping or reassigned')
      },
      stuck: setStuck,
    }
    try {
      await assigned
      guard.check()
      await runner.run(
        {
          topic,
          partition: batch.partition,
          messages: batch.messages,
          highWatermark: Number(batch.highWatermark),
        },
        guard,
      )
      if (isOurs() && BigInt(batch.lastOffset()) + 1n >= BigInt(batch.highWatermark)) reading.reachedEnd(partition)
    } catch (error) {
      if (!(error instanceof BatchAbandoned)) {
        fail(error)
        // Not retriable: kafkajs must end this consumer, not run the batch again.
        throw Object.assign(new Error(`processor ${name} failed: ${messageOf(error)}`), { retriable: false })
      }
    } finally {
      clearInterval(timer)
    }
    // kafkajs asks next, and then rejoins at once: whoever takes a partition over must find what we made of it, not have it come afterwards.
    if (lost === null) await beat()
    if (lost !== null) {
      await slicesInFlight.settled()
      await committer.flush()
      throw lost
    }
  }
}

function isMembershipError(error: unknown): boolean {
  const type = (error as { type?: unknown }).type
  return (
    type === 'REBALANCE_IN_PROGRESS' ||
    type === 'ILLEGAL_GENERATION' ||
    type === 'UNKNOWN_MEMBER_ID' ||
    type === 'NOT_COORDINATOR_FOR_GROUP'
  )
}

function isKafkaError(error: unknown): boolean {
  return error instanceof Error && error.name.startsWith('KafkaJS')
}
