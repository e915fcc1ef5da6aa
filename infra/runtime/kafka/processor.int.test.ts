import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, expect, it } from 'vitest'
import type { Feature } from '../../../schemas/generated/types.ts'
import { applyMigrations, createTableSink, openClickHouse, toClickHouseInstant } from '../clickhouse/index.ts'
import { AppError } from '../errors.ts'
import { createMetrics } from '../metrics.ts'
import { openRegistry } from '../registry/index.ts'
import { type TestConfig, anObservation, aFeature, deployedConfig, testLog, until } from '../testing/fixtures.ts'
import { openKafka } from './connection.ts'
import {
  type KafkaPublisher,
  type ProcessorOptions,
  type RunningProcessor,
  emit,
  openPublisher,
  readDeadLetters,
  readLag,
  redrive,
  skip,
  startFollower,
  startProcessor,
} from './index.ts'

const IN = 'weather.observation.v1'
const OUT = 'weather.feature.v1'
const HOUR_MS = 3_600_000

let config: TestConfig
let publisher: KafkaPublisher
let closing: Array<() => Promise<void>>

beforeEach(async () => {
  config = await deployedConfig([IN, OUT])
  closing = []
  publisher = openPublisher({ config, name: 'test', log: testLog })
  closing.push(() => publisher.close())
})
afterEach(async () => {
  for (const close of closing.toReversed()) await close()
})

const observations = (count: number, from = 0) =>
  Array.from({ length: count }, (_, i) => {
    const stationId = `station-${(from + i) % 17}`
    return { topic: IN, key: stationId, value: anObservation({ stationId, observedAt: (from + i) * HOUR_MS }) } as const
  })

async function start<Row = never>(
  options: Partial<ProcessorOptions<typeof IN, Row>> & Pick<ProcessorOptions<typeof IN, Row>, 'step'>,
): Promise<RunningProcessor> {
  const processor = await startProcessor<typeof IN, Row>({
    name: 'under-test',
    topics: [IN],
    config,
    publisher,
    log: testLog,
    metrics: createMetrics('under-test'),
    ...options,
  })
  closing.push(() => processor.stop())
  return processor
}

const lag = async (): Promise<number> =>
  (await readLag(config, testLog, 'isobar-under-test', [IN])).reduce((sum, partition) => sum + partition.lag, 0)
const untilCommitted = () => until('everything is committed', async () => (await lag()) === 0)

/** Bytes straight to the input topic, past our publisher. */
async function sendRaw(value: Buffer, headers: Record<string, string> = {}): Promise<void> {
  await publisher.publishRaw([{ topic: IN, key: Buffer.from('station-0'), value, headers }])
}

function wireFormat(schemaId: number, body: Buffer): Buffer {
  const bytes = Buffer.alloc(5 + body.length)
  bytes.writeUInt32BE(schemaId, 1)
  body.copy(bytes, 5)
  return bytes
}

it('emits what the step makes, with headers, and commits behind it', async () => {
  const seen: Array<{ feature: Feature; headers: Readonly<Record<string, string>> }> = []
  const follower = await startFollower({
    config,
    log: testLog,
    name: 'reader',
    topics: [OUT],
    from: 'end',
    onEvents: (events) => {
      for (const event of events) if (event.value !== null) seen.push({ feature: event.value, headers: event.headers })
    },
  })
  closing.push(() => follower.stop())
  const processor = await start({
    step: (events) =>
      events.map(({ key, value }) =>
        emit([
          {
            topic: OUT,
            key,
            value: aFeature({ stationId: key, validAt: value.observedAt }),
            headers: { traceparent: '00-1-2-01' },
          },
        ]),
      ),
  })
  await publisher.publish(observations(500))
  await until('all features are read', () => seen.length >= 500)
  expect(new Set(seen.map(({ feature }) => feature.validAt)).size).toBe(500)
  expect(seen[0]?.headers).toMatchObject({
    'content-type': 'application/vnd.confluent.avro',
    'isobar-producer': 'test/0.1.0',
    traceparent: '00-1-2-01',
  })
  expect(seen[0]?.feature.values[0]).toBeNaN()
  expect(processor.readiness()).toEqual({ ready: true })
  expect(processor.lastTickAgeMs()).toBeLessThan(5000)
  await untilCommitted()
})

it('dead-letters poison bytes, an unknown schema id, a wrong schema and a throwing step, with headers, and goes on', async () => {
  const { id: otherId } = await openRegistry(config).register(`${config.kafkaTopicPrefix}other-value`, {
    type: 'record',
    name: 'Other',
    fields: [{ name: 'nothing', type: 'string' }],
  })
  const handled: number[] = []
  await start({
    step: (events) => {
      if (events.some(({ value }) => value.observedAt === 7 * HOUR_MS)) throw new TypeError('cannot read the seventh')
      if (events.some(({ value }) => value.observedAt === 8 * HOUR_MS))
        throw new AppError('eighth is wrong', { code: 'eighth', retry: 'permanent' })
      for (const { value } of events) handled.push(value.observedAt / HOUR_MS)
      return events.map(() => skip('seen'))
    },
  })
  const poison = Buffer.from('not avro at all')
  await publisher.publish(observations(10))
  await sendRaw(poison, { traceparent: '00-a-b-01' })
  await sendRaw(wireFormat(987_654, Buffer.from([2])))
  await sendRaw(wireFormat(otherId, Buffer.from([2, 65])))
  await sendRaw(Buffer.alloc(0))
  await publisher.publish(observations(5, 10))
  await untilCommitted()

  expect(new Set(handled)).toEqual(new Set([0, 1, 2, 3, 4, 5, 6, 9, 10, 11, 12, 13, 14]))
  const letters = await readDeadLetters(config, testLog, IN)
  const codes = letters.map(({ errorCode }) => errorCode).sort()
  expect(codes).toEqual(['bytes-malformed', 'bytes-malformed', 'eighth', 'schema-id-unknown', 'schema-mismatch', 'step-threw'])
  const malformed = letters.find(({ value }) => value?.equals(poison))
  expect(malformed?.key?.toString()).toBe('station-0')
  expect(malformed?.headers).toMatchObject({
    traceparent: '00-a-b-01',
    'isobar-error-code': 'bytes-malformed',
    'isobar-step': 'under-test/decode',
    'isobar-attempt': '1',
    'isobar-topic': IN,
    'isobar-partition': expect.stringMatching(/^\d$/) as string,
    'isobar-offset': expect.stringMatching(/^\d+$/) as string,
    'isobar-failed-at': expect.stringMatching(/^\d{4}-.*Z$/) as string,
  })
  const threw = letters.find(({ errorCode }) => errorCode === 'step-threw')
  expect(threw?.errorMessage).toBe('cannot read the seventh')
  expect(threw?.attempt).toBe(2)
})

it('redrives dead letters with their original bytes to where they came from', async () => {
  let isBroken = true
  const handled: string[] = []
  await start({
    step: (events) =>
      events.map(({ headers }) => {
        if (isBroken) return { kind: 'dead-letter', reason: 'broken', detail: 'for now' }
        handled.push(headers['isobar-redriven-from'] ?? 'direct')
        expect(headers['isobar-error-code']).toBeUndefined()
        return skip('seen')
      }),
  })
  await publisher.publish(observations(3))
  await untilCommitted()
  isBroken = false
  const letters = await readDeadLetters(config, testLog, IN)
  expect(letters).toHaveLength(3)
  expect(await redrive(publisher, letters.slice(0, 2))).toBe(2)
  await until('redriven events are handled', () => handled.length === 2)
  expect(handled.toSorted()).toEqual([`${IN}.dlq/0`, `${IN}.dlq/1`])
})

it('waits while the registry is down, and calls nothing poison', async () => {
  await publisher.publish(observations(5))
  let isDown = true
  const real = openRegistry(config)
  const handled: number[] = []
  const processor = await start({
    registry: {
      ...real,
      findSchema: (id: number) =>
        isDown ? Promise.reject(new AppError('down', { code: 'registry-unavailable', retry: 'transient' })) : real.findSchema(id),
    },
    step: (events) => events.map(({ value }) => (handled.push(value.observedAt), skip('seen'))),
  } as Parameters<typeof start>[0])
  await until('readiness tells', () => {
    const state = processor.readiness()
    return !state.ready && state.reason.includes('registry')
  })
  expect(await lag()).toBe(5)
  isDown = false
  await untilCommitted()
  expect(handled).toHaveLength(5)
  expect(await readDeadLetters(config, testLog, IN)).toEqual([])
})

it('holds the offset during a sink outage and catches up without loss', async () => {
  let isDown = true
  const written: number[] = []
  const processor = await start<number>({
    sink: {
      write: (rows) => {
        if (isDown) return Promise.reject(new AppError('store is away', { code: 'away', retry: 'transient' }))
        written.push(...rows)
        return Promise.resolve()
      },
    },
    step: (events) => events.map(({ value }) => emit([], [value.observedAt / HOUR_MS])),
  })
  await publisher.publish(observations(100))
  await until('readiness tells', () => {
    const state = processor.readiness()
    return !state.ready && state.reason.includes('store is away')
  })
  await sleep(500)
  expect(await lag()).toBe(100)
  isDown = false
  await untilCommitted()
  expect(written.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 100 }, (_, i) => i))
  expect(processor.readiness()).toEqual({ ready: true })
})

it('publishes what state fed by several topics makes in the order in which it was made, also when the first must be tried again', async () => {
  await publisher.publish(observations(1))
  await publisher.publish([{ topic: OUT, key: 'station-0', value: aFeature({ stationId: 'station-0' }) }])
  let made = 0
  const published: string[] = []
  let isAway = true
  const processor = await startProcessor({
    name: 'under-test',
    topics: [IN, OUT],
    config,
    log: testLog,
    metrics: createMetrics('under-test'),
    publisher: {
      ...publisher,
      publish: (events) => {
        if (isAway) {
          isAway = false
          return Promise.reject(new AppError('away', { code: 'away', retry: 'transient' }))
        }
        published.push(...events.map(({ key }) => key))
        return Promise.resolve()
      },
    },
    step: (events) => events.map(() => emit([{ topic: OUT, key: String(++made), value: aFeature() }])),
  })
  closing.push(() => processor.stop())
  await until('both are published', () => published.length === 2)
  expect(published).toEqual(['1', '2'])
})

it('ends loudly when the sink fails in an unknown way, without advancing', async () => {
  const processor = await start<number>({
    sink: { write: () => Promise.reject(new Error('nobody expected this')) },
    step: (events) => events.map(() => emit([], [1])),
  })
  const failure = processor.failed.catch((error: unknown) => error)
  await publisher.publish(observations(3))
  expect(await failure).toMatchObject({ message: 'nobody expected this' })
  expect(await lag()).toBe(3)
})

it('does not commit what a stop interrupted, and the next process does it', async () => {
  const release = Promise.withResolvers<void>()
  const entered = Promise.withResolvers<void>()
  const first = await start<number>({
    sink: {
      write: async () => {
        entered.resolve()
        await release.promise
        throw new AppError('cut off', { code: 'cut-off', retry: 'transient' })
      },
    },
    step: (events) => events.map(() => emit([], [1])),
  })
  await publisher.publish(observations(10))
  await entered.promise
  const stopped = first.stop()
  release.resolve()
  await stopped
  expect(await lag()).toBe(10)

  const written: number[] = []
  await start<number>({
    sink: { write: (rows) => Promise.resolve(void written.push(...rows)) },
    step: (events) => events.map(({ value }) => emit([], [value.observedAt / HOUR_MS])),
  })
  await untilCommitted()
  expect(new Set(written).size).toBe(10)
})

it('commits what a stop let finish', async () => {
  const entered = Promise.withResolvers<void>()
  const processor = await start<number>({
    sink: {
      write: async () => {
        entered.resolve()
        await sleep(300)
      },
    },
    step: (events) => events.map(() => emit([], [1])),
  })
  await publisher.publish([observations(1)[0] as ReturnType<typeof observations>[0]])
  await entered.promise
  await processor.stop()
  expect(await lag()).toBe(0)
})

it('hands over each assignment with committed offsets before its first batch', async () => {
  const calls: Array<{ owned: number; committed: number; handledBefore: number }> = []
  let handled = 0
  const options: Parameters<typeof start>[0] = {
    onAssigned: async (assignment) => {
      await sleep(300)
      calls.push({
        owned: assignment.length,
        committed: assignment.reduce((sum, { nextOffset }) => sum + (nextOffset ?? 0), 0),
        handledBefore: handled,
      })
    },
    step: (events) => events.map(() => (handled++, skip('seen'))),
  }
  await publisher.publish(observations(50))
  const first = await start(options)
  await untilCommitted()
  await first.stop()
  expect(calls).toEqual([{ owned: 6, committed: 0, handledBefore: 0 }])
  await publisher.publish(observations(1))
  await start(options)
  await until('the second process has handled its event', () => handled === 51)
  expect(calls[1]).toEqual({ owned: 6, committed: 50, handledBefore: 50 })
})

it('loses and doubles nothing in a replacing table when processors join and leave under load', async () => {
  const ch = openClickHouse(config)
  await applyMigrations(ch)
  closing.push(async () => {
    await ch.command(`DROP DATABASE ${config.clickhouseDatabase}`)
    await ch.close()
  })
  type Row = { stationId: string; hour: number; version: number }
  const sink = createTableSink<Row>(ch, 'station_hour_log', ({ stationId, hour, version }) => ({
    stationId,
    validAt: toClickHouseInstant(Date.UTC(2013, 0, 1) + hour * HOUR_MS),
    knownAt: toClickHouseInstant(0),
    observedAt: toClickHouseInstant(0),
    source: 'test',
    values: [hour],
    version,
  }))
  const member = () =>
    start<Row>({
      sink,
      maxBatchEvents: 50,
      step: async (events) => {
        await sleep(5)
        return events.map(({ key, value, offset }) =>
          emit([], [{ stationId: key, hour: value.observedAt / HOUR_MS, version: offset }]),
        )
      },
    })
  const TOTAL = 12_000
  const feeding = (async () => {
    for (let from = 0; from < TOTAL; from += 300) {
      await publisher.publish(observations(300, from))
      await sleep(60)
    }
  })()
  const first = await member()
  await sleep(800)
  const second = await member()
  await sleep(1500)
  await first.stop()
  const third = await member()
  await feeding
  await untilCommitted()
  expect(
    (await ch.query<{ n: number; hours: number }>('SELECT count() AS n, uniqExact(values[1]) AS hours FROM station_hour'))[0],
  ).toEqual({
    n: TOTAL,
    hours: TOTAL,
  })
  await second.stop()
  await third.stop()
})

it('leaves no committed offsets behind a follower, and a follower from the end misses nothing', async () => {
  await publisher.publish(observations(20))
  const all: number[] = []
  const news: number[] = []
  const collect = (into: number[]) => (events: ReadonlyArray<{ value: { observedAt: number } | null }>) => {
    for (const { value } of events) if (value) into.push(value.observedAt / HOUR_MS)
  }
  const fromStart = await startFollower({
    config,
    log: testLog,
    name: 'all',
    topics: [IN],
    from: 'beginning',
    onEvents: collect(all),
  })
  await fromStart.caughtUp
  expect(all).toHaveLength(20)
  const fromEnd = await startFollower({ config, log: testLog, name: 'news', topics: [IN], from: 'end', onEvents: collect(news) })
  await publisher.publish(observations(5, 20))
  await until('both have the news', () => all.length === 25 && news.length === 5)
  expect(news.toSorted((a, b) => a - b)).toEqual([20, 21, 22, 23, 24])
  await fromStart.stop()
  await fromEnd.stop()
  const admin = openKafka(config, 'test', testLog).admin()
  await admin.connect()
  const groups = (await admin.listGroups()).groups
    .map(({ groupId }) => groupId)
    .filter((id) => id.startsWith(config.kafkaTopicPrefix))
  for (const groupId of groups) {
    const offsets = await admin.fetchOffsets({ groupId })
    expect(offsets.flatMap(({ partitions }) => partitions).filter(({ offset }) => offset !== '-1')).toEqual([])
  }
  await admin.disconnect()
})
