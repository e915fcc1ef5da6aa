import { describe, expect, it } from 'vitest'
import { AppError } from '../../infra/runtime/errors.ts'
import type { OutboundEvent, Tombstone } from '../../infra/runtime/kafka/types.ts'
import type { Observation } from '../../schemas/generated/types.ts'
import { forEachStation } from './each-station.ts'
import { createFeed } from './feed.ts'
import { createObservation } from './observation.ts'
import { startPoller } from './poller.ts'
import { createProgress } from './progress.ts'
import { readStations } from './stations.ts'

const HOUR = 3_600_000
const unreachable = (context = {}) =>
  new AppError('no answer from X', { code: 'provider-unreachable', retry: 'transient', context })

/** A poller whose waits end when the test says so. */
function harness(rounds: Array<() => Promise<number>>) {
  const waits: number[] = []
  const logged: string[] = []
  let release: () => void = () => undefined
  let reached: () => void = () => undefined
  const nextWait = () => new Promise<void>((resolve) => (reached = resolve))
  let waiting = nextWait()
  const poller = startPoller({
    provider: 'X',
    intervalMs: 60_000,
    poll: async () => (rounds.shift() ?? (async () => 0))(),
    log: {
      info: (_o: object, m: string) => logged.push(m),
      warn: (_o: object, m: string) => logged.push(m),
      error: (_o: object, m: string) => logged.push(m),
    } as never,
    pause: async (ms, signal) => {
      waits.push(ms)
      reached()
      if (signal.aborted) return
      await new Promise<void>((resolve) => {
        release = resolve
        signal.addEventListener('abort', () => resolve())
      })
    },
    wallNow: () => Date.UTC(2025, 0, 1),
    random: () => 0,
  })
  return {
    poller,
    waits,
    logged,
    settled: () => waiting,
    next: async () => {
      waiting = nextWait()
      release()
      await waiting
    },
  }
}

describe('poller', () => {
  it('says why nothing arrives, keeps trying with growing waits, and recovers', async () => {
    const fail = async () => Promise.reject(unreachable())
    const h = harness([fail, fail, async () => 3])
    await h.settled()
    expect(h.poller.readiness()).toMatchObject({
      ready: false,
      reason: expect.stringMatching(/^X: no answer from X \(nothing received since 2025-01-01/) as string,
    })
    await h.next()
    expect(h.logged.filter((m) => m.includes('trying again'))).toHaveLength(2)
    expect(h.waits[1]).toBeGreaterThan(h.waits[0] ?? 0)
    await h.next()
    expect(h.poller.readiness()).toEqual({ ready: true })
    expect(h.waits[2]).toBe(60_000)
    expect(h.logged).toContain('X answers again')
    await h.poller.stop()
  })

  it('waits as long as the provider asks', async () => {
    const h = harness([async () => Promise.reject(unreachable({ retryAfterMs: 7_200_000 }))])
    await h.settled()
    expect(h.waits).toEqual([7_200_000])
    await h.poller.stop()
  })

  it('ends the process on a defect', async () => {
    const h = harness([async () => Promise.reject(new TypeError('x is not a function'))])
    await expect(h.poller.failed).rejects.toThrow('x is not a function')
    expect(h.waits).toEqual([])
  })
})

describe('a round of stations', () => {
  const rejected = new AppError('no such place', { code: 'provider-rejected', retry: 'permanent' })
  const round = async (failures: Record<string, Error>) => {
    const asked: string[] = []
    const result = await forEachStation(['a', 'b', 'c'], async (station) => {
      asked.push(station)
      if (failures[station]) throw failures[station]
      return 2
    }).catch((error: unknown) => error)
    return { asked, result }
  }
  it('goes on after a station that is refused for good, and tells of it at the end', async () => {
    expect(await round({})).toEqual({ asked: ['a', 'b', 'c'], result: 6 })
    expect(await round({ a: rejected, b: new AppError('second', { code: 'x', retry: 'permanent' }) })).toEqual({
      asked: ['a', 'b', 'c'],
      result: rejected,
    })
  })
  it('ends at a failure that may pass, and at a defect', async () => {
    const away = unreachable()
    expect(await round({ b: away })).toEqual({ asked: ['a', 'b'], result: away })
    const defect = new TypeError('x')
    expect(await round({ a: defect })).toEqual({ asked: ['a'], result: defect })
  })
})

describe('feed', () => {
  const observe = (hour: number, temperatureC: number, kind: Observation['kind'] = 'observation') =>
    createObservation({ stationId: 'a', observedAt: hour * HOUR, receivedAt: Date.now(), source: 'x', kind }, { temperatureC })

  function parts() {
    const published: string[] = []
    const rows = new Map<string, { state: string; version: number }>()
    let isDown = false
    const clickhouse = {
      query: async <T>(_sql: string, params?: Readonly<Record<string, unknown>>) => {
        const row = rows.get(`${params?.['processor']}/${params?.['key']}`)
        return (row ? [row] : []) as T[]
      },
      insert: async (_table: string, inserted: ReadonlyArray<Readonly<Record<string, unknown>>>) => {
        for (const row of inserted) rows.set(`${row['processor']}/${row['stateKey']}`, row as { state: string; version: number })
      },
    }
    const publisher = {
      publish: async (events: ReadonlyArray<OutboundEvent | Tombstone>) => {
        if (isDown) throw unreachable()
        for (const e of events)
          if (e.topic === 'weather.observation.v1' && e.value)
            published.push(`${e.value.observedAt / HOUR} ${e.value.kind} ${e.value.temperatureC}`)
      },
    }
    const open = () => createFeed({ publisher, progress: createProgress(clickhouse, 'x'), overlapHours: 2 })
    return { open, published, setDown: (down: boolean) => void (isDown = down) }
  }

  it('publishes in time order, once, and again only what changed', async () => {
    const { open, published } = parts()
    const feed = open()
    expect(await feed.publish('a', [observe(2, 12), observe(1, 11)])).toBe(2)
    expect(await feed.publish('a', [observe(1, 11), observe(2, 12.5), observe(3, 13)])).toBe(2)
    expect(await feed.publish('a', [observe(3, 13)])).toBe(0)
    expect(await feed.publish('a', [observe(3, 12, 'model-fill')])).toBe(1)
    expect(published).toEqual([
      '1 observation 11',
      '2 observation 12',
      '2 observation 12.5',
      '3 observation 13',
      '3 model-fill 12',
    ])
  })

  it('resumes after a restart with an overlap, and does not advance when the brokers do not acknowledge', async () => {
    const { open, published, setDown } = parts()
    await open().publish('a', [observe(1, 11), observe(10, 20)])
    setDown(true)
    await expect(open().publish('a', [observe(11, 21)])).rejects.toThrow('no answer')
    setDown(false)
    const second = open()
    expect(await second.resumeFrom('a')).toBe(8 * HOUR)
    expect(await second.resumeFrom('b')).toBeNull()
    await second.publish('a', [observe(5, 15), observe(10, 20), observe(11, 21)])
    expect(published.slice(2)).toEqual(['10 observation 20', '11 observation 21'])
  })
})

describe('station lists', () => {
  const station = { stationId: 'a', name: 'A', latitude: 1, longitude: 2, provider: 'x', providerStationId: '1' }
  it('takes JSON as text, with defaults', async () => {
    expect(await readStations(JSON.stringify([station]), 5)).toEqual([
      { ...station, elevationM: null, timezone: 'UTC', kind: 'unknown', validFrom: 5 },
    ])
  })
  it.each([
    ['[{"stationId":"A B"}]', /stationId/],
    [JSON.stringify([{ ...station, timezone: 'Mars/Olympus' }]), /time zone/],
    ['[]', /Too small|at least|>=1/i],
    ['/nowhere/stations.json', /ENOENT/],
  ])('refuses %s', async (text, expected) => {
    await expect(readStations(text, 0)).rejects.toThrow(expected)
  })
})
