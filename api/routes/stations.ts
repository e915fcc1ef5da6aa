/** Stations: list, one, add or change. */
import { z } from '@hono/zod-openapi'
import type { Station } from '../../schemas/generated/types.ts'
import { STATION_ID_PATTERN } from '../../schemas/quantities.ts'
import { auditEvent } from '../audit.ts'
import { withIsoInstants } from '../json.ts'
import { isTimezone, limitParam, stationIdParam } from '../params.ts'
import type { RouteDeps } from '../ports.ts'
import { Problem, unknownName } from '../problems.ts'
import { actorOf, addRoute, type App } from '../respond.ts'

const StationSchema = z
  .object({
    stationId: z.string(),
    name: z.string(),
    latitude: z.number(),
    longitude: z.number(),
    elevationM: z.number().nullable(),
    timezone: z.string(),
    provider: z.string(),
    providerStationId: z.string(),
    kind: z.string(),
    validFrom: z.string(),
  })
  .openapi('Station')

const printable = (max: number) =>
  z
    .string()
    .trim()
    .min(1)
    .max(max)
    .refine((text) => !/\p{Cc}/u.test(text), { message: 'holds control characters' })
const NewStation = z
  .strictObject({
    stationId: z.string().regex(STATION_ID_PATTERN).openapi({ example: 'farm-7' }),
    name: printable(200),
    latitude: z.number().min(-90).max(90),
    longitude: z.number().min(-180).max(180),
    elevationM: z.number().min(-500).max(9000).nullable().default(null),
    timezone: z
      .string()
      .refine((name) => name !== 'station' && isTimezone(name), { message: 'is not an IANA time zone' })
      .default('UTC'),
    provider: printable(64).default('api'),
    providerStationId: printable(64).optional(),
    kind: printable(64).default('private'),
    replace: z.boolean().default(false).openapi({ description: 'Change the station when it exists with another description.' }),
  })
  .openapi('NewStation')

export function addStationRoutes(app: App, { snapshot, publish, now, wallNow }: RouteDeps): void {
  addRoute(
    app,
    {
      method: 'get',
      path: '/v1/stations',
      tag: 'Stations',
      summary: 'List stations',
      scope: 'read',
      query: z.strictObject({
        limit: limitParam(1000, 10_000),
        after: z
          .string()
          .max(64)
          .optional()
          .openapi({ description: 'Continue after this station id (`next` of the page before).' }),
      }),
      response: z.object({ stations: z.array(StationSchema), next: z.string().nullable() }),
    },
    ({ query }) => {
      const after = query.after ?? ''
      const rest = snapshot.stations().filter(({ stationId }) => stationId > after)
      const page = rest.slice(0, query.limit)
      return { stations: page.map(withIsoInstants), next: rest.length > page.length ? page.at(-1)?.stationId : null }
    },
  )
  addRoute(
    app,
    {
      method: 'get',
      path: '/v1/stations/{id}',
      tag: 'Stations',
      summary: 'One station',
      scope: 'read',
      params: z.object({ id: stationIdParam }),
      response: StationSchema,
      problems: [404],
    },
    ({ params }) => withIsoInstants(requireStation(snapshot, params.id)),
  )
  addRoute(
    app,
    {
      method: 'post',
      path: '/v1/stations',
      tag: 'Stations',
      summary: 'Add or change a station',
      scope: 'operate',
      body: NewStation,
      response: z.object({ status: z.enum(['added', 'changed', 'unchanged']), station: StationSchema }),
      problems: [409, 413, 415, 503],
    },
    async ({ body, principal }) => {
      const { replace, ...given } = body
      const known = snapshot.station(body.stationId)
      const station: Station = {
        ...given,
        providerStationId: given.providerStationId ?? given.stationId,
        validFrom: known?.validFrom ?? (now() || wallNow()),
      }
      const changed = (Object.keys(station) as Array<keyof Station>).filter((name) => known?.[name] !== station[name])
      if (known && changed.length === 0) return { status: 'unchanged', station: withIsoInstants(known) }
      if (known && !replace) {
        throw new Problem('conflict', 409, `The station '${body.stationId}' exists with another ${changed.join(', ')}.`, {
          errors: changed.map((name) => ({
            detail: `It is ${JSON.stringify(known[name])}.`,
            pointer: `/${name}`,
            code: 'station-exists',
            fix: 'Send "replace": true to change the station.',
          })),
        })
      }
      await publish([
        { topic: 'weather.station.v1', key: station.stationId, value: station },
        auditEvent({
          actor: actorOf(principal),
          action: known ? 'station.change' : 'station.add',
          subject: station.stationId,
          reason: null,
          at: wallNow(),
          details: known ? { changed: changed.join(',') } : {},
        }),
      ])
      snapshot.applyStation(station)
      return { status: known ? 'changed' : 'added', station: withIsoInstants(station) }
    },
  )
}

/** The station, or a 404 that names the nearest. */
export function requireStation(snapshot: RouteDeps['snapshot'], id: string): Station {
  const station = snapshot.station(id)
  if (station) return station
  const ids = snapshot.stations().map(({ stationId }) => stationId)
  const error = unknownName('station', id, ids, { parameter: 'id' })
  throw new Problem('unknown-station', 404, error.detail, { errors: [error] })
}
