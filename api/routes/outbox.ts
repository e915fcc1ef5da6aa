/** Messages of channels without an address, as they would have been sent. */
import { z } from '@hono/zod-openapi'
import { iso } from '../json.ts'
import type { Outbox } from '../outbox.ts'
import { limitParam } from '../params.ts'
import { addRoute, type App } from '../respond.ts'

export function addOutboxRoute(app: App, outbox: Outbox): void {
  addRoute(
    app,
    {
      method: 'get',
      path: '/v1/outbox',
      tag: 'Alerts',
      summary: 'What would have been sent by channels that are not configured, newest first',
      scope: 'read',
      query: z.strictObject({ limit: limitParam(50, 500) }),
      response: z.object({
        messages: z.array(
          z.object({
            id: z.string(),
            channel: z.enum(['slack', 'email']),
            at: z.string(),
            to: z.array(z.string()),
            subject: z.string(),
            text: z.string(),
          }),
        ),
      }),
    },
    async ({ query }) => ({
      messages: (await outbox.newest(query.limit)).map((message) => ({ ...message, at: iso(message.at) })),
    }),
  )
}
