/** kafkajs without the product around it: windows in memory, JSON in and out, acknowledged sends before offsets are committed beside the loop. */
import kafkajs from 'kafkajs'
import { createWindow, featuresAfter, type PeerObservation, type Window } from './job.ts'

const COMMIT_MS = 200
const HOUR_MS = 3_600_000
const { KAFKA_BROKERS, PEER_SOURCE, PEER_TARGET, PEER_GROUP } = process.env as Record<string, string>
const kafka = new kafkajs.Kafka({ brokers: [KAFKA_BROKERS as string], logLevel: kafkajs.logLevel.ERROR })
const producer = kafka.producer({ idempotent: true, maxInFlightRequests: 1 })
const consumer = kafka.consumer({ groupId: PEER_GROUP as string, maxWaitTimeInMs: 250 })
const windows = new Map<string, Window>()
const done = new Map<number, string>()

await Promise.all([producer.connect(), consumer.connect()])
await consumer.subscribe({ topics: [PEER_SOURCE as string], fromBeginning: true })
await consumer.run({
  autoCommit: false,
  eachBatchAutoResolve: false,
  partitionsConsumedConcurrently: 3,
  eachBatch: async ({ batch, resolveOffset }) => {
    const messages = batch.messages.map(({ key, value }) => {
      const observation = JSON.parse(String(value)) as PeerObservation
      let window = windows.get(observation.stationId)
      if (window === undefined) windows.set(observation.stationId, (window = createWindow()))
      const values = featuresAfter(window, observation)
      return { key, value: JSON.stringify({ stationId: observation.stationId, validAt: window.newestHour * HOUR_MS, values }) }
    })
    await producer.send({ topic: PEER_TARGET as string, messages, acks: -1 })
    resolveOffset(batch.lastOffset())
    done.set(batch.partition, String(BigInt(batch.lastOffset()) + 1n))
  },
})
const timer = setInterval(() => {
  const offsets = [...done].map(([partition, offset]) => ({ topic: PEER_SOURCE as string, partition, offset }))
  done.clear()
  // What is not committed is read again.
  if (offsets.length > 0) consumer.commitOffsets(offsets).catch(() => undefined)
}, COMMIT_MS)
process.on('SIGTERM', () => {
  clearInterval(timer)
  void consumer
    .disconnect()
    .then(() => producer.disconnect())
    .then(() => process.exit(0))
})
