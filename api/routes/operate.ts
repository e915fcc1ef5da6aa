/** Operator actions on models: retrain, promote, roll back. The API only decides whether the action makes sense and records it in audit.v1. */
import { z } from '@hono/zod-openapi'
import { modelKey } from '../../schemas/event-ids.ts'
import { auditEvent } from '../audit.ts'
import { type Idempotent, IdempotencyHeaders } from '../idempotency.ts'
import { stationIdParam, variableParam } from '../params.ts'
import type { RouteDeps } from '../ports.ts'
import { Problem } from '../problems.ts'
import { actorOf, addRoute, type App } from '../respond.ts'
import { requireStation } from './stations.ts'

const reason = z.string().trim().min(3).max(500).openapi({ description: 'Why; kept in the audit trail.' })
const dryRun = z.boolean().default(false).openapi({ description: 'Check and tell, but do nothing.' })
const Params = z.object({ stationId: stationIdParam, variable: variableParam })
const ActionBody = z.strictObject({ reason, dryRun }).openapi('ModelAction')
const PromoteBody = z
  .strictObject({
    reason,
    dryRun,
    version: z
      .string()
      .min(1)
      .max(100)
      .optional()
      .openapi({ description: 'Default: the newest trained version that is not the champion.' }),
  })
  .openapi('PromoteAction')
export const ActionAnswer = z
  .object({
    auditId: z.string().nullable().openapi({ description: 'Id in audit.v1; null for a dry run.' }),
    action: z.string(),
    subject: z.string(),
    from: z.string().nullable().openapi({ description: 'Champion now.' }),
    to: z.string().nullable().openapi({ description: 'Version that would serve.' }),
    dryRun: z.boolean(),
    effect: z.string(),
  })
  .openapi('ActionAnswer')

type Action = 'retrain' | 'promote' | 'rollback'
export type ActionRequest = { stationId: string; variable: string; reason: string; dryRun: boolean; version?: string | undefined }
type Plan = { from: string | null; to: string | null; effect: string }

/** Checks an action against what is known, records it, and says what it will do. Shared with the aliases. */
export function createOperator({ snapshot, store, publish, wallNow }: RouteDeps) {
  const plans: Record<Action, (request: ActionRequest) => Promise<Plan>> = {
    retrain: async ({ stationId, variable }) => ({
      from: championOf(stationId, variable),
      to: null,
      effect: 'A new model is trained on what is known now; it serves only if it passes the gate.',
    }),
    rollback: async ({ stationId, variable }) => {
      const control = snapshot.control(stationId, variable)?.control
      if (!control?.previous) {
        throw new Problem('conflict', 409, `${modelKey(stationId, variable)} has no previous champion to go back to.`)
      }
      return {
        from: control.champion.version,
        to: control.previous.version,
        effect: 'Every replica goes back to the previous champion.',
      }
    },
    promote: async ({ stationId, variable, version }) => {
      const from = championOf(stationId, variable)
      const events = await store.models.lifecycle({ stationId, variable, version, limit: 500 })
      const trained = events.filter((event) => event.artefact !== null && event.version !== from)
      const to = trained[0]?.version
      if (version !== undefined && version === from) {
        throw new Problem('conflict', 409, `${version} is the champion of ${modelKey(stationId, variable)} already.`)
      }
      if (to === undefined) {
        throw new Problem(
          'unknown-model',
          404,
          version === undefined
            ? `There is no trained version of ${modelKey(stationId, variable)} besides its champion.`
            : `There is no trained version '${version.slice(0, 100)}' of ${modelKey(stationId, variable)}.`,
        )
      }
      return { from, to, effect: 'Every replica will serve this version, without asking the gate.' }
    },
  }

  function championOf(stationId: string, variable: string): string | null {
    return snapshot.control(stationId, variable)?.control.champion.version ?? null
  }

  return async (action: Action, request: ActionRequest, actor: string) => {
    requireStation(snapshot, request.stationId)
    const record = (outcome: 'accepted' | 'refused', details: Record<string, string>) =>
      auditEvent({
        actor,
        action: `model.${action}`,
        subject: modelKey(request.stationId, request.variable),
        reason: request.reason,
        at: wallNow(),
        details,
        outcome,
      })
    try {
      const plan = await plans[action](request)
      const details = plan.to === null ? {} : { version: plan.to }
      const audit = record('accepted', details)
      if (!request.dryRun) await publish([audit])
      return {
        auditId: request.dryRun ? null : audit.value.auditId,
        action: audit.value.action,
        subject: audit.value.subject,
        ...plan,
        dryRun: request.dryRun,
      }
    } catch (error) {
      if (error instanceof Problem && !request.dryRun) {
        await publish([record('refused', { ...(request.version ? { version: request.version } : {}), because: error.message })])
      }
      throw error
    }
  }
}
export type Operator = ReturnType<typeof createOperator>

export function addOperateRoutes(app: App, { operate, idempotent }: { operate: Operator; idempotent: Idempotent }): void {
  const summaries: Record<Action, string> = {
    retrain: 'Train a new model now',
    promote: 'Serve a version',
    rollback: 'Go back to the previous champion',
  }
  for (const action of ['retrain', 'promote', 'rollback'] as const) {
    addRoute(
      app,
      {
        method: 'post',
        path: `/v1/models/{stationId}/{variable}/${action}`,
        tag: 'Models',
        summary: summaries[action],
        scope: 'operate',
        params: Params,
        body: action === 'promote' ? PromoteBody : ActionBody,
        headers: IdempotencyHeaders,
        response: ActionAnswer,
        problems: [404, 409, 413, 415, 422, 503],
      },
      ({ c, params, body, text, principal }) =>
        idempotent(c, text, () => operate(action, { ...params, ...body }, actorOf(principal))),
    )
  }
}
