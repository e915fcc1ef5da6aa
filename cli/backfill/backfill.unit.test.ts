import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { FEATURE_COUNT, FEATURE_SET, HOUR_MS } from '../../forecasting/features/index.ts'
import type { Fitted } from '../../forecasting/models/index.ts'
import { verify } from '../../infra/runtime/artifacts/store.ts'
import { toClickHouseInstant } from '../../infra/runtime/clickhouse/index.ts'
import { AppError } from '../../infra/runtime/errors.ts'
import type { OutboundEvent, Tombstone } from '../../infra/runtime/kafka/types.ts'
import type { Control, Forecast, ServedModel } from '../../schemas/generated/types.ts'
import { createIssuer, type PastHour } from './issue.ts'
import { type ControlAt, type Issued, planWork } from './plan.ts'
import { type Deps, runBackfill } from './run.ts'

const T0 = Date.UTC(2013, 6, 1)
const at = (hour: number): number => T0 + hour * HOUR_MS
const bytesOf = (level: number): Uint8Array => new TextEncoder().encode(String(level))

function served(level: number): ServedModel {
  const bytes = bytesOf(level)
  return {
    version: `v${level}`,
    runId: `run${level}`,
    family: 'test',
    featureSet: FEATURE_SET,
    artefact: { uri: `mem:${level}`, sha256: createHash('sha256').update(bytes).digest('hex'), bytes: bytes.length },
    since: T0,
    changePoints: [],
  }
}

/** The champion `level` from an hour on, with a challenger that must not issue. */
function order(hour: number, level: number, controlOffset: number, variable: Control['variable'] = 'temperatureC'): ControlAt {
  return {
    controlOffset,
    control: {
      eventId: `control/${controlOffset}`,
      stationId: 'jfk',
      variable,
      champion: served(level),
      previous: null,
      challengers: [served(99)],
      shadows: [],
      changedAt: at(hour),
      changedBy: 'test',
      reason: '',
      causedBy: null,
      decisionOffset: controlOffset,
    },
  }
}

const issued = (hour: number, more: Partial<Issued> = {}): Issued => ({
  variable: 'temperatureC',
  issuedAt: at(hour),
  modelVersion: 'v1',
  role: 'champion',
  status: 'fresh',
  statusReason: null,
  ...more,
})

const hours = [0, 1, 2, 3].map(at)
const planned = (...args: Parameters<typeof planWork>) =>
  planWork(...args).map(({ issuedAt, roles }) => [(issuedAt - T0) / HOUR_MS, ...[...roles].flat()])

describe('plan', () => {
  const controls = [order(1, 1, 10)]
  it('fills hours without a forecast, from the first champion on', () => {
    expect(planned(hours, controls, [issued(2)], 'missing')).toEqual([
      [1, 'temperatureC', 'champion'],
      [3, 'temperatureC', 'champion'],
    ])
  })
  it('leaves what was issued as it was: again is as a shadow', () => {
    const ledger = [issued(1), issued(2, { status: 'degraded' }), issued(3)]
    expect(planned(hours, controls, ledger, 'missing')).toEqual([])
    expect(planned(hours, controls, ledger, 'failed')).toEqual([[2, 'temperatureC', 'shadow']])
    expect(planned(hours, controls, ledger, 'all')).toEqual([1, 2, 3].map((hour) => [hour, 'temperatureC', 'shadow']))
  })
  it('goes on where a run before it stopped', () => {
    const again = { role: 'shadow', status: 'stale', statusReason: 'back-filled: issued after the fact' } as const
    const ledger = [issued(1), issued(1, again), issued(2), issued(3, { ...again, role: 'champion' })]
    expect(planned(hours, controls, ledger, 'all')).toEqual([[2, 'temperatureC', 'shadow']])
    expect(planned(hours, controls, ledger, 'failed')).toEqual([])
  })
  it('a shadow of probation is none of a back-fill', () => {
    expect(planned([at(1)], controls, [issued(1), issued(1, { role: 'shadow', modelVersion: 'v1' })], 'all')).toEqual([
      [1, 'temperatureC', 'shadow'],
    ])
  })
})

/** A store of models that forecast their own number. */
const files = new Map([1, 2, 99].map((level) => [`mem:${level}`, bytesOf(level)]))
const store = {
  get: async (artefact: ServedModel['artefact']) => {
    const bytes = files.get(artefact.uri)
    if (!bytes) throw new AppError('gone', { code: 'artifact-missing', retry: 'permanent' })
    return verify(artefact, bytes)
  },
}
const open = (bytes: Uint8Array): Fitted => ({
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
})
const past = (hour: number): PastHour => ({
  stationId: 'jfk',
  validAt: at(hour),
  knownAt: at(hour + 30),
  values: Array.from({ length: FEATURE_COUNT }, () => 1),
})
const rolesOf = (role: Forecast['role']) => new Map([['temperatureC', role]] as const)

describe('issue', () => {
  it('uses the champion of the hour, says that it came late, and lets no challenger of then speak', async () => {
    const issue = createIssuer(store, [order(2, 2, 11), order(0, 1, 10)], { open })
    const forecasts = []
    for (const hour of [0, 1, 2]) forecasts.push(...(await issue({ issuedAt: at(hour), roles: rolesOf('champion') }, past(hour))))
    expect(forecasts.map(({ value }) => value as Forecast)).toMatchObject([
      {
        modelVersion: 'v1',
        role: 'champion',
        issuedAt: at(0),
        status: 'stale',
        controlOffset: 10,
        quantiles: [[1, 1, 1, 1, 1, 1, 1]],
      },
      { modelVersion: 'v1', issuedAt: at(1) },
      { modelVersion: 'v2', issuedAt: at(2), controlOffset: 11, quantiles: [[2, 2, 2, 2, 2, 2, 2]] },
    ])
    const [first] = forecasts.map(({ value }) => value as Forecast)
    expect(first?.statusReason).toMatch(/^back-filled/)
    expect(first?.forecastId).toBe('forecast/jfk/temperatureC/2013-07-01T00:00:00.000Z/v1/champion')
  })
  it('says so when the model of then is gone', async () => {
    const issue = createIssuer(store, [order(0, 3, 10)], { open })
    await expect(issue({ issuedAt: at(0), roles: rolesOf('champion') }, past(0))).rejects.toMatchObject({ code: 'past-model' })
  })
})

describe('run', () => {
  /** What the archive answers; forecasts that are published are in it at the next run. */
  function world(stations: readonly string[], until = 48) {
    const published: Forecast[] = []
    let looks = 0
    const deps = (signal: AbortSignal, onPublish: () => void = () => undefined): Deps => ({
      clickhouse: {
        query: (async (sql: string, params: Record<string, unknown> = {}) => {
          const stationId = params['stationId'] as string
          if (sql.includes('DISTINCT stationId')) return stations.map((id) => ({ stationId: id }))
          if (sql.includes('DISTINCT validAt'))
            return Array.from({ length: until }, (_, hour) => ({ validAt: toClickHouseInstant(at(hour)) }))
          if (sql.includes('FROM control')) {
            const { control } = order(0, stationId === 'gone' ? 3 : 1, 10)
            return [{ controlOffset: 10, payload: JSON.stringify({ ...control, stationId }) }]
          }
          if (sql.includes('FROM forecast '))
            return published
              .filter((forecast) => forecast.stationId === stationId)
              .map((forecast) => ({ ...forecast, issuedAt: toClickHouseInstant(forecast.issuedAt) }))
          return Array.from({ length: until }, (_, hour) => ({
            at: toClickHouseInstant(at(hour)),
            knownFirst: toClickHouseInstant(at(hour)),
            values: past(hour).values,
          }))
        }) as Deps['clickhouse']['query'],
      },
      artifacts: store,
      createIssuer: (controls) => createIssuer(store, controls, { open }),
      publisher: {
        publish: async (events: ReadonlyArray<OutboundEvent | Tombstone>) => {
          published.push(...events.map(({ value }) => value as Forecast))
          onPublish()
        },
      },
      untilLiveKeepsUp: async () => void looks++,
      signal,
      onProgress: () => undefined,
    })
    return { deps, published, looks: () => looks }
  }
  const options = { from: at(0), to: at(47), mode: 'missing', stationId: null, concurrency: 2, dryRun: false } as const
  const never = new AbortController().signal

  it('issues each missing hour once, and nothing the second time', async () => {
    const { deps, published, looks } = world(['jfk', 'lga'])
    expect(await runBackfill(deps(never), options)).toEqual(
      ['jfk', 'lga'].map((stationId) => ({ stationId, hours: 48, forecasts: 48, issued: 48, error: null })),
    )
    expect(new Set(published.map(({ forecastId }) => forecastId)).size).toBe(96)
    // A look at the live work before every chunk.
    expect(looks()).toBe(8)
    await runBackfill(deps(never), options)
    expect(published.length).toBe(96)
  })
  it('stopped half-way, goes on with what is left', async () => {
    const { deps, published } = world(['jfk'])
    const stop = new AbortController()
    await runBackfill(
      deps(stop.signal, () => published.length >= 24 && stop.abort()),
      options,
    )
    expect(published.length).toBe(24)
    await runBackfill(deps(never), options)
    expect(published.length).toBe(48)
    expect(new Set(published.map(({ forecastId }) => forecastId)).size).toBe(48)
  })
  it('publishes nothing in a dry run', async () => {
    const { deps, published } = world(['jfk'])
    expect(await runBackfill(deps(never), { ...options, dryRun: true })).toMatchObject([{ forecasts: 48, issued: 0 }])
    expect(published).toEqual([])
  })
  it('a station whose models of then are gone holds up no other', async () => {
    const { deps, published } = world(['gone', 'jfk'])
    const [gone, jfk] = await runBackfill(deps(never), options)
    expect(gone?.error).toMatch(/gone/)
    expect(jfk).toMatchObject({ issued: 48, error: null })
    expect(published.length).toBe(48)
  })
})
