/** Models: what serves, who served when and why, training runs with their causes, gate reports, replicas, audit trail. */
import { z } from '@hono/zod-openapi'
import { modelKey } from '../../schemas/event-ids.ts'
import type { Control, Lifecycle } from '../../schemas/generated/types.ts'
import { withIsoInstants } from '../json.ts'
import { instantParam, limitParam, stationIdParam, variableParam } from '../params.ts'
import type { RouteDeps } from '../ports.ts'
import { modelCard } from '../model-card.ts'
import { Problem } from '../problems.ts'
import { addRoute, type App } from '../respond.ts'
import { fleetOf } from '../state/fleet.ts'
import { requireStation } from './stations.ts'

const Params = z.object({ stationId: stationIdParam, variable: variableParam })
const Event = z
  .looseObject({ eventId: z.string(), version: z.string(), event: z.string(), at: z.string() })
  .openapi('LifecycleEvent')
const Model = z
  .looseObject({
    stationId: z.string(),
    variable: z.string(),
    changedAt: z.string(),
    changedBy: z.string(),
    reason: z.string(),
    controlOffset: z.number(),
  })
  .openapi('Model')
const Run = z
  .looseObject({
    runId: z.string(),
    stationId: z.string(),
    variable: z.string(),
    version: z.string(),
    state: z.string().openapi({ description: 'Its newest event.' }),
    requestReason: z.string(),
    causedBy: z.string().nullable(),
    reasons: z.array(z.string()),
    evaluation: z.string().nullable().openapi({ description: 'Address of the report that the gate decided on.' }),
  })
  .openapi('Run')
const RunInFull = Run.extend({
  comparison: z.looseObject({}).nullable().openapi({
    description:
      'Other families beside the one that was trained, on the newest weeks before the cut-off; null while the run is not evaluated. Nothing decides on it.',
  }),
}).openapi('RunInFull')
const HISTORY_LIMIT = 1000

export function addModelRoutes(app: App, { snapshot, store, artefact, wallNow }: RouteDeps): void {
  addRoute(
    app,
    {
      method: 'get',
      path: '/v1/models',
      tag: 'Models',
      summary: 'What every replica must serve',
      scope: 'read',
      response: z.object({ models: z.array(Model) }),
    },
    () => ({ models: snapshot.controls().map(({ control, offset }) => modelOf(control, offset)) }),
  )
  addRoute(
    app,
    {
      method: 'get',
      path: '/v1/models/{stationId}/{variable}',
      tag: 'Models',
      summary: 'One model: champion, previous, challengers',
      scope: 'read',
      params: Params,
      response: Model,
      problems: [404],
    },
    ({ params }) => {
      requireStation(snapshot, params.stationId)
      const found = snapshot.control(params.stationId, params.variable)
      if (!found)
        throw new Problem('unknown-model', 404, `No model of ${modelKey(params.stationId, params.variable)} is promoted yet.`)
      return modelOf(found.control, found.offset)
    },
  )
  addRoute(
    app,
    {
      method: 'get',
      path: '/v1/models/{stationId}/{variable}/history',
      tag: 'Models',
      summary: 'What happened to a model; who was champion at an instant, and why',
      scope: 'read',
      params: Params,
      query: z.strictObject({ at: instantParam('Who was champion then? Default: now.').optional() }),
      response: z.object({
        at: z.string().nullable(),
        champion: z
          .looseObject({
            version: z.string(),
            changedBy: z.string(),
            reason: z.string(),
            changedAt: z.string(),
            causedBy: z.string().nullable(),
          })
          .nullable(),
        controls: z.array(Model),
        events: z.array(Event),
      }),
      problems: [404],
    },
    async ({ params: { stationId, variable }, query: { at } }) => {
      requireStation(snapshot, stationId)
      const [controls, events] = await Promise.all([
        store.models.controls(stationId, variable, { ...(at === undefined ? {} : { at }), limit: HISTORY_LIMIT }),
        store.models.lifecycle({ stationId, variable, at, limit: HISTORY_LIMIT }),
      ])
      // The archive is some seconds behind the topic.
      const live = at === undefined ? snapshot.control(stationId, variable) : undefined
      const held = live ? { control: live.control, controlOffset: live.offset } : controls[0]
      // Asked for by itself: a champion may serve for longer than the newest events reach back.
      const version = held?.control.champion.version
      const placed = held && placedBy(held, controls)
      const evidence =
        version === undefined ? [] : await store.models.lifecycle({ stationId, variable, version, at, limit: HISTORY_LIMIT })
      return {
        at: at === undefined ? null : new Date(at).toISOString(),
        champion: placed
          ? {
              ...withIsoInstants(placed.control.champion),
              changedAt: new Date(placed.control.changedAt).toISOString(),
              changedBy: placed.control.changedBy,
              reason: placed.control.reason,
              causedBy: placed.control.causedBy,
              controlOffset: placed.controlOffset,
              evidence: evidence.map(withIsoInstants),
            }
          : null,
        controls: controls.map(({ control, controlOffset }) => modelOf(control, controlOffset)),
        events: events.map(withIsoInstants),
      }
    },
  )
  addRoute(
    app,
    {
      method: 'get',
      path: '/v1/runs',
      tag: 'Models',
      summary: 'Training runs with what caused them, newest first',
      scope: 'read',
      query: z.strictObject({
        stationId: stationIdParam.optional(),
        variable: variableParam.optional(),
        limit: limitParam(100, 1000),
      }),
      response: z.object({ runs: z.array(Run) }),
    },
    async ({ query }) => {
      // A run has at most eight events.
      const events = await store.models.lifecycle({ ...query, limit: query.limit * 8 })
      return { runs: runsOf(events).slice(0, query.limit) }
    },
  )
  addRoute(
    app,
    {
      method: 'get',
      path: '/v1/runs/{runId}',
      tag: 'Models',
      summary: 'One run: every event with metrics and reasons',
      scope: 'read',
      params: z.object({ runId: z.string().max(100) }),
      response: z.object({ run: RunInFull, events: z.array(Event) }),
      problems: [404],
    },
    async ({ params }) => {
      const events = await eventsOfRun(params.runId)
      const told = events.map(withIsoInstants)
      // Runs of before there were comparisons are archived without the field.
      const comparison = told.find((event) => event['comparison'] != null)?.['comparison'] ?? null
      return { run: { ...runsOf(events)[0], comparison }, events: told }
    },
  )
  addRoute(
    app,
    {
      method: 'get',
      path: '/v1/runs/{runId}/card',
      tag: 'Models',
      summary: 'The model card of a run, Markdown made from its record',
      scope: 'read',
      params: z.object({ runId: z.string().max(100) }),
      response: z.string(),
      alsoProduces: ['text/markdown'],
      problems: [404],
    },
    async ({ params }) =>
      new Response(modelCard(await eventsOfRun(params.runId)), { headers: { 'content-type': 'text/markdown; charset=utf-8' } }),
  )
  addRoute(
    app,
    {
      method: 'get',
      path: '/v1/runs/{runId}/evaluation',
      tag: 'Models',
      summary: 'The report that the gate decided on',
      scope: 'read',
      params: z.object({ runId: z.string().max(100) }),
      response: z.looseObject({}),
      problems: [404, 503],
    },
    async ({ params }) => {
      const report = (await eventsOfRun(params.runId)).find((event) => event.evaluation !== null)?.evaluation
      if (!report) throw new Problem('not-found', 404, `Run ${params.runId} has no report.`)
      return new Response(Buffer.from(await artefact(report)), { headers: { 'content-type': 'application/json' } })
    },
  )
  addRoute(
    app,
    {
      method: 'get',
      path: '/v1/replicas',
      tag: 'Models',
      summary: 'What each inference replica serves; n of m converged',
      scope: 'read',
      response: z.looseObject({
        converged: z.number(),
        expected: z.number(),
        replicas: z.array(z.string()),
        gone: z.array(z.string()).openapi({
          description: 'Replicas that have told nothing for a week and left an order unanswered for as long; they count no more.',
        }),
      }),
    },
    () => {
      const statuses = snapshot.statuses()
      const { replicas, gone, converged, models } = fleetOf(statuses, snapshot.controls(), wallNow())
      return { expected: replicas.length, converged, replicas, gone, models, statuses: statuses.map(withIsoInstants) }
    },
  )
  addRoute(
    app,
    {
      method: 'get',
      path: '/v1/audit',
      tag: 'Models',
      summary: 'Operator actions, newest first',
      scope: 'operate',
      query: z.strictObject({ action: z.string().max(100).optional(), limit: limitParam(100, 1000) }),
      response: z.object({ audit: z.array(z.looseObject({ auditId: z.string(), action: z.string(), actor: z.string() })) }),
    },
    async ({ query }) => ({ audit: (await store.audit.list(query)).map(withIsoInstants) }),
  )

  async function eventsOfRun(runId: string): Promise<Lifecycle[]> {
    const events = await store.models.lifecycle({ runId, limit: 100 })
    if (events.length === 0) throw new Problem('not-found', 404, `There is no run '${runId}'.`)
    return events
  }
}

type Order = { readonly control: Control; readonly controlOffset: number }

/** The order that put its champion there: those after it only changed who runs beside. `earlier`: newest first. */
function placedBy(order: Order, earlier: readonly Order[]): Order {
  const { version } = order.control.champion
  const other = earlier.findIndex(({ control }) => control.champion.version !== version)
  return earlier.slice(0, other === -1 ? undefined : other).at(-1) ?? order
}

function modelOf(control: Control, controlOffset: number): object {
  return { ...withIsoInstants(control), controlOffset }
}

/** Runs out of their events (newest first), each with what its newest event says and everything learnt on the way. */
function runsOf(events: readonly Lifecycle[]): object[] {
  return [...Map.groupBy(events, ({ runId }) => runId).values()].map((own) => {
    const newest = own[0] as Lifecycle
    const first = own.at(-1) as Lifecycle
    const pick = <K extends keyof Lifecycle>(name: K, isTold: (value: Lifecycle[K]) => boolean): Lifecycle[K] =>
      (own.find((event) => isTold(event[name])) ?? newest)[name]
    const evaluated = own.find((event) => event.evaluation !== null)
    return {
      ...withIsoInstants({
        runId: newest.runId,
        stationId: newest.stationId,
        variable: newest.variable,
        version: newest.version,
        at: newest.at,
        dataFrom: newest.dataFrom,
        dataTo: newest.dataTo,
      }),
      startedAt: new Date(first.at).toISOString(),
      state: newest.event,
      family: pick('family', (family) => family !== ''),
      requestReason: newest.requestReason,
      // The first event names the request; later ones are caused by the run's own events.
      causedBy: first.causedBy,
      reasons: pick('reasons', (reasons) => reasons.length > 0),
      metrics: pick('metrics', (metrics) => metrics.length > 0),
      rows: pick('rows', (rows) => rows > 0),
      fitSeconds: pick('fitSeconds', (seconds) => seconds > 0),
      codeVersion: newest.codeVersion,
      evaluation: evaluated ? `/v1/runs/${newest.runId}/evaluation` : null,
    }
  })
}
