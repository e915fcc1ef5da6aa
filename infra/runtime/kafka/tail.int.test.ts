import { afterEach, beforeEach, expect, it } from 'vitest'
import { type TestConfig, anObservation, deployedConfig, testLog } from '../testing/fixtures.ts'
import { type InboundEvent, type KafkaPublisher, openPublisher, readEnds, readTails, type TailOptions } from './index.ts'
import { withPartitionReader } from './partition-reader.ts'

const TOPIC = 'weather.observation.v1'
const EVENTS = 700

let config: TestConfig
let publisher: KafkaPublisher

beforeEach(async () => {
  config = await deployedConfig([TOPIC])
  publisher = openPublisher({ config, name: 'test', log: testLog })
})
afterEach(() => publisher.close())

/** Revisions 0, 1, 2 … of one station, which is all that its partition holds. */
async function published(count: number): Promise<{ partition: number; low: number; end: number }> {
  await publisher.publish(
    Array.from({ length: count }, (_, revision) => ({
      topic: TOPIC,
      key: 'kewr',
      value: anObservation({ revision }),
      headers: { nth: String(revision) },
    })),
  )
  const range = (await readEnds(config, testLog, [TOPIC])).find(({ end }) => end > 0)
  expect(range?.end).toBe(count)
  return range!
}

async function read(
  over: Partial<TailOptions<typeof TOPIC>> & Pick<TailOptions<typeof TOPIC>, 'ranges'>,
  isEnough = () => false,
) {
  const pieces: Array<ReadonlyArray<InboundEvent<typeof TOPIC>>> = []
  const onPiece: TailOptions<typeof TOPIC>['onPiece'] = (_partition, events) => pieces.push(events) > 0 && !isEnough()
  const cut = await readTails({ config, log: testLog, topic: TOPIC, maxEvents: 10_000, onPiece, ...over })
  return { pieces, cut, revisions: pieces.toReversed().flatMap((events) => events.map(({ value }) => value.revision)) }
}

it('reads a partition backwards to its beginning: every event once, in pieces that grow, with headers', async () => {
  const range = await published(EVENTS)
  const { pieces, cut, revisions } = await read({ ranges: [range] })
  expect(revisions).toEqual(Array.from({ length: EVENTS }, (_, i) => i))
  expect(pieces.map(({ length }) => length)).toEqual([64, 256, EVENTS - 64 - 256])
  expect(pieces.flat().every(({ headers, value }) => headers['nth'] === String(value.revision))).toBe(true)
  expect(cut).toEqual([])
})

it('ends when enough is seen, at the lowest offset that is asked for, and at the number of events that is allowed', async () => {
  const range = await published(EVENTS)
  expect((await read({ ranges: [range] }, () => true)).revisions).toEqual(Array.from({ length: 64 }, (_, i) => EVENTS - 64 + i))
  const low = await read({ ranges: [{ ...range, low: EVENTS - 100 }] })
  expect([low.revisions.length, low.cut]).toEqual([100, []])
  const limited = await read({ ranges: [range], maxEvents: 100 })
  expect([limited.revisions.length, limited.cut]).toEqual([100, [range.partition]])
  expect((await read({ ranges: [{ ...range, low: EVENTS }] })).pieces).toEqual([])
})

it('passes over what no one can read', async () => {
  await publisher.publishRaw([{ topic: TOPIC, key: Buffer.from('kewr'), value: Buffer.from('x'), headers: {} }])
  await publisher.publish([{ topic: TOPIC, key: 'kewr', value: anObservation({ revision: 7 }) }])
  const ranges = (await readEnds(config, testLog, [TOPIC])).filter(({ end }) => end > 0)
  expect((await read({ ranges })).revisions).toEqual([7])
})

it('says that it may be tried again when a stretch is not there, or not any more', async () => {
  const { partition, end } = await published(3)
  const transient = { code: 'kafka-unavailable', retry: 'transient' }
  await expect(
    withPartitionReader(config, testLog, TOPIC, (stretch) => stretch(partition, end + 5, end + 6)),
  ).rejects.toMatchObject(transient)
  await expect(withPartitionReader(config, testLog, TOPIC, (stretch) => stretch(99, 0, 1))).rejects.toMatchObject(transient)
})
