/**
 * Bytes that nobody can read and events that make steps throw, sent into the running system: each ends in the dead letters with what,
 * where and why; no process dies of it, and the stream around them loses nothing.
 */
import { z } from 'zod'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { kafkaBlock, readConfig, registryBlock } from '../../infra/runtime/config/index.ts'
import { type DeadLetter, type KafkaPublisher, openPublisher, readDeadLetters } from '../../infra/runtime/kafka/index.ts'
import { createLogger } from '../../infra/runtime/log.ts'
import { openRegistry } from '../../infra/runtime/registry/index.ts'
import { anObservation } from '../../infra/runtime/testing/fixtures.ts'
import type { CheckedObservation } from '../../schemas/generated/types.ts'
import { QUANTITIES } from '../../schemas/quantities.ts'
import type { TopicName } from '../../schemas/topics.ts'
import { expectExact, newestVerified, throughTo } from './support/exactness.ts'
import { newHome, removeHome, startSystem, type System, until } from './support/system.ts'

const HOUR_MS = 3_600_000
const FIRST_PACED = Date.parse('2013-07-01T01:00:00Z')
/** What each processor that reads the topic must have said of the bytes in it. */
const READERS: ReadonlyArray<readonly [TopicName, readonly string[]]> = [
  ['weather.observation.v1', ['quality-control']],
  ['weather.observation-checked.v1', ['features', 'verification', 'drift', 'archive', 'alert-rules']],
  ['weather.feature.v1', ['inference', 'cold-start']],
  ['weather.forecast.v1', ['verification', 'archive', 'alert-rules']],
  ['weather.verification.v1', ['drift', 'promotion', 'archive']],
  ['model.lifecycle.v1', ['promotion', 'archive', 'alert-rules']],
  ['alert.v1', ['alert-policy', 'archive']],
]
const CODES = ['bytes-malformed', 'schema-id-unknown', 'schema-mismatch']
const log = createLogger('test', 'silent')

describe('poison', () => {
  const home = newHome()
  let system: System
  let config: z.output<typeof kafkaBlock> & z.output<typeof registryBlock>
  let publisher: KafkaPublisher
  let processes: Map<string, number>
  beforeAll(async () => {
    system = await startSystem(home, ['--speed', '4'])
    await until('the first hours are verified', async () => (await newestVerified(system)) > FIRST_PACED + 6 * HOUR_MS, 180_000)
    const { kafkaBrokers, schemaRegistryUrl } = system.run().urls
    config = readConfig(z.object({ ...kafkaBlock.shape, ...registryBlock.shape }), {
      KAFKA_BROKERS: kafkaBrokers,
      SCHEMA_REGISTRY_URL: schemaRegistryUrl,
    })
    publisher = openPublisher({ config, name: 'test', log })
    processes = new Map(system.run().processes.map(({ name, pid }) => [name, pid]))
  })
  afterAll(async () => {
    await publisher?.close()
    await system?.end('SIGTERM')
    removeHome(home)
  })

  const lettersOf = (topic: TopicName): Promise<DeadLetter[]> => readDeadLetters(config, log, topic)
  async function expectUnharmed(): Promise<void> {
    const to = await newestVerified(system)
    await throughTo(system, to + 12 * HOUR_MS, 240_000)
    await expectExact(system, FIRST_PACED, to)
    expect(new Map(system.run().processes.map(({ name, pid }) => [name, pid]))).toEqual(processes)
  }

  it('bytes that cannot be read go to the dead letters of every reader, the stream goes on', async () => {
    const { id: otherId } = await openRegistry(config).register('chaos-other-value', {
      type: 'record',
      name: 'Other',
      fields: [{ name: 'nothing', type: 'string' }],
    })
    const bad = [Buffer.from('not avro at all'), wireFormat(987_654, [2]), wireFormat(otherId, [2, 65])]
    const headers = { traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01' }
    await publisher.publishRaw(
      READERS.flatMap(([topic]) => bad.map((value) => ({ topic, key: Buffer.from('jfk'), value, headers }))),
    )
    for (const [topic, readers] of READERS) {
      const wanted = readers.flatMap((reader) => CODES.map((code) => `${reader}/decode ${code}`)).toSorted()
      const said = async (): Promise<string[]> =>
        (await lettersOf(topic)).map(({ step, errorCode }) => `${step} ${errorCode}`).toSorted()
      await until(`every reader of ${topic} has told`, async () => (await said()).length >= wanted.length, 60_000)
      expect(await said(), topic).toEqual(wanted)
    }
    const malformed = (await lettersOf('weather.observation.v1')).find(({ errorCode }) => errorCode === 'bytes-malformed')
    expect(malformed?.value?.toString()).toBe('not avro at all')
    expect(malformed?.key?.toString()).toBe('jfk')
    expect(malformed?.headers).toMatchObject({
      ...headers,
      'isobar-error-code': 'bytes-malformed',
      'isobar-error-message': expect.stringMatching(/./) as string,
      'isobar-step': 'quality-control/decode',
      'isobar-attempt': '1',
      'isobar-topic': 'weather.observation.v1',
      'isobar-partition': expect.stringMatching(/^[0-5]$/) as string,
      'isobar-offset': expect.stringMatching(/^\d+$/) as string,
      'isobar-failed-at': expect.stringMatching(/^\d{4}-.*Z$/) as string,
    })
    await expectUnharmed()
  })

  it('events that no step can work with go to the dead letters, the stream goes on', async () => {
    const before = (await lettersOf('weather.observation-checked.v1')).length
    // An instant that no calendar has: a valid event by its schema.
    await publisher.publish([
      { topic: 'weather.observation-checked.v1', key: 'chaos-far', value: checked('chaos-far', 9e15) },
      { topic: 'weather.observation.v1', key: 'chaos-far', value: anObservation({ stationId: 'chaos-far', observedAt: 9e15 }) },
    ])
    const wanted = [
      'archive/step step-threw 2',
      'alert-rules/step invalid-instant 1',
      'features/step invalid-instant 1',
      'verification/step invalid-instant 1',
    ].toSorted()
    const told = async (): Promise<string[]> =>
      (await lettersOf('weather.observation-checked.v1'))
        .slice(before)
        .map(({ step, errorCode, attempt }) => `${step} ${errorCode} ${attempt}`)
        .toSorted()
    await until('every reader has told', async () => (await told()).length >= wanted.length, 60_000)
    expect(await told()).toEqual(wanted)
    expect((await lettersOf('weather.observation.v1')).at(-1)).toMatchObject({
      step: 'quality-control/step',
      errorCode: 'invalid-instant',
    })
    await expectUnharmed()
  })

  it('isobar dlq lists them, shows them and sends them again', async () => {
    const listed = await system.isobar('dlq', 'list', '--json')
    const counts = JSON.parse(listed.stdout) as Array<{ topic: string; count: number }>
    expect(counts.find(({ topic }) => topic === 'weather.observation.v1')?.count).toBe(4)
    expect(counts.find(({ topic }) => topic === 'audit.v1')?.count).toBe(0)

    const shown = await system.isobar('dlq', 'show', 'weather.observation.v1', '--json')
    const letters = JSON.parse(shown.stdout) as Array<{ offset: number; errorCode: string; step: string; key: string }>
    expect(letters.map(({ errorCode }) => errorCode)).toEqual([...CODES, 'invalid-instant'])
    expect((await system.isobar('dlq', 'show', 'weather.observation.v1')).stdout).toMatch(
      /schema-id-unknown +quality-control\/decode/,
    )

    const [malformed] = letters
    const offset = String(malformed?.offset)
    expect((await system.isobar('dlq', 'redrive', 'weather.observation.v1', '--offsets', offset, '--dry-run')).stderr).toMatch(
      /^1 would/,
    )
    expect(await system.isobar('dlq', 'redrive', 'weather.observation.v1', '--offsets', offset)).toMatchObject({ code: 0 })
    // It is as unreadable as before: it comes back, and says where it has been.
    await until('it is back', async () => (await lettersOf('weather.observation.v1')).length === 5, 60_000)
    const back = (await lettersOf('weather.observation.v1')).at(-1)
    expect(back?.errorCode).toBe('bytes-malformed')
    expect(back?.headers['isobar-redriven-from']).toBe(`weather.observation.v1.dlq/${offset}`)
    expect(back?.value?.toString()).toBe('not avro at all')
  })
})

function wireFormat(schemaId: number, body: readonly number[]): Buffer {
  const bytes = Buffer.alloc(5 + body.length)
  bytes.writeUInt32BE(schemaId, 1)
  bytes.set(body, 5)
  return bytes
}

function checked(stationId: string, observedAt: number): CheckedObservation {
  const of = <T>(value: T): Record<string, T> => Object.fromEntries(QUANTITIES.map((quantity) => [quantity, value]))
  return {
    ...anObservation({ stationId, observedAt }),
    flags: of('good'),
    rules: of([]),
    qcVersion: 'test',
  } as unknown as CheckedObservation
}
