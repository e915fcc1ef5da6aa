// Bridge → real RabbitMQ → worker → receiver, with the connection to the broker cut in the middle.
import { randomUUID } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { connect } from 'amqplib'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { isTransient } from '../../infra/runtime/errors.ts'
import type { OutboundEvent } from '../../infra/runtime/kafka/types.ts'
import { openRabbit, type Rabbit } from '../../infra/runtime/rabbitmq/index.ts'
import { openFaultProxy } from '../../infra/runtime/testing/fault-proxy.ts'
import { testLog, until } from '../../infra/runtime/testing/fixtures.ts'
import type { AlertDelivery } from '../../schemas/generated/types.ts'
import { stackUrls } from '../../infra/runtime/testing/stack-urls.ts'
import { createMemory } from '../../infra/runtime/state/index.ts'
import type { Notification } from '../shared/notification.ts'
import { alert, at } from '../testing/events.ts'
import { createSlackTransport } from '../transports/slack.ts'
import type { Delivered, Transport } from '../transports/transport.ts'
import { createWorker } from '../transports/worker.ts'
import { createBridge } from './bridge.ts'
import { alertTopology, declareTopology, RETRY_TIERS_MS, type Topology } from './topology.ts'

const byText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)

let topology: Topology
let cleanUps: Array<() => Promise<unknown> | void>

beforeEach(() => {
  topology = alertTopology(`test-${randomUUID().slice(0, 8)}`, ['slack'])
  cleanUps = []
})
afterEach(async () => {
  for (const cleanUp of cleanUps.reverse()) await cleanUp()
  const connection = await connect(stackUrls().amqpUrl)
  const channel = await connection.createChannel()
  await channel.deleteQueue(topology.deadQueue)
  await channel.deleteQueue(topology.queueOf('slack'))
  for (const tierMs of RETRY_TIERS_MS) await channel.deleteQueue(topology.retryQueueOf('slack', tierMs))
  await channel.deleteExchange(topology.exchange)
  await channel.deleteExchange(topology.deadExchange)
  await connection.close()
})

async function open(url = stackUrls().amqpUrl): Promise<Rabbit> {
  const rabbit = await openRabbit(url, { log: testLog, setup: (channel) => declareTopology(channel, topology) })
  cleanUps.push(() => rabbit.close())
  await until('RabbitMQ is connected', () => rabbit.isConnected())
  return rabbit
}

function kit(rabbit: Rabbit, transport: Transport, maxAttempts = 10) {
  const facts: AlertDelivery[] = []
  const publisher = {
    publish: async (events: ReadonlyArray<OutboundEvent | { value: null }>) =>
      void facts.push(...events.map(({ value }) => value as AlertDelivery)),
  }
  let version = 0
  const memory = createMemory('alert-transports', () => ++version)
  const worker = createWorker({
    transport,
    rabbit,
    publisher,
    memory,
    store: async () => undefined,
    topology,
    maxAttempts,
    wallNow: Date.now,
  })
  const bridge = createBridge({ rabbit, publisher, topology, wallNow: Date.now })
  return { facts, worker, bridge, states: () => facts.map(({ state, attempt }) => `${state} ${attempt}`) }
}

function notification(messageId: string, alertId = messageId, sequence = 1): Notification {
  const { causedBy: _, ...rest } = alert({ alertId, sequence })
  return {
    messageId,
    threadId: messageId,
    opensThread: true,
    groupLabels: {},
    state: 'firing',
    severity: 'warning',
    cause: 'first',
    decidedAt: at(0),
    alerts: [rest],
  }
}

function recording(
  answer: (n: Notification) => Delivered = () => ({ ok: true, detail: 'ok' }),
): Transport & { received: Notification[] } {
  const received: Notification[] = []
  return {
    channel: 'slack',
    received,
    async deliver(n) {
      received.push(n)
      return answer(n)
    },
  }
}

async function deadMessages(): Promise<Array<{ body: string; headers: Record<string, unknown> }>> {
  const connection = await connect(stackUrls().amqpUrl)
  const channel = await connection.createChannel()
  const found = []
  for (let message = await channel.get(topology.deadQueue); message !== false; message = await channel.get(topology.deadQueue)) {
    found.push({ body: message.content.toString(), headers: message.properties.headers ?? {} })
    channel.ack(message)
  }
  await connection.close()
  return found
}

it('a Slack that answers 429, then 500, then 200 gets the message at the third attempt, after the asked wait', async () => {
  const times: number[] = []
  const answers = [
    { status: 429, headers: { 'retry-after': '1' } },
    { status: 500, headers: {} },
  ]
  const server = createServer((request, response) => {
    request.resume()
    request.on('end', () => {
      times.push(Date.now())
      const { status, headers } = answers[times.length - 1] ?? { status: 200, headers: {} }
      response.writeHead(status, headers).end('ok')
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  cleanUps.push(() => new Promise((resolve) => server.close(resolve)))
  const rabbit = await open()
  const slack = createSlackTransport({ kind: 'webhook', url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/` })
  const { bridge, worker, states, facts } = kit(rabbit, slack)
  await rabbit.consume(topology.queueOf('slack'), worker, { prefetch: 1 })
  await bridge.send(notification('m1'))
  await until('sent', () => states().includes('sent 3'))
  expect(states()).toEqual(['queued 0', 'retrying 1', 'retrying 2', 'sent 3'])
  expect(facts.map(({ detail }) => detail?.slice(0, 3) ?? null)).toEqual([null, '429', '500', 'web'])
  expect((times[1] ?? 0) - (times[0] ?? 0)).toBeGreaterThanOrEqual(1000)
  expect((times[2] ?? 0) - (times[1] ?? 0)).toBeGreaterThanOrEqual(10_000)
})

it('what is refused for good, or too often, or is no notification ends in the dead queue with the reason', async () => {
  const rabbit = await open()
  const transport = recording(({ messageId }) => ({
    ok: false,
    retry: messageId === 'final' ? 'permanent' : 'transient',
    detail: `no ${messageId}`,
  }))
  const { bridge, worker, states } = kit(rabbit, transport, 2)
  await rabbit.consume(topology.queueOf('slack'), worker, { prefetch: 1 })
  await bridge.send(notification('final'))
  await bridge.send(notification('passing'))
  await rabbit.publish(topology.exchange, topology.channelKey('slack'), 'garbage')
  await until('given up', () => states().filter((state) => state.startsWith('dead')).length === 2)
  const dead: Array<{ body: string; headers: Record<string, unknown> }> = []
  await until('three dead messages', async () => dead.push(...(await deadMessages())) === 3)
  expect(dead.map(({ headers }) => String(headers['reason'])).sort(byText)).toEqual([
    'no final',
    'no passing',
    'not a notification',
  ])
  expect([...states()].sort(byText)).toEqual(['dead 1', 'dead 2', 'queued 0', 'queued 0', 'retrying 1'])
})

it(
  'a handler that dies every time cannot spin for ever: the delivery limit sends its message to the dead queue',
  { timeout: 180_000 },
  async () => {
    const connection = await connect(stackUrls().amqpUrl)
    cleanUps.push(() => connection.close())
    const channel = await connection.createChannel()
    const rabbit = await open()
    const { bridge } = kit(rabbit, recording())
    let deliveries = 0
    await channel.consume(topology.queueOf('slack'), (message) => {
      deliveries += 1
      if (message) channel.nack(message, false, true)
    })
    await bridge.send(notification('m1'))
    const dead: unknown[] = []
    await until('dead-lettered', async () => dead.push(...(await deadMessages())) === 1)
    expect(deliveries).toBe(21)
  },
)

it('an older state that a retry delivers late is dropped, and says so', async () => {
  const rabbit = await open()
  const transport = recording()
  const { bridge, worker, facts } = kit(rabbit, transport)
  await rabbit.consume(topology.queueOf('slack'), worker, { prefetch: 1 })
  await bridge.send(notification('newer', 'a1', 2))
  await bridge.send(notification('older', 'a1', 1))
  await until('both settled', () => facts.filter(({ state }) => state !== 'queued').length === 2)
  expect(transport.received.map(({ messageId }) => messageId)).toEqual(['newer'])
  expect(facts.find(({ messageId, state }) => messageId === 'older' && state === 'dead')?.detail).toContain('superseded')
})

it(
  'the connection to RabbitMQ cut again and again in the middle: nothing is lost, nothing is told twice',
  { timeout: 120_000 },
  async () => {
    const { hostname, port } = new URL(stackUrls().amqpUrl)
    const proxy = await openFaultProxy({ host: hostname, port: Number(port) })
    cleanUps.push(() => proxy.close())
    const url = new URL(stackUrls().amqpUrl)
    url.port = String(proxy.port)
    const rabbit = await open(url.href)
    const transport = recording()
    const { bridge, worker, facts } = kit(rabbit, transport)
    await rabbit.consume(topology.queueOf('slack'), worker, { prefetch: 1 })
    const ids = Array.from({ length: 300 }, (_, i) => `m${i}`)
    let cuts = 0
    let repeats = 0
    for (const [i, id] of ids.entries()) {
      if (i % 60 === 30) {
        proxy.break()
        cuts += 1
        setTimeout(() => proxy.restore(), 300)
      }
      // As the processor does with a transient failure: again, with the same id.
      for (;;) {
        try {
          await bridge.send(notification(id))
          break
        } catch (error) {
          if (!isTransient(error)) throw error
          repeats += 1
          await new Promise((resolve) => setTimeout(resolve, 100))
        }
      }
    }
    await until(
      'everything has arrived',
      () => new Set(transport.received.map(({ messageId }) => messageId)).size === ids.length,
      60_000,
    )
    expect(cuts).toBe(5)
    expect(repeats).toBeGreaterThan(0)
    expect(transport.received.map(({ messageId }) => messageId).sort(byText)).toEqual([...ids].sort(byText))
    await until(
      'every sent is told',
      () => new Set(facts.filter(({ state }) => state === 'sent').map(({ messageId }) => messageId)).size === ids.length,
    )
  },
)
