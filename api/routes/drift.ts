/** Drift: state of each model with its reason, changes, and the evidence behind one change. */
import { z } from '@hono/zod-openapi'
import { HORIZON_HOURS } from '../../schemas/quantities.ts'
import type { Drift } from '../../schemas/generated/types.ts'
import { iso, withIsoInstants } from '../json.ts'
import { limitParam, stationIdParam, variableParam } from '../params.ts'
import type { RouteDeps } from '../ports.ts'
import { Problem } from '../problems.ts'
import { addRoute, type App } from '../respond.ts'

const DAY_MS = 24 * 3_600_000
/** Days shown around the evidence. */
const BEFORE_DAYS = 21
const AFTER_DAYS = 7

const DriftSchema = z
  .looseObject({
    eventId: z.string(),
    stationId: z.string(),
    variable: z.string(),
    state: z.string(),
    at: z.string(),
    cause: z.string(),
    statistic: z.number(),
    threshold: z.number(),
    explanation: z.string(),
    evidence: z.string().openapi({ description: 'Address of the evidence.' }),
  })
  .openapi('Drift')

export function addDriftRoutes(app: App, { snapshot, store }: RouteDeps): void {
  addRoute(
    app,
    {
      method: 'get',
      path: '/v1/drift',
      tag: 'Drift',
      summary: 'Drift state of each model, and its changes',
      description: 'A model whose errors never drifted is `stable` and has no change.',
      scope: 'read',
      query: z.strictObject({
        stationId: stationIdParam.optional(),
        variable: variableParam.optional(),
        limit: limitParam(500, 5000),
      }),
      response: z.object({
        states: z.array(z.looseObject({ stationId: z.string(), variable: z.string(), state: z.string() })),
        drift: z.array(DriftSchema),
      }),
    },
    async ({ query }) => {
      const [current, changes] = await Promise.all([store.drift.current(), store.drift.changes(query)])
      const byModel = new Map(current.map((drift) => [`${drift.stationId}/${drift.variable}`, drift]))
      const wanted = (m: { stationId: string; variable: string }): boolean =>
        (query.stationId === undefined || m.stationId === query.stationId) &&
        (query.variable === undefined || m.variable === query.variable)
      const quiet = snapshot
        .controls()
        .map(({ control: { stationId, variable } }) => ({ stationId, variable }))
        .filter(({ stationId, variable }) => !byModel.has(`${stationId}/${variable}`))
        .map((model) => ({ ...model, state: 'stable', at: null, explanation: 'No drift was ever suspected.' }))
      return {
        states: [...current.map(driftOf), ...quiet].filter((state) => wanted(state as { stationId: string; variable: string })),
        drift: changes.map(driftOf),
      }
    },
  )
  addRoute(
    app,
    {
      method: 'get',
      path: '/v1/drift/evidence',
      tag: 'Drift',
      summary: 'The evidence behind a change of drift state',
      description:
        "The change itself, and daily means of the errors (forecast minus observed; standardised by the forecast's own spread) at the leads that decided, before and after.",
      scope: 'read',
      query: z.strictObject({ eventId: z.string().min(1).max(300) }),
      response: z.object({
        drift: DriftSchema,
        leads: z.object({ from: z.number(), to: z.number() }),
        before: z.looseObject({ n: z.number(), error: z.number().nullable() }),
        after: z.looseObject({ n: z.number(), error: z.number().nullable() }),
        days: z.array(z.looseObject({ day: z.string(), n: z.number(), error: z.number() })),
      }),
      problems: [404],
    },
    async ({ query: { eventId } }) => {
      const [drift] = await store.drift.changes({ eventId, limit: 1 })
      if (!drift) throw new Problem('not-found', 404, `There is no change of drift state '${eventId}'.`)
      const [from = 1, to = HORIZON_HOURS] = drift.leadBucket.split('-').map(Number)
      const bucket = { from, to }
      const changeAt = drift.changePointAt ?? drift.evidenceFrom
      const days = await store.drift.residuals(drift.stationId, drift.variable, {
        from: Math.min(changeAt, drift.evidenceFrom) - BEFORE_DAYS * DAY_MS,
        to: drift.evidenceTo + AFTER_DAYS * DAY_MS,
        leadFrom: bucket.from,
        leadTo: bucket.to,
      })
      const split = (isAfter: boolean) => days.filter(({ dayAt }) => dayAt + DAY_MS > changeAt === isAfter)
      return {
        drift: driftOf(drift),
        leads: { from: bucket.from, to: bucket.to },
        before: mean(split(false)),
        after: mean(split(true)),
        days: days.map(({ dayAt, ...day }) => ({ day: iso(dayAt).slice(0, 10), ...day })),
      }
    },
  )
}

function driftOf(drift: Drift): Record<string, unknown> {
  return { ...withIsoInstants(drift), evidence: `/v1/drift/evidence?eventId=${encodeURIComponent(drift.eventId)}` }
}

type Means = { n: number; error: number; absoluteError: number; standardised: number }

function mean(days: readonly Means[]): { [K in keyof Means]: K extends 'n' ? number : number | null } {
  const n = days.reduce((sum, day) => sum + day.n, 0)
  const of = (name: 'error' | 'absoluteError' | 'standardised'): number | null =>
    n === 0 ? null : days.reduce((sum, day) => sum + day[name] * day.n, 0) / n
  return { n, error: of('error'), absoluteError: of('absoluteError'), standardised: of('standardised') }
}
