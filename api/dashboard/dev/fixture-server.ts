/**
 * A stand-in for the API with made-up data: for working on the page and for its browser tests. Never part of the product path.
 * `node api/dashboard/dev/fixture-server.ts` serves it on a free port with a running clock.
 */
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { extname, join, normalize } from 'node:path'
import { fileURLToPath } from 'node:url'
import { FORECAST_VARIABLES } from '../../../schemas/quantities.ts'
import type { ForecastVariable } from '../../../schemas/quantities.ts'
import { buildDashboard } from '../build.ts'
import type { Station } from '../src/wire.ts'
import * as data from './fixture-data.ts'

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
}
/** The same policy as the API's: nothing inline, nothing from elsewhere. */
export const CONTENT_SECURITY_POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

export type Fixture = {
  url: string
  /** Event-time now; observations and forecasts follow it. */
  now: number
  stations: Station[]
  /** Path prefix → status: these answers fail. */
  failing: Map<string, number>
  /** Sends a live event to every open stream. */
  emit(type: string, event: object): void
  /** Cuts every stream; with `refuse`, new ones are refused until it is false again. */
  dropStreams(options: { refuse: boolean }): void
  streams(): number
  /** Last-Event-ID of each stream that was opened. */
  resumedFrom: Array<string | null>
  posts: Array<{ path: string; authorization: string; body: unknown }>
  close(): Promise<void>
}

export async function startFixture(options: { port?: number } = {}): Promise<Fixture> {
  const { directory } = await buildDashboard()
  const open = new Set<ServerResponse>()
  let refuse = false
  let eventId = 0

  const fixture: Fixture = {
    url: '',
    now: data.FIXTURE_NOW,
    stations: [...data.STATIONS],
    failing: new Map(),
    emit(type, event) {
      eventId += 1
      for (const stream of open) stream.write(`id: ${eventId}\nevent: ${type}\ndata: ${JSON.stringify(event)}\n\n`)
    },
    dropStreams(how) {
      refuse = how.refuse
      for (const stream of open) stream.destroy()
      open.clear()
    },
    streams: () => open.size,
    resumedFrom: [],
    posts: [],
    async close() {
      for (const stream of open) stream.destroy()
      server.closeAllConnections()
      await new Promise<void>((resolve) => server.close(() => resolve()))
    },
  }

  const json = (response: ServerResponse, body: unknown, status = 200): void => {
    response.writeHead(status, { 'content-type': status < 400 ? 'application/json' : 'application/problem+json' })
    response.end(JSON.stringify(body))
  }
  const problem = (response: ServerResponse, status: number, title: string): void =>
    json(response, { type: 'about:blank', title, status }, status)

  function live(request: IncomingMessage, response: ServerResponse): void {
    const last = request.headers['last-event-id']
    fixture.resumedFrom.push(typeof last === 'string' ? last : null)
    response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' })
    response.write('retry: 300\n\n')
    open.add(response)
    response.on('close', () => open.delete(response))
  }

  function answer(url: URL, response: ServerResponse): void {
    const path = url.pathname
    const station = /^\/v1\/stations\/([^/]+)\/(observations|forecast)$/.exec(path)
    const history = /^\/v1\/models\/([^/]+)\/([^/]+)\/history$/.exec(path)
    if (station) {
      const found = fixture.stations.find((s) => s.stationId === decodeURIComponent(station[1] ?? ''))
      if (!found) return problem(response, 404, 'Unknown station')
      if (station[2] === 'observations') {
        const from = Date.parse(url.searchParams.get('from') ?? '') || fixture.now - 96 * data.HOUR_MS
        return json(response, { observations: data.observations(found.stationId, from, fixture.now) })
      }
      const variables = (url.searchParams.get('variables')?.split(',') ?? FORECAST_VARIABLES) as ForecastVariable[]
      // As on live data: a browser may keep it up to the next issue.
      response.setHeader('cache-control', 'max-age=3600')
      return json(response, data.forecast(found, fixture.now, variables, Number(url.searchParams.get('hours') ?? 168)))
    }
    const report = /^\/v1\/runs\/([^/]+)\/evaluation$/.exec(path)
    if (report) return json(response, data.gateReport(report[1] ?? ''))
    const run = /^\/v1\/runs\/([^/]+)$/.exec(path)
    if (run) return json(response, data.runInFull(run[1] ?? ''))
    if (path === '/v1/drift/evidence') {
      const evidence = data.driftEvidence(url.searchParams.get('eventId') ?? '')
      return evidence ? json(response, evidence) : problem(response, 404, 'No such change')
    }
    if (history) {
      const [stationId, variable] = [history[1] ?? '', history[2] as ForecastVariable]
      const at = url.searchParams.get('at')
      return json(response, {
        events: data.modelEvents(stationId, variable),
        champion: at === null ? null : data.championAt(stationId, variable, Date.parse(at)),
      })
    }
    const answers: Record<string, () => unknown> = {
      '/v1/stations': () => ({ stations: fixture.stations }),
      '/v1/pipeline': () => data.pipeline(fixture.now),
      '/v1/skill': () => ({
        skill: data.skill(
          url.searchParams.get('stationId') ?? '',
          (url.searchParams.get('variable') ?? 'temperatureC') as ForecastVariable,
        ),
        headlines: data.headlines(
          url.searchParams.get('stationId') ?? '',
          (url.searchParams.get('variable') ?? 'temperatureC') as ForecastVariable,
        ),
      }),
      '/v1/runs': () => ({ runs: data.runs(url.searchParams.get('stationId') ?? '') }),
      '/v1/models': () => ({ models: data.models() }),
      '/v1/drift': () => ({ states: data.driftStates(), drift: data.drift() }),
      '/v1/replicas': () => data.replicas(),
      '/v1/alerts': () => ({ alerts: data.alerts() }),
    }
    const found = answers[path]
    if (found) json(response, found())
    else problem(response, 404, 'Not found')
  }

  async function file(path: string, response: ServerResponse): Promise<void> {
    const name = path === '/' ? 'index.html' : normalize(path).replace(/^[/\\]+/, '')
    try {
      const body = await readFile(join(directory, name))
      response.writeHead(200, {
        'content-type': TYPES[extname(name)] ?? 'application/octet-stream',
        'content-security-policy': CONTENT_SECURITY_POLICY,
      })
      response.end(body)
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error
      problem(response, 404, 'Not found')
    }
  }

  async function post(request: IncomingMessage, path: string, response: ServerResponse): Promise<void> {
    let text = ''
    for await (const chunk of request) text += String(chunk)
    const authorization = request.headers.authorization ?? ''
    if (authorization !== 'Bearer isk_fixture') return problem(response, 401, 'A key is needed')
    fixture.posts.push({ path, authorization, body: JSON.parse(text) })
    json(response, {
      auditId: 'a1',
      from: 'v3',
      to: 'v1',
      dryRun: false,
      effect: 'Every replica goes back to the previous champion.',
    })
  }

  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', 'http://fixture')
    const fails = [...fixture.failing].find(([prefix]) => url.pathname.startsWith(prefix))
    if (fails) return problem(response, fails[1], 'Made to fail by the fixture')
    if (request.method === 'POST') return void post(request, url.pathname, response)
    if (url.pathname === '/v1/live') return refuse ? problem(response, 503, 'Starting') : live(request, response)
    if (url.pathname.startsWith('/v1/')) return answer(url, response)
    return void file(url.pathname, response)
  })
  await new Promise<void>((resolve) => server.listen(options.port ?? 0, '127.0.0.1', resolve))
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the fixture server has no port')
  fixture.url = `http://127.0.0.1:${address.port}/`
  return fixture
}

/** One event-hour: an observation and all forecasts of every station. */
export function advance(fixture: Fixture): void {
  fixture.now += data.HOUR_MS
  for (const { stationId } of fixture.stations) {
    fixture.emit('weather.observation-checked.v1', {
      ...data.observationAt(stationId, fixture.now),
      observedAt: fixture.now,
      receivedAt: fixture.now,
    })
    for (const variable of FORECAST_VARIABLES) {
      fixture.emit('weather.forecast.v1', {
        forecastId: `forecast/${stationId}/${variable}/${fixture.now}`,
        stationId,
        variable,
        issuedAt: fixture.now,
        leadHours: [1],
        quantiles: data.forecastQuantiles(stationId, variable, fixture.now, 1),
        modelVersion: 'v3',
        role: 'champion',
        status: 'fresh',
        statusReason: null,
        fallback: null,
        featureKnownAt: fixture.now,
      })
    }
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const fixture = await startFixture({ port: Number(process.env['PORT'] ?? 0) })
  setInterval(() => advance(fixture), 500)
  console.error(`fixture dashboard: ${fixture.url}`)
}
