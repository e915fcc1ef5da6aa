/** The measure to hold the pipeline against: three plain kafkajs loops, topic 0 → 1 → 2 → 3, bytes as they are, commits in the background. */
import kafkajs from 'kafkajs'

const COMMIT_MS = 200
const prefix = process.env['RELAY_PREFIX'] as string
const kafka = new kafkajs.Kafka({ brokers: [process.env['KAFKA_BROKERS'] as string], logLevel: kafkajs.logLevel.NOTHING })
const producer = kafka.producer({ idempotent: true, maxInFlightRequests: 1 })
await producer.connect()
const consumers = await Promise.all([0, 1, 2].map(startHop))
process.on('SIGTERM', () => {
  void Promise.all(consumers.map((consumer) => consumer.disconnect()))
    .then(() => producer.disconnect())
    .then(() => process.exit(0))
})

async function startHop(hop: number) {
  const consumer = kafka.consumer({ groupId: `${prefix}relay-${hop}`, maxWaitTimeInMs: 250 })
  const done = new Map<number, string>()
  await consumer.connect()
  await consumer.subscribe({ topics: [`${prefix}relay-${hop}`], fromBeginning: true })
  await consumer.run({
    autoCommit: false,
    eachBatchAutoResolve: false,
    partitionsConsumedConcurrently: 3,
    eachBatch: async (payload) => {
      const { batch } = payload
      const messages = batch.messages.map(({ key, value, headers }) => ({ key, value, ...(headers ? { headers } : {}) }))
      await producer.send({ topic: `${prefix}relay-${hop + 1}`, messages, acks: -1 })
      payload.resolveOffset(batch.lastOffset())
      done.set(batch.partition, String(BigInt(batch.lastOffset()) + 1n))
    },
  })
  setInterval(() => {
    const offsets = [...done].map(([partition, offset]) => ({ topic: `${prefix}relay-${hop}`, partition, offset }))
    done.clear()
    // What is not committed is read again; the measure is of latency alone.
    if (offsets.length > 0) consumer.commitOffsets(offsets).catch(() => undefined)
  }, COMMIT_MS)
  return consumer
}
