// Replicas that die anywhere between reading and committing, with promotions in between, over a log in memory.
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { FEATURE_COUNT, FEATURE_SET, HOUR_MS } from '../../forecasting/features/index.ts'
import type { Fitted } from '../../forecasting/models/index.ts'
import type { InboundEvent, OutboundEvent, Outcome } from '../../infra/runtime/kafka/types.ts'
import type { Feature, Forecast, ServedModel } from '../../schemas/generated/types.ts'
import { createIssued, type Deps } from './issued.ts'
import type { ActiveModels, LoadedModel } from './models.ts'
import { createInferenceStep } from './step.ts'

const PARTITION = 4
const VARIABLES = ['temperatureC', 'dewPointC'] as const
type Variable = (typeof VARIABLES)[number]
type ForecastEvent = InboundEvent<'weather.forecast.v1'>
type FeatureEvent = InboundEvent<'weather.feature.v1'>

/** Forecasts its level. */
function model(variable: Variable, version: string, level = 1): LoadedModel {
  const fitted: Fitted = {
    family: 'test',
    variable,
    predict: () => ({
      leadHours: Int32Array.from([1]),
      quantiles: new Float32Array(7).fill(level),
      persistence: Float32Array.from([0]),
      recentredClimatology: Float32Array.from([0]),
      degradedBecause: [],
    }),
    serialise: () => new Uint8Array(),
    describe: () => ({}),
  }
  return {
    served: { version, family: 'test', changePoints: [], artefact: { sha256: version } } as unknown as ServedModel,
    fitted,
  }
}

function createWorld() {
  const features: FeatureEvent[] = []
  const forecasts: ForecastEvent[] = []
  const orders = new Map<string, ActiveModels>()
  const warnings: unknown[] = []
  let committed: number | null = null
  let next = 0
  let piecesRead = 0
  let featurePartitions = 6
  const deps: Deps = {
    ends: async () => [
      ...Array.from({ length: featurePartitions }, (_, partition) => ({
        topic: 'weather.feature.v1',
        partition,
        low: 0,
        end: partition === PARTITION ? features.length : 0,
      })),
      ...Array.from({ length: 6 }, (_, partition) => ({
        topic: 'weather.forecast.v1',
        partition,
        low: 0,
        end: partition === PARTITION ? forecasts.length : 0,
      })),
    ],
    // As readTails() does it, in smaller pieces.
    tails: async ({ ranges, maxEvents, onPiece }) =>
      ranges.flatMap(({ partition, low, end }) => {
        const earliest = Math.max(low, end - maxEvents)
        for (let to = end, size = 2; to > earliest; size *= 2) {
          const from = Math.max(earliest, to - size)
          piecesRead++
          if (!onPiece(partition, forecasts.slice(from, to))) return []
          to = from
        }
        return earliest > low ? [partition] : []
      }),
    log: { warn: (...of: unknown[]) => void warnings.push(of), info: () => undefined },
  }
  const issued = createIssued(deps)
  const step = createInferenceStep({
    models: { ofStation: () => orders },
    adaptationOf: () => undefined,
    issued,
    observeEventTime: () => undefined,
    nowAt: ({ knownAt }) => knownAt,
    liveWithinHours: 3,
  })
  const append = ({ value, headers = {} }: OutboundEvent): void => {
    const forecast = value as Forecast
    const common = { topic: 'weather.forecast.v1', key: forecast.stationId, partition: PARTITION, timestampMs: 0 } as const
    forecasts.push({ ...common, value: forecast, offset: forecasts.length, headers })
  }
  return {
    features,
    forecasts,
    warnings,
    append,
    piecesRead: () => piecesRead,
    order(variable: Variable, over: Partial<ActiveModels> & Pick<ActiveModels, 'champion'>): void {
      orders.set(variable, { previous: null, challengers: [], shadows: [], controlOffset: 0, ...over })
    },
    serves: (variable: Variable) => orders.has(variable),
    ordered: (variable: Variable) => orders.get(variable) as ActiveModels,
    observe(stationId: string, hour: number): void {
      const at = hour * HOUR_MS
      const values = Array.from({ length: FEATURE_COUNT }, () => 1)
      const value: Feature = { stationId, validAt: at, knownAt: at, featureSet: FEATURE_SET, values, cause: 'new' }
      const common = { topic: 'weather.feature.v1', key: stationId, partition: PARTITION, headers: {}, timestampMs: 0 } as const
      features.push({ ...common, value, offset: features.length })
    },
    /** Somebody takes the partition over. */
    async assign(): Promise<void> {
      await issued.assigned([{ partition: PARTITION, nextOffset: committed }])
      next = committed ?? 0
    },
    setFeaturePartitions: (count: number) => (featurePartitions = count),
    commit: (offset: number) => (committed = offset),
    position: () => next,
    /** The step on what comes next. */
    async read(count: number): Promise<readonly Outcome[]> {
      const events = features.slice(next, next + count)
      next += events.length
      const context = { topic: 'weather.feature.v1', partition: PARTITION, caughtUp: false, heartbeat: async () => {} } as const
      return events.length === 0 ? [] : step(events, context)
    },
    /** What was said of an hour: `version role`. */
    saidOf: (stationId: string, hour: number, variable: Variable) =>
      forecasts
        .filter(({ value }) => value.stationId === stationId && value.issuedAt === hour * HOUR_MS && value.variable === variable)
        .map(({ value }) => `${value.modelVersion} ${value.role}`),
  }
}
type World = ReturnType<typeof createWorld>

/** What is waited for, of all; then what is not. */
const eventsOf = (outcomes: readonly Outcome[]): OutboundEvent[] => [
  ...outcomes.flatMap((outcome) => (outcome.kind === 'emit' ? outcome.events : [])),
  ...outcomes.flatMap((outcome) => (outcome.kind === 'emit' ? outcome.later.flatMap((make) => make()) : [])),
]
const isChampion = ({ value }: OutboundEvent): boolean => (value as Forecast).role === 'champion'

/** The present champion goes into the shadow, its challenger takes its place, and a new one comes. */
function promote(world: World, variable: Variable, nth: number): void {
  const { champion, challengers } = world.ordered(variable)
  world.order(variable, {
    champion: challengers[0]!,
    previous: champion,
    challengers: [model(variable, `v${nth + 2}`)],
    shadows: [champion],
    controlOffset: nth + 1,
  })
}

describe('a feature that is read again', () => {
  type Doing =
    | { readonly kind: 'observe'; readonly count: number }
    | { readonly kind: 'promote'; readonly variable: Variable }
    /** Reads slices, publishes so much of what they made (champions first), commits behind so many of those that are whole. */
    | { readonly kind: 'run'; readonly slices: readonly number[]; readonly published: number; readonly committed: number }
  const observing = fc.record({ kind: fc.constant('observe' as const), count: fc.integer({ min: 1, max: 5 }) })
  const running = fc.record({
    kind: fc.constant('run' as const),
    slices: fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 1, maxLength: 4 }),
    published: fc.oneof(fc.constant(1), fc.double({ min: 0, max: 1, noNaN: true })),
    committed: fc.integer({ min: 0, max: 4 }),
  })
  const promoting = fc.record({ kind: fc.constant('promote' as const), variable: fc.constantFrom(...VARIABLES) })

  const first = (world: World, variable: Variable): void =>
    world.order(variable, { champion: model(variable, 'v0'), challengers: [model(variable, 'v1')] })

  async function play(doings: readonly Doing[], served: readonly Variable[]): Promise<World> {
    const world = createWorld()
    for (const variable of served) first(world, variable)
    const promotions = { temperatureC: 0, dewPointC: 0 }
    const run = async ({ slices, published, committed }: Extract<Doing, { kind: 'run' }>): Promise<void> => {
      const made: OutboundEvent[][] = []
      const ends: number[] = []
      for (const count of slices) {
        made.push(eventsOf(await world.read(count)))
        ends.push(world.position())
      }
      const all = [
        ...made.flatMap((events) => events.filter(isChampion)),
        ...made.flatMap((events) => events.filter((e) => !isChampion(e))),
      ]
      const kept = Math.floor(published * all.length)
      for (const event of all.slice(0, kept)) world.append(event)
      if (kept === all.length && committed > 0) world.commit(ends[Math.min(committed, ends.length) - 1]!)
      // Killed in the middle of publishing or committing.
      if (kept < all.length || committed < slices.length) await world.assign()
    }
    await world.assign()
    for (const doing of doings) {
      if (doing.kind === 'observe')
        for (let i = 0; i < doing.count; i++)
          world.observe(`s${world.features.length % 3}`, Math.floor(world.features.length / 3))
      else if (doing.kind === 'promote') {
        if (world.serves(doing.variable)) promote(world, doing.variable, promotions[doing.variable]++)
        else first(world, doing.variable)
      } else await run(doing)
    }
    await world.assign()
    await run({ kind: 'run', slices: [world.features.length], published: 1, committed: 1 })
    return world
  }

  it('is never issued by a second champion, nor by the same one twice, wherever a replica dies and whoever is promoted', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.oneof(observing, running, promoting), { maxLength: 30 }), async (doings) => {
        // The other variable gets its first model while hours have been issued without it.
        const world = await play(doings, ['temperatureC'])
        for (const variable of VARIABLES) {
          let newest = 0
          for (const { value } of world.features) {
            const said = world.saidOf(value.stationId, value.validAt / HOUR_MS, variable)
            const [champion, ...others] = said.filter((one) => one.endsWith(' champion'))
            expect(others).toEqual([])
            if (champion === undefined && variable === 'dewPointC') continue
            // An hour after a promotion that has been issued by the new champion is followed by none of the old one.
            const nth = Number(champion!.match(/\d+/)![0])
            expect(nth).toBeGreaterThanOrEqual(newest)
            newest = nth
            const versions = said.map((one) => one.split(' ')[0])
            expect(new Set(versions).size).toBe(versions.length)
          }
        }
        expect(world.warnings).toEqual([])
      }),
      { numRuns: 500 },
    )
  })

  it('is completed: without a promotion everything that its models say is there, once', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.oneof(observing, running), { maxLength: 30 }), async (doings) => {
        const world = await play(doings, VARIABLES)
        for (const variable of VARIABLES)
          for (const { value } of world.features)
            expect(world.saidOf(value.stationId, value.validAt / HOUR_MS, variable).sort()).toEqual([
              'v0 champion',
              'v1 challenger',
            ])
      }),
      { numRuns: 200 },
    )
  })

  it('is skipped when all of its hour is there, under a reason of its own; what nobody has read is issued', async () => {
    const world = createWorld()
    for (const variable of VARIABLES)
      world.order(variable, { champion: model(variable, 'v0'), challengers: [model(variable, 'v1')] })
    for (const hour of [0, 1, 2]) world.observe('jfk', hour)
    await world.assign()
    for (const event of eventsOf(await world.read(2))) world.append(event)
    world.commit(1)
    for (const variable of VARIABLES) {
      const { champion, challengers } = world.ordered(variable)
      world.order(variable, { champion: challengers[0]!, previous: champion, shadows: [champion], controlOffset: 1 })
    }
    await world.assign()
    const [again, fresh] = await world.read(2)
    expect(again).toEqual({ kind: 'skip', reason: 'issued-before' })
    expect(eventsOf([fresh!]).map(({ value }) => `${(value as Forecast).modelVersion} ${(value as Forecast).role}`)).toEqual([
      ...VARIABLES.map(() => 'v1 champion'),
      ...VARIABLES.map(() => 'v0 shadow'),
    ])
  })

  it('gets what is missing made to agree with the champion that was published, not with the one promoted since', async () => {
    const world = createWorld()
    world.order('temperatureC', { champion: model('temperatureC', 'v0', 5) })
    world.order('dewPointC', { champion: model('dewPointC', 'v0', 10) })
    world.observe('jfk', 0)
    await world.assign()
    // The request with the dew point was never sent.
    world.append(eventsOf(await world.read(1))[0]!)
    world.order('temperatureC', {
      champion: model('temperatureC', 'v1', 20),
      previous: world.ordered('temperatureC').champion,
      controlOffset: 1,
    })
    await world.assign()
    const made = eventsOf(await world.read(1)).map(({ value }) => value as Forecast)
    expect(made.map(({ variable, modelVersion, quantiles }) => [variable, modelVersion, quantiles[0]?.[3]])).toEqual([
      ['dewPointC', 'v0', 5],
    ])
  })

  it('is issued anew when only its silence was told', async () => {
    const world = createWorld()
    world.order('temperatureC', { champion: model('temperatureC', 'v0') })
    world.observe('jfk', 0)
    await world.assign()
    const [event] = eventsOf(await world.read(1))
    world.append({ ...event!, headers: {} })
    await world.assign()
    expect(eventsOf(await world.read(1))).toHaveLength(1)
  })
})

describe('looking up what was issued', () => {
  async function issuedAndCommitted(hours: number): Promise<World> {
    const world = createWorld()
    world.order('temperatureC', { champion: model('temperatureC', 'v0') })
    for (let hour = 0; hour < hours; hour++) world.observe('jfk', hour)
    await world.assign()
    for (const event of eventsOf(await world.read(hours))) world.append(event)
    world.commit(hours)
    return world
  }

  it('reads nothing when nothing is read again, and little of a long topic when little is', async () => {
    const world = await issuedAndCommitted(5000)
    await world.assign()
    expect(world.piecesRead()).toBe(0)
    world.observe('jfk', 5000)
    await world.assign()
    expect(world.piecesRead()).toBe(1)
  })

  it('remembers nothing once a batch begins behind what there was', async () => {
    const world = await issuedAndCommitted(3)
    world.commit(2)
    await world.assign()
    expect(await world.read(1)).toEqual([{ kind: 'skip', reason: 'issued-before' }])
    // A vector of the same hour, sent again by whoever makes features: where it comes from, nobody remembers.
    world.observe('jfk', 2)
    expect(eventsOf(await world.read(1))).toHaveLength(1)
  })

  it('does not read a whole topic for a group that has committed nothing, nor for one that does not say what it is made of', async () => {
    const world = createWorld()
    world.order('temperatureC', { champion: model('temperatureC', 'v0') })
    world.observe('jfk', 0)
    const [forecast] = eventsOf(await (await world.assign(), world.read(1)))
    for (let i = 0; i < 30_000; i++) world.append({ ...forecast!, headers: {} })
    const before = world.piecesRead()
    await world.assign()
    expect(world.warnings).toEqual([])
    expect(world.piecesRead() - before).toBe(11) // 2 + 4 + … reach 2,048 with the eleventh
    world.commit(0)
    await world.assign()
    expect(world.warnings).toHaveLength(1)
  })

  it('refuses topics of unequal numbers of partitions: what was issued would be elsewhere', async () => {
    const world = await issuedAndCommitted(1)
    world.setFeaturePartitions(12)
    await expect(world.assign()).rejects.toMatchObject({ code: 'partitions-differ', retry: 'permanent' })
  })
})
