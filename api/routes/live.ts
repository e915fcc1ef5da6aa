/** GET /v1/live: server-sent events. */
import { z } from '@hono/zod-openapi'
import { stream } from 'hono/streaming'
import { TOPIC_NAMES, TOPICS, type TopicName } from '../../schemas/topics.ts'
import { decodeEventId } from '../live/event-id.ts'
import { serveLive } from '../live/session.ts'
import type { RouteDeps } from '../ports.ts'
import { Problem, type ProblemError, unknownName } from '../problems.ts'
import { addRoute, type App } from '../respond.ts'

const MAX_CLIENTS = 500
/** A client that takes longer to read one event than this is gone or as good as. */
const WRITE_TIMEOUT_MS = 20_000
const RETRY_MS = 1000
/** Operator actions and raw telemetry are not sent unless asked for by name. */
const DEFAULT_TOPICS = TOPIC_NAMES.filter((topic) => topic !== 'audit.v1')

export function addLiveRoute(app: App, { live, snapshot }: RouteDeps): void {
  let clients = 0
  addRoute(
    app,
    {
      method: 'get',
      path: '/v1/live',
      tag: 'Live',
      summary: 'What happens, as server-sent events',
      description:
        'One event per message of the topics: `event` is the topic, `data` the event as JSON, `id` the position in the topics. Sent back as Last-Event-ID, it resumes without loss or repeat, at any instance of the API. When the topics no longer hold what was missed, one `reset` event says so. A comment is sent at least every 10 s.',
      scope: 'read',
      query: z.strictObject({
        types: z
          .string()
          .optional()
          .openapi({
            description: `Topics, or their short names, separated by commas: ${TOPIC_NAMES.map((t) => `${t} (${TOPICS[t].schema})`).join(', ')}.`,
            example: 'weather.forecast.v1,alert.v1',
          }),
        stations: z
          .string()
          .optional()
          .openapi({ description: 'Station ids, separated by commas. Events about no station are sent always.', example: 'jfk' }),
        lastEventId: z
          .string()
          .optional()
          .openapi({ description: 'As the Last-Event-ID header, for clients that cannot set one.' }),
      }),
      headers: z.object({ 'last-event-id': z.string().optional() }),
      response: z.string(),
      alsoProduces: ['text/event-stream'],
      problems: [503],
    },
    ({ c, query }) => {
      const topics = query.types === undefined ? DEFAULT_TOPICS : topicsOf(query.types)
      const stations = query.stations === undefined ? null : stationsOf(query.stations)
      const given = c.req.header('last-event-id') ?? query.lastEventId
      const from = given === undefined || given === '' ? null : decodeEventId(given)
      if (given && from === null) {
        throw new Problem('invalid-request', 400, 'The Last-Event-ID is not an id of this stream.', {
          errors: [
            {
              detail: 'Unknown id.',
              header: 'Last-Event-ID',
              code: 'invalid-header',
              fix: 'Send the id of the last event as it came, or none.',
            },
          ],
        })
      }
      if (clients >= MAX_CLIENTS) {
        throw new Problem('unavailable', 503, `${MAX_CLIENTS} clients are connected already.`, {
          headers: { 'retry-after': '10' },
        })
      }
      c.header('content-type', 'text/event-stream')
      c.header('cache-control', 'no-store')
      c.header('x-accel-buffering', 'no')
      clients++
      return stream(c, async (output) => {
        const closing = new AbortController()
        output.onAbort(() => closing.abort())
        const write = async (text: string): Promise<void> => {
          const timer = setTimeout(() => closing.abort(), WRITE_TIMEOUT_MS)
          try {
            await output.write(text)
          } finally {
            clearTimeout(timer)
          }
        }
        try {
          await write(`retry: ${RETRY_MS}\n\n`)
          await serveLive(
            live,
            { topics, stations, from },
            {
              event: (name, id, data) => write(`id: ${id}\nevent: ${name}\ndata: ${data}\n\n`),
              heartbeat: () => write(': heartbeat\n\n'),
            },
            closing.signal,
          )
        } finally {
          clients--
        }
      })
    },
  )

  function stationsOf(text: string): Set<string> {
    const ids = text.split(',').filter((id) => id !== '')
    const known = snapshot.stations().map(({ stationId }) => stationId)
    refuse(ids.filter((id) => !known.includes(id)).map((id) => unknownName('station', id, known, { parameter: 'stations' })))
    return new Set(ids)
  }
}

function topicsOf(text: string): TopicName[] {
  const names = text.split(',').filter((name) => name !== '')
  const topicFor = (name: string): TopicName | undefined =>
    TOPIC_NAMES.find((topic) => topic === name || TOPICS[topic].schema === name)
  refuse(names.filter((name) => !topicFor(name)).map((name) => unknownName('type', name, TOPIC_NAMES, { parameter: 'types' })))
  return TOPIC_NAMES.filter((topic) => names.some((name) => topicFor(name) === topic))
}

function refuse(errors: ProblemError[]): void {
  if (errors.length > 0) throw new Problem('invalid-request', 400, errors.map(({ detail }) => detail).join(' '), { errors })
}
