/** The HTTP app: every route behind one gate. Errors are RFC 9457 problem documents. */
import { OpenAPIHono } from '@hono/zod-openapi'
import { contextStorage, tryGetContext } from 'hono/context-storage'
import { cors } from 'hono/cors'
import { HTTPException } from 'hono/http-exception'
import { isAppError } from '../infra/runtime/errors.ts'
import { toTraceContext, withTraceContext } from '../infra/runtime/kafka/trace-context.ts'
import type { OutboundEvent } from '../infra/runtime/kafka/types.ts'
import { type AppEnv, createGate, type GateOptions } from './auth/gate.ts'
import { createIdempotent } from './idempotency.ts'
import { answerOptions, notFoundProblem } from './methods.ts'
import type { Outbox } from './outbox.ts'
import type { RouteDeps } from './ports.ts'
import { Problem, problemResponse } from './problems.ts'
import type { App } from './respond.ts'
import { addAlertRoutes } from './routes/alerts.ts'
import { addAliasRoutes } from './routes/aliases.ts'
import { addClothingRoute, createClothing } from './routes/clothing.ts'
import { addDriftRoutes } from './routes/drift.ts'
import { addForecastRoutes, createForecaster } from './routes/forecast.ts'
import { addIngestRoutes } from './routes/ingest.ts'
import { addLiveRoute } from './routes/live.ts'
import { addModelRoutes } from './routes/models.ts'
import { addObservationRoutes } from './routes/observations.ts'
import { addOperateRoutes, createOperator } from './routes/operate.ts'
import { addOutboxRoute } from './routes/outbox.ts'
import { addPipelineRoute } from './routes/pipeline.ts'
import { addProbabilityRoute } from './routes/probability.ts'
import { addServiceRoutes, type ServiceDeps } from './routes/service.ts'
import { addSkillRoute } from './routes/skill.ts'
import { addStationRoutes } from './routes/stations.ts'

export type AppDeps = RouteDeps &
  ServiceDeps & {
    readonly gate: GateOptions
    readonly outbox: Outbox
    /** Origins whose pages may call from a browser; '*' for all; empty: none. */
    readonly corsOrigins: readonly string[]
    /** An error nobody foresaw. */
    readonly onUnexpected: (error: unknown) => void
  }

const EXPOSED_HEADERS = ['etag', 'ratelimit', 'ratelimit-policy', 'retry-after', 'idempotency-replayed', 'isobar-status']

/** Those that publish: to find the request again costs the others nothing. */
const WRITING_METHODS = ['POST', 'PUT', 'PATCH', 'DELETE']

export function createApp(given: AppDeps): App {
  const deps: AppDeps = { ...given, publish: (events) => given.publish(inTraceOfRequest(events)) }
  const app: App = new OpenAPIHono<AppEnv>()
  app.onError((error, c) => problemResponse(c, toProblem(error, deps.onUnexpected)))
  app.notFound((c) => problemResponse(c, notFoundProblem(app, c)))
  app.openAPIRegistry.registerComponent('securitySchemes', 'key', {
    type: 'http',
    scheme: 'bearer',
    bearerFormat: 'isk_…',
    description:
      'An API key with the scope the route needs: read, ingest, operate, or admin for all. Made by `isobar keys create`.',
  })
  if (deps.corsOrigins.length > 0) {
    app.use(
      '*',
      cors({
        origin: deps.corsOrigins.includes('*') ? '*' : [...deps.corsOrigins],
        allowHeaders: [
          'authorization',
          'content-type',
          'idempotency-key',
          'last-event-id',
          'if-none-match',
          'traceparent',
          'tracestate',
        ],
        exposeHeaders: EXPOSED_HEADERS,
        maxAge: 600,
      }),
    )
  }
  app.use('*', createGate(deps.gate))
  app.options('*', (c) => answerOptions(app, c))
  app.on([...WRITING_METHODS], '*', contextStorage())

  const idempotent = createIdempotent(deps.store.idempotency, deps.wallNow)
  const forecaster = createForecaster(deps)
  const clothing = createClothing(deps, forecaster)
  const operate = createOperator(deps)
  addStationRoutes(app, deps)
  addIngestRoutes(app, { ...deps, idempotent })
  addObservationRoutes(app, deps)
  addForecastRoutes(app, deps, forecaster)
  addClothingRoute(app, clothing)
  addProbabilityRoute(app, deps, forecaster)
  addSkillRoute(app, deps)
  addModelRoutes(app, deps)
  addOperateRoutes(app, { operate, idempotent })
  addDriftRoutes(app, deps)
  addPipelineRoute(app, deps)
  addAlertRoutes(app, { ...deps, idempotent })
  addOutboxRoute(app, deps.outbox)
  addLiveRoute(app, deps)
  addAliasRoutes(app, { ...deps, forecaster, clothing, operate })
  addServiceRoutes(app, deps)
  return app
}

/** Events that a request makes belong to its trace when it names one (W3C Trace Context). */
function inTraceOfRequest(events: readonly OutboundEvent[]): readonly OutboundEvent[] {
  const request = tryGetContext<AppEnv>()?.req
  const trace = toTraceContext(request?.header('traceparent'), request?.header('tracestate'))
  return trace ? events.map((event) => withTraceContext(event, trace)) : events
}

function toProblem(error: unknown, onUnexpected: (error: unknown) => void): Problem {
  if (error instanceof Problem) return error
  if (error instanceof HTTPException && error.status < 500) return new Problem('invalid-request', error.status, error.message)
  onUnexpected(error)
  if (isAppError(error) && error.retry === 'transient') {
    return new Problem('unavailable', 503, `A server behind the API is not available now (${error.code}).`, {
      headers: { 'retry-after': '5' },
    })
  }
  return new Problem('internal', 500, 'An unexpected error; the log of the api service has it.')
}
