/**
 * The one door to RabbitMQ. Confirmed, mandatory publishes; consumers and topology are rebuilt after every reconnect, because
 * channels do not survive one. Delivery is at least once: a message is acknowledged only after its handler has resolved.
 */
import { type ChannelModel, type ConfirmChannel, type ConsumeMessage, type RecoveringChannelModel, connect } from 'amqplib'
import { backoffMs, pause } from '../backoff.ts'
import { AppError, messageOf } from '../errors.ts'
import type { Logger } from '../log.ts'
import { type ConfirmedPublisher, type PublishOptions, createConfirmedPublisher } from './publish.ts'

export type { PublishOptions } from './publish.ts'
export type { ConfirmChannel as RabbitChannel } from 'amqplib'

export type RabbitMessage = {
  readonly body: Buffer
  readonly routingKey: string
  readonly exchange: string
  readonly headers: Readonly<Record<string, unknown>>
  readonly messageId: string | undefined
  readonly contentType: string | undefined
  readonly redelivered: boolean
}

export type ConsumeOptions = {
  /** Messages handed out and not yet acknowledged at most. Default 10. */
  readonly prefetch?: number
}

export type Rabbit = {
  /** Resolves when the broker has taken responsibility. Rejects AppError transient `amqp-unavailable`, permanent `amqp-unroutable`. */
  publish(exchange: string, routingKey: string, body: Buffer | string, options?: PublishOptions): Promise<void>
  /**
   * Runs the handler for each message, after a reconnect too. Resolved: ack. Rejected: waits (longer for each failure in a row), then
   * nack with requeue for a transient AppError, which a quorum queue counts towards its delivery limit; without requeue for anything
   * else, which dead-letters it.
   */
  consume(queue: string, handler: (message: RabbitMessage) => Promise<void>, options?: ConsumeOptions): Promise<void>
  isConnected(): boolean
  readiness(): { ready: true } | { ready: false; reason: string }
  /** Stops consuming, lets handlers that run end, closes. */
  close(): Promise<void>
}

export type OpenRabbitOptions = {
  /** Declares exchanges, queues, bindings; runs before anything else after each connect. */
  readonly setup: (channel: ConfirmChannel) => Promise<void>
  readonly log: Logger
}

type Consumer = { queue: string; handler: (message: RabbitMessage) => Promise<void>; prefetch: number }

const REQUEUE_DELAY = { initialMs: 500, maxMs: 10_000 }
const CLOSE_TIMEOUT_MS = 5000

/** Resolves at once; connecting goes on beside, see readiness(). Publishes wait for nobody: without a connection they reject. */
export async function openRabbit(url: string, options: OpenRabbitOptions): Promise<Rabbit> {
  const { setup, log } = options
  const consumers: Consumer[] = []
  const running = new Set<Promise<void>>()
  const channels = new Set<ConfirmChannel>()
  const closing = new AbortController()
  const publisher: ConfirmedPublisher = createConfirmedPublisher(log)
  /** The connection that lives now; channels of earlier ones are left alone. */
  let current: ChannelModel | null = null
  let lastError = 'not connected yet'
  let failuresInARow = 0

  const model: RecoveringChannelModel = await connect(url, {
    recovery: {
      waitForConnect: false,
      initialDelay: 200,
      maxDelay: 5000,
      async setup(connection: ChannelModel) {
        current = connection
        // amqplib listens only after setup; an error before that would end the process.
        connection.on('error', (error: Error) => log.warn({ reason: messageOf(error) }, 'RabbitMQ connection error'))
        await openPublishing(connection)
        for (const consumer of consumers) await attach(connection, consumer)
      },
    },
  })
  model.on('connect', () => log.info('RabbitMQ connected'))
  model.on('disconnect', (error: Error) => disconnected(error))
  model.on('connect-failed', (error: Error) => disconnected(error))
  model.on('error', (error: Error) => disconnected(error))

  return {
    publish: (exchange, routingKey, body, publishOptions) =>
      closing.signal.aborted
        ? Promise.reject(new AppError('RabbitMQ connection is closed', { code: 'amqp-unavailable', retry: 'transient' }))
        : publisher.publish(exchange, routingKey, body, publishOptions),
    async consume(queue, handler, { prefetch = 10 } = {}) {
      const consumer = { queue, handler, prefetch }
      consumers.push(consumer)
      // Connected already: setup has run without this consumer. Otherwise setup will attach it.
      if (current && publisher.isOpen()) await attach(current, consumer)
    },
    isConnected: () => publisher.isOpen(),
    readiness: () => (publisher.isOpen() ? { ready: true } : { ready: false, reason: `RabbitMQ: ${lastError}` }),
    async close() {
      if (closing.signal.aborted) return
      closing.abort()
      await Promise.race([Promise.allSettled([...running, publisher.drained()]), pause(CLOSE_TIMEOUT_MS)])
      publisher.lost(new Error('closed'))
      // Channel by channel, with an answer each: a connection that is closed at once may drop acknowledgements on their way.
      const closed = Promise.allSettled(Array.from(channels, (channel) => channel.close()))
      await Promise.race([closed, pause(CLOSE_TIMEOUT_MS)])
      await Promise.race([model.close(), pause(CLOSE_TIMEOUT_MS)])
    },
  }

  function disconnected(error: Error): void {
    lastError = messageOf(error)
    current = null
    if (!closing.signal.aborted) log.warn({ reason: lastError }, 'RabbitMQ connection lost; reconnecting')
    publisher.lost(error)
  }

  /** A channel; when the server closes it but leaves the connection, `reopen` is called after a pause. */
  async function openChannel(connection: ChannelModel, reopen: () => Promise<void>): Promise<ConfirmChannel> {
    const channel = await connection.createConfirmChannel()
    channel.on('error', (error: Error) => {
      lastError = messageOf(error)
      log.error({ reason: lastError }, 'RabbitMQ closed a channel')
    })
    channel.on('handler-error', (error: unknown) => log.error({ error }, 'a RabbitMQ listener threw'))
    channels.add(channel)
    channel.on('close', () => {
      channels.delete(channel)
      publisher.lost(new Error('channel closed'), channel)
      void recover(connection, reopen)
    })
    return channel
  }

  async function recover(connection: ChannelModel, reopen: () => Promise<void>): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      await pause(backoffMs(attempt, REQUEUE_DELAY), closing.signal)
      if (closing.signal.aborted || current !== connection) return
      try {
        await reopen()
        return
      } catch (error) {
        // A channel that could be opened but not set up has closed itself by now, and that starts its own recovery.
        if (error instanceof SetupFailed) return
        lastError = messageOf(error)
        log.warn({ attempt, reason: lastError }, 'cannot reopen a RabbitMQ channel; retrying')
      }
    }
  }

  async function openPublishing(connection: ChannelModel): Promise<void> {
    const channel = await openChannel(connection, () => openPublishing(connection))
    await set(() => setup(channel))
    publisher.use(channel)
  }

  async function attach(connection: ChannelModel, consumer: Consumer): Promise<void> {
    const channel = await openChannel(connection, () => attach(connection, consumer))
    await set(() => subscribe(channel, consumer))
  }

  async function set(work: () => Promise<void>): Promise<void> {
    try {
      await work()
    } catch (error) {
      throw new SetupFailed(messageOf(error), { cause: error })
    }
  }

  async function subscribe(channel: ConfirmChannel, consumer: Consumer): Promise<void> {
    await channel.prefetch(consumer.prefetch)
    await channel.consume(consumer.queue, (message) => {
      if (message === null) {
        log.error({ queue: consumer.queue }, 'queue was deleted; nothing will be consumed until the next reconnect')
        return
      }
      const work = handle(channel, consumer, message)
      running.add(work)
      void work.finally(() => running.delete(work))
    })
  }

  async function handle(channel: ConfirmChannel, { queue, handler }: Consumer, message: ConsumeMessage): Promise<void> {
    // Not acknowledged: the broker gives it to somebody else once this connection ends.
    if (closing.signal.aborted) return
    try {
      await handler(toRabbitMessage(message))
      failuresInARow = 0
      settle(() => channel.ack(message))
    } catch (error) {
      failuresInARow += 1
      const requeue = error instanceof AppError && error.retry === 'transient'
      log.error({ error, queue, requeue }, 'message handler failed')
      // The wait is what keeps a failing handler from spinning; prefetch bounds how many wait.
      await pause(backoffMs(failuresInARow, REQUEUE_DELAY), closing.signal)
      settle(() => channel.nack(message, false, requeue))
    }
  }

  /** Answering on a channel that died meanwhile throws; the broker redelivers then anyway. */
  function settle(answer: () => void): void {
    try {
      answer()
    } catch (error) {
      log.warn({ reason: messageOf(error) }, 'could not answer for a message; it will be redelivered')
    }
  }
}

class SetupFailed extends Error {
  override readonly name = 'SetupFailed'
}

function toRabbitMessage({ content, fields, properties }: ConsumeMessage): RabbitMessage {
  return {
    body: content,
    routingKey: fields.routingKey,
    exchange: fields.exchange,
    headers: properties.headers ?? {},
    messageId: properties.messageId as string | undefined,
    contentType: properties.contentType as string | undefined,
    redelivered: fields.redelivered,
  }
}
