import { describe, expect, it } from 'vitest'
import type { OutboundEvent, Tombstone } from '../../infra/runtime/kafka/types.ts'
import type { Observation } from '../../schemas/generated/types.ts'
import { createObservation } from '../shared/observation.ts'
import { createModelWatch, type ModelEvents } from './model-watch.ts'
import { expectedModels } from './plan.ts'
import { runReplay } from './replay.ts'
import type { ReplayDeps, ReplayPlan, ReplayProgress } from './replay.ts'
import { groupByHour, resumeKey } from './series.ts'

const HOUR = 3_600_000
const START = Date.UTC(2013, 5, 30, 12)
const UNTIL = START + 12 * HOUR

const observations = Array.from({ length: 24 }, (_, h) =>
  ['jfk', 'lga'].map((stationId) =>
    createObservation(
      { stationId, observedAt: START + h * HOUR, receivedAt: START + h * HOUR, source: 'replay:test', kind: 'observation' },
      { temperatureC: h },
    ),
  ),
).flat()
const plan: ReplayPlan = {
  series: { source: 'replay:test', observations, hours: groupByHour(observations) },
  stations: [],
  backfillUntil: UNTIL,
  speed: 2,
  fastForward: { until: Number.NEGATIVE_INFINITY, speed: 24 },
  alter: (o) => o,
}

function harness(options: { crashAfterEvents?: number; resumeFrom?: number; models?: ReplayDeps['models'] } = {}) {
  let nowMs = 0
  let saved: number | null = options.resumeFrom ?? null
  const published: Observation[] = []
  const progress: ReplayProgress[] = []
  const clockSeen: number[] = []
  const abort = new AbortController()
  const deps: ReplayDeps = {
    publisher: {
      publish: async (events: ReadonlyArray<OutboundEvent | Tombstone>) => {
        for (const event of events) {
          if (event.value !== null && event.topic === 'weather.observation.v1') published.push(event.value)
        }
        if (published.length > (options.crashAfterEvents ?? Infinity)) throw new Error('killed')
      },
    },
    clock: { observe: (at) => void clockSeen.push(at) },
    progress: { load: async () => saved, save: async (through) => void (saved = through) },
    models: options.models ?? null,
    pacer: {
      nowMs: () => nowMs,
      sleep: async (ms) => {
        nowMs += Math.max(0, ms)
      },
    },
    others: null,
    log: { info: () => undefined },
    onProgress: (p) => void progress.push(p),
    signal: abort.signal,
  }
  return { deps, published, progress, clockSeen, abort, wallMs: () => nowMs, saved: () => saved }
}
const status = (stationId: string, version: string, replicaId: string): ModelEvents[number] => ({
  topic: 'model.status.v1',
  key: `${replicaId}/${stationId}/temperatureC`,
  value: { replicaId, stationId, variable: 'temperatureC', version },
})
const served = (stationId: string, version: string, replicaIds: readonly string[]): ModelEvents => [
  { topic: 'model.control.v1', key: `${stationId}/temperatureC`, value: { champion: { version } } },
  ...replicaIds.map((replicaId) => status(stationId, version, replicaId)),
]
const ids = (list: readonly Observation[]): string[] =>
  list.map((o) => `${o.stationId} ${o.observedAt} ${o.receivedAt} ${o.temperatureC}`)

describe('replay', () => {
  it('back-fills at once with the instant of the back-fill as receivedAt, then paces with receivedAt = observedAt', async () => {
    const h = harness()
    await runReplay(plan, h.deps)
    expect(h.published).toHaveLength(48)
    const past = h.published.filter((o) => o.observedAt < UNTIL)
    expect(new Set(past.map((o) => o.receivedAt))).toEqual(new Set([UNTIL]))
    expect(h.published.filter((o) => o.observedAt >= UNTIL).every((o) => o.receivedAt === o.observedAt)).toBe(true)
    // 12 live hours, the first at once, 2 per second.
    expect(h.wallMs()).toBe(5_500)
    expect(h.progress.at(-1)).toMatchObject({ phase: 'finished', publishedObservations: 48, totalObservations: 48 })
  })

  it('hurries through the fast-forward stretch, with the same content', async () => {
    const h = harness()
    await runReplay({ ...plan, fastForward: { until: UNTIL + 7 * HOUR, speed: 12 } }, h.deps)
    const paced = harness()
    await runReplay(plan, paced.deps)
    expect(ids(h.published)).toEqual(ids(paced.published))
    // Six hours at 12 per second, five at 2.
    expect(h.wallMs()).toBeCloseTo(6000 / 12 + 5000 / 2, 6)
  })

  it('moves the stream clock to the newest instant and never back', async () => {
    const h = harness()
    await runReplay(plan, h.deps)
    expect(h.clockSeen).toEqual([...h.clockSeen].sort((a, b) => a - b))
    expect(h.clockSeen.at(-1)).toBe(START + 23 * HOUR)
  })

  it('keeps the pace over a missing hour', async () => {
    const gap = observations.filter((o) => o.observedAt !== UNTIL + 3 * HOUR)
    const h = harness()
    await runReplay({ ...plan, series: { source: 'x', observations: gap, hours: groupByHour(gap) } }, h.deps)
    expect(h.wallMs()).toBe(5_500)
  })

  it.each([10, 25, 30, 47])(
    'after a crash at event %i it goes on with the same content and loses nothing',
    async (crashAfterEvents) => {
      const crashed = harness({ crashAfterEvents })
      await expect(runReplay(plan, crashed.deps)).rejects.toThrow('killed')
      const saved = crashed.saved()
      const second = harness(saved === null ? {} : { resumeFrom: saved })
      await runReplay(plan, second.deps)
      const whole = harness()
      await runReplay(plan, whole.deps)
      const union = new Set([...ids(crashed.published), ...ids(second.published)])
      expect(union).toEqual(new Set(ids(whole.published)))
    },
  )

  it('stops between hours when asked, and saves how far it came', async () => {
    const h = harness()
    const deps: ReplayDeps = {
      ...h.deps,
      onProgress: (p) => p.phase === 'paced' && p.publishedObservations >= 30 && h.abort.abort(),
    }
    await runReplay(plan, deps)
    expect(h.published).toHaveLength(30)
    expect(h.saved()).toBe(START + 14 * HOUR)
  })

  it('publishes one live hour and paces on only when every expected model has a champion', async () => {
    const watch = createModelWatch(expectedModels(plan.series), 1)
    const h = harness({ models: watch })
    const waits: number[] = []
    const deps: ReplayDeps = {
      ...h.deps,
      models: {
        missing: () => watch.missing(),
        changed: async () => {
          waits.push(h.published.length)
          watch.onEvents(served(waits.length === 1 ? 'jfk' : 'lga', 'v1', ['replica-0']))
        },
      },
    }
    await runReplay(plan, deps)
    expect(waits).toEqual([26, 26])
    expect(h.progress.filter((p) => p.phase === 'waiting-for-models').map((p) => p.missingModels.length)).toEqual([2, 1])
    expect(h.published).toHaveLength(48)
  })
})

it('goes on with a file that has grown, and takes another file of the same name for what it is', () => {
  const { series } = plan
  const seriesOf = (observations: readonly Observation[]) => ({ ...series, observations, hours: groupByHour(observations) })
  const later = { ...(observations.at(-1) as Observation), observedAt: START + 40 * HOUR }
  expect(resumeKey(seriesOf([...observations, later]))).toBe(resumeKey(series))
  const elsewhere = observations.map((observation) => ({ ...observation, stationId: 'roof' }))
  expect(resumeKey(seriesOf(elsewhere))).not.toBe(resumeKey(series))
})

it('expects models only for what the series observes, and forgets a champion that was taken away', () => {
  expect(expectedModels(plan.series)).toEqual(['jfk/temperatureC', 'lga/temperatureC'])
  const watch = createModelWatch(['jfk/temperatureC'], 1)
  watch.onEvents(served('jfk', 'v1', ['replica-0']))
  expect(watch.missing()).toEqual([])
  watch.onEvents([{ topic: 'model.control.v1', key: 'jfk/temperatureC', value: null }])
  expect(watch.missing()).toEqual(['jfk/temperatureC'])
})

it('awaits a model until enough replicas have reported on its champion', () => {
  const watch = createModelWatch(['jfk/temperatureC'], 2)
  watch.onEvents(served('jfk', 'v1', ['replica-0']))
  expect(watch.missing()).toEqual(['jfk/temperatureC'])
  watch.onEvents([status('jfk', 'v0', 'replica-1')])
  expect(watch.missing()).toEqual(['jfk/temperatureC'])
  watch.onEvents([status('jfk', 'v1', 'replica-1')])
  expect(watch.missing()).toEqual([])
})
