/** How a route is declared: one call gives scope check, validation, OpenAPI entry and JSON answer. */
import type { OpenAPIHono, RouteConfig } from '@hono/zod-openapi'
import { z } from '@hono/zod-openapi'
import type { Context } from 'hono'
import type { ContentfulStatusCode } from 'hono/utils/http-status'
import type { ZodObject, ZodType } from 'zod'
import { type AppEnv, assertScope, type Principal } from './auth/gate.ts'
import type { Scope } from './auth/keys.ts'
import { hasBody, readJsonBody } from './request-body.ts'
import { Problem, validationProblem } from './problems.ts'

export type App = OpenAPIHono<AppEnv>
export type AppContext = Context<AppEnv>

const ProblemSchema = z
  .object({
    type: z.string(),
    code: z.string(),
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

// oxlint-disable-next-line typescript/no-generated-empty-object-type
type Empty = Record<never, never>
export type RouteSpec<P, Q, B> = {
  readonly method: 'get' | 'post' | 'delete'
  /** With parameters in braces: /v1/stations/{id}. */
  readonly path: string
  readonly tag: string
  readonly summary: string
  readonly description?: string
  /** 'open': anyone, always. 'read': anyone where PUBLIC_READ, else any key. Others: a key with that scope (or admin). */
  readonly scope: 'open' | Scope
  readonly params?: ZodObject & ZodType<P>
  readonly query?: ZodObject & ZodType<Q>
  readonly body?: ZodType<B>
  readonly maxBodyBytes?: number
  /** A request without a body means an empty object. */
  readonly isBodyOptional?: boolean
  readonly response: ZodType
  readonly status?: ContentfulStatusCode
  /** Content types besides JSON that the route can answer with. */
  readonly alsoProduces?: readonly string[]
  /** Request headers the route reads, for the document. */
  readonly headers?: ZodObject
  readonly problems?: readonly number[]
  /** Asked before anything is parsed (but after the scope check): an answer that is known already. */
  readonly known?: (c: AppContext) => Response | null
}
export type RouteInput<P, Q, B> = {
  readonly c: AppContext
  readonly params: P
  readonly query: Q
  readonly body: B
  /** The body as it came; '' without one. */
  readonly text: string
  /** Null only on routes that may be read without a key. */
  readonly principal: Principal | null
}

const MAX_BODY_BYTES = 256 * 1024

export function addRoute<P = Empty, Q = Empty, B = undefined>(
  app: App,
  spec: RouteSpec<P, Q, B>,
  handler: (input: RouteInput<P, Q, B>) => unknown,
): void {
  const status = spec.status ?? 200
  app.openAPIRegistry.registerPath(describe(spec, status))
  const method = spec.method.toUpperCase()
  app.on(method, spec.path.replaceAll(/\{(\w+)\}/g, ':$1'), async (c) => {
    // The scope is checked before anything is validated, so that a stranger learns nothing about what would be valid.
    assertScope(c, spec.scope)
    const known = spec.known?.(c)
    if (known) return known
    const params = (spec.params ? parsed(spec.params, c.req.param(), 'param') : {}) as P
    const query = parsed(spec.query ?? NO_QUERY, c.req.query(), 'query') as Q
    const { text, value } = !spec.body
      ? { text: '', value: undefined }
      : spec.isBodyOptional && !hasBody(c)
        ? { text: '', value: {} }
        : await readJsonBody(c, spec.maxBodyBytes ?? MAX_BODY_BYTES)
    const body = (spec.body ? parsed(spec.body, value, 'json') : undefined) as B
    const result = await handler({ c, params, query, body, text, principal: c.get('principal') })
    return result instanceof Response ? result : c.json(result as object, status)
  })
}

/** The name of the caller, for the audit trail. */
export function actorOf(principal: Principal | null): string {
  if (principal === null) throw new Problem('unauthenticated', 401, 'This needs a key.')
  return principal.name
}

const NO_QUERY = z.strictObject({})

function parsed(schema: ZodType, value: unknown, source: 'param' | 'query' | 'json'): unknown {
  const result = schema.safeParse(value)
  if (result.success) return result.data
  throw validationProblem(result.error, source, 'shape' in schema ? Object.keys(schema.shape as object) : [])
}

function describe<P, Q, B>(spec: RouteSpec<P, Q, B>, status: number): RouteConfig {
  const codes = new Set([400, 429, ...(spec.scope === 'open' ? [] : [401, 403]), ...(spec.problems ?? [])])
  const problem = { description: 'Problem document', content: { 'application/problem+json': { schema: ProblemSchema } } }
  const content: Record<string, { schema: ZodType }> = { 'application/json': { schema: spec.response } }
  for (const type of spec.alsoProduces ?? []) content[type] = { schema: z.string() }
  return {
    method: spec.method,
    path: spec.path,
    tags: [spec.tag],
    summary: spec.summary,
    ...(spec.description ? { description: spec.description } : {}),
    security: spec.scope === 'open' ? [] : spec.scope === 'read' ? [{}, { key: [] }] : [{ key: [spec.scope] }],
    request: {
      ...(spec.params ? { params: spec.params } : {}),
      ...(spec.query ? { query: spec.query } : {}),
      ...(spec.headers ? { headers: spec.headers } : {}),
      ...(spec.body ? { body: { required: !spec.isBodyOptional, content: { 'application/json': { schema: spec.body } } } } : {}),
    },
    responses: {
      [status]: { description: 'OK', content },
      ...Object.fromEntries([...codes].map((code) => [code, problem])),
    },
  }
}
