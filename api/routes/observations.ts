/** Checked observations of a station. */
import { z } from '@hono/zod-openapi'
import type { CheckedObservation } from '../../schemas/generated/types.ts'
import { QUANTITIES, type Quantity } from '../../schemas/quantities.ts'
import { withIsoInstants } from '../json.ts'
import { instantParam, limitParam, quantitiesParam, stationIdParam } from '../params.ts'
import type { RouteDeps } from '../ports.ts'
import { Problem } from '../problems.ts'
import { addRoute, type App } from '../respond.ts'
import { requireStation } from './stations.ts'

const HOUR_MS = 3_600_000
const DEFAULT_HOURS = 72

export const ObservationSchema = z
  .looseObject({
    stationId: z.string(),
    observedAt: z.string(),
    receivedAt: z.string(),
    source: z.string(),
    kind: z.string(),
    flags: z.record(z.string(), z.string()).openapi({ description: 'Per quantity: good, suspect, bad, missing or unchecked.' }),
    rules: z.record(z.string(), z.array(z.string())),
  })
  .openapi('CheckedObservation')

export function addObservationRoutes(app: App, { snapshot, store, now }: RouteDeps): void {
  addRoute(
    app,
    {
      method: 'get',
      path: '/v1/stations/{id}/observations',
      tag: 'Observations',
      summary: 'Checked observations with their flags, oldest first',
      description: 'Of more than `limit` the newest; `truncated` says that there are older ones from `from` on.',
      scope: 'read',
      params: z.object({ id: stationIdParam }),
      query: z.strictObject({
        from: instantParam(`Default: ${DEFAULT_HOURS} h before \`to\`.`).optional(),
        to: instantParam('Default: now.').optional(),
        variables: quantitiesParam.optional(),
        limit: limitParam(10_000, 100_000),
      }),
      response: z.object({ stationId: z.string(), truncated: z.boolean(), observations: z.array(ObservationSchema) }),
      problems: [404],
    },
    async ({ params, query }) => {
      const { stationId } = requireStation(snapshot, params.id)
      const to = query.to ?? now()
      const from = query.from ?? to - DEFAULT_HOURS * HOUR_MS
      if (from > to) {
        throw new Problem('invalid-request', 400, '`from` is after `to`.', {
          errors: [{ detail: '`from` is after `to`.', parameter: 'from', code: 'empty-range', fix: 'Exchange them.' }],
        })
      }
      // One more than asked for tells whether there is more.
      const found = await store.observations.range(stationId, { from, to, limit: query.limit + 1 })
      const observations = found.slice(-query.limit)
      return {
        stationId,
        truncated: found.length > observations.length,
        observations: observations.map((o) => withIsoInstants(query.variables ? only(o, query.variables) : o)),
      }
    },
  )
}

function only(observation: CheckedObservation, wanted: readonly Quantity[]): object {
  const hidden = new Set<string>(QUANTITIES.filter((quantity) => !wanted.includes(quantity)))
  const keep = (record: object): object => Object.fromEntries(Object.entries(record).filter(([name]) => !hidden.has(name)))
  return { ...keep(observation), flags: keep(observation.flags), rules: keep(observation.rules) }
}
