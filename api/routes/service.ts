/** What the API says of itself: probes, metrics, OpenAPI document, try-it page, dashboard. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { serveStatic } from '@hono/node-server/serve-static'
import { z } from '@hono/zod-openapi'
import { asyncApiDocument } from '../../schemas/asyncapi.ts'
import { Problem } from '../problems.ts'
import { addRoute, type App } from '../respond.ts'

export type ServiceDeps = {
  /** Why it is not ready; empty: it is. */
  readonly notReady: () => Promise<readonly string[]>
  readonly metrics: () => Promise<{ contentType: string; body: string }>
  /** Folder of the built page, relative to the working directory (as Hono wants it). */
  readonly dashboardDir: string
}

const Health = z.object({ status: z.enum(['ok', 'unavailable']), reasons: z.array(z.string()) })

export function addServiceRoutes(app: App, { notReady, metrics, dashboardDir }: ServiceDeps): void {
  const open = { method: 'get', tag: 'Service', scope: 'open', response: Health } as const
  addRoute(app, { ...open, path: '/livez', summary: 'The process answers' }, () => ({ status: 'ok', reasons: [] }))
  for (const path of ['/readyz', '/health']) {
    addRoute(app, { ...open, path, summary: 'Everything it depends on is reachable', problems: [503] }, async ({ c }) => {
      const reasons = await notReady()
      return c.json({ status: reasons.length === 0 ? 'ok' : 'unavailable', reasons }, reasons.length === 0 ? 200 : 503)
    })
  }
  addRoute(
    app,
    {
      ...open,
      path: '/metrics',
      summary: 'Prometheus metrics of this service',
      response: z.string(),
      alsoProduces: ['text/plain'],
    },
    async () => {
      const { contentType, body } = await metrics()
      return new Response(body, { headers: { 'content-type': contentType } })
    },
  )

  let document: string | null = null
  app.get('/openapi.json', (c) => {
    document ??= JSON.stringify(
      app.getOpenAPI31Document({
        openapi: '3.1.0',
        info: {
          title: 'Isobar',
          version: '1.0.0',
          description:
            'Station forecasts with quantiles, their verification, the life of the models behind them, alerts. Instants are ISO 8601 in UTC, units are part of names, null is not observed. Errors are problem documents (RFC 9457).',
          license: { name: 'Apache-2.0' },
        },
        servers: [{ url: '/' }],
      }),
    )
    return c.body(document, 200, { 'content-type': 'application/json', 'cache-control': 'max-age=300' })
  })
  let events: string | null = null
  app.get('/asyncapi.json', (c) => {
    events ??= JSON.stringify(asyncApiDocument())
    return c.body(events, 200, { 'content-type': 'application/json', 'cache-control': 'max-age=300' })
  })
  for (const name of ['docs', 'outbox']) {
    app.get(`/${name}`, async (c) => {
      try {
        return c.html(await readFile(join(dashboardDir, `${name}.html`), 'utf8'))
      } catch (error) {
        if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error
        throw new Problem('unavailable', 503, 'The page is not built; run: npm run dashboard:build')
      }
    })
  }
  app.use(
    '/*',
    serveStatic({
      root: dashboardDir,
      onFound: (path, c) => {
        // Built assets carry a hash of their content in the name.
        c.header('cache-control', /[/\\]assets[/\\]/.test(path) ? 'public, max-age=31536000, immutable' : 'no-cache')
      },
    }),
  )
}
