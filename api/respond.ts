/** How a route is declared: one call gives validation, scope check, OpenAPI entry and JSON answer. */
import { createRoute, z, type OpenAPIHono, type RouteConfig } from '@hono/zod-openapi'
import type { Context } from 'hono'
import type { ContentfulStatusCode } from 'hono/utils/http-status'
import type { ZodObject, ZodType } from 'zod'
import type { Scope } from './auth/keys.ts'
import { assertScope, type Principal } from './auth/gate.ts'

export type AppEnv = { Variables: { principal: Principal | null; headersDone: boolean; rateHeaders: Record<string, string> } }
export type App = OpenAPIHono<AppEnv>
export type AppContext = Context<AppEnv>

export const ProblemSchema = z
  .object({
    type: z.string(),
    title: z.string(),
    status: z.number().int(),
    detail: z.string(),
    instance: z.string(),
    errors: z
      .array(
        z.object({
          detail: z.string(),
          code: z.string(),
          pointer: z.string().optional(),
          parameter: z.string().optional(),
          header: z.string().optional(),
          fix: z.string(),
        }),
      )
      .optional(),
  })
  .openapi('Problem')

type Empty = Record<never, never>
export type RouteSpec<P, Q, B> = {
  readonly method: 'get' | 'post'
  readonly path: string
  readonly tag: string
  readonly summary: string
  readonly description?: string
  /** 'open': anyone, always. 'read': anyone where PUBLIC_READ, else any key. Others: a key with that scope (or admin). */
  readonly scope: 'open' | Scope
  readonly params?: ZodObject & ZodType<P>
  readonly query?: ZodObject & ZodType<Q>
  readonly body?: ZodType<B>
  readonly response: ZodType
  readonly status?: ContentfulStatusCode
  /** Content types besides JSON that the route can answer with. */
  readonly alsoProduces?: readonly string[]
  readonly headers?: ZodObject
  readonly problems?: readonly number[]
}
export type RouteInput<P, Q, B> = { c: AppContext; params: P; query: Q; body: B }

export function addRoute<P = Empty, Q = Empty, B = undefined>(
  app: App,
  spec: RouteSpec<P, Q, B>,
  handler: (input: RouteInput<P, Q, B>) => unknown,
): void {
  const status = spec.status ?? 200
  const statuses = new Set([400, 429, ...(spec.scope === 'open' ? [] : [401, 403]), ...(spec.problems ?? [])])
  const problem = { description: 'Problem document', content: { 'application/problem+json': { schema: ProblemSchema } } }
  const content: Record<string, { schema: ZodType }> = { 'application/json': { schema: spec.response } }
  for (const type of spec.alsoProduces ?? []) content[type] = { schema: z.string() }
  const config = {
    method: spec.method,
    path: spec.path,
    tags: [spec.tag],
    summary: spec.summary,
    ...(spec.description ? { description: spec.description } : {}),
    ...(spec.scope === 'open'
      ? { security: [] }
      : { security: spec.scope === 'read' ? [{}, { key: [] }] : [{ key: [spec.scope] }] }),
    request: {
      ...(spec.params ? { params: spec.params } : {}),
      ...(spec.query ? { query: spec.query } : {}),
      ...(spec.headers ? { headers: spec.headers } : {}),
      ...(spec.body ? { body: { required: true, content: { 'application/json': { schema: spec.body } } } } : {}),
    },
    responses: {
      [status]: { description: 'OK', content },
      ...Object.fromEntries([...statuses].map((code) => [code, problem])),
    },
  } as unknown as RouteConfig
  const route = createRoute(config)
  // The scope is checked before anything is validated, so that a stranger learns nothing about what would be valid.
  app.use(route.getRoutingPath(), async (c, next) => {
    if (c.req.method.toLowerCase() === spec.method || (spec.method === 'get' && c.req.method === 'HEAD'))
      assertScope(c, spec.scope)
    await next()
  })
  const respond = async (c: AppContext): Promise<Response> => {
    const valid = (target: string): unknown => (c.req as unknown as { valid(t: string): unknown }).valid(target)
    const result = await handler({
      c,
      params: (spec.params ? valid('param') : {}) as P,
      query: (spec.query ? valid('query') : {}) as Q,
      body: (spec.body ? valid('json') : undefined) as B,
    })
    return result instanceof Response ? result : c.json(result as object, status)
  }
  app.openapi(route, respond as never)
}
