import { readFileSync, readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { AppError } from '../infra/runtime/errors.ts'
import { INSTANT_FIELDS } from './json.ts'
import { aCheckedObservation, aControl, aForecast, aLifecycle, createTestApp, HOUR_MS, NOON } from './testing/app.ts'

type Document = {
  paths: Record<string, Record<string, { security?: Array<Record<string, string[]>>; responses: Record<string, unknown> }>>
}
type ProblemBody = {
  status: number
  code: string
  detail: string
  errors?: Array<{ code: string; fix: string; pointer?: string }>
}
type ForecastBody = { issuedAt: string; status: string; hourly: Record<string, Record<string, number[]>> }
type RunList = { runs: Array<{ evaluation: string }> }
type Made = { id: string }
const problemOf = async (response: Response): Promise<ProblemBody> => {
  expect(response.headers.get('content-type')).toBe('application/problem+json')
  return (await response.json()) as ProblemBody
}
const filled = (path: string): string =>
  path
    .replace('{stationId}', 'jfk')
    .replace('{variable}', 'temperatureC')
    .replaceAll(/\{\w+\}/g, 'jfk')

describe('access', () => {
  it('refuses every state change without a key, and with a key of another scope', async () => {
    const { app, key, post } = createTestApp()
    const document = (await (await app.request('/openapi.json')).json()) as Document
    const changing = Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.entries(methods).flatMap(([method, { security }]) =>
        method === 'get' ? [] : [{ path, method, scope: security?.[0]?.['key']?.[0] }],
      ),
    )
    expect(changing.length).toBeGreaterThanOrEqual(10)
    const reader = await key('read')
    for (const { path, method, scope } of changing) {
      expect(['ingest', 'operate'], path).toContain(scope)
      const bare = await app.request(filled(path), { method: method.toUpperCase() })
      expect(bare.status, path).toBe(401)
      expect(bare.headers.get('www-authenticate')).toContain('Bearer')
      const wrong = await app.request(filled(path), {
        method: method.toUpperCase(),
        headers: { authorization: `Bearer ${reader}` },
      })
      expect(wrong.status, path).toBe(403)
      expect((await problemOf(wrong)).detail).toContain(`'${scope}'`)
    }
    // Also where there is no route at all.
    expect((await post('/v1/nothing', {})).status).toBe(401)
    expect((await post('/v1/alerts/test', {}, await key('admin'))).status).toBe(200)
  })

  it('lets nobody read without a key unless reading is public', async () => {
    const { app, key, get } = createTestApp({ publicRead: false })
    for (const path of ['/v1/stations', '/v1/live', '/forecast', '/v1/skill']) expect((await get(path)).status, path).toBe(401)
    for (const path of ['/health', '/livez', '/openapi.json', '/asyncapi.json']) expect((await get(path)).status, path).toBe(200)
    const response = await app.request('/v1/stations', { headers: { authorization: `Bearer ${await key('ingest')}` } })
    expect(response.status).toBe(200)
    expect((await get('/v1/stations', { authorization: 'Bearer isk_made-up' })).status).toBe(401)
  })

  it('limits each key on its own and says so in RateLimit headers', async () => {
    const { get, key } = createTestApp({ perMinute: 2, publicPerMinute: 1 })
    const [a, b] = [{ authorization: `Bearer ${await key('read')}` }, { authorization: `Bearer ${await key('read')}` }]
    const first = await get('/v1/stations', a)
    expect(first.headers.get('ratelimit-policy')).toBe('"default";q=2;w=60')
    expect(first.headers.get('ratelimit')).toMatch(/^"default";r=1;t=\d+$/)
    await get('/v1/stations', a)
    const third = await get('/v1/stations', a)
    expect(third.status).toBe(429)
    expect(Number(third.headers.get('retry-after'))).toBeGreaterThan(0)
    expect((await problemOf(third)).code).toBe('rate-limited')
    expect((await get('/v1/stations', b)).status).toBe(200)
    expect((await get('/v1/stations')).status).toBe(200)
    expect((await get('/v1/stations')).status).toBe(429)
    expect((await get('/health')).status).toBe(200)
  })
})

describe('protocol', () => {
  it('answers HEAD, OPTIONS, wrong methods and unknown addresses, all with security headers', async () => {
    const { app, key } = createTestApp()
    const head = await app.request('/v1/stations', { method: 'HEAD' })
    expect([head.status, await head.text()]).toEqual([200, ''])
    const options = await app.request('/v1/stations/jfk/forecast', { method: 'OPTIONS' })
    expect([options.status, options.headers.get('allow')]).toEqual([204, 'GET, HEAD, OPTIONS'])
    const wrong = await app.request('/v1/observations', { headers: { authorization: `Bearer ${await key('read')}` } })
    expect([wrong.status, wrong.headers.get('allow')]).toEqual([405, 'OPTIONS, POST'])
    const nowhere = await app.request('/v1/nowhere')
    expect((await problemOf(nowhere)).status).toBe(404)
    for (const response of [head, options, wrong, nowhere]) {
      expect(response.headers.get('content-security-policy')).toContain("default-src 'none'")
      expect(response.headers.get('x-content-type-options')).toBe('nosniff')
    }
  })

  it('allows other origins only when configured', async () => {
    const preflight = { method: 'OPTIONS', headers: { origin: 'https://farm.example', 'access-control-request-method': 'POST' } }
    const closed = await createTestApp().app.request('/v1/observations', preflight)
    expect(closed.headers.get('access-control-allow-origin')).toBeNull()
    const open = createTestApp({ corsOrigins: ['https://farm.example'] }).app
    const answer = await open.request('/v1/observations', preflight)
    expect(answer.headers.get('access-control-allow-origin')).toBe('https://farm.example')
    expect(answer.headers.get('access-control-allow-headers')).toContain('authorization')
    const other = await open.request('/v1/stations', { headers: { origin: 'https://evil.example' } })
    expect(other.headers.get('access-control-allow-origin')).toBeNull()
  })

  it('names what is wrong with a body: not JSON, NaN, another type, too large', async () => {
    const { post, key } = createTestApp()
    const ingest = await key('ingest')
    expect((await problemOf(await post('/v1/observations', '{"observations": [', ingest))).detail).toContain('not JSON')
    const nan = await problemOf(await post('/v1/observations', '[{"temperatureC": NaN}]', ingest))
    expect([nan.status, nan.errors?.[0]?.fix]).toEqual([400, 'Send null for what was not observed.'])
    expect((await post('/v1/observations', 'a=1', ingest, { 'content-type': 'text/plain' })).status).toBe(415)
    expect((await post('/v1/observations', 'x'.repeat(5 * 1024 * 1024), ingest)).status).toBe(413)
    const many = await problemOf(
      await post(
        '/v1/observations',
        Array.from({ length: 5001 }, () => ({})),
        ingest,
      ),
    )
    expect([many.status, many.detail]).toEqual([413, 'A batch holds 1 to 5000 observations, not 5001.'])
  })

  it('says 503 with Retry-After while a server behind it is away, and 500 without details for what nobody foresaw', async () => {
    const { world, post, key, unexpected } = createTestApp()
    const ingest = await key('ingest')
    const batch = [{ stationId: 'jfk', observedAt: '2013-07-01T11:00:00Z', temperatureC: 20 }]
    world.publishFails = new AppError('broker 10.0.0.7 is away', { code: 'kafka-unavailable', retry: 'transient' })
    const away = await post('/v1/observations', batch, ingest)
    expect([away.status, away.headers.get('retry-after')]).toEqual([503, '5'])
    expect(await away.text()).not.toContain('10.0.0.7')
    world.publishFails = new Error('secret detail')
    const broken = await post('/v1/observations', batch, ingest)
    expect(broken.status).toBe(500)
    expect(await broken.text()).not.toContain('secret detail')
    expect(unexpected).toHaveLength(2)
    world.publishFails = null
    // Nothing of the failed attempts was taken for published.
    expect(await (await post('/v1/observations', batch, ingest)).json()).toMatchObject({ accepted: 1, duplicates: 0 })
  })

  it('says when there are more observations than it gives', async () => {
    const { get, world } = createTestApp()
    world.observations.push(...[0, 1, 2].map((hour) => aCheckedObservation({ observedAt: NOON + hour * HOUR_MS })))
    const given = async (limit: number) => {
      const { truncated, observations } = (await (await get(`/v1/stations/jfk/observations?limit=${limit}`)).json()) as {
        truncated: boolean
        observations: Array<{ observedAt: string }>
      }
      return [truncated, observations.map(({ observedAt }) => observedAt.slice(11, 13)).join(' ')]
    }
    expect(await given(2)).toEqual([true, '13 14'])
    expect(await given(3)).toEqual([false, '12 13 14'])
  })

  it('documents every route, with resolvable references', async () => {
    const { app } = createTestApp()
    const text = await (await app.request('/openapi.json')).text()
    const document = JSON.parse(text) as Document & { components: { schemas: Record<string, unknown> } }
    const declared = new Set(
      app.routes.filter((r) => r.method !== 'ALL' && !r.path.includes('*')).map((r) => r.path.replaceAll(/:(\w+)/g, '{$1}')),
    )
    for (const hidden of ['/openapi.json', '/asyncapi.json', '/docs', '/outbox']) declared.delete(hidden)
    expect(Object.keys(document.paths).sort()).toEqual([...declared].sort())
    for (const [, name] of text.matchAll(/"#\/components\/schemas\/([^"]+)"/g))
      expect(document.components.schemas).toHaveProperty(name ?? '')
  })

  it('knows every field that holds an instant', () => {
    const folder = fileURLToPath(new URL('../schemas/avro', import.meta.url))
    const found = new Set<string>()
    const visit = (node: unknown): void => {
      if (Array.isArray(node)) node.forEach(visit)
      else if (node !== null && typeof node === 'object') {
        const { name, type } = node as { name?: string; type?: unknown }
        if (
          name !== undefined &&
          JSON.stringify(type ?? '').includes('timestamp-millis') &&
          !JSON.stringify(type).includes('"fields"')
        )
          found.add(name)
        Object.values(node).forEach(visit)
      }
    }
    for (const file of readdirSync(folder)) visit(JSON.parse(readFileSync(`${folder}/${file}`, 'utf8')))
    expect([...found].filter((name) => !INSTANT_FIELDS.has(name))).toEqual([])
  })
})

describe('forecast', () => {
  const withForecast = () => {
    const test = createTestApp()
    test.control(aControl())
    test.snapshot.applyForecast(aForecast())
    return test
  }

  it('serves quantiles, units and local time, and the same bytes under the same ETag', async () => {
    const { get } = withForecast()
    const path = '/v1/stations/jfk/forecast?variables=temperatureC&hours=2&quantiles=0.1,0.9&units=us&timezone=station'
    const response = await get(path)
    const body = (await response.json()) as ForecastBody
    expect(body).toMatchObject({
      status: 'fresh',
      issuedAt: '2013-07-01T12:00:00Z',
      model: { version: 'v1' },
      units: { temperatureF: '°F' },
    })
    expect(body.hourly).toEqual({
      time: ['2013-07-01T09:00:00-04:00', '2013-07-01T10:00:00-04:00'],
      temperatureF: { '0.1': [68.38, 68.4], '0.9': [71.26, 71.28] },
    })
    // Caches count wall seconds, and in a replay the next issue is a moment away.
    expect(response.headers.get('cache-control')).toBe('no-cache')
    const etag = response.headers.get('etag') ?? ''
    expect((await get(path, { 'if-none-match': etag })).status).toBe(304)
    expect((await get(path, { 'if-none-match': '"other"' })).status).toBe(200)
  })

  it('may be kept by caches up to the next issue, on a clock that they share', async () => {
    const { get, world, control, snapshot } = createTestApp({ clockMode: 'system' })
    control(aControl())
    snapshot.applyForecast(aForecast())
    world.forecasts.push(aForecast())
    const kept = async (query = ''): Promise<string | null> =>
      (await get(`/v1/stations/jfk/forecast?variables=temperatureC${query}`)).headers.get('cache-control')
    world.now = NOON + HOUR_MS / 4
    expect(await kept()).toBe('max-age=2700')
    world.now = NOON + 2 * HOUR_MS
    expect(await kept('&hours=3')).toBe('max-age=0')
    expect(await kept('&issuedAt=2013-07-01T12:00:00Z')).toBe('max-age=86400')
  })

  it('never serves an old forecast as fresh, and after two days not at all', async () => {
    const { get, world } = withForecast()
    const path = '/v1/stations/jfk/forecast?variables=temperatureC'
    const status = async (): Promise<string> => ((await (await get(path)).json()) as { status: string }).status
    expect(await status()).toBe('fresh')
    world.now = NOON + 3 * HOUR_MS
    expect(await status()).toBe('fresh')
    // Nothing but the clock has moved.
    world.now = NOON + 3 * HOUR_MS + 1
    expect(await status()).toBe('stale')
    expect((await get(path)).headers.get('isobar-status')).toBe('stale')
    world.now = NOON + 49 * HOUR_MS
    const refused = await get(path)
    expect((await problemOf(refused)).code).toBe('forecast-too-old')
    expect(refused.status).toBe(503)
  })

  it('names the nearest for what it does not know', async () => {
    const { get } = withForecast()
    const variable = await problemOf(await get('/v1/stations/jfk/forecast?variables=temperature'))
    expect([variable.status, variable.code, variable.errors?.[0]?.fix]).toEqual([400, 'unknown-variable', "Use 'temperatureC'."])
    const parameter = await problemOf(await get('/v1/stations/jfk/forecast?variable=temperatureC'))
    expect(parameter.errors?.[0]?.fix).toBe("Use 'variables'.")
    const station = await problemOf(await get('/v1/stations/jkf/forecast'))
    expect([station.status, station.errors?.[0]?.fix]).toEqual([404, "Use 'jfk'."])
    for (const bad of [
      'hours=0',
      'hours=169',
      'quantiles=0.11',
      'timezone=Mars/Phobos',
      'issuedAt=yesterday',
      'format=xml',
      'units=imperial',
    ]) {
      expect((await get(`/v1/stations/jfk/forecast?${bad}`)).status, bad).toBe(400)
    }
  })

  it('keeps formulas in names out of spreadsheets', async () => {
    const { get, snapshot } = withForecast()
    const station = snapshot.station('jfk')
    if (!station) throw new Error('no station')
    snapshot.applyStation({ ...station, name: '=HYPERLINK("http://evil"),"x"' })
    const csv = await (await get('/v1/stations/jfk/forecast?variables=temperatureC&hours=1&format=csv')).text()
    expect(csv.split('\r\n')[1]).toContain(`jfk,"'=HYPERLINK(""http://evil""),""x""",2013-07-01T12:00:00Z`)
    expect((await get('/v1/stations/jfk/forecast?hours=1', { accept: 'text/csv' })).headers.get('content-type')).toContain(
      'text/csv',
    )
  })

  it('answers as issued, whatever has been issued since', async () => {
    const { get, world, snapshot } = withForecast()
    world.forecasts.push(aForecast({ issuedAt: NOON - 24 * HOUR_MS, base: 5 }))
    snapshot.applyForecast(aForecast({ issuedAt: NOON + HOUR_MS, base: 25 }))
    const body = (await (
      await get('/v1/stations/jfk/forecast?variables=temperatureC&hours=1&issuedAt=2013-06-30T12:00:00Z')
    ).json()) as ForecastBody
    expect([body.issuedAt, body.status, body.hourly['temperatureC']?.['0.5']]).toEqual(['2013-06-30T12:00:00Z', 'fresh', [6.01]])
    expect((await get('/v1/stations/jfk/forecast?issuedAt=2013-06-30T11:00:00Z')).status).toBe(404)
    expect(
      ((await (await get('/v1/stations/jfk/forecasts')).json()) as { forecasts: Array<{ issuedAt: string }> }).forecasts[0]
        ?.issuedAt,
    ).toBe('2013-06-30T12:00:00.000Z')
  })

  it('says what to wear on a local day, with the freshness of the forecast behind it', async () => {
    const { get, world, snapshot } = withForecast()
    snapshot.applyForecast(aForecast({ variable: 'precipitationProbabilityPct', base: 60 }))
    const today = (await (await get('/v1/stations/jfk/clothing')).json()) as {
      statusReason: string
      hours: Array<{ time: string }>
    }
    // There is no model of wind and humidity: said, and done without.
    expect(today.statusReason).toContain('windSpeedMps')
    // Noon UTC is eight in the morning in New York: the rest of that day.
    expect(today).toMatchObject({
      date: '2013-07-01',
      status: 'degraded',
      dayClass: expect.stringMatching(/^(mild|warm)$/),
      temperatureQuantile: 0.2,
      base: 'T-shirt or shirt and trousers',
      accessories: ['umbrella or rain jacket'],
    })
    expect([today.hours[0]?.time, today.hours.at(-1)?.time]).toEqual(['2013-07-01T09:00:00-04:00', '2013-07-01T22:00:00-04:00'])
    world.now = NOON + 15 * HOUR_MS
    expect(await (await get('/clothing?station=jfk')).json()).toMatchObject({ date: '2013-07-02', status: 'degraded' })
    expect(await (await get('/clothing?date=2013-07-04&activity=waiting')).json()).toMatchObject({
      date: '2013-07-04',
      activity: 'waiting',
    })
    expect((await problemOf(await get('/v1/stations/jfk/clothing?date=2013-08-01'))).detail).toContain(
      'covers 2013-07-01 to 2013-07-08',
    )
    expect((await get('/v1/stations/jfk/clothing?date=tomorrow')).status).toBe(400)
    world.now = NOON + 60 * HOUR_MS
    expect((await get('/v1/stations/jfk/clothing')).status).toBe(503)
  })

  it('says why there is none yet, also at the short addresses', async () => {
    const { get } = createTestApp()
    expect((await problemOf(await get('/v1/stations/jfk/forecast'))).code).toBe('no-forecast')
    expect((await get('/forecast')).status).toBe(503)
    expect((await get('/current_data')).status).toBe(404)
    expect((await get('/result_load?station=jfk')).status).toBe(404)
  })
})

describe('operator actions', () => {
  it('says what it would do, does it once per key, and records also what it refuses', async () => {
    const { app, post, key, control, world } = createTestApp()
    control(aControl())
    world.lifecycle.push(aLifecycle(), aLifecycle({ version: 'v2' }))
    const operator = await key('operate')
    const dry = await post('/v1/models/jfk/temperatureC/rollback', { reason: 'worse', dryRun: true }, operator)
    expect(await dry.json()).toMatchObject({ from: 'v2', to: 'v1', dryRun: true, auditId: null })
    expect(world.published).toEqual([])
    const headers = { 'idempotency-key': 'once' }
    const first = await (await post('/v1/models/jfk/temperatureC/promote', { reason: 'better' }, operator, headers)).json()
    const second = await (await post('/v1/models/jfk/temperatureC/promote', { reason: 'better' }, operator, headers)).json()
    expect(second).toEqual(first)
    expect(first).toMatchObject({ from: 'v2', to: 'v3', action: 'model.promote', subject: 'jfk/temperatureC' })
    expect((await post('/v1/models/jfk/temperatureC/promote', { reason: 'better', version: 'v2' }, operator)).status).toBe(409)
    expect((await post('/v1/models/jfk/temperatureC/promote', { reason: 'better', version: 'v9' }, operator)).status).toBe(404)
    expect((await post('/v1/models/jfk/temperatureC/retrain', {}, operator)).status).toBe(400)
    expect((await post('/model_upload', { station: 'jfk', version: 'v3' }, operator)).status).toBe(200)
    // Whoever knows these addresses calls them without a body.
    const bare = { method: 'POST', headers: { authorization: `Bearer ${operator}` } }
    expect(await (await app.request('/model_upload', bare)).json()).toMatchObject({ subject: 'jfk/temperatureC', to: 'v3' })
    expect((await problemOf(await app.request('/run_inference', bare))).detail).toBe('There are no features of jfk yet.')
    expect((await app.request('/v1/models/jfk/temperatureC/retrain', bare)).status).toBe(415)
    expect(
      world.published.map(({ topic, value }) => [
        topic,
        value && 'action' in value ? [value.action, value.outcome, value.details['version']] : null,
      ]),
    ).toEqual([
      ['audit.v1', ['model.promote', 'accepted', 'v3']],
      ['audit.v1', ['model.promote', 'refused', 'v2']],
      ['audit.v1', ['model.promote', 'refused', 'v9']],
      ['audit.v1', ['model.promote', 'accepted', 'v3']],
      ['audit.v1', ['model.promote', 'accepted', 'v3']],
    ])
  })

  it('gives the events of a request its trace context, and none that is not valid', async () => {
    const { post, key, world, control } = createTestApp()
    control(aControl(), 1)
    const operator = await key('operate')
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
    const headersOf = async (headers: Record<string, string>) => {
      world.published.length = 0
      expect((await post('/v1/models/jfk/temperatureC/retrain', { reason: 'test' }, operator, headers)).status).toBe(200)
      return world.published.map((event) => event.headers)
    }
    expect(await headersOf({ traceparent, tracestate: 'vendor=1' })).toEqual([{ traceparent, tracestate: 'vendor=1' }])
    expect(await headersOf({ traceparent: `00-${'0'.repeat(32)}-b7ad6b7169203331-01` })).toEqual([undefined])
    expect(await headersOf({})).toEqual([undefined])
  })

  it('forecasts again when asked to, and records who asked', async () => {
    const { post, key, world, snapshot, live } = createTestApp()
    snapshot.applyForecast(aForecast())
    const { promise: handedOver, resolve } = Promise.withResolvers<void>()
    const features = { stationId: 'jfk', validAt: NOON, knownAt: NOON, featureSet: 'f', values: [], cause: 'new' as const }
    world.newestFeature = features
    world.onPublish = resolve
    const answer = post('/run_inference', { station: 'jfk' }, await key('operate'))
    await handedOver
    live.push({
      topic: 'weather.forecast.v1',
      key: 'jfk',
      value: aForecast(),
      partition: 0,
      offset: 0,
      headers: {},
      timestampMs: 0,
    })
    expect((await answer).status).toBe(200)
    expect(world.published.map(({ topic }) => topic)).toEqual(['weather.feature.v1', 'audit.v1'])
    expect(world.published[0]?.value).toEqual(features)
    expect(world.published[1]?.value).toMatchObject({
      actor: 'operate',
      action: 'station.forecast',
      subject: 'jfk',
      details: { validAt: '2013-07-01T12:00:00.000Z' },
    })
  })

  it('answers who was champion at an instant, and lists runs with their causes', async () => {
    const { get, control, world } = createTestApp()
    const later = { ...aControl().champion, version: 'v5' }
    control(aControl({ changedAt: NOON - 48 * HOUR_MS, reason: 'first-model' }))
    control(aControl({ changedAt: NOON, champion: later, reason: 'better', causedBy: 'lifecycle/run-v5/accepted' }), 2)
    world.lifecycle.push(
      aLifecycle({
        version: 'v5',
        event: 'promoted',
        reasons: ['mae 1.9 against 2.1'],
        evaluation: { uri: 'file:report', sha256: 'ab', bytes: 1 },
        causedBy: 'lifecycle/run-v5/accepted',
      }),
      aLifecycle({ version: 'v5', event: 'trained', causedBy: 'retrain/drift/7' }),
    )
    const at = async (iso: string) =>
      (await (await get(`/v1/models/jfk/temperatureC/history?at=${iso}`)).json()) as { champion: unknown }
    expect((await at('2013-06-30T00:00:00Z')).champion).toMatchObject({ version: 'v2', reason: 'first-model' })
    expect((await at('2013-07-01T12:00:00Z')).champion).toMatchObject({
      version: 'v5',
      causedBy: 'lifecycle/run-v5/accepted',
      evidence: [{ event: 'promoted' }, { event: 'trained' }],
    })
    expect((await at('2013-01-01T00:00:00Z')).champion).toBeNull()
    // Who runs beside it changes nothing about who put it there, when and why.
    control(aControl({ changedAt: NOON + HOUR_MS, champion: later, reason: 'challenger v6: drift', causedBy: 'run-v6' }), 3)
    for (const asked of ['?at=2013-07-01T13:00:00Z', ''])
      expect(await (await get(`/v1/models/jfk/temperatureC/history${asked}`)).json()).toMatchObject({
        champion: {
          version: 'v5',
          reason: 'better',
          causedBy: 'lifecycle/run-v5/accepted',
          changedAt: '2013-07-01T12:00:00.000Z',
          controlOffset: 1,
        },
      })
    const { runs } = (await (await get('/v1/runs')).json()) as RunList
    expect(runs).toMatchObject([
      {
        runId: 'run-v5',
        state: 'promoted',
        requestReason: 'drift',
        causedBy: 'retrain/drift/7',
        reasons: ['mae 1.9 against 2.1'],
      },
    ])
    expect(await (await get(runs[0]?.evaluation ?? '')).json()).toEqual({ uri: 'file:report' })
    const card = await get('/v1/runs/run-v5/card')
    expect(card.headers.get('content-type')).toMatch(/^text\/markdown/)
    expect(await card.text()).toMatch(/^# jfk\/temperatureC v5/)
    expect((await get('/v1/runs/none/card')).status).toBe(404)
    // However much has happened since, and nothing of what had not happened yet.
    const since = Array.from({ length: 1001 }, () => aLifecycle({ version: 'v6', at: NOON + HOUR_MS }))
    world.lifecycle.unshift(...since, aLifecycle({ version: 'v5', event: 'rolled-back', at: NOON + HOUR_MS }))
    expect((await at('2013-07-01T12:00:00Z')).champion).toMatchObject({ evidence: [{ event: 'promoted' }, { event: 'trained' }] })
  })

  it('tells how families of a run compared with the run itself, not in the list of runs', async () => {
    const { get, world } = createTestApp()
    const comparison = {
      notComparedBecause: null,
      firstOriginAt: NOON - 28 * 24 * HOUR_MS,
      lastOriginAt: NOON,
      originHour: 12,
      origins: 28,
      families: [{ family: 'sarimax', refused: 'too-slow', seconds: 0, metrics: [] }],
    }
    // Newest first; a run of before there were comparisons has none in the archive.
    const { comparison: _none, ...old } = aLifecycle({ version: 'v1' })
    world.lifecycle.push(
      aLifecycle({ version: 'v5', event: 'accepted' }),
      aLifecycle({ version: 'v5', event: 'evaluated', comparison }),
      old as ReturnType<typeof aLifecycle>,
    )
    const runOf = async (id: string) => ((await (await get(`/v1/runs/${id}`)).json()) as { run: object }).run
    expect(await runOf('run-v5')).toMatchObject({
      state: 'accepted',
      comparison: { firstOriginAt: '2013-06-03T12:00:00.000Z', origins: 28, families: [{ family: 'sarimax' }] },
    })
    expect(await runOf('run-v1')).toMatchObject({ comparison: null })
    const { runs } = (await (await get('/v1/runs')).json()) as RunList
    expect(runs.map((run) => 'comparison' in run)).toEqual([false, false])
  })

  it('silences for a while and ends a silence', async () => {
    const { app, post, key, world } = createTestApp()
    const operator = await key('operate')
    const bad = { matchers: [{ label: 'station', op: '=~', value: '(' }], comment: 'mast down' }
    expect((await problemOf(await post('/v1/alerts/silences', bad, operator))).errors?.[0]?.pointer).toBe('/matchers/0/value')
    const made = (await (
      await post('/v1/alerts/silences', { matchers: [{ label: 'station', value: 'jfk' }], comment: 'mast down' }, operator)
    ).json()) as Made
    expect(made).toMatchObject({ state: 'active', startsAt: '2013-07-01T12:00:00.000Z', endsAt: '2013-07-01T14:00:00.000Z' })
    world.now += HOUR_MS
    const ended = await app.request(`/v1/alerts/silences/${made.id}`, {
      method: 'DELETE',
      headers: { authorization: `Bearer ${operator}` },
    })
    expect(await ended.json()).toMatchObject({ state: 'expired', endsAt: '2013-07-01T13:00:00.000Z' })
  })
})
