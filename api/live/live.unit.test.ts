import { describe, expect, it, vi } from 'vitest'
import type { InboundEvent } from '../../infra/runtime/kafka/types.ts'
import { aCheckedObservation, HOUR_MS, NOON } from '../testing/app.ts'
import { decodeEventId, encodeEventId } from './event-id.ts'
import { createLiveFeed, type ReadBack, toLiveEvent } from './feed.ts'
import { type LiveOutput, serveLive } from './session.ts'

const TOPIC = 'weather.observation-checked.v1'
const observed = (offset: number, partition = 0, stationId = 'jfk'): InboundEvent => ({
  topic: TOPIC,
  key: stationId,
  value: aCheckedObservation({ stationId, observedAt: NOON + offset * HOUR_MS }),
  partition,
  offset,
  headers: {},
  timestampMs: 0,
})
const gone: ReadBack = async () => 'gone'
const ends = [0, 1].map((partition) => ({ topic: TOPIC, partition, end: 10 }))

/** A client that writes down what it gets; `room` holds it up. */
function client(room: () => Promise<void> = async () => undefined) {
  const got: Array<{ name: string; id: string; data: string }> = []
  let heartbeats = 0
  const out: LiveOutput = {
    event: async (name, id, data) => {
      await room()
      got.push({ name, id, data })
    },
    heartbeat: async () => void heartbeats++,
  }
  return {
    out,
    got,
    heartbeats: () => heartbeats,
    hours: () => got.map(({ data }) => (Date.parse((JSON.parse(data) as { observedAt: string }).observedAt) - NOON) / HOUR_MS),
  }
}
const settled = () => new Promise((resolve) => setTimeout(resolve, 5))

describe('event ids', () => {
  it('carry the position of every partition there and back', () => {
    const positions = new Map([
      [`${TOPIC}|0`, 12],
      [`${TOPIC}|1`, 0],
      ['alert.v1|0', 7],
    ])
    const id = encodeEventId([TOPIC, 'alert.v1'], positions)
    expect(id).toBe(`${TOPIC}=12.0;alert.v1=7`)
    expect(decodeEventId(id)).toEqual(positions)
    for (const foreign of ['17', 'x=1', `${TOPIC}=1.-2`, `${TOPIC}=1=2`, `${TOPIC}=9999999999999999999`])
      expect(decodeEventId(foreign), foreign).toBeNull()
  })
})

describe('live session', () => {
  it('goes on exactly after the last event a client saw, in every partition', async () => {
    const feed = createLiveFeed({ readBack: gone })
    feed.startAt(ends)
    const abort = new AbortController()
    const first = client()
    const running = serveLive(feed.feed, { topics: [TOPIC], stations: null, from: null }, first.out, abort.signal)
    feed.push(observed(10, 0))
    feed.push(observed(10, 1))
    feed.push(observed(11, 0))
    await settled()
    abort.abort()
    expect(await running).toBe('closed')
    expect(feed.subscribers()).toBe(0)
    expect(first.hours()).toEqual([10, 10, 11])
    feed.push(observed(11, 1))
    feed.push(observed(12, 0))
    // It had read only the first of the three.
    const again = new AbortController()
    const second = client()
    const resumed = serveLive(
      feed.feed,
      { topics: [TOPIC], stations: null, from: decodeEventId(first.got[0]?.id ?? '') },
      second.out,
      again.signal,
    )
    await settled()
    feed.push(observed(12, 1))
    // Handed over again after a lost connection to the broker.
    feed.push(observed(12, 1))
    await settled()
    again.abort()
    await resumed
    expect(second.hours()).toEqual([10, 11, 11, 12, 12])
  })

  it('reads what memory has lost from the topics, and nothing twice that came meanwhile', async () => {
    const published = Array.from({ length: 8 }, (_, i) => observed(4 + i))
    let continueReading: () => void = () => undefined
    const pause = new Promise<void>((resolve) => (continueReading = resolve))
    const readBack: ReadBack = async (_topics, from, onEvent) => {
      await pause
      for (const event of published) if (event.offset >= (from.get(`${TOPIC}|0`) ?? 0)) await onEvent(toLiveEvent(event))
      return 'complete'
    }
    const feed = createLiveFeed({ readBack })
    feed.startAt(ends)
    const abort = new AbortController()
    const reader = client()
    const running = serveLive(
      feed.feed,
      { topics: [TOPIC], stations: null, from: new Map([[`${TOPIC}|0`, 5]]) },
      reader.out,
      abort.signal,
    )
    await settled()
    for (const offset of [10, 11, 12]) feed.push(observed(offset))
    continueReading()
    await settled()
    abort.abort()
    await running
    expect(reader.hours()).toEqual([5, 6, 7, 8, 9, 10, 11, 12])
  })

  it('says reset when the topics no longer hold what was missed, and goes on from now', async () => {
    const feed = createLiveFeed({ readBack: gone })
    feed.startAt(ends)
    const abort = new AbortController()
    const reader = client()
    const running = serveLive(
      feed.feed,
      { topics: [TOPIC], stations: null, from: new Map([[`${TOPIC}|0`, 2]]) },
      reader.out,
      abort.signal,
    )
    await settled()
    feed.push(observed(10))
    await settled()
    abort.abort()
    await running
    expect(reader.got.map(({ name, id }) => [name, id])).toEqual([
      ['reset', `${TOPIC}=10.10`],
      [TOPIC, `${TOPIC}=11.10`],
    ])
  })

  it('cuts off a client that does not keep up, at the bound', async () => {
    const feed = createLiveFeed({ readBack: gone })
    feed.startAt(ends)
    let release: () => void = () => undefined
    const held = new Promise<void>((resolve) => (release = resolve))
    const slow = client(() => held)
    const running = serveLive(
      feed.feed,
      { topics: [TOPIC], stations: null, from: null },
      slow.out,
      new AbortController().signal,
      { maxQueuedEvents: 5 },
    )
    await settled()
    for (let offset = 10; offset < 30; offset++) feed.push(observed(offset))
    release()
    expect(await running).toBe('too-slow')
    expect(slow.got.length).toBeLessThanOrEqual(6)
    expect(feed.subscribers()).toBe(0)
  })

  it('sends only the stations asked for, and a heartbeat into the silence', async () => {
    const feed = createLiveFeed({ readBack: gone })
    feed.startAt(ends)
    const abort = new AbortController()
    const reader = client()
    const running = serveLive(feed.feed, { topics: [TOPIC], stations: new Set(['lga']), from: null }, reader.out, abort.signal, {
      heartbeatMs: 10,
    })
    feed.push(observed(10, 0, 'jfk'))
    feed.push(observed(11, 0, 'lga'))
    await vi.waitFor(() => expect(reader.heartbeats()).toBeGreaterThan(2), { timeout: 30_000 })
    abort.abort()
    await running
    expect(reader.hours()).toEqual([11])
  })

  it('forgets the oldest events beyond its memory and knows that it has', () => {
    const feed = createLiveFeed({ readBack: gone, keptBytes: 10_000 })
    feed.startAt([{ topic: TOPIC, partition: 0, end: 10 }])
    for (let offset = 10; offset < 40; offset++) feed.push(observed(offset))
    expect(feed.feed.since([TOPIC], new Map([[`${TOPIC}|0`, 10]]))).toBeNull()
    expect(feed.feed.since([TOPIC], new Map([[`${TOPIC}|0`, 35]]))?.map(({ offset }) => offset)).toEqual([35, 36, 37, 38, 39])
  })
})
