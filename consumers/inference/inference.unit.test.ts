// Swaps with made-up models whose forecasts tell which version made them; real artefacts are in the integration test.
import { createHash } from 'node:crypto'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { COLUMN, FEATURE_COUNT, FEATURE_SET, FEATURES, HOUR_MS } from '../../forecasting/features/index.ts'
import { type AdaptationRecord, type Fitted, NO_ADAPTATION } from '../../forecasting/models/index.ts'
import { verify } from '../../infra/runtime/artifacts/store.ts'
import { AppError } from '../../infra/runtime/errors.ts'
import type { OutboundEvent, Outcome } from '../../infra/runtime/kafka/types.ts'
import { createLogger } from '../../infra/runtime/log.ts'
import type { Control, Feature, Forecast, ReplicaStatus, ServedModel } from '../../schemas/generated/types.ts'
import { createControlHandler } from './control.ts'
import { createModelTable } from './models.ts'
import { createInferenceStep, createStationClock } from './step.ts'

const KEY = 'jfk/temperatureC'
const T0 = Date.UTC(2013, 6, 1)
const sha = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

/** `slowRuns`: so many predictions take 60 ms. */
type Made = { readonly level: number; readonly spread: number; readonly slowRuns: number }

/** An artefact store in memory, and models that forecast their own number. */
function createWorld() {
  const files = new Map<string, Uint8Array>()
  let unreachable = 0
  let nowMs = 0
  let gate: Promise<void> = Promise.resolve()
  const store = {
    get: async (artefact: ServedModel['artefact']) => {
      await gate
      if (unreachable > 0) {
        unreachable--
        throw new AppError('store is away', { code: 'artifact-store-unavailable', retry: 'transient' })
      }
      const bytes = files.get(artefact.uri)
      if (!bytes) throw new AppError('gone', { code: 'artifact-missing', retry: 'permanent' })
      return verify(artefact, bytes)
    },
  }
  const open = (bytes: Uint8Array): Fitted => {
    const { level, spread, slowRuns } = JSON.parse(new TextDecoder().decode(bytes)) as Made
    let runs = 0
    return {
      family: 'test',
      variable: 'temperatureC',
      predict: ({ features }) => {
        if (runs++ < slowRuns) nowMs += 60
        return {
          leadHours: Int32Array.from([1, 2]),
          // The first lag of the input rides along, so that a test sees what the model was shown.
          quantiles: Float32Array.from({ length: 14 }, (_, i) =>
            i < 7 ? level + spread * (i - 3) : (features[TEMPERATURE_NOW] ?? 0) || 0,
          ),
          persistence: Float32Array.from([0, 0]),
          recentredClimatology: Float32Array.from([0, 0]),
          degradedBecause: [],
        }
      },
      serialise: () => bytes,
      describe: () => ({}),
    }
  }
  const models = createModelTable(store, () => nowMs, { maxArtefactBytes: 1000, open })
  const statuses: ReplicaStatus[] = []
  const handler = createControlHandler({
    models,
    publisher: {
      publish: async (events) => {
        for (const event of events as OutboundEvent[]) statuses.push(event.value as ReplicaStatus)
      },
    },
    replicaId: 'replica-7',
    log: createLogger('test', 'silent'),
    wallNowMs: () => 1,
    fail: (error) => {
      throw error
    },
    backOff: async () => undefined,
  })
  const adaptations = new Map<string, AdaptationRecord>()
  const stationClock = createStationClock()
  const step = createInferenceStep({
    models,
    adaptationOf: (stationId, variable) => adaptations.get(`${stationId}/${variable}`),
    observeEventTime: () => undefined,
    nowAt: stationClock.nowAt,
    liveWithinHours: 3,
  })
  return {
    files,
    models,
    statuses,
    adaptations,
    handler,
    reassigned: () => stationClock.forget(),
    setUnreachable: (times: number) => (unreachable = times),
    setGate: (promise: Promise<void>): void => void (gate = promise),
    served(level: number, over: Partial<ServedModel> = {}, spread = 0, slowRuns = 0): ServedModel {
      const bytes = new TextEncoder().encode(JSON.stringify({ level, spread, slowRuns } satisfies Made))
      const uri = `mem:${level}`
      files.set(uri, bytes)
      return {
        version: `v${level}`,
        runId: `run${level}`,
        family: 'test',
        featureSet: FEATURE_SET,
        artefact: { uri, sha256: sha(bytes), bytes: bytes.length },
        since: T0,
        changePoints: [],
        ...over,
      }
    },
    async order(offset: number, value: Control): Promise<void> {
      await handler.onEvents([{ topic: 'model.control.v1', key: KEY, value, partition: 0, offset, headers: {}, timestampMs: 0 }])
    },
    forecasts(feature: Feature = aFeature()): Forecast[] {
      const { served, later } = this.issue(feature)
      return [...served, ...later()]
    },
    /** What is served, and what makes the rest when there is time. */
    issue: (feature: Feature = aFeature()): { served: Forecast[]; later: () => Forecast[] } => {
      const [outcome] = step(
        [{ topic: 'weather.feature.v1', key: 'jfk', value: feature, partition: 0, offset: 0, headers: {}, timestampMs: 0 }],
        {
          topic: 'weather.feature.v1',
          partition: 0,
          caughtUp: true,
          heartbeat: async () => undefined,
        },
      ) as Outcome[]
      if (outcome?.kind !== 'emit') return { served: [], later: () => [] }
      const { events, later } = outcome
      return {
        served: events.map(({ value }) => value as Forecast),
        later: () => later.flatMap((make) => make()).map(({ value }) => value as Forecast),
      }
    },
  }
}

const TEMPERATURE_NOW = FEATURES.findIndex(
  ({ kind, column, offset }) => kind === 'lag' && column === COLUMN.temperatureC && offset === 0,
)
const TEMPERATURE_LAG_6 = FEATURES.findIndex(
  ({ kind, column, offset }) => kind === 'lag' && column === COLUMN.temperatureC && offset === 6,
)

function aFeature(over: Partial<Feature> = {}): Feature {
  return {
    stationId: 'jfk',
    validAt: T0,
    knownAt: T0,
    featureSet: FEATURE_SET,
    values: Array.from({ length: FEATURE_COUNT }, () => 20),
    cause: 'new',
    ...over,
  }
}

function control(champion: ServedModel, over: Partial<Control> = {}): Control {
  return {
    eventId: `control/${champion.version}`,
    stationId: 'jfk',
    variable: 'temperatureC',
    champion,
    previous: null,
    challengers: [],
    shadows: [],
    changedAt: T0,
    changedBy: 'test',
    reason: 'test',
    causedBy: null,
    decisionOffset: -1,
    ...over,
  }
}
const levelOf = (forecast: Forecast | undefined): number | undefined => forecast?.quantiles[0]?.[0]

describe('roles', () => {
  it('issues for champion, challengers and shadows, each under its own version and role', async () => {
    const world = createWorld()
    await world.order(3, control(world.served(1), { challengers: [world.served(2)], shadows: [world.served(3)] }))
    await world.handler.settled()
    expect(
      world
        .forecasts()
        .map(({ role, modelVersion, controlOffset, ...rest }) => [
          role,
          modelVersion,
          controlOffset,
          levelOf({ role, modelVersion, controlOffset, ...rest }),
        ]),
    ).toEqual([
      ['champion', 'v1', 3, 1],
      ['challenger', 'v2', 3, 2],
      ['shadow', 'v3', 3, 3],
    ])
  })
  it('publishes no dew point above the temperature, whoever forecast it', async () => {
    const world = createWorld()
    await world.order(3, control(world.served(10)))
    await world.order(4, control(world.served(15), { variable: 'dewPointC', challengers: [world.served(9), world.served(12)] }))
    await world.handler.settled()
    expect(world.forecasts().map((forecast) => [forecast.variable, forecast.modelVersion, levelOf(forecast)])).toEqual([
      ['temperatureC', 'v10', 10],
      ['dewPointC', 'v15', 10],
      ['dewPointC', 'v9', 9],
      ['dewPointC', 'v12', 10],
    ])
  })

  it('shows a model that was trained on a homogenised history its inputs the same way', async () => {
    const world = createWorld()
    const changePoints = [{ variable: 'temperatureC', at: T0 + HOUR_MS, offset: 2.5 }]
    await world.order(3, control(world.served(1), { challengers: [world.served(2, { changePoints })] }))
    await world.handler.settled()
    const shown = world.forecasts().map(({ quantiles }) => quantiles[1]?.[0])
    expect(shown).toEqual([20, 22.5])
    expect(TEMPERATURE_LAG_6).toBeGreaterThan(TEMPERATURE_NOW)
  })
})

describe('what is not served', () => {
  const silent = Array.from({ length: FEATURE_COUNT }, () => Number.NaN)

  it('waits: at once there is what the champions say', async () => {
    const world = createWorld()
    await world.order(3, control(world.served(1), { challengers: [world.served(2)], shadows: [world.served(3)] }))
    await world.handler.settled()
    const { served, later } = world.issue()
    expect(served.map(({ role }) => role)).toEqual(['champion'])
    expect(later().map(({ role }) => role)).toEqual(['challenger', 'shadow'])
  })
  it('is forecast as it would have been at once, whatever is ordered, learnt and reported before its turn', async () => {
    const world = createWorld()
    const changePoints = [{ variable: 'temperatureC', at: T0 + HOUR_MS, offset: 2.5 }]
    const trial = control(world.served(1, {}, 1), { challengers: [world.served(2, { changePoints }, 1)] })
    await world.order(3, trial)
    await world.order(4, control(world.served(6), { variable: 'dewPointC', challengers: [world.served(7)] }))
    await world.handler.settled()
    world.forecasts(aFeature())
    const gap = aFeature({ validAt: T0 + HOUR_MS, knownAt: T0 + HOUR_MS, values: silent })
    const asOfNow = world.issue(gap).later()
    const { later } = world.issue(gap)
    world.forecasts(aFeature({ validAt: T0 + 2 * HOUR_MS, knownAt: T0 + 2 * HOUR_MS, values: silent.map(() => 5) }))
    world.adaptations.set(KEY, {
      end: T0 / HOUR_MS - 6,
      versions: [
        {
          modelVersion: 'v2',
          verifiedHour: T0 / HOUR_MS - 7,
          logFactors: NO_ADAPTATION.map(() => 1),
          previousLogFactors: NO_ADAPTATION,
        },
      ],
    })
    await world.order(5, control(world.served(8)))
    await world.order(6, control(world.served(9), { variable: 'dewPointC' }))
    await world.handler.settled()
    expect(later()).toEqual(asOfNow)
    expect(asOfNow.map(({ modelVersion, controlOffset, quantiles }) => [modelVersion, controlOffset, quantiles[0]?.[0]])).toEqual(
      [
        ['v2', 3, 22.5],
        ['v7', 4, expect.any(Number)],
      ],
    )
  })
})

describe('a gap told with the next report', () => {
  const silent = Array.from({ length: FEATURE_COUNT }, () => Number.NaN)
  const after = (hours: number, values: number[]): Feature =>
    aFeature({ validAt: T0 + hours * HOUR_MS, knownAt: T0 + 2 * HOUR_MS, values })

  it('is forecast from the last report, read further ahead', async () => {
    const world = createWorld()
    await world.order(3, control(world.served(1)))
    await world.handler.settled()
    world.forecasts(aFeature())
    const [gap] = world.forecasts(after(1, silent))
    // The second lead of the report is the first of the gap; what lies beyond its horizon comes from the vector of the gap itself.
    expect(gap?.quantiles.map(([lowest]) => lowest)).toEqual([20, 0])
    expect(gap).toMatchObject({ issuedAt: T0 + HOUR_MS, baselines: { persistence: [0, 0] } })
    const [next] = world.forecasts(after(2, aFeature().values))
    expect(next?.quantiles.map(([lowest]) => lowest)).toEqual([1, 20])
  })
  it('sees the last report as a model with a homogenised history does', async () => {
    const world = createWorld()
    const changePoints = [{ variable: 'temperatureC', at: T0 + HOUR_MS, offset: 2.5 }]
    await world.order(3, control(world.served(1, { changePoints })))
    await world.handler.settled()
    world.forecasts(aFeature())
    expect(world.forecasts(after(1, silent))[0]?.quantiles[0]?.[0]).toBe(22.5)
  })
  it('is forecast from its own vector where no report was read before', async () => {
    const world = createWorld()
    await world.order(3, control(world.served(1)))
    await world.handler.settled()
    expect(world.forecasts(after(1, silent))[0]?.quantiles.map(([lowest]) => lowest)).toEqual([1, 0])
  })
})

it('a forecast of a provisional model is degraded and names the fallback', async () => {
  const world = createWorld()
  await world.order(3, control(world.served(1, { family: 'site-prior' }), { challengers: [world.served(2)] }))
  await world.handler.settled()
  const [prior, other] = world.forecasts()
  expect(prior).toMatchObject({
    status: 'degraded',
    fallback: 'site-prior',
    statusReason: expect.stringMatching(/^no history yet/) as string,
  })
  expect(other).toMatchObject({ status: 'fresh', fallback: null, statusReason: null })
})

describe('intervals', () => {
  const doubled = NO_ADAPTATION.map((_, i) => (i % 7 === 3 ? 0 : Math.log(2)))
  const adapted = (end: number, modelVersion = 'v1'): AdaptationRecord => ({
    end,
    versions: [{ modelVersion, verifiedHour: end - 1, logFactors: doubled, previousLogFactors: NO_ADAPTATION }],
  })
  const hour = T0 / HOUR_MS

  it('are stretched as their version was found to need it, of a new one by a part of that, and the forecast says by what', async () => {
    const world = createWorld()
    world.adaptations.set(KEY, adapted(hour - 6))
    await world.order(3, control(world.served(1, {}, 1), { challengers: [world.served(2, {}, 1)] }))
    await world.handler.settled()
    const [champion, challenger] = world.forecasts()
    expect(champion?.quantiles[0]).toEqual([-5, -3, -1, 1, 3, 5, 7])
    expect(champion?.logFactors).toEqual(doubled)
    const part = challenger!.logFactors[0]!
    expect(part).toBeGreaterThan(0)
    expect(part).toBeLessThan(Math.log(2))
    expect(challenger?.quantiles[0]?.[0]).toBeCloseTo(2 - 3 * Math.exp(part), 5)
  })
  it.each([
    ['a change that the version before did not know: of its own', T0 - 48 * HOUR_MS, true],
    ['the change that the version before was fitted for, measured again: by a part', T0 - 239 * HOUR_MS, false],
  ])('of a version fitted for %s', async (_, at, isOwn) => {
    const world = createWorld()
    world.adaptations.set(KEY, adapted(hour - 6))
    const changed = (instant: number) => ({ changePoints: [{ variable: 'temperatureC', at: instant, offset: 0.5 }] })
    const champion = world.served(1, changed(T0 - 240 * HOUR_MS), 1)
    await world.order(3, control(champion, { challengers: [world.served(2, changed(at), 1)] }))
    await world.handler.settled()
    const [before, after] = world.forecasts()
    expect(before?.logFactors).toEqual(doubled)
    if (isOwn) expect(after?.logFactors).toEqual(NO_ADAPTATION)
    else expect(after?.logFactors[0]).toBeGreaterThan(0)
  })
  it.each([
    ['the block of issue is the next one: as of the block before', hour - 5, NO_ADAPTATION],
    ['what was verified came after the issue: as the model made them', hour + 1, []],
  ])('%s', async (_, end, logFactors) => {
    const world = createWorld()
    world.adaptations.set(KEY, adapted(end))
    await world.order(3, control(world.served(1, {}, 1)))
    await world.handler.settled()
    const [forecast] = world.forecasts()
    expect(forecast?.quantiles[0]).toEqual([-2, -1, 0, 1, 2, 3, 4])
    expect(forecast?.logFactors).toEqual(logFactors)
  })
})

describe('what cannot be served', () => {
  const cases: ReadonlyArray<readonly [string, (world: ReturnType<typeof createWorld>) => ServedModel, RegExp]> = [
    [
      'a flipped byte',
      (world) => {
        const model = world.served(2)
        const bytes = world.files.get(model.artefact.uri) as Uint8Array
        bytes[3] = (bytes[3] as number) ^ 1
        return model
      },
      /artifact-corrupt/,
    ],
    [
      'a missing artefact',
      (world) => {
        const model = world.served(2)
        world.files.delete(model.artefact.uri)
        return model
      },
      /artifact-missing/,
    ],
    ['another feature set', (world) => world.served(2, { featureSet: 'fs0-else' }), /feature-set-mismatch/],
    [
      'an artefact that is too big',
      (world) => {
        const model = world.served(2)
        return { ...model, artefact: { ...model.artefact, bytes: 1001 } }
      },
      /artefact-too-large/,
    ],
    [
      'a model that takes 60 ms for every forecast',
      (world) => world.served(2, {}, 0, Number.MAX_SAFE_INTEGER),
      /predicts-too-slowly: 60 ms for a forecast; this replica allows 50/,
    ],
  ]
  it.each(cases)(
    'as champion, %s is refused and reported; the old model keeps serving under its old order',
    async (_, make, error) => {
      const world = createWorld()
      await world.order(0, control(world.served(1)))
      await world.handler.settled()
      await world.order(1, control(make(world)))
      await world.handler.settled()
      expect(world.statuses.at(-1)).toMatchObject({ state: 'rejected', version: 'v2', servingVersion: 'v1', controlOffset: 1 })
      expect(world.statuses.at(-1)?.error).toMatch(error)
      expect(world.forecasts()).toMatchObject([{ modelVersion: 'v1', controlOffset: 0 }])
      await world.order(2, control(world.served(3)))
      await world.handler.settled()
      expect(world.forecasts()).toMatchObject([{ modelVersion: 'v3', controlOffset: 2 }])
    },
  )
  it('a model whose first forecasts are slow is served', async () => {
    const world = createWorld()
    await world.order(0, control(world.served(1, {}, 0, 3)))
    await world.handler.settled()
    expect(world.forecasts()).toMatchObject([{ modelVersion: 'v1' }])
  })
  it.each(cases)('as challenger, %s is left out; the champion serves and the report says so', async (_, make, error) => {
    const world = createWorld()
    await world.order(0, control(world.served(1), { challengers: [make(world)], previous: null }))
    await world.handler.settled()
    expect(world.statuses.at(-1)).toMatchObject({ state: 'serving', servingVersion: 'v1' })
    expect(world.statuses.at(-1)?.error).toMatch(error)
    expect(world.forecasts().map(({ role }) => role)).toEqual(['champion'])
  })
})

describe('orders', () => {
  it('stale and repeated ones change nothing and report what is served', async () => {
    const world = createWorld()
    await world.order(5, control(world.served(5)))
    await world.handler.settled()
    for (const offset of [5, 3]) {
      await world.order(offset, control(world.served(offset)))
      await world.handler.settled()
      expect(world.statuses.at(-1)).toMatchObject({ state: 'serving', version: 'v5', servingVersion: 'v5', controlOffset: 5 })
    }
    expect(world.forecasts()).toMatchObject([{ modelVersion: 'v5', controlOffset: 5 }])
  })
  it('wait out an unreachable store while the old model serves', async () => {
    const world = createWorld()
    await world.order(0, control(world.served(1)))
    await world.handler.settled()
    world.setUnreachable(3)
    await world.order(1, control(world.served(2)))
    expect(world.forecasts()).toMatchObject([{ modelVersion: 'v1' }])
    await world.handler.settled()
    expect(world.forecasts()).toMatchObject([{ modelVersion: 'v2', controlOffset: 1 }])
    expect(world.statuses.map(({ state }) => state)).toEqual(['serving', 'serving'])
  })
  it('a rollback needs no load: the previous model is warm', async () => {
    const world = createWorld()
    await world.order(0, control(world.served(1)))
    await world.order(1, control(world.served(2), { previous: world.served(1) }))
    await world.handler.settled()
    world.files.clear()
    await world.order(2, control({ ...world.served(1), since: T0 + 1 }))
    world.files.clear()
    await world.handler.settled()
    expect(world.forecasts()).toMatchObject([{ modelVersion: 'v1', controlOffset: 2 }])
  })
  it('one model with a slow artefact holds up no other', async () => {
    const world = createWorld()
    const open = Promise.withResolvers<void>()
    world.setGate(open.promise)
    await world.order(0, control(world.served(1)))
    await new Promise((resolve) => setImmediate(resolve))
    world.setGate(Promise.resolve())
    const other = { ...control(world.served(9)), stationId: 'lga' }
    await world.handler.onEvents([
      { topic: 'model.control.v1', key: 'lga/temperatureC', value: other, partition: 0, offset: 1, headers: {}, timestampMs: 0 },
    ])
    await expect.poll(async () => (await world.models.ofStation('lga'))?.get('temperatureC')?.champion.served.version).toBe('v9')
    expect(world.models.ofStation('jfk')).toBeUndefined()
    open.resolve()
    await world.handler.settled()
    expect((await world.models.ofStation('jfk'))?.get('temperatureC')?.champion.served.version).toBe('v1')
  })
  it('however they are repeated, reordered and interleaved with features: no forecast mixes versions, offsets never go back, the newest order wins', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.record({ offset: fc.nat(12), isBad: fc.boolean(), pause: fc.nat(3) }), { minLength: 1, maxLength: 30 }),
        async (orders) => {
          const world = createWorld()
          const isBad = new Map(orders.map(({ offset, isBad: bad }) => [offset, bad]))
          let newestSeen = -1
          const check = (): void => {
            for (const forecast of world.forecasts()) {
              // An order names model and offset alike: a forecast that mixed two orders would show it.
              expect(forecast.modelVersion).toBe(`v${forecast.controlOffset}`)
              expect(levelOf(forecast)).toBe(forecast.controlOffset)
              expect(forecast.controlOffset).toBeGreaterThanOrEqual(newestSeen)
              newestSeen = forecast.controlOffset
            }
          }
          for (const { offset, pause } of orders) {
            const model = world.served(offset, isBad.get(offset) ? { featureSet: 'other' } : {})
            await world.order(offset, control(model))
            for (let i = 0; i < pause; i++) {
              await new Promise((resolve) => setImmediate(resolve))
              check()
            }
          }
          await world.handler.settled()
          check()
          // A good order that a newer one overtook while it waited may be passed over, as compaction would have done; the newest may not.
          const newest = Math.max(...orders.map(({ offset }) => offset))
          if (!isBad.get(newest)) expect(newestSeen).toBe(newest)
          else if (newestSeen >= 0) expect(isBad.get(newestSeen)).toBe(false)
        },
      ),
      { numRuns: 150 },
    )
  })
})

describe('freshness in a replay', () => {
  it('is judged against the station itself: one whose partition lags is not late', async () => {
    const world = createWorld()
    await world.order(0, control(world.served(1)))
    await world.handler.settled()
    world.forecasts(aFeature({ stationId: 'lga', validAt: T0 + 48 * HOUR_MS, knownAt: T0 + 48 * HOUR_MS }))
    expect(world.forecasts(aFeature())).toMatchObject([{ status: 'fresh', statusReason: null }])
  })
  it('a station that repeats old hours is stale', async () => {
    const world = createWorld()
    await world.order(0, control(world.served(1)))
    await world.handler.settled()
    world.forecasts(aFeature({ validAt: T0 + 9 * HOUR_MS, knownAt: T0 + 9 * HOUR_MS }))
    expect(world.forecasts(aFeature())).toMatchObject([{ status: 'stale' }])
  })
  it('an hour that is read again after a rebalance is issued as it was, not late', async () => {
    const world = createWorld()
    await world.order(0, control(world.served(1)))
    await world.handler.settled()
    const [first] = world.forecasts(aFeature())
    world.forecasts(aFeature({ validAt: T0 + 9 * HOUR_MS, knownAt: T0 + 9 * HOUR_MS }))
    world.reassigned()
    expect(world.forecasts(aFeature())).toEqual([first])
    expect(first?.status).toBe('fresh')
  })
})
