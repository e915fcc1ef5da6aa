import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { AppError } from '../errors.ts'
import { type FaultProxy, openFaultProxy } from '../testing/fault-proxy.ts'
import { testLog, until } from '../testing/fixtures.ts'
import { type Rabbit, type RabbitMessage, openRabbit } from './index.ts'

const target = new URL(process.env['AMQP_URL'] ?? 'amqp://unset')
let proxy: FaultProxy
let exchange: string
let queue: string
let deadQueue: string
let setups: number
let open: Rabbit[]

beforeEach(async () => {
  proxy = await openFaultProxy({ host: target.hostname, port: Number(target.port) })
  const id = randomUUID().slice(0, 8)
  exchange = `test-${id}`
  queue = `test-${id}-work`
  deadQueue = `test-${id}-dead`
  setups = 0
  open = []
})
afterEach(async () => {
  proxy.restore()
  for (const rabbit of open) await rabbit.close()
  const cleaner = await openRabbit(target.href, {
    log: testLog,
    setup: async (channel) => {
      await channel.deleteQueue(queue)
      await channel.deleteQueue(deadQueue)
      await channel.deleteExchange(exchange)
      await channel.deleteExchange(`${exchange}-dead`)
    },
  })
  await until('cleaned', () => cleaner.isConnected())
  await cleaner.close()
  await proxy.close()
})

async function connect(): Promise<Rabbit> {
  const url = new URL(target)
  url.hostname = '127.0.0.1'
  url.port = String(proxy.port)
  const rabbit = await openRabbit(url.href, {
    log: testLog,
    setup: async (channel) => {
      setups += 1
      await channel.assertExchange(exchange, 'topic', { durable: true })
      await channel.assertExchange(`${exchange}-dead`, 'fanout', { durable: true })
      await channel.assertQueue(deadQueue, { durable: true })
      await channel.bindQueue(deadQueue, `${exchange}-dead`, '')
      await channel.assertQueue(queue, {
        durable: true,
        arguments: { 'x-queue-type': 'quorum', 'x-delivery-limit': 3, 'x-dead-letter-exchange': `${exchange}-dead` },
      })
      await channel.bindQueue(queue, exchange, 'work.#')
    },
  })
  open.push(rabbit)
  await until('connected', () => rabbit.isConnected())
  return rabbit
}
const collect = (into: string[]) => (message: RabbitMessage) => Promise.resolve(void into.push(message.body.toString()))

it('publishes with confirm and consumes with headers and id', async () => {
  const rabbit = await connect()
  const seen: RabbitMessage[] = []
  await rabbit.consume(queue, (message) => Promise.resolve(void seen.push(message)))
  await rabbit.publish(exchange, 'work.slack', JSON.stringify({ a: 1 }), { headers: { attempt: 2 }, messageId: 'm-1' })
  await until('received', () => seen.length === 1)
  expect(seen[0]).toMatchObject({
    routingKey: 'work.slack',
    messageId: 'm-1',
    contentType: 'application/json',
    redelivered: false,
  })
  expect(seen[0]?.headers['attempt']).toBe(2)
  expect(JSON.parse(seen[0]?.body.toString() ?? '')).toEqual({ a: 1 })
  expect(rabbit.readiness()).toEqual({ ready: true })
})

it('rejects as permanent what no queue is bound for, and keeps confirming the rest', async () => {
  const rabbit = await connect()
  await expect(rabbit.publish(exchange, 'nobody', 'x')).rejects.toMatchObject({ code: 'amqp-unroutable', retry: 'permanent' })
  await rabbit.publish(exchange, 'work.ok', 'y')
})

it('survives lost connections: rejects as transient meanwhile, rebuilds topology and consumers, loses nothing confirmed', async () => {
  const rabbit = await connect()
  const seen: string[] = []
  await rabbit.consume(queue, collect(seen))
  await rabbit.publish(exchange, 'work', 'before')
  proxy.break()
  await until('noticed', () => !rabbit.isConnected())
  expect(rabbit.readiness()).toMatchObject({ ready: false })
  await expect(rabbit.publish(exchange, 'work', 'meanwhile')).rejects.toMatchObject({
    code: 'amqp-unavailable',
    retry: 'transient',
  })
  await sleep(1000)
  proxy.restore()
  await until('connected again', () => rabbit.isConnected())
  await rabbit.publish(exchange, 'work', 'after')
  await until('both received', () => seen.includes('before') && seen.includes('after'))
  expect(setups).toBe(2)
})

it('reopens a channel that the server closed, without a new connection', async () => {
  const rabbit = await connect()
  const seen: string[] = []
  await rabbit.consume(queue, collect(seen))
  // Publishing to an exchange that does not exist closes the channel.
  await expect(rabbit.publish(`${exchange}-none`, 'x', 'x')).rejects.toMatchObject({ retry: 'transient' })
  await until('open again', () => rabbit.isConnected())
  await rabbit.publish(exchange, 'work', 'still here')
  await until('received', () => seen.includes('still here'))
})

it('redelivers after a transient failure, with pauses, until the delivery limit dead-letters', async () => {
  const rabbit = await connect()
  const attempts: number[] = []
  const dead: string[] = []
  await rabbit.consume(queue, () => {
    attempts.push(performance.now())
    return Promise.reject(new AppError('receiver is away', { code: 'away', retry: 'transient' }))
  })
  await rabbit.consume(deadQueue, collect(dead))
  await rabbit.publish(exchange, 'work', 'doomed')
  await until('dead-lettered', () => dead.length === 1)
  expect(attempts.length).toBe(4)
  const gaps = attempts.slice(1).map((at, index) => at - (attempts[index] as number))
  for (const gap of gaps) expect(gap).toBeGreaterThan(200)
})

it('dead-letters at once what fails in any other way, and goes on', async () => {
  const rabbit = await connect()
  const dead: string[] = []
  const seen: string[] = []
  await rabbit.consume(queue, (message) => {
    const text = message.body.toString()
    if (text === 'broken') return Promise.reject(new TypeError('broken'))
    seen.push(text)
    return Promise.resolve()
  })
  await rabbit.consume(deadQueue, collect(dead))
  await rabbit.publish(exchange, 'work', 'broken')
  await rabbit.publish(exchange, 'work', 'fine')
  await until('both settled', () => dead.length === 1 && seen.length === 1)
  expect([dead, seen]).toEqual([['broken'], ['fine']])
})

it('acknowledges only what was handled: a close in the middle redelivers', async () => {
  const first = await connect()
  const entered = Promise.withResolvers<void>()
  const release = Promise.withResolvers<void>()
  await first.consume(
    queue,
    async () => {
      entered.resolve()
      await release.promise
    },
    { prefetch: 1 },
  )
  await first.publish(exchange, 'work', 'in hand')
  await first.publish(exchange, 'work', 'waiting')
  await entered.promise
  const closing = first.close()
  release.resolve()
  await closing
  const second = await connect()
  const seen: string[] = []
  await second.consume(queue, collect(seen))
  await until('the rest is received', () => seen.includes('waiting'))
  expect(seen).toEqual(['waiting'])
})
