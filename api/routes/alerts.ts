/** Alerts with their deliveries, silences, a test alert. */
import { randomUUID } from 'node:crypto'
import { z } from '@hono/zod-openapi'
import type { Alert } from '../../schemas/generated/types.ts'
import type { Silence } from '../../schemas/silence.ts'
import { auditEvent } from '../audit.ts'
import { type Idempotent, IdempotencyHeaders } from '../idempotency.ts'
import { iso, withIsoInstants } from '../json.ts'
import { instantParam, limitParam } from '../params.ts'
import type { RouteDeps } from '../ports.ts'
import { Problem } from '../problems.ts'
import { actorOf, addRoute, type App } from '../respond.ts'

const HOUR_MS = 3_600_000
const DEFAULT_SILENCE_HOURS = 2
const MAX_SILENCE_HOURS = 90 * 24

const Matcher = z.strictObject({
  label: z.string().min(1).max(100).openapi({ description: 'A label name, or rule or severity.', example: 'station' }),
  op: z.enum(['=', '!=', '=~', '!~']).default('='),
  value: z.string().max(500).openapi({ example: 'lga' }),
})
const SilenceSchema = z
  .object({
    id: z.string(),
    matchers: z.array(Matcher),
    startsAt: z.string(),
    endsAt: z.string(),
    createdBy: z.string(),
    comment: z.string(),
    state: z.enum(['pending', 'active', 'expired']),
  })
  .openapi('Silence')
const NewSilence = z
  .strictObject({
    matchers: z.array(Matcher).min(1).max(20).openapi({ description: 'All must match.' }),
    startsAt: instantParam('Default: now, on the event-time clock.').optional(),
    endsAt: instantParam('Give this or durationHours.').optional(),
    durationHours: z.number().positive().max(MAX_SILENCE_HOURS).optional(),
    comment: z.string().trim().min(3).max(500),
  })
  .openapi('NewSilence')
const AlertSchema = z
  .looseObject({ alertId: z.string(), sequence: z.number(), rule: z.string(), state: z.string() })
  .openapi('Alert')

export function addAlertRoutes(app: App, deps: RouteDeps & { idempotent: Idempotent }): void {
  const { store, publish, now, wallNow, idempotent } = deps
  addRoute(
    app,
    {
      method: 'get',
      path: '/v1/alerts',
      tag: 'Alerts',
      summary: 'Newest state of each alert, with its deliveries',
      scope: 'read',
      query: z.strictObject({ state: z.enum(['firing', 'resolved']).optional(), limit: limitParam(200, 1000) }),
      response: z.object({ alerts: z.array(AlertSchema) }),
    },
    async ({ query }) => {
      const alerts = await store.alerts.list(query)
      const deliveries = Map.groupBy(
        await store.alerts.deliveries(alerts.map(({ alertId }) => alertId)),
        ({ alertId }) => alertId,
      )
      return {
        alerts: alerts.map((alert) => ({
          ...withIsoInstants(alert),
          deliveries: (deliveries.get(alert.alertId) ?? []).map(withIsoInstants),
        })),
      }
    },
  )
  addRoute(
    app,
    {
      method: 'get',
      path: '/v1/alerts/silences',
      tag: 'Alerts',
      summary: 'Silences',
      scope: 'read',
      response: z.object({ silences: z.array(SilenceSchema) }),
    },
    async () => ({ silences: (await store.silences.list()).map((silence) => withState(silence, eventNow())) }),
  )
  addRoute(
    app,
    {
      method: 'post',
      path: '/v1/alerts/silences',
      tag: 'Alerts',
      summary: 'Silence alerts for a while',
      description: 'Alerts that match every matcher are not told while it lasts; they are still recorded.',
      scope: 'operate',
      body: NewSilence,
      headers: IdempotencyHeaders,
      response: SilenceSchema,
      problems: [409, 413, 415, 422, 503],
    },
    ({ c, body, text, principal }) =>
      idempotent(c, text, async () => {
        const actor = actorOf(principal)
        const startsAt = body.startsAt ?? eventNow()
        const endsAt = body.endsAt ?? startsAt + (body.durationHours ?? DEFAULT_SILENCE_HOURS) * HOUR_MS
        const error = silenceError(body, startsAt, endsAt)
        if (error) throw new Problem('invalid-request', 400, error.detail, { errors: [{ code: 'invalid-silence', ...error }] })
        const silence: Silence = {
          id: `silence-${randomUUID().slice(0, 13)}`,
          matchers: body.matchers,
          startsAt: iso(startsAt),
          endsAt: iso(endsAt),
          createdBy: actor,
          comment: body.comment,
        }
        await store.silences.save(silence)
        await publish([silenceAudit('alert.silence', actor, silence)])
        return withState(silence, eventNow())
      }),
  )
  addRoute(
    app,
    {
      method: 'delete',
      path: '/v1/alerts/silences/{id}',
      tag: 'Alerts',
      summary: 'End a silence now',
      scope: 'operate',
      params: z.object({ id: z.string().max(100) }),
      response: SilenceSchema,
      problems: [404, 503],
    },
    async ({ params, principal }) => {
      const found = (await store.silences.list()).find(({ id }) => id === params.id)
      if (!found) throw new Problem('not-found', 404, `There is no silence '${params.id}'.`)
      const at = eventNow()
      if (Date.parse(found.endsAt) <= at) return withState(found, at)
      const ended = { ...found, endsAt: iso(at) }
      await store.silences.save(ended)
      await publish([silenceAudit('alert.unsilence', actorOf(principal), ended)])
      return withState(ended, at)
    },
  )
  addRoute(
    app,
    {
      method: 'post',
      path: '/v1/alerts/test',
      tag: 'Alerts',
      summary: 'Send a test alert through every channel',
      scope: 'operate',
      body: z.strictObject({
        message: z.string().trim().min(1).max(500).default('Test alert: the way from Isobar to this channel works.'),
        severity: z.enum(['info', 'warning', 'critical']).default('info'),
      }),
      headers: IdempotencyHeaders,
      response: z.object({ alertId: z.string(), sequence: z.number().int() }),
      problems: [409, 413, 415, 422, 503],
    },
    ({ c, body, text, principal }) =>
      idempotent(c, text, async () => {
        const actor = actorOf(principal)
        const alertId = `test-${randomUUID()}`
        const alert: Alert = {
          alertId,
          sequence: 1,
          rule: 'test',
          labels: { id: alertId },
          severity: body.severity,
          state: 'firing',
          startsAt: eventNow(),
          endsAt: null,
          annotations: { summary: body.message, description: `Asked for by ${actor}.` },
          links: {},
          causedBy: null,
        }
        await publish([
          { topic: 'alert.v1', key: alertId, value: alert },
          auditEvent({ actor, action: 'alert.test', subject: alertId, reason: body.message, at: wallNow(), details: {} }),
        ])
        return { alertId, sequence: 1 }
      }),
  )

  /** A stream clock that has seen nothing says 0; then wall time is all there is. */
  function eventNow(): number {
    return now() || wallNow()
  }

  function silenceAudit(action: string, actor: string, silence: Silence) {
    return auditEvent({
      actor,
      action,
      subject: silence.id,
      reason: silence.comment,
      at: wallNow(),
      details: {
        matchers: silence.matchers.map(({ label, op, value }) => `${label}${op}${value}`).join(', '),
        startsAt: silence.startsAt,
        endsAt: silence.endsAt,
      },
    })
  }
}

function withState(silence: Silence, now: number) {
  const state = now < Date.parse(silence.startsAt) ? 'pending' : now < Date.parse(silence.endsAt) ? 'active' : 'expired'
  return { ...silence, state }
}

function silenceError(
  body: z.output<typeof NewSilence>,
  startsAt: number,
  endsAt: number,
): { detail: string; pointer: string; fix: string } | null {
  if (body.endsAt !== undefined && body.durationHours !== undefined)
    return { detail: 'endsAt and durationHours say the same thing twice.', pointer: '/durationHours', fix: 'Give one of them.' }
  if (endsAt <= startsAt) return { detail: 'The silence ends before it starts.', pointer: '/endsAt', fix: 'Give a later end.' }
  if (endsAt - startsAt > MAX_SILENCE_HOURS * HOUR_MS)
    return { detail: `A silence lasts at most ${MAX_SILENCE_HOURS} h.`, pointer: '/endsAt', fix: 'Give an earlier end.' }
  for (const [index, { op, value }] of body.matchers.entries()) {
    if (!op.endsWith('~')) continue
    try {
      RegExp(`^(?:${value})$`)
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error
      return {
        detail: `'${value}' is not a regular expression.`,
        pointer: `/matchers/${index}/value`,
        fix: 'Correct the expression.',
      }
    }
  }
  return null
}
