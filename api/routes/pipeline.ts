/** How old the newest of each stage is, and how far each stage is behind its input. */
import { z } from '@hono/zod-openapi'
import { iso } from '../json.ts'
import type { RouteDeps } from '../ports.ts'
import { addRoute, type App } from '../respond.ts'

/** Event time behind the input, s: hours come in one by one, so less than some hours is no backlog; a replay runs hours a second. */
const BEHIND_SECONDS = { system: 3 * 3600, stream: 24 * 3600 } as const
/** Event time without anything new, s. */
const STALE_SECONDS = 6 * 3600

export function addPipelineRoute(app: App, { stages, now, clockMode }: RouteDeps): void {
  addRoute(
    app,
    {
      method: 'get',
      path: '/v1/pipeline',
      tag: 'Pipeline',
      summary: 'Age and lag of each stage',
      description:
        'ageSeconds: event-time clock minus the newest event time a stage has worked up to. lagSeconds: newest event time of its input minus that. lagEvents: events of its input not yet committed.',
      scope: 'read',
      response: z.object({
        now: z.string(),
        clock: z.enum(['system', 'stream']),
        stages: z.array(
          z.object({
            name: z.string(),
            newestAt: z.string().nullable(),
            ageSeconds: z.number().nullable(),
            lagSeconds: z.number().nullable(),
            lagEvents: z.number().nullable(),
            status: z.enum(['ok', 'waiting', 'behind', 'stale']),
            reason: z.string().nullable(),
          }),
        ),
      }),
    },
    async () => {
      const time = now()
      const states = await stages.read()
      return {
        now: iso(time),
        clock: clockMode,
        stages: states.map(({ name, newestAt, lagSeconds, lagEvents }) => {
          const ageSeconds = newestAt === null ? null : Math.max(0, (time - newestAt) / 1000)
          return {
            name,
            newestAt: newestAt === null ? null : iso(newestAt),
            ageSeconds,
            lagSeconds,
            lagEvents,
            ...verdict(ageSeconds, lagSeconds, lagEvents, BEHIND_SECONDS[clockMode]),
          }
        }),
      }
    },
  )
}

function verdict(age: number | null, lag: number | null, lagEvents: number | null, behindSeconds: number) {
  if (age === null) return { status: 'waiting', reason: 'nothing has passed yet' }
  if (lag !== null && lag > behindSeconds) return { status: 'behind', reason: `${lagEvents ?? 'some'} events to go` }
  // A stage with an empty input is not to blame for its age: the one before it shows the cause.
  if (lagEvents === null && age > STALE_SECONDS) return { status: 'stale', reason: 'no new observation' }
  return { status: 'ok', reason: null }
}
