/** Every peer over the same backlog of JSON observations, one after the other, each with its results checked. */
import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import kafkajs from 'kafkajs'
import { type Pace, shownPace, timeBacklog } from '../shared/backlog.ts'
import { type Figure, figure } from '../shared/figures.ts'
import { createObservations } from '../shared/observations.ts'
import type { BenchEnvironment } from '../shared/servers.ts'
import { createWindow, FEATURES, featuresAfter, type PeerObservation, type Window } from './job.ts'
import { findPeers, type Peer } from './programs.ts'

export const PEER_STATIONS = 100
/** As the topics of the product. */
const PARTITIONS = 6
const FILL_BATCH = 5000
const READ_MS = 30_000
const SETTLE_MS = 100
/** Windows are Float32; sums are added up in another order here and there. */
const TOLERANCE = 1e-3

/** Observations before the clock starts (compilers are warm then, every window is full), and those that are timed. */
type Counts = { readonly warmUp: number; readonly measured: number }
export const countsOf = (quick: boolean): Counts =>
  quick ? { warmUp: 20_000, measured: 80_000 } : { warmUp: 100_000, measured: 400_000 }

export type PeerPace = { readonly name: string; readonly pace: Pace }
type Expected = ReadonlyMap<string, ReadonlyArray<number | null>>

/** Peers that cannot run here are said, never assumed. */
export async function measurePeers(
  env: BenchEnvironment,
  { warmUp, measured: counted }: Counts,
  say: (line: string) => void,
): Promise<PeerPace[]> {
  const { peers, skipped } = findPeers(say)
  for (const { names, reason } of skipped) say(`skipped ${names.join(' and ')}: ${reason}`)
  const kafka = new kafkajs.Kafka({ brokers: (env['KAFKA_BROKERS'] as string).split(','), logLevel: kafkajs.logLevel.NOTHING })
  const id = `peers${randomUUID().slice(0, 8)}`
  const source = `${id}.observation`
  const total = warmUp + counted
  const admin = kafka.admin()
  await admin.connect()
  try {
    await createTopic(admin, source)
    const expected = await fill(kafka, source, total)
    const measured: PeerPace[] = []
    for (const peer of peers) {
      try {
        const pace = await measurePeer(peer, { kafka, admin, env, source, id, warmUp, total, expected })
        say(`${peer.name}: ${shownPace(pace)}`)
        measured.push({ name: peer.name, pace })
      } catch (error) {
        // What the product and the other peers were measured at stands without it.
        say(`left out ${peer.name}: ${(error as Error).message}`)
      }
    }
    return measured
  } finally {
    await admin.disconnect()
  }
}

/** The product's step, Avro in and out and 91 features with windows of 40 days, against each peer on as many stations in the same run. */
export function peerFigures(own: Pace, peers: readonly PeerPace[]): Figure[] {
  return peers.flatMap(({ name, pace }) => [
    {
      ...figure(
        `topic → topic, ${PEER_STATIONS} stations: times as fast as ${name}`,
        own.perSecond / pace.perSecond,
        '×',
        '>=',
        1,
      ),
      peer: { name: `${name}, observations/s`, value: Math.round(pace.perSecond) },
    },
    ...(own.cpuMicroseconds === null || pace.cpuMicroseconds === null
      ? []
      : [
          {
            ...figure(
              `topic → topic, ${PEER_STATIONS} stations: CPU time of an observation, share of ${name}'s`,
              own.cpuMicroseconds / pace.cpuMicroseconds,
              '',
              '<=',
              1,
            ),
            peer: { name: `${name}, µs`, value: pace.cpuMicroseconds },
          },
        ]),
  ])
}

type Setting = {
  readonly kafka: kafkajs.Kafka
  readonly admin: kafkajs.Admin
  readonly env: BenchEnvironment
  readonly source: string
  readonly id: string
  readonly warmUp: number
  readonly total: number
  readonly expected: Expected
}

async function measurePeer(peer: Peer, { kafka, admin, env, source, id, warmUp, total, expected }: Setting): Promise<Pace> {
  const group = `${id}.${peer.name.replaceAll(/\W/g, '-').toLowerCase()}`
  const target = `${group}.feature`
  const stateDir = mkdtempSync(join(tmpdir(), 'isobar-peer-'))
  try {
    await createTopic(admin, target)
    const sent = async (): Promise<number> =>
      (await admin.fetchTopicOffsets(target)).reduce((sum, { high, low }) => sum + Number(high) - Number(low), 0)
    const process = peer.start({
      ...env,
      PEER_SOURCE: source,
      PEER_TARGET: target,
      PEER_GROUP: group,
      PEER_STATE_DIR: stateDir,
    })
    const pace = await timeBacklog([process], sent, warmUp, total)
    await checkNewest(kafka, admin, target, expected, peer.name)
    return pace
  } finally {
    rmSync(stateDir, { recursive: true, force: true })
  }
}

/** Resolves when every partition has a leader that answers; the broker says so a little later than it creates. */
async function createTopic(admin: kafkajs.Admin, topic: string): Promise<void> {
  await admin.createTopics({ topics: [{ topic, numPartitions: PARTITIONS }] })
  const deadline = performance.now() + READ_MS
  for (;;) {
    try {
      await admin.fetchTopicOffsets(topic)
      return
    } catch (error) {
      if (!(error instanceof kafkajs.KafkaJSError && error.retriable) || performance.now() > deadline) throw error
      await sleep(SETTLE_MS)
    }
  }
}

/** Fills the topic and resolves with the features that every station must have in the end. */
async function fill(kafka: kafkajs.Kafka, topic: string, total: number): Promise<Expected> {
  const windows = new Map<string, Window>()
  const expected = new Map<string, Array<number | null>>()
  const next = createObservations(PEER_STATIONS)
  const producer = kafka.producer({ idempotent: true, maxInFlightRequests: 1 })
  await producer.connect()
  try {
    for (let sent = 0; sent < total; sent += FILL_BATCH) {
      const messages = Array.from({ length: Math.min(FILL_BATCH, total - sent) }, () => {
        const { flags: _flags, rules: _rules, qcVersion: _qcVersion, ...observation } = next()
        const { stationId } = observation
        let window = windows.get(stationId)
        if (window === undefined) windows.set(stationId, (window = createWindow()))
        expected.set(stationId, featuresAfter(window, observation satisfies PeerObservation))
        return { key: stationId, value: JSON.stringify(observation) }
      })
      await producer.send({ topic, messages, acks: -1 })
    }
  } finally {
    await producer.disconnect()
  }
  return expected
}

/** The last message of each partition is the last of a station: it must be what the job gives. */
async function checkNewest(
  kafka: kafkajs.Kafka,
  admin: kafkajs.Admin,
  topic: string,
  expected: Expected,
  name: string,
): Promise<void> {
  const ends = (await admin.fetchTopicOffsets(topic)).filter(({ high }) => Number(high) > 0)
  const waiting = new Set(ends.map(({ partition }) => partition))
  const consumer = kafka.consumer({ groupId: `${topic}.check` })
  await consumer.connect()
  const read = Promise.withResolvers<void>()
  const timer = setTimeout(() => read.reject(new Error(`${name}: its newest results could not be read`)), READ_MS)
  try {
    await consumer.subscribe({ topics: [topic] })
    await consumer.run({
      autoCommit: false,
      eachMessage: ({ partition, message }) => {
        if (!waiting.delete(partition)) return Promise.resolve()
        const { stationId, values } = JSON.parse(String(message.value)) as { stationId: string; values: Array<number | null> }
        const wanted = expected.get(stationId)
        const isRight =
          values.length === FEATURES &&
          wanted?.length === FEATURES &&
          values.every((value, i) => isNear(value, wanted[i] ?? null))
        if (!isRight)
          read.reject(new Error(`${name} gave for ${stationId}: ${JSON.stringify(values)}, not ${JSON.stringify(wanted)}`))
        else if (waiting.size === 0) read.resolve()
        return Promise.resolve()
      },
    })
    for (const { partition, high } of ends) consumer.seek({ topic, partition, offset: String(BigInt(high) - 1n) })
    await read.promise
  } finally {
    clearTimeout(timer)
    await consumer.disconnect()
  }
}

function isNear(a: number | null, b: number | null): boolean {
  return a === null || b === null ? a === b : Math.abs(a - b) <= TOLERANCE * Math.max(1, Math.abs(b))
}
