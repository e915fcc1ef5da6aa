import { afterEach, describe, expect, it, vi } from 'vitest'
import { toPipeline, toReplicas, withIsoInstants } from './adapt.ts'
import { fanColumns, fanRange, fanRows } from './fan-data.ts'
import { formatInstant, formatNumber, formatPercent, formatSeconds, formatSpeed, knownTimeZone } from './format.ts'
import { createLiveHandler, kindOf } from './live-events.ts'
import { createScheduler } from './schedule.ts'
import { createSseParser, openLive } from './sse.ts'
import type { ConnectionState, SseMessage } from './sse.ts'
import { createClockTracker, createState } from './state.ts'
import { addToStory, MAX_STORY_ENTRIES, tellAlert, tellDrift, tellLifecycle } from './story.ts'
import type { StoryEntry } from './story.ts'
import { timelineMarks, timelineSpan, whyServed } from './timeline-data.ts'
import type { Alert, CheckedObservation, ForecastBody } from './wire.ts'

function parse(...chunks: string[]): { messages: SseMessage[]; retries: number[] } {
  const messages: SseMessage[] = []
  const retries: number[] = []
  const parser = createSseParser(
    (m) => messages.push(m),
    (ms) => retries.push(ms),
  )
  for (const chunk of chunks) parser.push(chunk)
  return { messages, retries }
}

describe('server-sent events parser', () => {
  it('reads the same messages however the bytes are cut and whatever ends the lines', () => {
    const text = 'retry: 250\r\n\r\n: hello\nid: 7\nevent: alert\ndata: {"a":\ndata: 1}\n\ndata:x\r\rid: 8\n\n'
    const whole = parse(text)
    expect(whole.messages).toEqual([
      { id: '7', event: 'alert', data: '{"a":\n1}' },
      { id: '7', event: 'message', data: 'x' },
    ])
    expect(whole.retries).toEqual([250])
    expect(parse(...text.split(''))).toEqual(whole)
  })

  it('does not deliver a message that was cut before its blank line', () => {
    expect(parse('id: 1\ndata: half').messages).toEqual([])
  })
})

describe('live connection', () => {
  afterEach(() => {
    vi.useRealTimers()
  })

  it('resumes with the last id, backs off while refused, and stops when closed', async () => {
    vi.useFakeTimers()
    const headers: Array<Record<string, string>> = []
    const states: ConnectionState[] = []
    const answers = [
      () => new Response('id: 41\ndata: {}\n\n'),
      () => new Response('', { status: 503 }),
      () => new Response('', { status: 401 }),
    ]
    const live = openLive({
      url: '/v1/live',
      headers: () => ({}),
      onMessage: () => {},
      onState: (state) => states.push(state),
      fetch: async (_url, init) => {
        headers.push(init?.headers as Record<string, string>)
        return (answers.shift() ?? (() => new Response('', { status: 503 })))()
      },
    })
    await vi.advanceTimersByTimeAsync(10_000)
    expect(headers[0]?.['last-event-id']).toBeUndefined()
    expect(headers[1]?.['last-event-id']).toBe('41')
    expect(states.map((s) => s.state).slice(0, 5)).toEqual(['connecting', 'live', 'reconnecting', 'reconnecting', 'refused'])
    live.close()
    const asked = headers.length
    await vi.advanceTimersByTimeAsync(120_000)
    expect(headers.length).toBe(asked)
  })

  it('gives up on a connection that is silent for 45 s and says so', async () => {
    vi.useFakeTimers()
    const states: ConnectionState[] = []
    const live = openLive({
      url: '/v1/live',
      headers: () => ({}),
      onMessage: () => {},
      onState: (state) => states.push(state),
      fetch: async (_url, init) =>
        new Response(
          new ReadableStream({
            start(controller) {
              init?.signal?.addEventListener('abort', () => controller.error(init.signal?.reason))
            },
          }),
        ),
    })
    await vi.advanceTimersByTimeAsync(45_100)
    expect(states.at(-1)).toMatchObject({ state: 'reconnecting', reason: 'no sign of life for 45 s' })
    live.close()
  })

  it('takes topic names and short names for the same kind', () => {
    expect(kindOf('weather.observation-checked.v1')).toBe('observation-checked')
    expect(kindOf('model.drift.v1')).toBe('drift')
    expect(kindOf('alert.v1')).toBe('alert')
    expect(kindOf('alert.delivery.v1')).toBe('alert-delivery')
    expect(kindOf('forecast')).toBe('forecast')
  })
})

const iso = (hour: number): string => new Date(Date.UTC(2013, 4, 1, hour)).toISOString()
const observation = (hour: number, temperatureC: number | null, flag = 'good'): CheckedObservation => ({
  stationId: 'jfk',
  observedAt: iso(hour),
  receivedAt: iso(hour),
  source: 'test',
  kind: 'observation',
  temperatureC,
  precipitationMm: 0.3,
  flags: { temperatureC: flag },
})
const forecast = {
  issuedAt: iso(0),
  hourly: {
    time: [iso(1), iso(2)],
    temperatureC: {
      '0.025': [1, 0],
      '0.1': [2, 1],
      '0.25': [3, 2],
      '0.5': [4, 3],
      '0.75': [5, 4],
      '0.9': [6, 5],
      '0.975': [7, null],
    },
  },
} as unknown as ForecastBody

describe('fan data', () => {
  it('joins observations and forecast on one ascending axis and keeps flagged values apart', () => {
    const rows = fanRows([observation(0, 5), observation(-1, 900, 'bad'), observation(-2, null)], forecast, 'temperatureC', null)
    const [times, ...columns] = fanColumns(rows)
    expect(times).toEqual([iso(-1), iso(0), iso(1), iso(2)].map((t) => Date.parse(t) / 1000))
    expect(columns[7]).toEqual([null, 5, null, null])
    expect(columns[8]).toEqual([900, null, null, null])
    expect(columns[3]).toEqual([null, null, 4, 3])
    expect(columns[6]).toEqual([null, null, 7, null])
    const [low, high] = fanRange(rows, 'temperatureC')
    expect(low).toBeLessThan(0)
    expect(high).toBeLessThan(10)
  })

  it('drops what is older than 72 h before the issue, and counts rain as the event', () => {
    expect(
      fanRows([observation(-73, 1), observation(-72, 2)], forecast, 'temperatureC', null)
        .filter((r) => r.observed !== null)
        .map((r) => r.observed),
    ).toEqual([2])
    expect(fanRows([observation(0, 5)], null, 'precipitationProbabilityPct', null)[0]?.observed).toBe(100)
  })

  it('never leaves the physical range of the axis', () => {
    expect(fanRange([], 'temperatureC')).toEqual([0, 1])
    expect(fanRange([], 'precipitationProbabilityPct')).toEqual([0, 100])
  })
})

describe('story', () => {
  const base = { stationId: 'jfk', variable: 'temperatureC' as const, at: iso(3) }

  it('tells what a person wants to hear, with time and event id', () => {
    expect(tellLifecycle({ ...base, eventId: 'e1', version: 'v2', event: 'promoted' })).toMatchObject({
      id: 'e1',
      at: Date.parse(iso(3)),
      title: 'Promoted',
      stationId: 'jfk',
    })
    expect(tellLifecycle({ ...base, eventId: 'e1', version: 'v2', event: 'something-new' })).toBeNull()
    expect(
      tellDrift({
        ...base,
        eventId: 'd',
        state: 'confirmed',
        cause: 'instrument-change',
        statistic: 2,
        threshold: 1,
        leadBucket: '7-24',
        explanation: 'x',
        estimatedOffset: 2.43,
      })?.text,
    ).toContain('step 2.4 °C')
    const alert: Alert = {
      alertId: 'a',
      sequence: 2,
      rule: 'frost',
      labels: {},
      severity: 'critical',
      state: 'resolved',
      startsAt: iso(0),
      endsAt: iso(5),
      annotations: {},
    }
    expect(tellAlert(alert)).toMatchObject({ title: 'Resolved', at: Date.parse(iso(5)), text: 'frost' })
  })

  it('tells once of each station that observations arrive and that forecasts are issued, and not of what was known before', () => {
    const state = createState()
    const titles: string[] = []
    const loader = {
      tell: (entries: ReadonlyArray<StoryEntry | null>) =>
        titles.push(...entries.map((one) => `${one?.title} ${one?.stationId} ${one?.at} ${one?.evidence}`)),
      soon: {},
    }
    const handle = createLiveHandler(state, { on: () => undefined, mark: () => undefined }, loader as never, () => false)
    const send = (event: string, data: object): void => handle({ id: null, event, data: JSON.stringify(data) })
    const forecast = (stationId: string, hour: number) =>
      send('forecast', {
        forecastId: `f/${stationId}/${hour}`,
        stationId,
        variable: 'temperatureC',
        issuedAt: iso(hour),
        role: 'champion',
        status: 'fresh',
      })
    const observation = (stationId: string, hour: number) =>
      send('observation-checked', { stationId, observedAt: iso(hour), kind: 'observation', temperatureC: 20, flags: {} })
    // The server was asked and had nothing of jfk, and a forecast of lga; it has not answered yet for ewr.
    state.lacking.set('jfk', new Set(['observation', 'forecast']))
    state.lacking.set('lga', new Set(['observation']))
    forecast('ewr', 1)
    for (const hour of [1, 2]) for (const stationId of ['jfk', 'lga']) forecast(stationId, hour)
    for (const hour of [1, 2]) observation('jfk', hour)
    expect(titles).toEqual([`Forecast jfk ${Date.parse(iso(1))} f/jfk/1`, `Observed jfk ${Date.parse(iso(1))} null`])
  })

  it('calls an order a swap only when another version is served after it', () => {
    const state = createState()
    state.clock.nowMs = Date.parse(iso(1))
    const titles: string[] = []
    const tell = (entries: ReadonlyArray<StoryEntry | null>): void =>
      void titles.push(...entries.flatMap((one) => (one ? [one.title] : [])))
    const loader = { tell, soon: { replicas: () => undefined } }
    const handle = createLiveHandler(state, { on: () => undefined, mark: () => undefined }, loader as never, () => false)
    const status = { replicaId: 'replica-0', stationId: 'jfk', variable: 'temperatureC', error: null, swapMilliseconds: 40 }
    for (const [version, servingVersion, reported] of [
      ['a', 'a', 'serving'],
      ['a', 'a', 'serving'],
      ['b', 'a', 'rejected'],
      ['c', 'c', 'serving'],
    ]) {
      const data = JSON.stringify({
        ...status,
        version,
        servingVersion,
        state: reported,
        since: iso(1),
        controlOffset: titles.length,
      })
      handle({ id: null, event: 'status', data })
    }
    expect(titles).toEqual(['Serving', 'Order taken up', 'Swap refused', 'Swapped'])
  })

  it('keeps one entry per event id, newest first, and a bounded number', () => {
    const entry = (n: number): StoryEntry => ({ id: `e${n}`, at: n, tone: 'note', title: 't', text: 'x', stationId: null })
    const story = addToStory([entry(1)], [entry(3), entry(1), entry(2)])
    expect(story.map((e) => e.id)).toEqual(['e3', 'e2', 'e1'])
    const many = addToStory(
      story,
      Array.from({ length: 500 }, (_, i) => entry(i + 10)),
    )
    expect(many.length).toBe(MAX_STORY_ENTRIES)
    expect(many[0]?.id).toBe('e509')
  })
})

describe('timeline', () => {
  const servedRow = {
    stationId: 'jfk',
    variable: 'temperatureC' as const,
    champion: { version: 'v1', since: iso(5) },
    previous: null,
    changedAt: iso(5),
    changedBy: 'promotion',
    reason: 'first',
  }

  it('puts model and drift events of the station in order and leaves others out', () => {
    const marks = timelineMarks(
      [
        { eventId: 'p', stationId: 'jfk', variable: 'temperatureC', version: 'v2', event: 'promoted', at: iso(9) },
        { eventId: 'e', stationId: 'jfk', variable: 'temperatureC', version: 'v2', event: 'evaluated', at: iso(8) },
        { eventId: 'o', stationId: 'ewr', variable: 'temperatureC', version: 'v2', event: 'promoted', at: iso(9) },
      ],
      [
        {
          eventId: 'd',
          stationId: 'jfk',
          variable: 'temperatureC',
          state: 'confirmed',
          at: iso(7),
          cause: 'model',
          statistic: 2,
          threshold: 1,
          leadBucket: '1-6',
          explanation: 'grew',
          estimatedOffset: 2.4,
          changePointAt: iso(4),
        },
      ],
      'jfk',
    )
    expect(marks.map((m) => [m.id, m.kind])).toEqual([
      ['d/change-point', 'change-point'],
      ['d', 'confirmed'],
      ['p', 'promoted'],
    ])
    expect(marks[0]).toMatchObject({ atMs: Date.parse(iso(4)), text: 'step 2.4 °C' })
    const span = timelineSpan(marks, Date.parse(iso(10)))
    expect((span?.to ?? 0) - (span?.from ?? 0)).toBeGreaterThanOrEqual(86_400_000)
    expect(timelineSpan([], 0)).toBeNull()
    const row = { ...servedRow, variable: 'dewPointC' as const }
    const both = timelineMarks(
      [{ eventId: 'p', stationId: 'jfk', variable: 'dewPointC', version: 'v1', event: 'promoted', at: iso(5) }],
      [],
      'jfk',
      [row],
    )
    expect(both.map((m) => m.id)).toEqual(['p'])
    expect(timelineMarks([], [], 'jfk', [row]).map((m) => [m.kind, m.text])).toEqual([['promoted', 'first']])
  })

  it('says why the champion is served, not what the newest order changed beside it', () => {
    const row = servedRow
    const promoted = {
      eventId: 'p',
      stationId: 'jfk',
      variable: 'temperatureC' as const,
      version: 'v1',
      event: 'promoted',
      at: iso(5),
      reasons: ['first', 'better than persistence'],
    }
    expect(whyServed(row, [])).toBe('first')
    const later = { ...row, changedAt: iso(9), reason: 'challenger v2: drift' }
    expect(whyServed(later, [{ ...promoted, variable: 'dewPointC' }, promoted])).toBe('first; better than persistence')
    expect(whyServed(later, [])).toBe('')
    expect(timelineMarks([], [], 'jfk', [later]).map(({ text }) => text)).toEqual([''])
  })
})

describe('words and numbers', () => {
  it('writes numbers, shares and ages for people', () => {
    expect(formatNumber(-0.04, 1)).toBe('0.0')
    expect(formatNumber(-1.25, 1)).toBe('−1.3')
    expect(formatNumber(Number.NaN, 1)).toBe('–')
    expect(formatPercent(0.123, { sign: true })).toBe('+12 %')
    expect(formatPercent(-0.123, { sign: true })).toBe('−12 %')
    expect([3.21, 65, 600, 9000, 300_000].map(formatSeconds)).toEqual(['3.2 s', '65 s', '10 min', '2.5 h', '3 d'])
    expect([null, 0, 1, 60, 7200].map(formatSpeed)).toEqual([
      'speed –',
      'standing still',
      'real time',
      '60× real time',
      '2.0 h/s',
    ])
  })

  it('shows station time, and UTC when the zone is unknown', () => {
    expect(formatInstant(Date.UTC(2013, 6, 1, 12), 'America/New_York')).toContain('08:00')
    expect(knownTimeZone('Not/AZone')).toBe('UTC')
  })
})

describe('clock and scheduler', () => {
  it('measures the pace of event time and never runs back', () => {
    const state = createState()
    let wall = 0
    const see = createClockTracker(state, () => wall)
    for (; wall <= 4000; wall += 500) see(1000 + wall * 7200)
    expect(state.clock.speed).toBeCloseTo(7200)
    const newest = state.clock.nowMs
    expect(see(5)).toBe(false)
    expect(state.clock.nowMs).toBe(newest)
  })

  it('draws a burst of changes once, only what depends on them, and survives a draw that throws', async () => {
    const drawn: string[] = []
    const errors: unknown[] = []
    const scheduler = createScheduler<'a' | 'b' | 'c'>(
      (error) => errors.push(error),
      (callback) => callback(),
    )
    scheduler.on(['a'], () => {
      throw new Error('broken panel')
    })
    scheduler.on(['a', 'b'], () => drawn.push('ab'))
    scheduler.on(['c'], () => drawn.push('c'))
    for (let i = 0; i < 1000; i++) scheduler.mark(i % 2 ? 'a' : 'b')
    await expect.poll(() => drawn).toEqual(['ab'])
    expect(errors).toHaveLength(1)
  })
})

describe('answers of the API', () => {
  it('derives the lag of a stage from the stage before it, unless the API says it', () => {
    const stage = (name: string, hour: number | null) => ({ name, newestAt: hour === null ? null : iso(hour), ageSeconds: 0 })
    const { stages } = toPipeline({
      now: iso(9),
      stages: [stage('a', 9), stage('b', 8), stage('c', null), { ...stage('d', 2), lagSeconds: 5 }, stage('e', -3)],
    })
    expect(stages.map((s) => s.lagSeconds)).toEqual([null, 3600, null, 5, 18_000])
    expect(stages.map((s) => s.status)).toEqual(['ok', 'ok', 'waiting', 'ok', 'behind'])
  })

  it('counts a replica as converged only when it serves the champion of every model', () => {
    const status = (replicaId: string, variable: 'temperatureC' | 'dewPointC', servingVersion: string) => ({
      replicaId,
      stationId: 'jfk',
      variable,
      version: servingVersion,
      servingVersion,
      state: 'serving',
      error: null,
      since: iso(0),
      controlOffset: 1,
      swapMilliseconds: 3,
    })
    const models = (['temperatureC', 'dewPointC'] as const).map((variable) => ({ stationId: 'jfk', variable, version: 'v2' }))
    const answer = {
      replicas: ['r0', 'r1', 'r2'],
      models,
      statuses: [
        status('r0', 'temperatureC', 'v2'),
        status('r0', 'dewPointC', 'v2'),
        status('r1', 'temperatureC', 'v2'),
        status('r1', 'dewPointC', 'v1'),
      ],
    }
    expect(toReplicas(answer)).toMatchObject({ converged: 1, expected: 3 })
    expect(() => toReplicas({} as never)).toThrow('/v1/replicas')
  })

  it('turns the instants of live events into ISO 8601 and leaves the rest alone', () => {
    expect(withIsoInstants({ at: 0, startsAt: iso(1), endsAt: null, statistic: 3 })).toEqual({
      at: '1970-01-01T00:00:00.000Z',
      startsAt: iso(1),
      endsAt: null,
      statistic: 3,
    })
  })
})
