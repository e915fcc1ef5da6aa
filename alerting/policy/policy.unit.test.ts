import { describe, expect, it } from 'vitest'
import { AppError } from '../../infra/runtime/errors.ts'
import type { Alert } from '../../schemas/generated/types.ts'
import type { Silence } from '../../schemas/silence.ts'
import { createMemory, type StateRow } from '../../infra/runtime/state/index.ts'
import type { Notification } from '../shared/notification.ts'
import { alert, at, HOUR_MS } from '../testing/events.ts'
import { createPolicyEngine } from './engine.ts'
import { DEFAULT_INHIBITIONS, inhibitedBy } from './inhibition.ts'
import { isMatching, silenceSchema } from './matchers.ts'
import { createPolicyClock } from './policy-clock.ts'
import { createPolicySink } from './step.ts'

const S = 1000
const TIMING = { groupWaitMs: 30 * S, groupIntervalMs: 300 * S, repeatIntervalMs: 4 * HOUR_MS }

function setup(options: { groupBy?: string[]; silences?: Silence[] } = {}) {
  let version = 0
  const memory = createMemory('alert-policy', () => ++version)
  let silences = options.silences ?? []
  const engine = createPolicyEngine({
    memory,
    timing: TIMING,
    groupBy: options.groupBy ?? ['rule'],
    inhibitions: DEFAULT_INHIBITIONS,
    silences: () => silences,
  })
  const told = (): Array<Notification> => {
    const sent = engine.outbox()
    for (const { messageId } of sent) engine.delivered(messageId)
    return sent
  }
  const advanceTo = (now: number): Notification[] => {
    engine.advance(now)
    return told()
  }
  const take = (value: Alert, now: number): Notification[] => {
    engine.take(value, now)
    return told()
  }
  return { memory, engine, told, take, advanceTo, setSilences: (next: Silence[]) => (silences = next) }
}

const brief = (sent: readonly Notification[]) =>
  sent.map(
    ({ cause, state, alerts }) =>
      `${cause} ${state} ${alerts.map(({ alertId, sequence, state: s }) => `${alertId}:${sequence}:${s}`).join(' ')}`,
  )
const resolved = (over: Partial<Alert>): Alert => alert({ state: 'resolved', endsAt: at(1), sequence: 2, ...over })

describe('grouping and timing', () => {
  it('waits group_wait for company and tells one notification', () => {
    const { take, advanceTo } = setup()
    expect(take(alert(), at(0))).toEqual([])
    expect(take(alert({ alertId: 'a2', labels: { kind: 'weather', station: 'jfk' } }), at(0) + 10 * S)).toEqual([])
    expect(advanceTo(at(0) + 30 * S - 1)).toEqual([])
    expect(brief(advanceTo(at(0) + 30 * S))).toEqual(['first firing a1:1:firing a2:1:firing'])
    expect(advanceTo(at(0) + 31 * S)).toEqual([])
  })

  it('keeps groups of different rules apart', () => {
    const { take, advanceTo } = setup()
    take(alert(), at(0))
    take(alert({ alertId: 'a2', rule: 'heat' }), at(0))
    expect(brief(advanceTo(at(1)))).toEqual(['first firing a1:1:firing', 'first firing a2:1:firing'])
  })

  it('does not wait for an alert that began long ago', () => {
    const { take } = setup()
    expect(brief(take(alert({ startsAt: at(0) }), at(2)))).toEqual(['first firing a1:1:firing'])
  })

  it('tells changes group_interval later at the earliest', () => {
    const { take, advanceTo } = setup()
    take(alert(), at(0))
    advanceTo(at(0) + 30 * S)
    expect(take(alert({ alertId: 'a2', startsAt: at(0) + 60 * S }), at(0) + 60 * S)).toEqual([])
    expect(advanceTo(at(0) + 329 * S)).toEqual([])
    expect(brief(advanceTo(at(0) + 330 * S))).toEqual(['changed firing a1:1:firing a2:1:firing'])
  })

  it('repeats after repeat_interval while it fires, each time under a new id', () => {
    const { take, advanceTo } = setup()
    take(alert(), at(0))
    const [first] = advanceTo(at(0) + 30 * S)
    expect(advanceTo(at(4))).toEqual([])
    const [second] = advanceTo(at(4) + 30 * S)
    expect(brief(second ? [second] : [])).toEqual(['repeat firing a1:1:firing'])
    expect(second?.messageId).not.toBe(first?.messageId)
    expect(second?.threadId).toBe(first?.threadId)
    expect([first?.opensThread, second?.opensThread]).toEqual([true, false])
  })

  it('does not repeat mere information', () => {
    const { take, advanceTo } = setup()
    take(alert({ severity: 'info' }), at(0))
    expect(advanceTo(at(0) + 30 * S)).toHaveLength(1)
    expect(advanceTo(at(50))).toEqual([])
  })

  it('tells the end exactly once, and the next episode opens a new thread', () => {
    const { take, advanceTo } = setup()
    take(alert(), at(0))
    const [first] = advanceTo(at(0) + 30 * S)
    expect(brief(take(resolved({}), at(1)))).toEqual(['changed resolved a1:2:resolved'])
    expect(advanceTo(at(100))).toEqual([])
    take(alert({ sequence: 3, startsAt: at(200) }), at(200))
    const [again] = advanceTo(at(201))
    expect(again).toMatchObject({ cause: 'first', opensThread: true })
    expect(again?.threadId).not.toBe(first?.threadId)
  })

  it('of three, the one that ended is told beside those that still fire', () => {
    const { take, advanceTo } = setup()
    for (const alertId of ['a1', 'a2', 'a3']) take(alert({ alertId }), at(0))
    advanceTo(at(0) + 30 * S)
    expect(brief(take(resolved({ alertId: 'a2' }), at(1)))).toEqual(['changed firing a1:1:firing a3:1:firing a2:2:resolved'])
    expect(brief(take(resolved({ alertId: 'a1' }), at(2)))).toEqual(['changed firing a3:1:firing a1:2:resolved'])
    expect(brief(take(resolved({ alertId: 'a3' }), at(3)))).toEqual(['changed resolved a3:2:resolved'])
  })

  it('an alert that ended before anybody was told is never told', () => {
    const { take, advanceTo, memory } = setup()
    take(alert(), at(0))
    take(resolved({ endsAt: at(0) + 10 * S }), at(0) + 10 * S)
    expect(advanceTo(at(10))).toEqual([])
    expect(memory.keys('group/')).toEqual([])
  })

  it('what was due before the news goes out first: a jump of event time swallows no alert', () => {
    const { take, advanceTo } = setup()
    expect(take(alert(), at(0))).toEqual([])
    expect(brief(take(resolved({ endsAt: at(1) }), at(1)))).toEqual(['first firing a1:1:firing'])
    expect(brief(advanceTo(at(1) + 300 * S))).toEqual(['changed resolved a1:2:resolved'])
  })

  it('says no "still firing" while the news of the end is in hand', () => {
    const { take, advanceTo } = setup()
    take(alert(), at(0))
    advanceTo(at(0) + 30 * S)
    expect(brief(take(resolved({ endsAt: at(9) }), at(9)))).toEqual(['changed resolved a1:2:resolved'])
  })

  it('drops what is not newer: same or older sequence', () => {
    const { take, advanceTo, engine } = setup()
    take(alert({ sequence: 5 }), at(0))
    advanceTo(at(0) + 30 * S)
    expect(engine.take(alert({ sequence: 5 }), at(1))).toBe(false)
    expect(engine.take(resolved({ sequence: 4 }), at(1))).toBe(false)
    expect(advanceTo(at(1))).toEqual([])
    expect(brief(take(resolved({ sequence: 6 }), at(1)))).toEqual(['changed resolved a1:6:resolved'])
    expect(engine.take(alert({ sequence: 5 }), at(2))).toBe(false)
  })

  it('fired again before its end was told: told with its newest state', () => {
    const { take, advanceTo } = setup()
    take(alert(), at(0))
    advanceTo(at(0) + 30 * S)
    take(resolved({ endsAt: at(0) + 60 * S }), at(0) + 60 * S)
    take(alert({ sequence: 3, startsAt: at(0) + 90 * S }), at(0) + 90 * S)
    expect(brief(advanceTo(at(0) + 330 * S))).toEqual(['changed firing a1:3:firing'])
  })

  it('a test alert is told once and forgotten', () => {
    const { take, advanceTo, memory } = setup()
    take(alert({ rule: 'test' }), at(0))
    expect(advanceTo(at(1))).toHaveLength(1)
    expect(memory.keys('group/')).toEqual([])
    expect(advanceTo(at(20))).toEqual([])
  })

  it('a restart neither forgets what waits nor tells again what was told', () => {
    const old = setup()
    old.take(alert(), at(0))
    old.advanceTo(at(0) + 30 * S)
    old.take(alert({ alertId: 'b1', rule: 'heat', startsAt: at(0) + 40 * S }), at(0) + 40 * S)
    const fresh = setup()
    fresh.memory.restore(
      new Map(
        old.memory
          .unstoredRows()
          .map((row) => [row.stateKey, JSON.parse(row.state) as unknown])
          .filter(([, state]) => state !== null) as Array<[string, unknown]>,
      ),
    )
    expect(fresh.engine.take(alert(), at(0) + 41 * S)).toBe(false)
    expect(brief(fresh.advanceTo(at(1)))).toEqual(['first firing b1:1:firing'])
  })
})

describe('silences', () => {
  const silence = (over: Partial<Silence> = {}): Silence => ({
    id: 's1',
    matchers: [{ label: 'station', op: '=', value: 'ewr' }],
    startsAt: new Date(at(0)).toISOString(),
    endsAt: new Date(at(2)).toISOString(),
    createdBy: 'ops',
    comment: 'mast is being painted',
    ...over,
  })

  it('keeps matching alerts quiet from start to end; then what still fires is told', () => {
    const { take, advanceTo } = setup({ silences: [silence()] })
    take(alert(), at(0))
    expect(advanceTo(at(2) - 1)).toEqual([])
    expect(brief(advanceTo(at(2)))).toEqual(['first firing a1:1:firing'])
  })

  it('leaves other stations alone', () => {
    const { take, advanceTo } = setup({ silences: [silence()] })
    take(alert(), at(0))
    take(alert({ alertId: 'a2', labels: { station: 'jfk' } }), at(0))
    expect(brief(advanceTo(at(1)))).toEqual(['first firing a2:1:firing'])
  })

  it('stops reminders, but the end of what was told is told', () => {
    const { take, advanceTo, setSilences } = setup()
    take(alert(), at(0))
    advanceTo(at(0) + 30 * S)
    setSilences([silence({ endsAt: new Date(at(100)).toISOString() })])
    expect(advanceTo(at(9))).toEqual([])
    expect(brief(take(resolved({ endsAt: at(10) }), at(10)))).toEqual(['changed resolved a1:2:resolved'])
  })

  it('matches by equality and anchored expressions, on labels, rule and severity', () => {
    const value = alert()
    expect(isMatching({ label: 'station', op: '=~', value: 'ew.' }, value)).toBe(true)
    expect(isMatching({ label: 'station', op: '=~', value: 'e' }, value)).toBe(false)
    expect(isMatching({ label: 'station', op: '!~', value: 'jfk|lga' }, value)).toBe(true)
    expect(isMatching({ label: 'rule', op: '=', value: 'frost' }, value)).toBe(true)
    expect(isMatching({ label: 'severity', op: '!=', value: 'critical' }, value)).toBe(true)
    expect(isMatching({ label: 'missing', op: '=', value: '' }, value)).toBe(true)
  })

  it('an expression that never ends silences nothing and does not stall', () => {
    const began = performance.now()
    const slow = alert({ labels: { station: `${'a'.repeat(40)}!` } })
    expect(isMatching({ label: 'station', op: '=~', value: '(a+)+' }, slow)).toBe(false)
    expect(isMatching({ label: 'station', op: '!~', value: '(a+)+' }, slow)).toBe(false)
    expect(performance.now() - began).toBeLessThan(2000)
  })

  it('refuses silences without matchers or with broken expressions', () => {
    expect(silenceSchema.safeParse(silence()).success).toBe(true)
    expect(silenceSchema.safeParse(silence({ matchers: [] })).success).toBe(false)
    expect(silenceSchema.safeParse(silence({ matchers: [{ label: 'station', op: '=~', value: '(' }] })).success).toBe(false)
  })
})

describe('inhibition', () => {
  const fault = alert({ alertId: 'f', rule: 'sensor-fault', labels: { station: 'ewr', variable: 'temperatureC' } })
  const stale = alert({ alertId: 's', rule: 'station-stale', labels: { station: 'ewr' } })
  const drifting = alert({ alertId: 'd', rule: 'drift-confirmed', labels: { station: 'ewr', variable: 'temperatureC' } })

  it('a sensor fault keeps weather rules of its station quiet, a silent station its drift, and nothing else', () => {
    expect(inhibitedBy(alert(), [fault])?.name).toContain('faulty sensor')
    expect(inhibitedBy(drifting, [stale])?.name).toContain('silent station')
    expect(inhibitedBy(alert(), [{ ...fault, labels: { station: 'jfk' } }])).toBeUndefined()
    expect(inhibitedBy(fault, [fault, stale])).toBeUndefined()
  })

  it('ends with its source: what still fires is told then', () => {
    const { take, advanceTo } = setup()
    expect(brief(take(fault, at(1)))).toEqual(['first firing f:1:firing'])
    expect(take(alert({ startsAt: at(1) }), at(1))).toEqual([])
    expect(advanceTo(at(3))).toEqual([])
    expect(brief(take({ ...fault, sequence: 2, state: 'resolved', endsAt: at(4) }, at(4)))).toEqual(
      ['changed resolved f:2:resolved', 'first firing a1:1:firing'].sort(
        (a, b) => Number(a.startsWith('first')) - Number(b.startsWith('first')),
      ),
    )
  })
})

describe('policy clock', () => {
  it('adds wall time while a stream stands, up to its limit, and never goes back', () => {
    let streamMs = at(0)
    let wallMs = 0
    const clock = createPolicyClock({ mode: 'stream', now: () => streamMs, observe: () => undefined }, () => wallMs, 330 * S)
    expect(clock.now()).toBe(at(0))
    wallMs = 30 * S
    expect(clock.now()).toBe(at(0) + 30 * S)
    wallMs = HOUR_MS
    expect(clock.now()).toBe(at(0) + 330 * S)
    streamMs = at(0) + 60 * S
    expect(clock.now()).toBe(at(0) + 330 * S)
    streamMs = at(1)
    expect(clock.now()).toBe(at(1))
  })

  it('a live clock is taken as it is; a stream that has begun nothing knows no time', () => {
    expect(createPolicyClock({ mode: 'system', now: () => 5, observe: () => undefined }, () => 1e9, 330).now()).toBe(5)
    expect(createPolicyClock({ mode: 'stream', now: () => 0, observe: () => undefined }, () => 1e9, 330).now()).toBe(0)
  })
})

describe('outbox', () => {
  it('is stored before it is sent, kept while the broker is away, and sent once when it is back', async () => {
    const { engine, memory } = setup()
    const steps: string[] = []
    let isUp = false
    const sink = createPolicySink({
      engine,
      memory,
      stateSink: {
        write: async (rows: readonly StateRow[]) => {
          steps.push(`stored ${rows.filter(({ stateKey, state }) => stateKey.startsWith('outbox/') && state !== 'null').length}`)
          memory.markStored(rows)
        },
      },
      send: async ({ messageId }) => {
        if (!isUp) throw new AppError('down', { code: 'amqp-unavailable', retry: 'transient' })
        steps.push(`sent ${messageId.length > 0}`)
      },
    })
    engine.take(alert({ startsAt: at(0) }), at(2))
    const rows = memory.unstoredRows()
    await expect(sink.write(rows)).rejects.toThrow('down')
    await expect(sink.write(rows)).rejects.toThrow('down')
    expect(engine.outbox()).toHaveLength(1)
    isUp = true
    await Promise.all([sink.write(rows), sink.flush()])
    expect(engine.outbox()).toEqual([])
    expect(steps).toEqual(['stored 1', 'stored 1', 'stored 1', 'sent true', 'stored 0'])
  })
})
