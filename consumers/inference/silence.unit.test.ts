import { describe, expect, it } from 'vitest'
import { FEATURE_COUNT, FEATURE_NAMES, FEATURE_SET, HOUR_MS } from '../../forecasting/features/index.ts'
import type { Fitted } from '../../forecasting/models/index.ts'
import type { Feature, Forecast } from '../../schemas/generated/types.ts'
import type { ActiveModels } from './models.ts'
import { createReports } from './reports.ts'
import { createSilence } from './silence.ts'

const START = 372_000
const LEADS = 168
const PARTITION = 2
const MONTH = FEATURE_NAMES.findIndex((name) => name === 'temperatureC.mean720h.before0h')

/** Forecasts the hour that it was asked at, so that a test sees which vector a lead comes from; wider by the lead. */
const fitted: Fitted = {
  family: 'test',
  variable: 'temperatureC',
  predict: ({ validAtMs, features }) => ({
    leadHours: Int32Array.from({ length: LEADS }, (_, h) => h + 1),
    quantiles: Float32Array.from(
      { length: LEADS * 7 },
      (_, i) => validAtMs / HOUR_MS - START + ((i % 7) - 3) * Math.floor(i / 7 + 1),
    ),
    persistence: new Float32Array(LEADS).fill(features[0]!),
    recentredClimatology: new Float32Array(LEADS).fill(features[MONTH]!),
    degradedBecause: [],
  }),
  serialise: () => new Uint8Array(),
  describe: () => ({}),
}
const active = new Map([
  [
    'temperatureC',
    {
      champion: { served: { version: 'v1', family: 'test', changePoints: [], artefact: { sha256: 's' } }, fitted },
      challengers: [],
      shadows: [],
      previous: null,
      controlOffset: 7,
    } as unknown as ActiveModels,
  ],
])

function feature(stationId: string, hour: number, value = 5): Feature {
  const values = Array.from({ length: FEATURE_COUNT }, () => value)
  const at = (START + hour) * HOUR_MS
  return { stationId, validAt: at, knownAt: at, featureSet: FEATURE_SET, values, cause: 'new' }
}

function createWorld(served: ReadonlyMap<string, ActiveModels> | undefined = active, whileReadBack: () => void = () => {}) {
  const at = { wallMs: 0, hour: 0, listeningMs: Number.POSITIVE_INFINITY }
  const reports = createReports(() => at.wallMs)
  const silence = createSilence({
    models: {
      ofStation: async () => {
        whileReadBack()
        return served
      },
    },
    adaptationOf: () => undefined,
    liveWithinHours: 3,
    reports,
    now: () => (START + at.hour) * HOUR_MS,
    wallNowMs: () => at.wallMs,
    listeningMs: (partition) => (partition === PARTITION ? at.listeningMs : 0),
  })
  return {
    reports,
    silence,
    at,
    async dueAt(hour: number, wallMs: number, listeningMs = Number.POSITIVE_INFINITY): Promise<Forecast[]> {
      Object.assign(at, { hour, wallMs, listeningMs })
      return (await silence.due()).served.map(({ value }) => value as Forecast)
    },
  }
}

describe('a silent station', () => {
  it('is forecast from the report that was its last when it was found silent, though it speaks while its model is read back', async () => {
    const world = createWorld(active, () => world.reports.take(feature('roof', 6), PARTITION))
    world.reports.take(feature('roof', 0), PARTITION)
    expect(await world.dueAt(6, 60_000)).toMatchObject([{ featureKnownAt: START * HOUR_MS }])
  })
  it('is forecast for the hour it is by now from its last report, as wide as that is old', async () => {
    const world = createWorld()
    world.reports.take(feature('roof', 0), PARTITION)
    const [forecast, ...others] = await world.dueAt(6, 60_000)
    expect(others).toEqual([])
    expect(forecast).toMatchObject({
      stationId: 'roof',
      issuedAt: (START + 6) * HOUR_MS,
      featureKnownAt: START * HOUR_MS,
      status: 'stale',
      statusReason: `no report since ${new Date(START * HOUR_MS).toISOString().slice(0, 13)}Z`,
      controlOffset: 7,
    })
    // Lead 1 is lead 7 of the report; what lies beyond its horizon is what the hour itself says, with the means of the month.
    expect(forecast?.quantiles[0]).toEqual([-21, -14, -7, 0, 7, 14, 21])
    expect(forecast?.quantiles.at(-1)?.[3]).toBe(6)
    expect(forecast?.baselines.recentredClimatology.at(-1)).toBe(5)
    expect(forecast?.baselines.persistence[0]).toBe(5)
  })
  it('is forecast by a challenger, too, after what is served', async () => {
    const models = active.get('temperatureC')!
    const challenger = { ...models.champion, served: { ...models.champion.served, version: 'v2' } }
    const world = createWorld(new Map([['temperatureC', { ...models, challengers: [challenger] }]]))
    world.reports.take(feature('roof', 0), PARTITION)
    Object.assign(world.at, { hour: 6, wallMs: 60_000 })
    const { served, later } = await world.silence.due()
    expect(served.map(({ value }) => value)).toMatchObject([{ role: 'champion', modelVersion: 'v1', status: 'stale' }])
    expect(later.flatMap((make) => make()).map(({ value }) => value)).toMatchObject([
      { role: 'challenger', modelVersion: 'v2', status: 'stale', featureKnownAt: START * HOUR_MS },
    ])
  })
  it('is forecast once an hour, for five days', async () => {
    const world = createWorld()
    world.reports.take(feature('roof', 0), PARTITION)
    const issued: number[] = []
    for (let hour = 0; hour < 130; hour++)
      for (const wallMs of [60_000, 61_000]) if ((await world.dueAt(hour, wallMs)).length > 0) issued.push(hour)
    expect(issued).toEqual(Array.from({ length: 117 }, (_, i) => i + 4))
  })
  it('is one of which nothing has been read for ten seconds, however far the events of others are ahead', async () => {
    const world = createWorld()
    world.reports.take(feature('roof', 0), PARTITION)
    expect(await world.dueAt(50, 9999)).toEqual([])
    expect(await world.dueAt(50, 10_000)).toHaveLength(1)
  })
  it('is one that was listened to for as long: a pause of the reader is not a silence', async () => {
    const world = createWorld()
    world.reports.take(feature('roof', 0), PARTITION)
    expect(await world.dueAt(50, 60_000, 9999)).toEqual([])
    expect(await world.dueAt(50, 60_000, 10_000)).toHaveLength(1)
  })
  it('has spoken again when a report is read, and has said nothing when a gap is', async () => {
    const world = createWorld()
    world.reports.take(feature('roof', 0), PARTITION)
    expect(await world.dueAt(6, 60_000)).toHaveLength(1)
    world.reports.take(feature('roof', 5, Number.NaN), PARTITION)
    expect(await world.dueAt(7, 120_000)).toMatchObject([{ featureKnownAt: START * HOUR_MS }])
    world.reports.take(feature('roof', 7), PARTITION)
    expect(await world.dueAt(8, 180_000)).toEqual([])
  })
  it('is not forecast without a model, nor by a replica that no longer has it', async () => {
    const world = createWorld()
    const bare = createWorld(new Map())
    for (const one of [world, bare]) one.reports.take(feature('roof', 0), PARTITION)
    expect(await bare.dueAt(6, 60_000)).toEqual([])
    world.reports.forget()
    expect(await world.dueAt(6, 60_000)).toEqual([])
  })
})
