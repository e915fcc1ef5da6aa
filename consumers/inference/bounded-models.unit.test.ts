// A replica with more models than it may hold. Models are made up: each forecasts its own number.
import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { FEATURE_COUNT, FEATURE_SET } from '../../forecasting/features/index.ts'
import type { Fitted } from '../../forecasting/models/index.ts'
import { verify } from '../../infra/runtime/artifacts/store.ts'
import { AppError } from '../../infra/runtime/errors.ts'
import type { InboundEvent, Outcome } from '../../infra/runtime/kafka/types.ts'
import type { Control, Forecast, ServedModel } from '../../schemas/generated/types.ts'
import { createModelTable } from './models.ts'
import { createInferenceStep } from './step.ts'

const T0 = Date.UTC(2013, 6, 1)

function createWorld(maxLoaded: number) {
  const files = new Map<string, Uint8Array>()
  const lost: string[] = []
  let reads = 0
  let isAway = false
  const models = createModelTable(
    {
      get: async (artefact) => {
        reads++
        if (isAway) throw new AppError('away', { code: 'artifact-store-unavailable', retry: 'transient' })
        const bytes = files.get(artefact.uri)
        if (!bytes) throw new AppError('gone', { code: 'artifact-missing', retry: 'permanent' })
        return verify(artefact, bytes)
      },
    },
    () => 0,
    {
      maxLoaded,
      onLost: ({ version }) => lost.push(version),
      open: (bytes): Fitted => ({
        family: 'test',
        variable: 'temperatureC',
        predict: () => ({
          leadHours: Int32Array.from([1]),
          quantiles: new Float32Array(7).fill(Number(new TextDecoder().decode(bytes))),
          persistence: Float32Array.from([0]),
          recentredClimatology: Float32Array.from([0]),
          degradedBecause: [],
        }),
        serialise: () => bytes,
        describe: () => ({}),
      }),
    },
  )
  const step = createInferenceStep({
    models,
    adaptationOf: () => undefined,
    observeEventTime: () => undefined,
    nowAt: () => T0,
    liveWithinHours: 3,
  })
  const served = (level: number): ServedModel => {
    const bytes = new TextEncoder().encode(String(level))
    files.set(`mem:${level}`, bytes)
    const artefact = { uri: `mem:${level}`, sha256: createHash('sha256').update(bytes).digest('hex'), bytes: bytes.length }
    return {
      version: `v${level}`,
      runId: `run${level}`,
      family: 'test',
      featureSet: FEATURE_SET,
      artefact,
      since: T0,
      changePoints: [],
    }
  }
  return {
    files,
    models,
    lost,
    reads: () => reads,
    setAway: (away: boolean) => (isAway = away),
    order: (
      stationId: string,
      level: number,
      offset: number,
      variable: Control['variable'] = 'temperatureC',
      challengers: readonly number[] = [],
    ) =>
      models.apply(
        {
          eventId: `control/${offset}`,
          stationId,
          variable,
          champion: served(level),
          previous: null,
          challengers: challengers.map(served),
          shadows: [],
          changedAt: T0,
          changedBy: 'test',
          reason: '',
          causedBy: null,
          decisionOffset: -1,
        },
        offset,
      ),
    /** Levels forecast at once for features of these stations, in one batch. */
    async forecast(...stationIds: string[]): Promise<number[][]> {
      const events = stationIds.map((stationId, offset): InboundEvent<'weather.feature.v1'> => ({
        topic: 'weather.feature.v1',
        key: stationId,
        value: {
          stationId,
          validAt: T0,
          knownAt: T0,
          featureSet: FEATURE_SET,
          values: Array.from({ length: FEATURE_COUNT }, () => 1),
          cause: 'new',
        },
        partition: 0,
        offset,
        headers: {},
        timestampMs: 0,
      }))
      const context = { topic: 'weather.feature.v1', partition: 0, caughtUp: true, heartbeat: async () => undefined } as const
      const outcomes = (await step(events, context)) as Outcome[]
      return outcomes.map((outcome) =>
        outcome.kind === 'emit' ? outcome.events.map(({ value }) => (value as Forecast).quantiles[0]?.[0] as number) : [],
      )
    },
  }
}
const names = Array.from({ length: 10 }, (_, i) => `s${i}`)

describe('a replica that may hold fewer models than it serves', () => {
  it('forecasts for every station by its own model, and never holds more', async () => {
    const world = createWorld(3)
    for (const [i, name] of names.entries()) expect((await world.order(name, i, i)).state).toBe('serving')
    expect([world.models.modelCount(), world.models.loadedCount()]).toEqual([10, 3])
    for (let round = 0; round < 3; round++) {
      expect(await world.forecast(...names)).toEqual(names.map((_, i) => [i]))
      expect(world.models.loadedCount()).toBeLessThanOrEqual(3)
    }
  })
  it('keeps what was used last: those are not read again', async () => {
    const world = createWorld(3)
    for (const [i, name] of names.entries()) await world.order(name, i, i)
    await world.forecast('s1', 's2')
    const before = world.reads()
    expect(await world.forecast('s1', 's2', 's1')).toEqual([[1], [2], [1]])
    expect(world.reads()).toBe(before)
    await world.forecast('s3', 's4', 's1')
    // Room for three: s9 and s2 made way, s1 had been used after them.
    expect(world.reads()).toBe(before + 2)
  })
  it('reads all variables of a station back together', async () => {
    const world = createWorld(2)
    await world.order('a', 1, 1)
    await world.order('a', 2, 2, 'pressureHpa')
    await world.order('b', 3, 3)
    await world.order('c', 4, 4)
    expect(await world.forecast('a')).toEqual([[1, 2]])
  })
  it('lets nothing wait that was read back: what waits stays in memory', async () => {
    for (const [maxLoaded, atOnce] of [
      [0, [1]],
      [1, [1, 7]],
    ] as const) {
      const world = createWorld(maxLoaded)
      await world.order('a', 1, 1, 'temperatureC', [7])
      await world.order('b', 2, 2)
      expect(await world.forecast('a')).toEqual([atOnce])
    }
  })
  it('an order for a station that is not in memory is obeyed, and an older one is not', async () => {
    const world = createWorld(1)
    await world.order('a', 1, 5)
    await world.order('b', 2, 6)
    expect(await world.order('a', 9, 4)).toMatchObject({ version: 'v1', controlOffset: 5 })
    expect(await world.order('a', 7, 7)).toMatchObject({ state: 'serving', version: 'v7' })
    expect(await world.forecast('b', 'a')).toEqual([[2], [7]])
  })
  it('waits for a store that is away, instead of leaving an hour out', async () => {
    const world = createWorld(1)
    await world.order('a', 1, 1)
    await world.order('b', 2, 2)
    world.setAway(true)
    await expect(world.forecast('a')).rejects.toMatchObject({ retry: 'transient' })
    world.setAway(false)
    expect(await world.forecast('a')).toEqual([[1]])
  })
  it('a model that is gone for good is told about; the others serve', async () => {
    const world = createWorld(1)
    await world.order('a', 1, 1)
    await world.order('a', 3, 3, 'pressureHpa')
    await world.order('b', 2, 4)
    world.files.delete('mem:1')
    expect(await world.forecast('a', 'b')).toEqual([[3], [2]])
    expect(world.lost).toEqual(['v1'])
  })
  it('without a limit everything stays', async () => {
    const world = createWorld(0)
    for (const [i, name] of names.entries()) await world.order(name, i, i)
    const before = world.reads()
    await world.forecast(...names, ...names)
    expect([world.reads(), world.models.loadedCount()]).toEqual([before, 10])
  })
})
