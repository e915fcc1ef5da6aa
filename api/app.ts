/** The read routes of the API and the page. Errors are RFC 9457 problem documents. */
import { createHash } from 'node:crypto'
import { serveStatic } from '@hono/node-server/serve-static'
import { Hono } from 'hono'
import { streamSSE } from 'hono/streaming'
import type { InboundEvent } from '../infra/runtime/kafka/types.ts'
import { FORECAST_VARIABLES, type ForecastVariable, QUANTILE_LEVELS } from '../schemas/quantities.ts'
import { TOPICS } from '../schemas/topics.ts'
import { CONTENT_TYPES, renderForecast } from './forecast/body.ts'
import { ISSUE_INTERVAL_MS, judgeFreshness, REFUSE_AFTER_MS, selectIssue, type Selection } from './forecast/select.ts'
import type { Snapshot } from './state/snapshot.ts'
import type { Store } from './store/clickhouse.ts'

const HOUR_MS = 3_600_000
const HEARTBEAT_MS = 10_000
/** A client that does not read is cut off here rather than kept in memory. */
const MAX_QUEUED_EVENTS = 2000

export type LiveFeed = { subscribe(listener: (event: InboundEvent) => void): () => void }
export type AppDeps = {
  readonly snapshot: Snapshot
  readonly store: Store
  readonly live: LiveFeed
  readonly now: () => number
  readonly clockMode: 'system' | 'stream'
  readonly dashboardDir: string
}

class Problem extends Error {
  readonly status: 400 | 404 | 503
  constructor(status: Problem['status'], detail: string) {
    super(detail)
    this.status = status
  }
}

export function createApp({ snapshot, store, live, now, clockMode, dashboardDir }: AppDeps): Hono {
  const app = new Hono()
  app.onError((error, c) => {
    const status = error instanceof Problem ? error.status : 500
    const titles = { 400: 'Bad request', 404: 'Not found', 500: 'Internal error', 503: 'Not available now' }
    const detail = error instanceof Problem ? error.message : 'An unexpected error; the log of the api service has it.'
    if (!(error instanceof Problem)) console.error(error)
    return c.body(JSON.stringify({ type: 'about:blank', title: titles[status], status, detail, instance: c.req.path }), status, {
      'content-type': 'application/problem+json',
    })
  })
  app.notFound((c) =>
    c.body(
      JSON.stringify({
        type: 'about:blank',
        title: 'Not found',
        status: 404,
        detail: `There is nothing at ${c.req.path}.`,
        instance: c.req.path,
      }),
      404,
      { 'content-type': 'application/problem+json' },
    ),
  )

  const stationOf = (id: string) => {
    const station = snapshot.station(id)
    if (!station)
      throw new Problem(
        404,
        `There is no station "${id.slice(0, 64)}"; there are: ${snapshot
          .stations()
          .slice(0, 20)
          .map(({ stationId }) => stationId)
          .join(', ')}.`,
      )
    return station
  }

  app.get('/v1/stations', (c) =>
    c.json({ stations: snapshot.stations().map((station) => ({ ...station, validFrom: iso(station.validFrom) })) }),
  )
  app.get('/v1/stations/:id', (c) => {
    const station = stationOf(c.req.param('id'))
    return c.json({ ...station, validFrom: iso(station.validFrom) })
  })
  app.get('/v1/stations/:id/observations', async (c) => {
    const station = stationOf(c.req.param('id'))
    const to = instantOf(c.req.query('to'), 'to') ?? now()
    const from = instantOf(c.req.query('from'), 'from') ?? to - 72 * HOUR_MS
    const observations = await store.observations(station.stationId, from, to)
    return c.json({
      stationId: station.stationId,
      observations: observations.map((o) => ({ ...o, observedAt: iso(o.observedAt), receivedAt: iso(o.receivedAt) })),
    })
  })
  app.get('/v1/stations/:id/forecast', async (c) => {
    const station = stationOf(c.req.param('id'))
    const variables = variablesOf(c.req.query('variables'))
    const hours = hoursOf(c.req.query('hours'))
    const format = formatOf(c.req.query('format'))
    const issuedAt = instantOf(c.req.query('issuedAt'), 'issuedAt')
    const selection =
      issuedAt === null
        ? selectIssue(snapshot.issues(station.stationId), variables, (v) => snapshot.control(station.stationId, v) !== undefined)
        : await asIssued(station.stationId, issuedAt, variables)
    if (selection === null)
      throw new Problem(
        503,
        `No forecast of ${station.stationId} exists yet: its first model is still being trained, or its history is too short.`,
      )
    const time = issuedAt === null ? now() : selection.issuedAt
    if (time - selection.issuedAt > REFUSE_AFTER_MS)
      throw new Problem(
        503,
        `The newest forecast of ${station.stationId} was issued at ${iso(selection.issuedAt)} and is too old to be served; ask for it by issuedAt.`,
      )
    const body = renderForecast(station, selection, judgeFreshness(selection, time), {
      hours,
      quantiles: QUANTILE_LEVELS,
      units: 'metric',
      timezone: 'UTC',
      format,
    })
    const etag = `"${createHash('sha256').update(body).digest('base64url').slice(0, 22)}"`
    const headers = {
      etag,
      'cache-control': `max-age=${Math.max(0, Math.round((selection.issuedAt + ISSUE_INTERVAL_MS - time) / 1000))}`,
      'content-type': CONTENT_TYPES[format],
    }
    return c.req.header('if-none-match') === etag ? c.body(null, 304, headers) : c.body(body, 200, headers)
  })
  app.get('/v1/models', (c) =>
    c.json({
      models: snapshot
        .controls()
        .map(({ control, offset }) => ({
          ...control,
          changedAt: iso(control.changedAt),
          champion: { ...control.champion, since: iso(control.champion.since) },
          controlOffset: offset,
        })),
    }),
  )
  app.get('/v1/models/:station/:variable/history', async (c) =>
    c.json({ events: await store.history(c.req.param('station'), c.req.param('variable')) }),
  )
  app.get('/v1/drift', async (c) => c.json({ drift: await store.driftChanges() }))
  app.get('/v1/alerts', async (c) => c.json({ alerts: await store.alerts() }))
  app.get('/v1/replicas', (c) => {
    const statuses = snapshot.statuses()
    const replicas = [...new Set(statuses.map(({ replicaId }) => replicaId))].sort()
    const models = snapshot.controls().map(({ control, offset }) => {
      const serving = statuses.filter(
        (s) =>
          s.stationId === control.stationId && s.variable === control.variable && s.servingVersion === control.champion.version,
      )
      return {
        stationId: control.stationId,
        variable: control.variable,
        version: control.champion.version,
        controlOffset: offset,
        converged: serving.length,
      }
    })
    return c.json({ replicas, models, statuses: statuses.map((s) => ({ ...s, since: iso(s.since) })) })
  })
  app.get('/v1/pipeline', (c) => {
    const stages = snapshot.stages()
    return c.json({
      now: iso(now()),
      clock: clockMode,
      speed: null,
      stages: stages.map(({ name, newestAt }, i) => {
        const before = stages[i - 1]?.newestAt ?? null
        return {
          name,
          newestAt: newestAt === null ? null : iso(newestAt),
          ageSeconds: newestAt === null ? null : (now() - newestAt) / 1000,
          lagSeconds: newestAt === null || before === null ? null : Math.max(0, (before - newestAt) / 1000),
        }
      }),
    })
  })
  app.get('/v1/skill', async (c) => {
    const variable = c.req.query('variable') ?? null
    if (variable !== null) variablesOf(variable)
    const rows = await store.skill({ stationId: c.req.query('stationId') ?? null, variable })
    return c.json({
      skill: rows.map((row) => ({
        ...row,
        skillOverPersistence: skill(row.mae, row.persistenceMae),
        skillOverRecentredClimatology: skill(row.mae, row.recentredClimatologyMae),
      })),
    })
  })
  app.get('/v1/live', (c) =>
    streamSSE(c, async (stream) => {
      // Names as in schemas/avro: observation-checked, forecast, lifecycle, …; absent: everything.
      const types = c.req.query('types') ? new Set((c.req.query('types') as string).split(',')) : null
      const queue: InboundEvent[] = []
      let wake: () => void = () => {}
      let overflow = false
      const unsubscribe = live.subscribe((event) => {
        if (types !== null && !types.has(TOPICS[event.topic].schema)) return
        if (queue.length >= MAX_QUEUED_EVENTS) overflow = true
        else queue.push(event)
        wake()
      })
      stream.onAbort(() => {
        unsubscribe()
        wake()
      })
      try {
        while (!stream.aborted && !overflow) {
          const event = queue.shift()
          if (event) {
            await stream.writeSSE({
              id: `${event.topic}:${event.partition}:${event.offset}`,
              event: TOPICS[event.topic].schema,
              data: JSON.stringify(event.value),
            })
            continue
          }
          const isIdle = await new Promise<boolean>((resolve) => {
            const timer = setTimeout(() => resolve(true), HEARTBEAT_MS)
            wake = () => {
              clearTimeout(timer)
              resolve(false)
            }
          })
          if (isIdle) await stream.write(': heartbeat\n\n')
        }
      } finally {
        unsubscribe()
      }
    }),
  )
  app.use('/*', serveStatic({ root: dashboardDir }))
  return app

  async function asIssued(stationId: string, issuedAt: number, variables: readonly ForecastVariable[]): Promise<Selection> {
    const forecasts = await store.issuedAt(stationId, issuedAt)
    const wanted = variables.flatMap((variable) => forecasts.find((forecast) => forecast.variable === variable) ?? [])
    if (wanted.length === 0) throw new Problem(404, `Nothing was issued for ${stationId} at ${iso(issuedAt)}.`)
    return { issuedAt, forecasts: wanted, unavailable: [] }
  }
}

function iso(epochMs: number): string {
  return new Date(epochMs).toISOString()
}

function skill(mae: number, reference: number | null): number | null {
  return reference === null || !(reference > 0) ? null : 1 - mae / reference
}

function variablesOf(text: string | undefined): ForecastVariable[] {
  if (text === undefined) return [...FORECAST_VARIABLES]
  return text.split(',').map((name) => {
    const known = FORECAST_VARIABLES.find((variable) => variable === name)
    if (!known)
      throw new Problem(400, `variables: "${name.slice(0, 40)}" is not forecast; there are ${FORECAST_VARIABLES.join(', ')}.`)
    return known
  })
}

function hoursOf(text: string | undefined): number {
  const hours = Number(text ?? 168)
  if (!Number.isInteger(hours) || hours < 1 || hours > 168)
    throw new Problem(400, `hours: "${text}" is not a whole number from 1 to 168.`)
  return hours
}

function formatOf(text: string | undefined): 'json' | 'csv' | 'ndjson' {
  if (text === undefined || text === 'json') return 'json'
  if (text === 'csv' || text === 'ndjson') return text
  throw new Problem(400, `format: "${text.slice(0, 20)}" is unknown; use json, csv or ndjson.`)
}

function instantOf(text: string | undefined, name: string): number | null {
  if (text === undefined) return null
  const at = Date.parse(text)
  if (Number.isNaN(at))
    throw new Problem(400, `${name}: "${text.slice(0, 40)}" is not an instant; write UTC as 2013-07-01T00:00:00Z.`)
  return at
}
