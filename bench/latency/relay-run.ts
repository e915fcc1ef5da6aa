/** Sends paced messages through the relay of relay.ts and times them. */
import { fileURLToPath } from 'node:url'
import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import kafkajs from 'kafkajs'
import { startNode } from '../shared/processes.ts'
import type { BenchEnvironment } from '../shared/servers.ts'

const RELAY = fileURLToPath(new URL('relay.ts', import.meta.url))
const PARTITIONS = 6
/** About an observation. */
const VALUE = Buffer.alloc(200, 1)

/** Milliseconds from send to arrival behind four topics, of the messages after the warm-up. */
export async function timeRelay(
  env: BenchEnvironment,
  pace: (send: (n: number) => Promise<void>) => Promise<void>,
  warmUp: number,
): Promise<number[]> {
  const prefix = `bench${randomUUID().slice(0, 8)}.`
  const kafka = new kafkajs.Kafka({ brokers: [env['KAFKA_BROKERS'] as string], logLevel: kafkajs.logLevel.NOTHING })
  const admin = kafka.admin()
  await admin.connect()
  await admin.createTopics({
    topics: [0, 1, 2, 3].map((hop) => ({ topic: `${prefix}relay-${hop}`, numPartitions: PARTITIONS })),
  })
  await admin.disconnect()
  const relay = startNode([RELAY], { ...env, RELAY_PREFIX: prefix })
  const producer = kafka.producer({ idempotent: true, maxInFlightRequests: 1 })
  const consumer = kafka.consumer({ groupId: `${prefix}watch`, maxWaitTimeInMs: 250 })
  try {
    await Promise.all([producer.connect(), consumer.connect()])
    await consumer.subscribe({ topics: [`${prefix}relay-3`], fromBeginning: true })
    const sentAt = new Map<string, number>()
    const latencies: number[] = []
    await consumer.run({
      autoCommit: false,
      eachMessage: ({ message }) => {
        const n = message.key?.toString() ?? ''
        const from = sentAt.get(n)
        if (from !== undefined && Number(n) >= warmUp) latencies.push(performance.now() - from)
        sentAt.delete(n)
        return Promise.resolve()
      },
    })
    // What comes due during a send goes out with the next, as the product's publisher does.
    let waiting: Array<{ key: string; value: Buffer }> = []
    let sending: Promise<void> | null = null
    const pump = async (): Promise<void> => {
      while (waiting.length > 0) {
        const messages = waiting
        waiting = []
        await producer.send({ topic: `${prefix}relay-0`, messages, acks: -1 })
      }
      sending = null
    }
    await Promise.race([
      relay.failed,
      pace(async (n) => {
        sentAt.set(String(n), performance.now())
        waiting.push({ key: String(n), value: VALUE })
        await (sending ??= pump())
      }),
    ])
    const deadline = performance.now() + 30_000
    while (sentAt.size > 0 && performance.now() < deadline) await sleep(50)
    if (sentAt.size > 0) throw new Error(`${sentAt.size} messages did not come through the relay`)
    return latencies
  } finally {
    await consumer.disconnect()
    await producer.disconnect()
    await relay.stop()
  }
}
