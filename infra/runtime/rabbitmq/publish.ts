/** Publishes with confirm and `mandatory`: a message nobody is bound for is an error, not a silent loss. */
import type { ConfirmChannel, Message, Options } from 'amqplib'
import { randomUUID } from 'node:crypto'
import { AppError } from '../errors.ts'
import type { Logger } from '../log.ts'

export type PublishOptions = {
  readonly headers?: Readonly<Record<string, unknown>>
  readonly messageId?: string
  readonly contentType?: string
  /** Milliseconds after which the broker expires the message (to its dead-letter exchange). */
  readonly expirationMs?: number
}

export type ConfirmedPublisher = {
  publish(exchange: string, routingKey: string, body: Buffer | string, options?: PublishOptions): Promise<void>
  /** A channel to publish on from now. */
  use(channel: ConfirmChannel): void
  /** The channel died (any, or this one): everything unconfirmed rejects as transient. */
  lost(reason: Error, channel?: ConfirmChannel): void
  isOpen(): boolean
  drained(): Promise<void>
}

const RETURN_HEADER = 'isobar-publish-id'

type Waiting = {
  resolve: () => void
  reject: (error: AppError) => void
  returned: string | null
  exchange: string
  routingKey: string
}

export function createConfirmedPublisher(log: Logger): ConfirmedPublisher {
  let channel: ConfirmChannel | null = null
  const waiting = new Map<string, Waiting>()
  let idle = Promise.withResolvers<void>()
  idle.resolve()

  const finish = (id: string, error: AppError | null): void => {
    const entry = waiting.get(id)
    if (!entry) return
    waiting.delete(id)
    if (error) entry.reject(error)
    else entry.resolve()
    if (waiting.size === 0) idle.resolve()
  }

  /** The broker returns an unroutable message before it confirms it. */
  const onReturn = (message: Message): void => {
    const id = message.properties.headers?.[RETURN_HEADER] as string | undefined
    const entry = id === undefined ? undefined : waiting.get(id)
    const { replyText } = message.fields as unknown as { replyText?: string }
    if (entry) entry.returned = replyText ?? 'returned'
    else log.error({ replyText }, 'RabbitMQ returned a message that nobody waits for')
  }

  return {
    use(next) {
      channel = next
      next.on('return', onReturn)
    },
    lost(reason, dead) {
      if (dead && dead !== channel) return
      channel = null
      for (const id of Array.from(waiting.keys()))
        finish(id, unavailable(`connection lost before the confirm: ${reason.message}`, reason))
    },
    isOpen: () => channel !== null,
    drained: () => idle.promise,
    publish(exchange, routingKey, body, options = {}) {
      const open = channel
      if (!open) return Promise.reject(unavailable('RabbitMQ is not connected'))
      return new Promise((resolve, reject) => {
        const id = randomUUID()
        if (waiting.size === 0) idle = Promise.withResolvers<void>()
        waiting.set(id, { resolve, reject, returned: null, exchange, routingKey })
        const properties: Options.Publish = {
          mandatory: true,
          persistent: true,
          contentType: options.contentType ?? 'application/json',
          messageId: options.messageId ?? id,
          headers: { ...options.headers, [RETURN_HEADER]: id },
          ...(options.expirationMs === undefined ? {} : { expiration: String(options.expirationMs) }),
        }
        try {
          open.publish(exchange, routingKey, Buffer.from(body), properties, (error: unknown) => {
            const returned = waiting.get(id)?.returned ?? null
            if (error) finish(id, unavailable('RabbitMQ refused the message', error))
            else if (returned !== null) finish(id, unroutable(exchange, routingKey, returned))
            else finish(id, null)
          })
        } catch (error) {
          // amqplib throws synchronously on a channel that is closing.
          finish(id, unavailable('RabbitMQ channel is closed', error))
        }
      })
    },
  }
}

function unavailable(message: string, cause?: unknown): AppError {
  return new AppError(message, { code: 'amqp-unavailable', retry: 'transient', ...(cause === undefined ? {} : { cause }) })
}

function unroutable(exchange: string, routingKey: string, detail: string): AppError {
  return new AppError(`no queue takes ${routingKey} of exchange ${exchange} (${detail})`, {
    code: 'amqp-unroutable',
    retry: 'permanent',
    context: { exchange, routingKey },
  })
}
