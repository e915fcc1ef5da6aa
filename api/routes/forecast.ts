/** Forecasts: the newest, as issued, and which there are. */
import { createHash } from 'node:crypto'
import { z } from '@hono/zod-openapi'
import { FORECAST_VARIABLES, HORIZON_HOURS, QUANTILE_LEVELS, type ForecastVariable } from '../../schemas/quantities.ts'
import { withGateHeaders } from '../auth/gate.ts'
import type { BodyOptions, ForecastFormat } from '../forecast/body.ts'
import { CONTENT_TYPES, renderForecast } from '../forecast/body.ts'
import { ISSUE_INTERVAL_MS, judgeFreshness, REFUSE_AFTER_MS, selectIssue, type Selection } from '../forecast/select.ts'
import { iso } from '../json.ts'
import { instantParam, limitParam, quantilesParam, stationIdParam, timezoneParam, variablesParam } from '../params.ts'
import type { RouteDeps } from '../ports.ts'
import { Problem } from '../problems.ts'
import { addRoute, type App, type AppContext } from '../respond.ts'
import { requireStation } from './stations.ts'

const Query = z.strictObject({
  variables: variablesParam.optional(),
  hours: z.coerce
    .number()
    .int()
    .min(1)
    .max(HORIZON_HOURS)
    .default(HORIZON_HOURS)
    .openapi({ type: 'integer', minimum: 1, maximum: HORIZON_HOURS, default: HORIZON_HOURS }),
  quantiles: quantilesParam.optional(),
  units: z
    .enum(['metric', 'us'])
    .default('metric')
    .openapi({ description: 'Converted series are named after their unit: temperatureF.' }),
  timezone: timezoneParam.default('UTC'),
  format: z.enum(['json', 'csv', 'ndjson']).optional().openapi({ description: 'Default: as Accept says, else json.' }),
  issuedAt: instantParam('The forecast exactly as it was issued then.').optional(),
})
export type ForecastQuery = z.output<typeof Query>
export const DEFAULT_FORECAST_QUERY: ForecastQuery = { hours: HORIZON_HOURS, units: 'metric', timezone: 'UTC' }
const DEFAULT_QUANTILES = [0.1, 0.5, 0.9]
const HOUR_MS = 3_600_000

const Forecast = z
  .looseObject({
    station: z.looseObject({ stationId: z.string() }),
    issuedAt: z.string(),
    status: z.enum(['fresh', 'stale', 'degraded']),
    statusReason: z.string().nullable(),
    fallback: z.string().nullable(),
    featureKnownAt: z.string(),
    model: z.object({ id: z.string(), version: z.string(), sha256: z.string() }),
    units: z.record(z.string(), z.string()),
    hourly: z.looseObject({ time: z.array(z.string()) }).openapi({
      description: 'Per variable an object of quantile level → one value per hour.',
      example: { time: ['2013-07-01T13:00:00Z'], temperatureC: { '0.1': [22.1], '0.5': [23.4], '0.9': [24.9] } },
    }),
    attribution: z.array(z.string()),
  })
  .openapi('Forecast')

/** `body`: bytes, so that an answer that is given again is not encoded again, which was a third of what it costs. */
type Answer = { body: Buffer<ArrayBuffer>; headers: Record<string, string>; generation: number; validUntil: number }
const MAX_CACHED = 2000

/** Answers forecast requests of this route and of the aliases. */
export function createForecaster({ snapshot, store, settledNow: now, clockMode }: RouteDeps) {
  const cache = new Map<string, Answer & { stationId: string }>()

  async function select(stationId: string, query: ForecastQuery): Promise<Selection> {
    const variables = query.variables ?? [...FORECAST_VARIABLES]
    return query.issuedAt === undefined ? newest(stationId, variables) : asIssued(stationId, query.issuedAt, variables)
  }

  /** Problems: 503 when there is none, or none that may still be served. */
  function newest(stationId: string, variables: readonly ForecastVariable[]): Selection {
    const selection = selectIssue(
      snapshot.issues(stationId),
      variables,
      (variable) => snapshot.control(stationId, variable) !== undefined,
    )
    if (selection === null) {
      throw new Problem(
        'no-forecast',
        503,
        `No forecast of ${stationId} exists yet: its first model is still being trained, or its history is too short.`,
        { headers: { 'retry-after': '30' } },
      )
    }
    if (now() - selection.issuedAt > REFUSE_AFTER_MS) {
      throw new Problem(
        'forecast-too-old',
        503,
        `The newest forecast of ${stationId} was issued at ${iso(selection.issuedAt)}, too long ago to be served; ask for it by issuedAt.`,
        { extra: { issuedAt: iso(selection.issuedAt) } },
      )
    }
    return selection
  }

  async function asIssued(stationId: string, issuedAt: number, variables: readonly ForecastVariable[]): Promise<Selection> {
    const forecasts = await store.forecasts.asIssued(stationId, issuedAt)
    const wanted = variables.flatMap((variable) => forecasts.find((forecast) => forecast.variable === variable) ?? [])
    if (wanted.length === 0) throw new Problem('no-forecast', 404, `Nothing was issued for ${stationId} at ${iso(issuedAt)}.`)
    return { issuedAt, forecasts: wanted, unavailable: [] }
  }

  async function answer(stationId: string, query: ForecastQuery, accept: string): Promise<Answer> {
    const station = requireStation(snapshot, stationId)
    const generation = snapshot.generation(station.stationId)
    const selection = await select(station.stationId, query)
    // What was issued then was as fresh then as it was; a new request's clock changes nothing about it.
    const isPast = query.issuedAt !== undefined
    const time = isPast ? selection.issuedAt : now()
    const freshness = judgeFreshness(selection, time)
    const options: BodyOptions = {
      hours: query.hours,
      quantiles: query.quantiles ?? DEFAULT_QUANTILES,
      units: query.units,
      timezone: query.timezone === 'station' ? station.timezone : query.timezone,
      format: query.format ?? formatOf(accept),
    }
    const body = Buffer.from(renderForecast(station, selection, freshness, options))
    return {
      body,
      generation,
      // The answer also changes by mere time: when it grows stale, and when the promise of max-age has run out.
      validUntil: isPast
        ? Infinity
        : Math.min(freshness.validUntil, selection.issuedAt + ISSUE_INTERVAL_MS > time ? time + 60_000 : Infinity),
      headers: {
        etag: `"${createHash('sha256').update(body).digest('base64url').slice(0, 22)}"`,
        'cache-control': cacheControl(selection.issuedAt, isPast ? null : time),
        'content-type': CONTENT_TYPES[options.format],
        vary: 'accept',
        ...(freshness.status === 'fresh' ? {} : { 'isobar-status': freshness.status }),
      },
    }
  }

  /** `time` null: as issued, which never changes. Caches count wall seconds: in a replay the next issue may be a moment away, so they ask each time. */
  function cacheControl(issuedAt: number, time: number | null): string {
    if (time === null) return 'max-age=86400'
    if (clockMode === 'stream') return 'no-cache'
    return `max-age=${Math.max(0, Math.round((issuedAt + ISSUE_INTERVAL_MS - time) / 1000))}`
  }

  return {
    /** The newest issue as it is, and how fresh. */
    newest(stationId: string, variables: readonly ForecastVariable[]) {
      const selection = newest(stationId, variables)
      return { selection, freshness: judgeFreshness(selection, now()) }
    },
    /** A byte-identical answer given before, while nothing it is made of has changed. */
    known: (c: AppContext): Response | null => {
      const hit = cache.get(cacheKey(c))
      if (!hit || hit.generation !== snapshot.generation(hit.stationId) || now() >= hit.validUntil) return null
      return respond(c, hit)
    },
    /** `headers` replace those of the answer. */
    async respond(
      c: AppContext,
      stationId: string,
      query: ForecastQuery,
      headers: Record<string, string> = {},
    ): Promise<Response> {
      const made = await answer(stationId, query, c.req.header('accept') ?? '')
      Object.assign(made.headers, headers)
      if (cache.size >= MAX_CACHED) cache.clear()
      cache.set(cacheKey(c), { ...made, stationId })
      return respond(c, made)
    },
  }
}
export type Forecaster = ReturnType<typeof createForecaster>

function cacheKey(c: AppContext): string {
  return `${c.req.url}\n${c.req.header('accept') ?? ''}`
}

function respond(c: AppContext, { body, headers }: Answer): Response {
  const asked = c.req.header('if-none-match')
  if (asked !== undefined && asked.split(',').some((tag) => tag.trim().replace(/^W\//, '') === headers['etag']))
    return new Response(null, { status: 304, headers: withGateHeaders(c, headers) })
  return new Response(body, { status: 200, headers: withGateHeaders(c, headers) })
}

function formatOf(accept: string): ForecastFormat {
  if (accept.includes('text/csv')) return 'csv'
  return accept.includes('application/x-ndjson') ? 'ndjson' : 'json'
}

export function addForecastRoutes(app: App, deps: RouteDeps, forecaster: Forecaster): void {
  const { snapshot, store, now } = deps
  addRoute(
    app,
    {
      method: 'get',
      path: '/v1/stations/{id}/forecast',
      tag: 'Forecasts',
      summary: 'The newest forecast, or one as issued',
      description: `Hourly quantiles (${QUANTILE_LEVELS.join(', ')}) up to ${HORIZON_HOURS} h. \`status\` says whether it is fresh; a forecast that is too old is not served.`,
      scope: 'read',
      params: z.object({ id: stationIdParam }),
      query: Query,
      response: Forecast,
      alsoProduces: ['text/csv', 'application/x-ndjson'],
      problems: [404, 503],
      known: forecaster.known,
    },
    ({ c, params, query }) => forecaster.respond(c, params.id, query),
  )
  addRoute(
    app,
    {
      method: 'get',
      path: '/v1/stations/{id}/forecasts',
      tag: 'Forecasts',
      summary: 'Issue times available',
      scope: 'read',
      params: z.object({ id: stationIdParam }),
      query: z.strictObject({
        from: instantParam('Default: seven days before `to`.').optional(),
        to: instantParam('Default: now.').optional(),
        limit: limitParam(200, 5000),
      }),
      response: z.object({
        stationId: z.string(),
        forecasts: z.array(
          z.object({
            issuedAt: z.string(),
            variables: z.array(z.string()),
            modelVersions: z.array(z.string()),
            status: z.string(),
          }),
        ),
      }),
      problems: [404],
    },
    async ({ params, query }) => {
      const { stationId } = requireStation(snapshot, params.id)
      const newest = snapshot.issues(stationId)[0]?.issuedAt ?? 0
      const to = query.to ?? Math.max(now(), newest)
      const issues = await store.forecasts.issues(stationId, {
        from: query.from ?? to - 7 * 24 * HOUR_MS,
        to,
        limit: query.limit,
      })
      return { stationId, forecasts: issues.map((issue) => ({ ...issue, issuedAt: iso(issue.issuedAt) })) }
    },
  )
}
