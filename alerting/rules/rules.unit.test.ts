import { describe, expect, it } from 'vitest'
import { createClock } from '../../infra/runtime/clock.ts'
import type { InboundEvent } from '../../infra/runtime/kafka/types.ts'
import type { Alert, Drift } from '../../schemas/generated/types.ts'
import { createMemory } from '../../infra/runtime/state/index.ts'
import { at, checked, control, drift, forecast, HOUR_MS, lifecycle, status } from '../testing/events.ts'
import { rulesBlock } from './config.ts'
import { createRulesEngine, type RuleTopic } from './engine.ts'
import { decideSensorFault } from './sensor-fault.ts'
import { createRulesStep } from './step.ts'

const ALL = { mayJudgeSilence: true, ownsObservations: () => true, ownsModels: true }

function setup(env: Record<string, unknown> = {}) {
  let wallMs = 10_000_000
  let version = 0
  const memory = createMemory('alert-rules', () => ++version)
  const clock = createClock('stream')
  const config = rulesBlock.parse(env)
  const engine = createRulesEngine({ memory, config, clock, wallNow: () => wallMs })
  const offsets = new Map<string, number>()
  function inbound(topic: RuleTopic, value: unknown, partition = 0): InboundEvent<RuleTopic> {
    const offset = (offsets.get(`${topic}/${partition}`) ?? -1) + 1
    offsets.set(`${topic}/${partition}`, offset)
    return { topic, key: 'k', value, partition, offset, headers: {}, timestampMs: wallMs } as InboundEvent<RuleTopic>
  }
  const give = (topic: RuleTopic, value: unknown, partition = 0): readonly Alert[] => {
    const processed = engine.process(inbound(topic, value, partition))
    return 'alerts' in processed ? processed.alerts : []
  }
  return { memory, clock, engine, config, inbound, give, passWallMs: (ms: number) => (wallMs += ms) }
}

const brief = (alerts: readonly Alert[]) => alerts.map(({ rule, state, sequence }) => `${rule} ${state} ${sequence}`)

describe('sensor fault', () => {
  it('fires at the third bad hour in a row and resolves after six good ones', () => {
    const { give } = setup()
    const seen = Array.from({ length: 12 }, (_, hour) => {
      const flag = hour >= 2 && hour <= 5 ? 'bad' : 'good'
      return brief(give('weather.observation-checked.v1', checked(hour, { temperatureC: flag })))
    })
    expect(seen[4]).toEqual(['sensor-fault firing 1'])
    expect(seen[11]).toEqual(['sensor-fault resolved 2'])
    expect(seen.flat()).toHaveLength(2)
  })

  it('says which sensor, since when and by which rule', () => {
    const { give } = setup()
    give('weather.station.v1', { stationId: 'ewr', name: 'Newark' })
    for (const hour of [0, 1]) give('weather.observation-checked.v1', checked(hour, { windSpeedMps: 'bad' }))
    const [raised] = give('weather.observation-checked.v1', checked(2, { windSpeedMps: 'bad' }))
    expect(raised).toMatchObject({
      labels: { station: 'ewr', variable: 'windSpeedMps' },
      startsAt: at(2),
      endsAt: null,
      causedBy: `obs/ewr/${new Date(at(2)).toISOString()}/replay:test/0`,
      links: { runbook: 'docs/runbooks/sensor-fault.md' },
    })
    expect(raised?.annotations['summary']).toBe('Wind speed sensor at Newark (ewr) looks faulty')
    expect(raised?.annotations['description']).toContain('stuck-sensor')
  })

  it('a good hour in between starts the count again; suspect and missing hours count for nothing', () => {
    const { give } = setup()
    const flags = ['bad', 'bad', 'good', 'bad', 'suspect', 'missing', 'bad', 'bad'] as const
    const seen = flags.map((flag, hour) => give('weather.observation-checked.v1', checked(hour, { temperatureC: flag })).length)
    expect(seen).toEqual([0, 0, 0, 0, 0, 0, 0, 1])
  })

  it('does not count an hour twice when a correction repeats it', () => {
    const run = { lastAt: at(5), badHours: 2, badSince: at(4), goodHours: 0 }
    const limits = { badHours: 3, goodHours: 6 }
    expect(decideSensorFault(run, 'bad', at(5), false, limits)).toEqual({ run, change: null })
    expect(decideSensorFault(run, 'bad', at(6), false, limits).change).toBe('raise')
  })

  it('history loaded in bulk and model fill raise nothing', () => {
    const { give } = setup()
    for (let hour = 0; hour < 10; hour++) {
      expect(give('weather.observation-checked.v1', checked(hour, { temperatureC: 'bad' }, { receivedAt: at(500) }))).toEqual([])
      expect(give('weather.observation-checked.v1', checked(hour, { temperatureC: 'bad' }, { kind: 'model-fill' }))).toEqual([])
    }
  })
})

describe('weather rules', () => {
  it('frost fires and resolves with hysteresis', () => {
    const { give } = setup()
    const medians = [5, 0.3, 0.9, 0.9, 3, 0.3]
    const seen = medians.map((median, hour) => brief(give('weather.forecast.v1', forecast(hour, median))))
    // P(T ≤ 0): 0.38 at 0.3 fires; 0.18 at 0.9 is above the clearing 0.15; 3 °C clears.
    expect(seen).toEqual([[], ['frost firing 1'], [], [], ['frost resolved 2'], ['frost firing 3']])
  })

  it('looks only as far ahead as the rule says, and names the hour', () => {
    const { give } = setup()
    const warm = forecast(0, 10).quantiles[0] ?? []
    const cold = forecast(0, -5).quantiles[0] ?? []
    const late = forecast(0, 10)
    expect(give('weather.forecast.v1', { ...late, quantiles: late.leadHours.map((lead) => (lead > 24 ? cold : warm)) })).toEqual(
      [],
    )
    const [raised] = give('weather.forecast.v1', {
      ...forecast(1, 10),
      quantiles: late.leadHours.map((lead) => (lead === 6 ? cold : warm)),
    })
    expect(raised).toMatchObject({
      startsAt: at(1),
      labels: { kind: 'weather', station: 'ewr' },
      annotations: { validAt: new Date(at(7)).toISOString() },
    })
    expect(Number(raised?.annotations['probability'])).toBeGreaterThan(0.97)
  })

  it('heat and strong wind have rules of their own', () => {
    const { give } = setup()
    expect(brief(give('weather.forecast.v1', forecast(0, 33)))).toEqual(['heat firing 1'])
    expect(brief(give('weather.forecast.v1', forecast(0, 12, { variable: 'windSpeedMps' })))).toEqual(['strong-wind firing 1'])
  })

  it('challengers, stale forecasts and older issues decide nothing', () => {
    const { give } = setup()
    expect(give('weather.forecast.v1', forecast(5, -9, { role: 'challenger' }))).toEqual([])
    expect(give('weather.forecast.v1', forecast(5, -9, { status: 'stale' }))).toEqual([])
    expect(brief(give('weather.forecast.v1', forecast(5, -9)))).toEqual(['frost firing 1'])
    expect(give('weather.forecast.v1', forecast(4, 20))).toEqual([])
  })

  it('what is usual at the place of a station without history decides nothing; its first days do, and the alert says what they are worth', () => {
    const { give } = setup()
    const wide = { status: 'degraded', statusReason: 'little history yet' } as const
    expect(give('weather.forecast.v1', forecast(0, -9, { ...wide, fallback: 'site-prior' }))).toEqual([])
    const [raised] = give('weather.forecast.v1', forecast(1, -9, { ...wide, fallback: 'young-station' }))
    expect(raised).toMatchObject({ rule: 'frost', state: 'firing' })
    expect(raised?.annotations['description']).toMatch(/The forecast is degraded: little history yet\.$/)
    expect(give('weather.forecast.v1', forecast(2, 20, { ...wide, fallback: 'site-prior' }))).toEqual([])
  })

  it('quantiles that are no distribution are dead-lettered, not believed', async () => {
    const { engine, memory, inbound } = setup()
    const step = createRulesStep({ engine, memory, onSlice: () => undefined })
    const bad = forecast(0, 1)
    const outcomes = await step(
      [inbound('weather.forecast.v1', { ...bad, quantiles: bad.quantiles.map((q) => [...q].reverse()) })],
      {
        topic: 'weather.forecast.v1',
        partition: 0,
        caughtUp: true,
        heartbeat: async () => undefined,
      },
    )
    expect(outcomes[0]).toMatchObject({ kind: 'dead-letter', reason: 'bad-quantiles' })
  })

  it('an observation at an instant that cannot be one is dead-lettered under its own name', async () => {
    const { engine, memory, inbound } = setup()
    const step = createRulesStep({ engine, memory, onSlice: () => undefined })
    const topic = 'weather.observation-checked.v1'
    const context = { topic, partition: 0, caughtUp: true, heartbeat: async () => undefined } as const
    const [outcome] = await step([inbound(topic, { ...checked(0, {}), observedAt: 9e15 })], context)
    expect(outcome).toMatchObject({ kind: 'dead-letter', reason: 'invalid-instant' })
  })

  it('rules come from the configuration, and wrong ones are refused', () => {
    const rule = {
      name: 'chilly',
      variable: 'temperatureC',
      op: '<=',
      threshold: 8,
      minProbability: 0.5,
      clearProbability: 0.4,
      withinHours: 3,
    }
    const { give } = setup({ alertWeatherRules: JSON.stringify([rule]) })
    expect(brief(give('weather.forecast.v1', forecast(0, 5)))).toEqual(['chilly firing 1'])
    expect(() => setup({ alertWeatherRules: JSON.stringify([{ ...rule, clearProbability: 0.9 }]) })).toThrow('clearProbability')
    expect(() => setup({ alertWeatherRules: '{' })).toThrow('not JSON')
    expect(() => setup({ alertWeatherRules: JSON.stringify([rule, rule]) })).toThrow('differ')
  })
})

describe('model rules', () => {
  it('drift fires when confirmed and resolves when recovered or stable', () => {
    const { give } = setup()
    const seen = (['warned', 'confirmed', 'confirmed', 'recovered', 'confirmed', 'stable'] as const).map((state, i) =>
      brief(give('model.drift.v1', drift(i, state))),
    )
    expect(seen).toEqual([
      [],
      ['drift-confirmed firing 1'],
      [],
      ['drift-confirmed resolved 2'],
      ['drift-confirmed firing 3'],
      ['drift-confirmed resolved 4'],
    ])
  })

  it('drift links to its evidence', () => {
    const { give } = setup()
    const [alert] = give('model.drift.v1', drift(0, 'confirmed', { eventId: 'drift/ewr/temperatureC/v1/2013-07-10' }))
    expect(alert?.links['evidence']).toBe('/v1/drift/evidence?eventId=drift%2Fewr%2FtemperatureC%2Fv1%2F2013-07-10')
  })

  it('drift of a feed speaks of the station, that of a sensor of the sensor, any other of errors', () => {
    const summaryOf = (cause: Drift['cause']) => {
      const { give } = setup()
      return give('model.drift.v1', drift(0, 'confirmed', { cause }))[0]?.annotations['summary']
    }
    expect(summaryOf('feed')).toBe('Observations of ewr come late or with gaps')
    expect(summaryOf('sensor')).toBe('The sensor for temperature at ewr is in doubt')
    expect(summaryOf('network')).toBe('Forecast errors of temperature at ewr have drifted')
  })

  it('a promotion resolves itself six hours of event time later, dated there', () => {
    const { give, clock, engine } = setup()
    expect(give('model.lifecycle.v1', lifecycle(0, 'promoted'))).toMatchObject([{ rule: 'model-promoted', severity: 'info' }])
    clock.observe(at(6) - 1)
    expect(engine.tick(ALL)).toEqual([])
    clock.observe(at(50))
    expect(engine.tick(ALL)).toMatchObject([{ rule: 'model-promoted', state: 'resolved', sequence: 2, endsAt: at(6) }])
    expect(engine.tick(ALL)).toEqual([])
  })

  it('a rollback ends with the next promotion or after a day; a failed training with the next trained one', () => {
    const { give, clock, engine } = setup()
    expect(brief(give('model.lifecycle.v1', lifecycle(0, 'rolled-back')))).toEqual(['model-rolled-back firing 1'])
    expect(brief(give('model.lifecycle.v1', lifecycle(1, 'promoted', { version: 'v3' })))).toEqual([
      'model-rolled-back resolved 2',
      'model-promoted firing 1',
    ])
    give('model.lifecycle.v1', lifecycle(10, 'rolled-back'))
    clock.observe(at(34))
    expect(brief(engine.tick(ALL))).toEqual(['model-promoted resolved 2', 'model-rolled-back resolved 4'])
    expect(brief(give('model.lifecycle.v1', lifecycle(40, 'failed')))).toEqual(['training-failed firing 1'])
    expect(brief(give('model.lifecycle.v1', lifecycle(41, 'trained')))).toEqual(['training-failed resolved 2'])
  })

  it('a refused artefact fires per replica and resolves when that replica serves this or a newer order', () => {
    const { give } = setup()
    const refused = { state: 'rejected', error: 'sha256-mismatch', servingVersion: 'v1' } as const
    expect(brief(give('model.status.v1', status('replica-0', 7, refused)))).toEqual(['artifact-rejected firing 1'])
    expect(brief(give('model.status.v1', status('replica-1', 7, refused)))).toEqual(['artifact-rejected firing 1'])
    expect(give('model.status.v1', status('replica-0', 6))).toEqual([])
    expect(give('model.status.v1', status('replica-0', 8))).toMatchObject([
      { state: 'resolved', labels: { replica: 'replica-0' } },
    ])
  })

  it('a replica that does not answer an order within 60 s of wall time is told, until it does', () => {
    const { give, engine, clock, passWallMs } = setup()
    clock.observe(at(0))
    give('model.status.v1', status('replica-0', 3, { since: 10_000_000 }))
    give('model.status.v1', status('replica-1', 3, { since: 10_000_000 }))
    give('model.control.v1', control(0, 'v2'))
    const order = control(1, 'v3')
    for (let i = 1; i < 9; i++) give('model.control.v1', { ...order, changedAt: at(1) })
    give('model.status.v1', status('replica-0', 8, { since: 10_001_000 }))
    passWallMs(59_000)
    expect(engine.tick(ALL)).toEqual([])
    passWallMs(2000)
    const raised = engine.tick(ALL)
    expect(brief(raised)).toEqual(['fleet-unconverged firing 1'])
    expect(raised[0]?.annotations['replicas']).toBe('replica-1')
    expect(brief(give('model.status.v1', status('replica-1', 8, { since: 10_062_000 })))).toEqual([
      'fleet-unconverged resolved 2',
    ])
  })
})

describe('a replica that is waited for', () => {
  const DAY_MS = 24 * HOUR_MS
  const WALL = 10_000_000

  it('is late after an order though nobody was asked anything for weeks', () => {
    const { give, engine, clock, passWallMs } = setup()
    clock.observe(at(0))
    give('model.control.v1', control(0, 'v2'))
    for (const id of ['replica-0', 'replica-1']) give('model.status.v1', status(id, 0, { since: WALL }))
    passWallMs(20 * DAY_MS)
    give('model.control.v1', control(1, 'v3'))
    give('model.status.v1', status('replica-0', 1, { since: WALL + 20 * DAY_MS }))
    passWallMs(61_000)
    expect(engine.tick(ALL)).toMatchObject([{ rule: 'fleet-unconverged', annotations: { replicas: 'replica-1' } }])
  })

  it('has as long for the models of old orders when it is new', () => {
    const { give, engine, clock, passWallMs } = setup()
    clock.observe(at(0))
    for (const variable of ['temperatureC', 'dewPointC']) give('model.control.v1', { ...control(0, 'v2'), variable })
    passWallMs(DAY_MS)
    give('model.status.v1', status('replica-0', 0, { since: WALL + DAY_MS }))
    passWallMs(59_000)
    expect(engine.tick(ALL)).toEqual([])
    passWallMs(2000)
    expect(engine.tick(ALL)).toMatchObject([{ rule: 'fleet-unconverged', labels: { variable: 'dewPointC' } }])
  })

  it('is taken for gone when it has left the orders of a week unanswered; then the alert ends', () => {
    const { give, engine, clock, passWallMs } = setup()
    clock.observe(at(0))
    give('model.control.v1', control(0, 'v0'))
    for (const id of ['replica-0', 'replica-1']) give('model.status.v1', status(id, 0, { since: WALL }))
    const told: string[] = []
    for (let day = 1; day <= 10; day++) {
      passWallMs(DAY_MS)
      give('model.control.v1', control(day, `v${day}`))
      told.push(...brief(give('model.status.v1', status('replica-0', day, { since: WALL + day * DAY_MS }))))
      passWallMs(61_000)
      told.push(...brief(engine.tick(ALL)))
    }
    expect(told).toEqual(['fleet-unconverged firing 1', 'fleet-unconverged resolved 2'])
  })
})

describe('stale station', () => {
  it('fires after six silent hours of event time, dated there, and resolves at the next observation', () => {
    const { give, clock, engine, passWallMs } = setup()
    give('weather.observation-checked.v1', checked(0))
    clock.observe(at(6) - 1)
    expect(engine.tick(ALL)).toEqual([])
    clock.observe(at(9))
    expect(engine.tick(ALL)).toEqual([])
    passWallMs(12_000)
    expect(engine.tick(ALL)).toMatchObject([{ rule: 'station-stale', startsAt: at(6), state: 'firing' }])
    expect(engine.tick(ALL)).toEqual([])
    expect(give('weather.observation-checked.v1', checked(10))).toMatchObject([
      { rule: 'station-stale', state: 'resolved', endsAt: at(10) },
    ])
  })

  it('is not judged while a partition lags, by who does not own it, nor at the first look', () => {
    const { give, clock, engine, passWallMs } = setup()
    give('weather.observation-checked.v1', checked(0))
    clock.observe(at(100))
    expect(engine.tick(ALL)).toEqual([])
    passWallMs(12_000)
    expect(engine.tick({ ...ALL, mayJudgeSilence: false })).toEqual([])
    expect(engine.tick({ ...ALL, ownsObservations: () => false })).toEqual([])
    expect(brief(engine.tick(ALL))).toEqual(['station-stale firing 1'])
  })

  it('is not told while what was missed in an outage arrives station by station', () => {
    const { give, clock, engine, passWallMs } = setup()
    give('weather.observation-checked.v1', checked(0))
    // Nobody was heard for nine hours; then the hours of another station come first.
    passWallMs(9 * 3_600_000)
    clock.observe(at(9))
    expect(engine.tick(ALL)).toEqual([])
    passWallMs(3000)
    give('weather.observation-checked.v1', checked(1))
    passWallMs(8000)
    expect(engine.tick(ALL)).toEqual([])
    give('weather.observation-checked.v1', checked(9))
    passWallMs(12_000)
    expect(engine.tick(ALL)).toEqual([])
  })
})

describe('redelivery and restart', () => {
  const story = (): Array<[RuleTopic, unknown, number]> => [
    ...Array.from({ length: 8 }, (_, hour): [RuleTopic, unknown, number] => [
      'weather.observation-checked.v1',
      checked(hour, { temperatureC: hour < 4 ? 'bad' : 'good' }),
      2,
    ]),
    ['weather.forecast.v1', forecast(1, -3), 2],
    ['weather.forecast.v1', forecast(2, 9), 2],
    ['model.drift.v1', drift(1, 'confirmed'), 0],
    ['model.drift.v1', drift(3, 'recovered'), 0],
    ['model.lifecycle.v1', lifecycle(2, 'promoted'), 0],
  ]

  it('the same offsets again give the same alerts and change nothing', () => {
    const { engine, inbound, memory } = setup()
    const events = story().map(([topic, value, partition]) => inbound(topic, value, partition))
    const first = events.map((event) => engine.process(event))
    const before = memory.keys('').map((key) => [key, memory.get<unknown>(key)])
    const again = events.map((event) => engine.process(event))
    const alertsOf = (all: typeof first) => all.map((processed) => ('alerts' in processed ? processed.alerts : []))
    expect(alertsOf(again)).toEqual(alertsOf(first))
    expect(alertsOf(first).flat()).toHaveLength(6)
    expect(memory.keys('').map((key) => [key, memory.get<unknown>(key)])).toEqual(before)
  })

  it('a new process that restored the rows gives the same alerts for offsets it gets again', () => {
    const old = setup()
    const events = story().map(([topic, value, partition]) => old.inbound(topic, value, partition))
    const first = events.map((event) => old.engine.process(event))
    const fresh = setup()
    fresh.memory.restore(new Map(old.memory.unstoredRows().map((row) => [row.stateKey, JSON.parse(row.state) as unknown])))
    const again = events.map((event) => fresh.engine.process(event))
    const ids = (all: typeof first) =>
      all.map((processed) =>
        'alerts' in processed ? processed.alerts.map(({ alertId, sequence }) => `${alertId}/${sequence}`) : [],
      )
    expect(ids(again)).toEqual(ids(first))
  })

  it('any interleaving of the topics gives the same alerts', () => {
    const run = (order: Array<[RuleTopic, unknown, number]>): string[] => {
      const { give } = setup()
      return order
        .flatMap(([topic, value, partition]) => [...give(topic, value, partition)])
        .map(({ alertId, sequence, state, startsAt, endsAt }) => JSON.stringify({ alertId, sequence, state, startsAt, endsAt }))
        .sort()
    }
    const events = story()
    const expected = run(events)
    const byTopic = Map.groupBy(events, ([topic]) => topic)
    const queues = [...byTopic.values()].reverse()
    expect(run(queues.flat())).toEqual(expected)
    const zipped = Array.from({ length: 8 }, (_, i) => queues.flatMap((queue) => (queue[i] ? [queue[i]] : []))).flat()
    expect(run(zipped)).toEqual(expected)
  })

  it('timer alerts stay in the outbox until they are published', () => {
    const { give, clock, engine, passWallMs, memory } = setup()
    give('weather.observation-checked.v1', checked(0))
    passWallMs(12_000)
    clock.observe(at(0) + 7 * HOUR_MS)
    const raised = engine.tick(ALL)
    const restarted = setup()
    restarted.memory.restore(new Map(memory.unstoredRows().map((row) => [row.stateKey, JSON.parse(row.state) as unknown])))
    expect(restarted.engine.unpublishedTimerAlerts()).toEqual(raised)
    restarted.engine.timerAlertsPublished(raised)
    expect(restarted.engine.unpublishedTimerAlerts()).toEqual([])
  })

  it('recorded alerts of slices long past are forgotten, those of the slice at hand never', () => {
    const { engine, inbound, memory } = setup()
    const events = Array.from({ length: 120 }, (_, i) =>
      inbound('model.drift.v1', drift(i, i % 2 === 0 ? 'confirmed' : 'recovered')),
    )
    for (const event of events) engine.process(event)
    engine.beginSlice('model.drift.v1', 0, 100)
    const progress = memory.get<{ emitted: Array<{ offset: number }> }>('progress/model.drift.v1/0')
    expect(progress?.emitted.map(({ offset }) => offset)).toEqual(Array.from({ length: 40 }, (_, i) => i + 80))
  })

  it('rows that could not be stored are given again', () => {
    const { memory } = setup()
    memory.set('a', 1)
    const first = memory.unstoredRows()
    expect(memory.unstoredRows()).toEqual(first)
    memory.set('b', 2)
    memory.markStored(first)
    expect(memory.unstoredRows().map(({ stateKey }) => stateKey)).toEqual(['b'])
    memory.delete('a')
    expect(memory.unstoredRows()).toContainEqual(expect.objectContaining({ stateKey: 'a', state: 'null' }))
  })
})
