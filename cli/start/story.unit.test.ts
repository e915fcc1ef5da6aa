import { beforeEach, describe, expect, it } from 'vitest'
import type { InboundEvent } from '../../infra/runtime/kafka/types.ts'
import { createStory, STAGES, type StageName } from './story.ts'

const HOUR_MS = 3_600_000
const CHANGE_AT = Date.UTC(2013, 6, 2)
const STUCK_FROM = Date.UTC(2013, 6, 9)
const STATIONS = ['ewr', 'jfk']
const NEW = 'v2'

let story: ReturnType<typeof createStory>
beforeEach(() => {
  story = createStory({
    stationIds: STATIONS,
    replicaIds: ['replica-0', 'replica-1'],
    instrumentChangeAt: CHANGE_AT,
    stuckSensor: { stationId: 'jfk', from: STUCK_FROM, to: STUCK_FROM + 24 * HOUR_MS },
  })
})

/** Only what the story reads of an event. */
const give = (topic: string, value: object): StageName[] =>
  story.take({ topic, value } as unknown as InboundEvent).map(({ stage }) => stage)
const model = { stationId: 'ewr', variable: 'temperatureC' }
const ofEach = (topic: string, value: object): StageName[] =>
  STATIONS.flatMap((stationId) => give(topic, { ...value, stationId, variable: 'temperatureC' }))
const drift = (state: string, over: object = {}) =>
  give('model.drift.v1', {
    ...model,
    eventId: `drift/${state}`,
    at: CHANGE_AT + 1,
    state,
    cause: 'model',
    modelVersion: 'v1',
    ...over,
  })
const run = (event: string, over: object = {}) =>
  give('model.lifecycle.v1', {
    ...model,
    eventId: `lifecycle/${event}`,
    at: CHANGE_AT + 2,
    version: NEW,
    requestReason: 'drift',
    reasons: [],
    rows: 1,
    fitSeconds: 1,
    event,
    ...over,
  })
const status = (replicaId: string, over: object = {}) =>
  give('model.status.v1', { ...model, replicaId, version: NEW, servingVersion: NEW, state: 'serving', ...over })
const alert = (rule: string, state: string, over: object = {}) =>
  give('alert.v1', {
    alertId: rule,
    sequence: 1,
    rule,
    state,
    labels: rule === 'sensor-fault' ? { station: 'jfk' } : { kind: 'weather', station: 'jfk' },
    startsAt: STUCK_FROM,
    endsAt: null,
    annotations: {},
    ...over,
  })

const acts: ReadonlyArray<() => StageName[]> = [
  () => ofEach('weather.observation.v1', { observedAt: 1, source: 'x', kind: 'observation', revision: 0 }),
  () => ofEach('weather.observation-checked.v1', { observedAt: 1, source: 'x', kind: 'observation', revision: 0 }),
  () => ofEach('weather.feature.v1', { validAt: 1, knownAt: 1 }),
  () => ofEach('model.lifecycle.v1', { event: 'trained', requestReason: 'cold-start', at: 1, eventId: 'first' }),
  () => ofEach('model.control.v1', { changedAt: 1, eventId: 'control' }),
  () => ofEach('weather.forecast.v1', { issuedAt: 1, forecastId: 'f' }),
  () => ofEach('weather.verification.v1', { observedAt: 1, verificationId: 'v' }),
  () => drift('confirmed'),
  () => run('trained'),
  () => run('accepted'),
  () => [...status('replica-0'), ...status('replica-1')],
  () => drift('recovered', { modelVersion: NEW }),
  () => alert('sensor-fault', 'firing'),
  () => alert('heat', 'firing'),
  () => alert('heat', 'resolved'),
  () =>
    give('alert.delivery.v1', { alertId: 'heat', sequence: 1, channel: 'slack', attempt: 1, state: 'sent', at: 1, detail: null }),
]

describe('the story', () => {
  it('has every stage of the demonstration, announced once each, with the events that prove it', () => {
    expect(acts.flatMap((act) => act())).toEqual([...STAGES])
    expect(acts.flatMap((act) => act())).toEqual([])
    expect(story.isComplete()).toBe(true)
    for (const { name, ok, happenedAt, evidence } of story.stages())
      expect({ name, ok, dated: happenedAt !== null, proven: evidence.length > 0 }).toEqual({
        name,
        ok: true,
        dated: true,
        proven: true,
      })
  })

  it.each(STAGES.map((name, index) => [name, index] as const))('is not complete without %s', (name, index) => {
    acts.forEach((act, i) => i !== index && act())
    expect(story.isComplete()).toBe(false)
    expect(story.stages().find((stage) => stage.name === name)).toMatchObject({ ok: false, happenedAt: null, evidence: [] })
  })

  it('waits for the last station and the last replica', () => {
    expect(give('weather.forecast.v1', { ...model, issuedAt: 1, forecastId: 'f' })).toEqual([])
    drift('confirmed')
    run('trained')
    expect(status('replica-0')).toEqual([])
    expect(status('replica-1', { servingVersion: 'v1' })).toEqual([])
    expect(status('replica-1')).toEqual(['swapped'])
  })

  it('does not take for the declared change what is none of it', () => {
    expect(drift('confirmed', { at: CHANGE_AT - 1 })).toEqual([])
    expect(drift('confirmed', { cause: 'sensor' })).toEqual([])
    expect(run('trained')).toEqual([])
    expect(alert('sensor-fault', 'firing', { labels: { station: 'ewr' } })).toEqual([])
    expect(alert('heat', 'resolved')).toEqual([])
    drift('confirmed')
    run('trained')
    expect(drift('recovered')).toEqual([])
  })

  it('fails when the stuck sensor made a model learn garbage', () => {
    acts.forEach((act) => act())
    const request = { variable: 'temperatureC', reason: 'drift', requestId: 'r', requestedAt: STUCK_FROM + HOUR_MS }
    give('model.retrain-request.v1', { ...request, stationId: 'ewr' })
    expect(story.stages().every(({ ok }) => ok)).toBe(true)
    give('model.retrain-request.v1', { ...request, stationId: 'jfk' })
    expect(story.stages().filter(({ ok }) => !ok)).toMatchObject([
      { name: 'sensor-fault-alerted', problem: 'the stuck sensor caused a retraining (r)' },
    ])
  })
})
