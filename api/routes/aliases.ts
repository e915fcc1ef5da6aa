/** Addresses that users of a small FastAPI forecast service know, answered from the same core. */
import { z } from '@hono/zod-openapi'
import { auditEvent } from '../audit.ts'
import { withIsoInstants } from '../json.ts'
import { stationIdParam, variableParam } from '../params.ts'
import type { RouteDeps } from '../ports.ts'
import { Problem } from '../problems.ts'
import { actorOf, addRoute, type App } from '../respond.ts'
import { type Clothing, ClothingQuery, ClothingSchema } from './clothing.ts'
import { DEFAULT_FORECAST_QUERY, type Forecaster } from './forecast.ts'
import { ActionAnswer, type Operator } from './operate.ts'
import { ObservationSchema } from './observations.ts'
import { requireStation } from './stations.ts'

const TAG = 'Aliases'
const WAIT_MS = 10_000
const station = stationIdParam.optional().openapi({ description: 'Default: the first station.', example: 'jfk' })

export function addAliasRoutes(
  app: App,
  deps: RouteDeps & { forecaster: Forecaster; clothing: Clothing; operate: Operator },
): void {
  const { snapshot, store, live, publish, wallNow, forecaster, clothing, operate } = deps
  const Query = z.strictObject({ station })
  addRoute(
    app,
    {
      method: 'get',
      path: '/forecast',
      tag: TAG,
      summary: 'The next 168 hours; as /v1/stations/{id}/forecast',
      scope: 'read',
      query: Query,
      response: z.looseObject({}),
      problems: [404, 503],
    },
    ({ c, query }) => forecaster.respond(c, chosen(query.station), DEFAULT_FORECAST_QUERY),
  )
  addRoute(
    app,
    {
      method: 'get',
      path: '/clothing',
      tag: TAG,
      summary: 'What to wear; as /v1/stations/{id}/clothing',
      scope: 'read',
      query: ClothingQuery.extend({ station }),
      response: ClothingSchema,
      problems: [404, 503],
    },
    ({ query: { station: given, ...query } }) => clothing(chosen(given), query),
  )
  addRoute(
    app,
    {
      method: 'get',
      path: '/current_data',
      tag: TAG,
      summary: 'The latest observation, checked',
      scope: 'read',
      query: Query,
      response: ObservationSchema,
      problems: [404],
    },
    async ({ query }) => {
      const stationId = chosen(query.station)
      const latest = await store.observations.latest(stationId)
      if (!latest) throw new Problem('not-found', 404, `Nothing was observed at ${stationId} yet.`)
      return withIsoInstants(latest)
    },
  )
  addRoute(
    app,
    {
      method: 'get',
      path: '/result_load',
      tag: TAG,
      summary: 'The latest stored forecast, as issued',
      scope: 'read',
      query: Query,
      response: z.looseObject({}),
      problems: [404],
    },
    async ({ c, query }) => {
      const stationId = chosen(query.station)
      const [issue] = await store.forecasts.issues(stationId, { from: 0, to: Date.UTC(2200, 0, 1), limit: 1 })
      if (!issue) throw new Problem('no-forecast', 404, `No forecast of ${stationId} is stored yet.`)
      return forecaster.respond(
        c,
        stationId,
        { ...DEFAULT_FORECAST_QUERY, issuedAt: issue.issuedAt },
        { 'cache-control': 'no-cache' },
      )
    },
  )
  addRoute(
    app,
    {
      method: 'post',
      path: '/run_inference',
      tag: TAG,
      summary: 'Forecast again from the newest features',
      description: `Hands the newest features of the station to inference once more and answers with the forecast, or with 202 when it takes longer than ${WAIT_MS / 1000} s.`,
      scope: 'operate',
      body: z.strictObject({ station }),
      isBodyOptional: true,
      response: z.looseObject({}),
      problems: [404, 413, 415, 503],
    },
    async ({ c, body, principal }) => {
      const stationId = chosen(body.station)
      const feature = await store.observations.newestFeature(stationId)
      if (!feature) throw new Problem('no-forecast', 404, `There are no features of ${stationId} yet.`)
      const issued = new Promise<boolean>((resolve) => {
        const timer = setTimeout(() => done(false), WAIT_MS)
        const unsubscribe = live.subscribe((event) => {
          if (event.topic === 'weather.forecast.v1' && event.stationId === stationId) done(true)
        })
        function done(isIssued: boolean): void {
          clearTimeout(timer)
          unsubscribe()
          resolve(isIssued)
        }
      })
      const validAt = new Date(feature.validAt).toISOString()
      await publish([
        { topic: 'weather.feature.v1', key: stationId, value: feature },
        auditEvent({
          actor: actorOf(principal),
          action: 'station.forecast',
          subject: stationId,
          reason: null,
          at: wallNow(),
          details: { validAt },
        }),
      ])
      if (await issued) return forecaster.respond(c, stationId, DEFAULT_FORECAST_QUERY)
      return c.json({ stationId, validAt, status: 'requested' }, 202)
    },
  )
  addRoute(
    app,
    {
      method: 'post',
      path: '/model_upload',
      tag: TAG,
      summary: 'Tell every replica to load a version; as POST …/promote',
      scope: 'operate',
      body: z.strictObject({
        station,
        variable: variableParam.default('temperatureC'),
        version: z.string().min(1).max(100).optional(),
        reason: z.string().trim().min(3).max(500).default('asked for by /model_upload'),
        dryRun: z.boolean().default(false),
      }),
      isBodyOptional: true,
      response: ActionAnswer,
      problems: [404, 409, 413, 415, 503],
    },
    ({ body: { station: given, ...request }, principal }) =>
      operate('promote', { ...request, stationId: chosen(given) }, actorOf(principal)),
  )

  function chosen(given: string | undefined): string {
    if (given !== undefined) return requireStation(snapshot, given).stationId
    const first = snapshot.stations()[0]
    if (!first) throw new Problem('unknown-station', 404, 'There are no stations yet.')
    return first.stationId
  }
}
