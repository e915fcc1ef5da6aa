/** POST /v1/observations: a batch in, an answer per item, what is new to weather.observation.v1. */
import { z } from '@hono/zod-openapi'
import { decideBatch, type Known, observationKey, readBatch } from '../ingest/batch.ts'
import { KINDS, type Reported } from '../ingest/item.ts'
import { createRecentObservations } from '../ingest/recent.ts'
import { type Idempotent, IdempotencyHeaders } from '../idempotency.ts'
import type { RouteDeps } from '../ports.ts'
import { Problem } from '../problems.ts'
import { actorOf, addRoute, type App } from '../respond.ts'
import { QUANTITIES, VARIABLE_UNITS } from '../../schemas/quantities.ts'

const MAX_ITEMS = 5000
const MAX_BYTES = 4 * 1024 * 1024

/** Items are checked one by one, so that a bad one does not spoil the batch. */
const Item = z.looseObject({}).openapi('ObservationReport', {
  type: 'object',
  required: ['stationId', 'observedAt'],
  properties: {
    stationId: { type: 'string', example: 'jfk' },
    observedAt: { type: 'string', format: 'date-time', example: '2013-07-01T12:00:00Z' },
    kind: { type: 'string', enum: [...KINDS], default: 'observation' },
    ...Object.fromEntries(
      QUANTITIES.map((q) => [q, { type: ['number', 'null'] as ['number', 'null'], description: VARIABLE_UNITS[q] }]),
    ),
  },
})
const Body = z.union([z.strictObject({ observations: z.array(z.unknown()) }), z.array(z.unknown())]).openapi('ObservationBatch', {
  type: 'object',
  required: ['observations'],
  properties: { observations: { type: 'array', maxItems: MAX_ITEMS, items: { $ref: '#/components/schemas/ObservationReport' } } },
})
const Answer = z
  .object({
    accepted: z.number().int(),
    duplicates: z.number().int(),
    rejected: z.number().int(),
    results: z.array(
      z.object({
        index: z.number().int(),
        status: z.enum(['accepted', 'duplicate', 'rejected']),
        stationId: z.string().nullable(),
        observedAt: z.string().nullable(),
        eventId: z.string().optional(),
        revision: z.number().int().optional(),
        errors: z
          .array(z.object({ detail: z.string(), code: z.string(), pointer: z.string().optional(), fix: z.string() }))
          .optional(),
      }),
    ),
  })
  .openapi('IngestAnswer')

export function addIngestRoutes(app: App, deps: RouteDeps & { idempotent: Idempotent }): void {
  const { snapshot, store, publish, now, clockMode, idempotent } = deps
  const recent = createRecentObservations()
  app.openAPIRegistry.register('ObservationReport', Item)
  addRoute(
    app,
    {
      method: 'post',
      path: '/v1/observations',
      tag: 'Observations',
      summary: 'Report observations',
      description: `Up to ${MAX_ITEMS} at once; each is answered on its own: accepted, duplicate (same values already known) or rejected with the reason. Other values for the same station, instant and kind correct the whole earlier observation. Values are taken as they are: quality control flags what is implausible.`,
      scope: 'ingest',
      body: Body,
      maxBodyBytes: MAX_BYTES,
      headers: IdempotencyHeaders,
      response: Answer,
      problems: [409, 413, 415, 422, 503],
    },
    ({ c, body, text, principal }) =>
      idempotent(c, text, async () => {
        const isList = Array.isArray(body)
        const items = isList ? body : body.observations
        if (items.length === 0 || items.length > MAX_ITEMS) {
          throw new Problem(
            'invalid-request',
            items.length === 0 ? 400 : 413,
            `A batch holds 1 to ${MAX_ITEMS} observations, not ${items.length}.`,
            {
              errors: [
                {
                  detail: 'Batch size.',
                  pointer: isList ? '' : '/observations',
                  code: 'batch-size',
                  fix: items.length === 0 ? 'Send at least one observation.' : 'Split the batch.',
                },
              ],
            },
          )
        }
        const time = now()
        const read = readBatch(items, isList ? '' : '/observations', {
          stationIds: snapshot.stations().map(({ stationId }) => stationId),
          hasStation: (id) => snapshot.station(id) !== undefined,
          now: time,
          clockMode,
        })
        const verdict = decideBatch(read, await knownOf(read), { source: `api:${actorOf(principal)}`, now: time })
        await publish(verdict.observations.map((value) => ({ topic: 'weather.observation.v1', key: value.stationId, value })))
        for (const observation of verdict.observations) recent.remember(observationKey(observation), observation)
        const count = (status: string): number => verdict.results.filter((result) => result.status === status).length
        return {
          accepted: count('accepted'),
          duplicates: count('duplicate'),
          rejected: count('rejected'),
          results: verdict.results,
        }
      }),
  )

  async function knownOf(read: ReturnType<typeof readBatch>): Promise<Map<string, Known>> {
    const reported = read.filter((item): item is Reported => !Array.isArray(item))
    const known = new Map<string, Known>()
    for (const stored of await store.observations.existing(reported)) known.set(observationKey(stored), stored)
    for (const item of reported) {
      const key = observationKey(item)
      const lately = recent.get(key)
      if (lately && lately.revision >= (known.get(key)?.revision ?? 0)) known.set(key, lately)
    }
    return known
  }
}
