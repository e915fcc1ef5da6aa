import { describe, expect, it } from 'vitest'
import { buildFeatures, COLUMN, createHourlyGrid, HOUR_MS } from '../../forecasting/features/index.ts'
import { SEED } from '../../forecasting/models/random-feature-ridge.ts'
import { createRng } from '../../forecasting/verification/index.ts'
import type { InboundEvent, Outcome, StepContext } from '../../infra/runtime/kafka/types.ts'
import { FORECAST_VARIABLES } from '../../schemas/quantities.ts'
import type { Feature, Lifecycle, RetrainRequest } from '../../schemas/generated/types.ts'
import { compareFamiliesField, createCompare } from './compare.ts'
import { createColdStartStep } from './cold-start.ts'
import { rebuildTrainingSet, toTrainingSet } from './dataset.ts'
import { type FitPoolOptions, openFitPool } from './fit-pool.ts'
import type { FamilyAnswer } from '../../forecasting/comparison/index.ts'
import type { FitAnswer } from './fit-worker.ts'
import { createRests } from './rests.ts'
import { createRunBook } from './run-book.ts'
import { createTrainingStep } from './step.ts'

const T0 = Date.UTC(2013, 5, 1)
const START = T0 / HOUR_MS

/** A made-up station hour by hour, in the columns of the grid. */
function hoursOf(hours: number, shift: (hour: number) => number = () => 0) {
  const rng = createRng(3)
  let weather = 0
  return Array.from({ length: hours }, (_, i) => {
    weather = 0.96 * weather + rng() + rng() - 1
    const day = Math.sin((2 * Math.PI * (START + i - 9)) / 24)
    const values = [
      Math.fround(15 + 5 * day + weather + shift(i)),
      Math.fround(8 + weather / 2),
      Math.fround(70 - 9 * day),
      Math.fround(1013 - weather),
      1,
      1,
      Math.fround(3 + Math.abs(weather)),
      weather < -1.5 ? 1 : 0,
    ]
    return { hour: START + i, values }
  })
}

/** Its vectors, as the feature store keeps them. */
function rowsOf(hours: number) {
  const grid = createHourlyGrid(START, hours)
  for (const { hour, values } of hoursOf(hours)) grid.set(hour, values)
  return Array.from({ length: hours }, (_, i) => ({ hour: START + i, values: Array.from(buildFeatures(grid, START + i)) }))
}

function request(id: string, over: Partial<RetrainRequest> = {}): RetrainRequest {
  return {
    requestId: id,
    stationId: 'jfk',
    variable: 'temperatureC',
    requestedAt: T0,
    reason: 'drift',
    causedBy: null,
    requestedBy: 'test',
    comment: null,
    changePointAt: null,
    estimatedOffset: null,
    changePoints: [],
    ...over,
  }
}
const context: StepContext = { topic: 'model.retrain-request.v1', partition: 0, caughtUp: true, heartbeat: async () => undefined }
const inbound = (topic: string, value: unknown, offset = 0) =>
  ({ topic, key: 'k', value, partition: 0, offset, headers: {}, timestampMs: 0 }) as unknown
const lifecycleOf = (outcome: Outcome | undefined): Lifecycle[] =>
  outcome?.kind === 'emit' ? outcome.events.map(({ value }) => value as Lifecycle) : []

describe('training set', () => {
  it('reads hours and targets back out of the vectors, bit for bit', () => {
    const rows = rowsOf(200)
    const set = toTrainingSet(rows)
    expect(set?.startHour).toBe(START)
    expect(set?.targets.temperatureC[150]).toBe(rows[150]?.values[0])
    expect(new Set(set?.targets.precipitationProbabilityPct)).toEqual(new Set([0, 100]))
  })
  it('from the hours is that from the vectors, bit for bit, while nothing is shifted or withheld', () => {
    const isKept = (_: unknown, i: number): boolean => i % 53 !== 7
    const set = toTrainingSet(rowsOf(900))
    expect(rebuildTrainingSet(hoursOf(900), [], [])).toEqual(set)
    expect(toTrainingSet(rowsOf(900).filter(isKept))?.targets).toEqual(
      rebuildTrainingSet(hoursOf(900).filter(isKept), [], [])?.targets,
    )
  })
  it('without change points keeps the vectors as they were known', () => {
    const rows = rowsOf(100)
    const set = toTrainingSet(rows)
    expect(Array.from(set?.features.subarray(0, rows[0]?.values.length) ?? [])).toEqual(rows[0]?.values)
  })
  it('homogenised, is the history the new instrument would have recorded: targets and every input', () => {
    const step = 900
    const changed = hoursOf(1200, (i) => (i >= step ? 2.5 : 0))
    const wanted = rebuildTrainingSet(
      hoursOf(1200, () => 2.5),
      [],
      [],
    )
    const changePoints = [{ variable: 'temperatureC', at: (START + step) * HOUR_MS, offset: 2.5 }]
    const set = rebuildTrainingSet(changed, changePoints, [])
    const worst = (a: ArrayLike<number> = [], b: ArrayLike<number> = []): number => {
      let largest = 0
      for (let i = 0; i < a.length; i++) {
        if (Number.isNaN(a[i]) && Number.isNaN(b[i])) continue
        largest = Math.max(largest, Math.abs((a[i] as number) - (b[i] as number)))
      }
      return largest
    }
    expect(worst(set?.targets.temperatureC, wanted?.targets.temperatureC)).toBeLessThan(1e-4)
    expect(worst(set?.features, wanted?.features)).toBeLessThan(1e-4)
    // The dew point is another sensor.
    expect(worst(set?.targets.dewPointC, wanted?.targets.dewPointC)).toBe(0)
    expect(COLUMN.temperatureC).toBe(0)
  })
  it('leaves gaps as gaps', () => {
    const rows = rowsOf(100).filter(({ hour }) => hour !== START + 50)
    const set = toTrainingSet(rows)
    expect(set?.targets.temperatureC[50]).toBeNaN()
    expect(set?.featureHours).toHaveLength(99)
  })
})

const COMPARED = {
  notComparedBecause: null,
  firstOriginAt: T0 - 28 * 24 * HOUR_MS,
  lastOriginAt: T0,
  originHour: 0,
  origins: 0,
  families: [],
}

function createShop() {
  const book = createRunBook()
  let fits = 0
  let reads = 0
  const fitted: string[][] = []
  const compared: string[][] = []
  const stored: string[] = []
  let family = 'f'
  const answer = (): FitAnswer => ({
    ok: true,
    family,
    artefact: Uint8Array.from([1, 2, 3]),
    rows: 5,
    scores: [],
    fitSeconds: 1,
  })
  const make = () =>
    createTrainingStep({
      loadHistory: async () => {
        reads++
        return { trainingSet: (changePoints) => rebuildTrainingSet(hoursOf(30), changePoints, []) }
      },
      siteOf: () => null,
      pool: {
        size: 2,
        fit: async (_history, variables) => {
          fits++
          fitted.push([...variables])
          return new Map(variables.map((variable) => [variable, answer()]))
        },
      },
      compare: async (_history, variables) => {
        compared.push([...variables])
        return new Map(variables.map((variable) => [variable, { ...COMPARED, origins: variable.length }]))
      },
      artifacts: {
        put: async (key) => {
          stored.push(key)
          return { uri: `file:${key}`, sha256: 's', bytes: 3 }
        },
      },
      book,
    })
  let step = make()
  return {
    book,
    stored,
    fitted,
    compared,
    become: (name: string) => (family = name),
    reads: () => reads,
    fits: () => fits,
    restart: () => (step = make()),
    run: async (...requests: RetrainRequest[]) =>
      step(requests.map((value, i) => inbound('model.retrain-request.v1', value, i)) as never, context),
  }
}

describe('training step', () => {
  it('registers a run with what caused it and what it was made of', async () => {
    const shop = createShop()
    const changePoints = [{ variable: 'temperatureC', at: T0, offset: 2 }]
    const [outcome] = await shop.run(request('r1', { changePoints }))
    const events = lifecycleOf(outcome)
    expect(events.map(({ event }) => event)).toEqual(['training-started', 'trained', 'evaluated'])
    expect(events[2]).toMatchObject({ causedBy: 'r1', requestReason: 'drift', changePoints, dataTo: T0, seed: SEED })
    expect(new Set(events.map(({ runId }) => runId)).size).toBe(1)
  })
  it('trains a request once: repeated in a batch, delivered again, or asked again at another time', async () => {
    const shop = createShop()
    const outcomes = await shop.run(request('r1'), request('r1', { requestedAt: T0 + HOUR_MS }))
    expect(outcomes.map(({ kind }) => kind)).toEqual(['emit', 'skip'])
    for (const event of lifecycleOf(outcomes[0])) shop.book.onLifecycle(event)
    expect(await shop.run(request('r1', { requestedAt: T0 + 9 * HOUR_MS }))).toMatchObject([
      { kind: 'skip', reason: 'already-trained' },
    ])
    shop.restart()
    expect(await shop.run(request('r1'))).toMatchObject([{ kind: 'skip', reason: 'already-trained' }])
    expect(shop.fits()).toBe(1)
  })
  it('killed before its events were published, registers the same version again under the same ids', async () => {
    const shop = createShop()
    const [first] = await shop.run(request('r1'))
    shop.restart()
    const [second] = await shop.run(request('r1'))
    expect(lifecycleOf(second).map(({ eventId, version }) => [eventId, version])).toEqual(
      lifecycleOf(first).map(({ eventId, version }) => [eventId, version]),
    )
    expect(new Set(shop.stored).size).toBe(1)
  })
  it('handed the same batch again by the runner, repeats its events without fitting again', async () => {
    const shop = createShop()
    const first = await shop.run(request('r1'))
    expect(await shop.run(request('r1'))).toEqual(first)
    expect(shop.fits()).toBe(1)
  })
  it('reads the history of a station and instant once, and deals its variables out to the workers that are free', async () => {
    const shop = createShop()
    const variables = ['temperatureC', 'dewPointC', 'pressureHpa', 'windSpeedMps'] as const
    const of = (id: string, over: Partial<RetrainRequest>) =>
      variables.map((variable) => request(`${id}/${variable}`, { variable, ...over }))
    const outcomes = await shop.run(...of('a', {}))
    expect(outcomes.map((outcome) => lifecycleOf(outcome).at(-1)?.variable)).toEqual(variables)
    expect([shop.reads(), shop.fitted]).toEqual([1, [variables.slice(0, 2), variables.slice(2)]])
    await shop.run(...of('b', { stationId: 'lga' }), ...of('c', { requestedAt: T0 + HOUR_MS }))
    expect([shop.reads(), shop.fitted.slice(2)]).toEqual([3, [variables, variables]])
    const step: RetrainRequest['changePoints'] = [{ variable: 'dewPointC', at: T0, offset: 1 }]
    await shop.run(request('d', { stationId: 'ewr' }), request('e', { stationId: 'ewr', changePoints: step }))
    expect([shop.reads(), shop.fitted.slice(4)]).toEqual([4, [['temperatureC'], ['temperatureC']]])
  })
  it('records the comparison of families in what is evaluated, once for the variables of a station', async () => {
    const shop = createShop()
    const outcomes = await shop.run(request('r1'), request('r2', { variable: 'dewPointC', reason: 'schedule' }))
    expect(shop.compared).toEqual([['temperatureC', 'dewPointC']])
    expect(outcomes.map((outcome) => lifecycleOf(outcome).map(({ comparison }) => comparison?.origins))).toEqual([
      [undefined, undefined, 'temperatureC'.length],
      [undefined, undefined, 'dewPointC'.length],
    ])
  })
  it('compares nothing for a first model, which is to serve at once, or for a provisional one, and says so', async () => {
    const shop = createShop()
    const whyOf = async (asked: RetrainRequest) => lifecycleOf((await shop.run(asked))[0]).at(-1)?.comparison?.notComparedBecause
    expect(await whyOf(request('r1', { reason: 'cold-start' }))).toMatch(/^cold-start/)
    shop.become('young-station')
    expect(await whyOf(request('r2', { requestedAt: T0 + HOUR_MS }))).toBe('provisional: young-station')
    expect(shop.compared).toEqual([])
  })
  it('a killed run that only said it had started is trained', async () => {
    const shop = createShop()
    const [started] = lifecycleOf((await shop.run(request('r1')))[0])
    shop.restart()
    shop.book.onLifecycle(started as Lifecycle)
    expect(lifecycleOf((await shop.run(request('r1')))[0]).at(-1)?.event).toBe('evaluated')
  })
})

// Real fits in real threads: slow on a busy machine.
const open = (size: number, more: Partial<FitPoolOptions> = {}) =>
  openFitPool({ size, cores: size, isAwaited: () => false, signal: new AbortController().signal, ...more })

it('rests as long as makes work and rest together the share that retraining may take', () => {
  let now = 0
  const rests = createRests(0.25, () => now)
  expect(rests.leftMs()).toBe(0)
  now = 100
  rests.worked(0)
  expect(rests.leftMs()).toBe(300)
  // A second thread had worked meanwhile: both count.
  rests.worked(50)
  expect(rests.leftMs()).toBe(500)
  now = 1000
  expect(rests.leftMs()).toBe(0)
  // What was not used is not saved up.
  now = 1100
  rests.worked(1000)
  expect(rests.leftMs()).toBe(300)
  const never = createRests(2, () => now)
  never.worked(1000)
  never.worked(1000)
  expect(never.leftMs()).toBe(0)
})
it('knows whether somebody waits for a model, until its run has ended', async () => {
  const { book, run } = createShop()
  const all = (['drift', 'schedule', 'cold-start', 'operator'] as const).map((reason) => request(reason, { reason }))
  for (const one of all) book.onRequest(one)
  const end = async (one: RetrainRequest) => {
    for (const event of lifecycleOf((await run(one))[0])) book.onLifecycle(event)
  }
  await end(all[2]!)
  expect(book.isAwaited()).toBe(true)
  await end(all[3]!)
  expect(book.isAwaited()).toBe(false)
  // Read again after a restart.
  book.onRequest(all[3]!)
  expect(book.isAwaited()).toBe(false)
})

describe('fit pool', { timeout: 60_000 }, () => {
  it('rests between fits unless somebody waits for one, and turns away what has not begun when it is stopped', async () => {
    const stopping = new AbortController()
    let isAwaited = false
    const pool = open(1, { cores: 1e-6, isAwaited: () => isAwaited, signal: stopping.signal })
    const set = toTrainingSet(rowsOf(60 * 24))!
    const fit = () => pool.fit(set, ['temperatureC'], null)
    expect((await fit()).get('temperatureC')?.ok).toBe(true)
    const resting = fit()
    isAwaited = true
    expect((await fit()).get('temperatureC')?.ok).toBe(true)
    expect((await resting).get('temperatureC')?.ok).toBe(true)
    isAwaited = false
    const turnedAway = expect(fit()).rejects.toMatchObject({ code: 'stopping', retry: 'transient' })
    stopping.abort()
    await turnedAway
    await expect(fit()).rejects.toMatchObject({ code: 'stopping' })
    await pool.close()
  })
  it('the same history gives the same bytes, whatever else is fitted with it', async () => {
    const pool = open(2)
    const set = toTrainingSet(rowsOf(60 * 24))
    if (!set) throw new Error('no set')
    const all = await Promise.all([pool.fit(set, ['temperatureC'], null), pool.fit(set, FORECAST_VARIABLES, null)])
    await pool.close()
    const [a, b] = all.map((answers) => answers.get('temperatureC'))
    expect(a?.ok && b?.ok && Buffer.from(a.artefact).equals(Buffer.from(b.artefact))).toBe(true)
  })
  it('answers for a fit that takes too long or crashes, and goes on', async () => {
    const pool = open(1, { timeLimitMs: 1 })
    const set = toTrainingSet(rowsOf(60 * 24))
    if (!set) throw new Error('no set')
    expect((await pool.fit(set, ['temperatureC'], null)).get('temperatureC')).toMatchObject({
      ok: false,
      refused: expect.stringMatching(/^too-slow/) as string,
    })
    await pool.close()
    const fragile = open(1)
    expect((await fragile.fit(null as never, ['temperatureC'], null)).get('temperatureC')).toMatchObject({
      ok: false,
      refused: expect.stringMatching(/^crashed/) as string,
    })
    expect((await fragile.fit(set, ['temperatureC'], null)).get('temperatureC')?.ok).toBe(true)
    // One variable that no fit survives: those asked for with it get their models.
    const poisoned = { ...set, targets: { ...set.targets, dewPointC: null as never } }
    const answers = await fragile.fit(poisoned, ['temperatureC', 'dewPointC'], null)
    expect([answers.get('temperatureC')?.ok, answers.get('dewPointC')?.ok]).toEqual([true, false])
    await fragile.close()
  })
  it('makes of an hour or a few days what it can, and names it', async () => {
    const pool = open(1)
    const site = { latitude: 40.6, longitude: -73.8, elevationM: 4 }
    const of = async (hours: number, where: typeof site | null) => {
      const set = toTrainingSet(rowsOf(hours))
      if (!set) throw new Error('no set')
      return (await pool.fit(set, ['temperatureC'], where)).get('temperatureC')
    }
    expect(await of(1, site)).toMatchObject({ ok: true, family: 'site-prior', rows: 0, scores: [] })
    expect(await of(1, null)).toMatchObject({ ok: false })
    expect(await of(72, site)).toMatchObject({ ok: true, family: 'young-station', rows: 72, scores: [] })
    const grown = await of(60 * 24, site)
    expect(grown).toMatchObject({ ok: true, family: 'random-feature-ridge' })
    expect(grown?.ok && grown.scores.length).toBeGreaterThan(0)
    await pool.close()
  })
})

describe('comparison of families', { timeout: 60_000 }, () => {
  const set = toTrainingSet(rowsOf(130 * 24))!
  const baselines = ['persistence', 'seasonal-naive', 'climatology', 'recentred-climatology', 'damped-anomaly']

  it('puts the served family, what is asked for and the baselines side by side, and gives the same scores again', async () => {
    const pool = open(2)
    const compare = createCompare(pool, ['ridge-direct'])
    const [first, second] = await Promise.all([compare(set, ['temperatureC']), compare(set, ['temperatureC', 'pressureHpa'])])
    await pool.close()
    const of = (answers: typeof first) => {
      const { families, ...more } = answers.get('temperatureC')!
      return { ...more, families: families.map(({ seconds, ...family }) => ({ ...family, isTimed: seconds > 0 })) }
    }
    expect(of(first)).toMatchObject({ notComparedBecause: null, origins: 28, originHour: 23 })
    expect(of(first).families.map(({ family, refused, isTimed }) => [family, refused, isTimed])).toEqual(
      ['random-feature-ridge', 'ridge-direct', ...baselines].map((name) => [name, null, true]),
    )
    for (const { family, metrics } of of(first).families)
      expect(metrics.map(({ model, leadBucket, n }) => [model, leadBucket, n > 0])).toEqual(
        ['1-6', '7-24', '25-72', '73-168', 'all'].map((bucket) => [family, bucket, true]),
      )
    expect(of(second)).toEqual(of(first))
  })
  it('a family that is lost is a line of the record', async () => {
    const answer: FamilyAnswer = { ok: true, quantiles: new Float32Array(28 * 168 * 7), missed: null, seconds: 1 }
    const compare = createCompare(
      {
        forecast: async (_history, variables, family) =>
          new Map(variables.map((name) => [name, family === 'sarimax' ? { ok: false, refused: 'too-slow: no model' } : answer])),
      },
      ['sarimax'],
    )
    const { families, notComparedBecause } = (await compare(set, ['temperatureC'])).get('temperatureC')!
    expect(notComparedBecause).toBeNull()
    expect(families.filter(({ metrics }) => metrics.length === 0)).toMatchObject([
      { family: 'sarimax', refused: 'too-slow: no model' },
    ])
    expect(families).toHaveLength(7)
  })
  it('says why there is none: not asked for, too little history', async () => {
    const pool = { forecast: () => Promise.reject(new Error('nobody is to be asked')) }
    const whyOf = async (history: typeof set, families: string[]) =>
      (await createCompare(pool, families)(history, ['temperatureC'])).get('temperatureC')?.notComparedBecause
    expect(await whyOf(set, [])).toMatch(/^not-asked-for/)
    expect(await whyOf(toTrainingSet(rowsOf(100 * 24))!, ['ridge-direct'])).toMatch(/^too-little-history: 7\d days/)
  })
  it('is asked for by names: unset the cheap one, none, and unknown ones are refused', () => {
    expect(compareFamiliesField.parse(undefined)).toEqual(['ridge-direct'])
    expect(compareFamiliesField.parse('none')).toEqual([])
    expect(compareFamiliesField.parse('sarimax, ridge-direct,sarimax')).toEqual(['sarimax', 'ridge-direct'])
    expect(compareFamiliesField.safeParse('sarimax,prophets').error?.issues[0]?.message).toBe('unknown: prophets')
  })
})

describe('cold start', () => {
  const feature = (hour: number, lateHours = 0): Feature => ({
    stationId: 'jfk',
    validAt: T0 + hour * HOUR_MS,
    knownAt: T0 + (hour + lateHours) * HOUR_MS,
    featureSet: 'f',
    values: [],
    cause: 'new',
  })
  type Champion = NonNullable<ReturnType<Parameters<typeof createColdStartStep>[0]['championOf']>>
  const GROWN: Champion = { family: 'f', runId: 'grown', since: 0 }
  function createStation(over: { hours?: number; minimumHours?: number; hasSite?: boolean } = {}) {
    const book = createRunBook()
    const champions = new Map<string, Champion>()
    const hours = new Map<string, number>()
    const make = () =>
      createColdStartStep({
        championOf: (key) => champions.get(key),
        book,
        hasSite: () => over.hasSite ?? true,
        countHours: async () =>
          new Map(FORECAST_VARIABLES.map((variable) => [variable, hours.get(variable) ?? over.hours ?? 1000])),
        minimumHours: over.minimumHours ?? 1,
        liveWithinHours: 3,
      })
    let step = make()
    return {
      book,
      champions,
      hours,
      restart: () => (step = make()),
      async see(...features: Feature[]): Promise<RetrainRequest[]> {
        const outcomes = await step(
          features.map((value) => inbound('weather.feature.v1', value)) as InboundEvent<'weather.feature.v1'>[],
          context,
        )
        return outcomes.flatMap((outcome) =>
          outcome.kind === 'emit' ? outcome.events.map(({ value }) => value as RetrainRequest) : [],
        )
      },
    }
  }
  const failed = (of: RetrainRequest, hour: number): Lifecycle =>
    ({ event: 'failed', causedBy: of.requestId, stationId: 'jfk', variable: of.variable, at: T0 + hour * HOUR_MS }) as Lifecycle

  it('asks once for each variable, however long training takes and also after a restart', async () => {
    const station = createStation()
    const asked = await station.see(feature(0), feature(1))
    expect(asked.map(({ variable }) => variable)).toEqual([...FORECAST_VARIABLES])
    for (const one of asked) station.book.onRequest(one)
    expect(await station.see(feature(30), feature(60))).toEqual([])
    station.restart()
    expect(await station.see(feature(90))).toEqual([])
  })
  it('does not ask on back-fill, with fewer hours than wanted, or for what has a model', async () => {
    expect(await createStation().see(feature(0, 4))).toEqual([])
    expect(await createStation({ hours: 700, minimumHours: 720 }).see(feature(0))).toEqual([])
    const station = createStation()
    for (const variable of FORECAST_VARIABLES) if (variable !== 'dewPointC') station.champions.set(`jfk/${variable}`, GROWN)
    expect((await station.see(feature(0))).map(({ variable }) => variable)).toEqual(['dewPointC'])
  })
  it('asks again a day after a failure', async () => {
    const station = createStation()
    for (const variable of FORECAST_VARIABLES) if (variable !== 'dewPointC') station.champions.set(`jfk/${variable}`, GROWN)
    const [asked] = await station.see(feature(0))
    station.book.onRequest(asked as RetrainRequest)
    station.book.onLifecycle(failed(asked as RetrainRequest, 0))
    expect(await station.see(feature(23))).toEqual([])
    expect((await station.see(feature(24))).map(({ requestId }) => requestId)).toEqual(['cold-start/jfk/dewPointC/2013-06-02'])
  })
  it('asks at the first hour for what the station observes, where it knows the site or a day', async () => {
    const station = createStation({ hours: 0 })
    station.hours.set('temperatureC', 1)
    const ask = async (where: ReturnType<typeof createStation>) => (await where.see(feature(0))).map(({ variable }) => variable)
    expect(await ask(station)).toEqual(['temperatureC'])
    expect(await ask(createStation({ hours: 23, hasSite: false }))).toEqual([])
    expect(await ask(createStation({ hours: 24, hasSite: false }))).toEqual([...FORECAST_VARIABLES])
  })
  it('asks again for a provisional model when the station has seen a day, three days, a week … of what it had not', async () => {
    const station = createStation({ hours: 0 })
    const run = (hour: number, rows: number, family: string): void => {
      const runId = `run-${hour}`
      station.book.onLifecycle({
        event: 'evaluated',
        causedBy: null,
        stationId: 'jfk',
        variable: 'temperatureC',
        at: T0 + hour * HOUR_MS,
        runId,
        rows,
        family,
      } as unknown as Lifecycle)
      station.champions.set('jfk/temperatureC', { family, runId, since: T0 + hour * HOUR_MS })
    }
    const asked: string[] = []
    for (let hour = 1; hour <= 1000; hour++) {
      station.hours.set('temperatureC', hour)
      const requests = await station.see(feature(hour))
      for (const request of requests) {
        asked.push(`${hour} ${request.requestId.split('/').at(-1)}`)
        station.book.onRequest(request)
        run(hour, hour < 24 ? 0 : hour, hour < 24 ? 'site-prior' : hour < 900 ? 'young-station' : 'random-feature-ridge')
      }
    }
    // Hours are counted every six.
    expect(asked).toEqual(['1 2013-06-01', '25 24h', '73 72h', '169 168h', '337 336h', '721 720h', '913 912h'])
  })
})
