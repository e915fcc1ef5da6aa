/**
 * The one middleware in front of every route: who is calling, may they change anything at all, how often, and which headers go out.
 * Deny by default: an unsafe method without a valid key never reaches a route.
 */
import type { Context, MiddlewareHandler } from 'hono'
import { Problem, problemResponse } from '../problems.ts'
import type { Scope, StoredKey } from './keys.ts'
import type { RateLimiter } from './rate-limit.ts'

export type Principal = { readonly keyId: string; readonly name: string; readonly scopes: readonly Scope[] }
/** What every request carries from the gate on. */
export type AppEnv = { Variables: { principal: Principal | null; headersDone: boolean; rateHeaders: Record<string, string> } }

export type GateOptions = {
  readonly publicRead: boolean
  readonly lookup: (key: string) => Promise<StoredKey | null>
  /** Of callers with a key, each. */
  readonly limiter: RateLimiter
  /** Of callers without one, each address. */
  readonly publicLimiter: RateLimiter
  /** Address of the caller, for limits on public reads. */
  readonly callerAddress: (c: Context) => string
  readonly observe: (request: { route: string; method: string; status: number; seconds: number }) => void
}

const CHALLENGE = 'Bearer realm="isobar"'
const SAFE_METHODS = new Set(['GET', 'HEAD', 'OPTIONS'])
/** Probes must answer whatever a caller did before. */
const UNLIMITED = new Set(['/livez', '/readyz', '/metrics', '/health'])

const SECURITY_HEADERS: Readonly<Record<string, string>> = {
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'same-origin',
  // Nothing inline, nothing from elsewhere.
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
}

/**
 * The headers of an answer with all that the gate adds. For busy routes: adding them to a finished Response afterwards makes Hono's node
 * server build a second, full Response object.
 */
export function withGateHeaders(c: Context<AppEnv>, headers: Readonly<Record<string, string>>): Record<string, string> {
  c.set('headersDone', true)
  return { ...SECURITY_HEADERS, ...headers, ...c.get('rateHeaders') }
}

const grants = new WeakMap<Context, { publicRead: boolean }>()

export function createGate(options: GateOptions): MiddlewareHandler<AppEnv> {
  const grant = { publicRead: options.publicRead }
  return async (c, next) => {
    const started = performance.now()
    grants.set(c, grant)
    try {
      const authorization = c.req.header('authorization')
      // A wrong key still counts against its address, so that guessing is limited too.
      const outcome = authorization === undefined ? null : await authenticate(authorization, options.lookup)
      const principal = outcome instanceof Problem ? null : outcome
      c.set('principal', principal)
      c.set('headersDone', false)
      c.set('rateHeaders', {})
      const limiter = principal ? options.limiter : options.publicLimiter
      if (limiter.limit > 0 && !UNLIMITED.has(c.req.path)) {
        const decision = limiter.take(principal ? `key:${principal.keyId}` : `ip:${options.callerAddress(c)}`)
        const headers = {
          'ratelimit-policy': `"default";q=${limiter.limit};w=${limiter.windowSeconds}`,
          ratelimit: `"default";r=${decision.remaining};t=${decision.resetSeconds}`,
        }
        c.set('rateHeaders', headers)
        if (!decision.allowed) {
          throw new Problem('rate-limited', 429, `The limit is ${limiter.limit} requests a minute.`, {
            headers: { 'retry-after': String(decision.resetSeconds) },
            errors: [
              {
                detail: 'Too many requests in this minute.',
                code: 'rate-limited',
                fix: `Wait ${decision.resetSeconds} s, or use a key of your own.`,
              },
            ],
          })
        }
      }
      if (outcome instanceof Problem) throw outcome
      if (principal === null && !SAFE_METHODS.has(c.req.method)) throw unauthenticated()
      await next()
    } catch (error) {
      if (!(error instanceof Problem)) throw error
      c.res = problemResponse(c, error)
    }
    if (!c.get('headersDone')) {
      const headers = c.res.headers
      for (const [name, value] of Object.entries(SECURITY_HEADERS)) if (!headers.has(name)) headers.set(name, value)
      for (const [name, value] of Object.entries(c.get('rateHeaders') ?? {})) headers.set(name, value)
    }
    options.observe({
      route: routeOf(c),
      method: c.req.method,
      status: c.res.status,
      seconds: (performance.now() - started) / 1000,
    })
  }
}

/** Throws 401 or 403 unless the caller may do what needs `scope`. `admin` may everything; any key may read. */
export function assertScope(c: Context<AppEnv>, scope: Scope | 'open'): void {
  if (scope === 'open') return
  const principal = c.get('principal')
  if (scope === 'read' && (principal !== null || grants.get(c)?.publicRead === true)) return
  if (principal === null) throw unauthenticated()
  if (scope === 'read' || principal.scopes.includes(scope) || principal.scopes.includes('admin')) return
  throw new Problem(
    'forbidden',
    403,
    `This needs a key with the scope '${scope}'; yours has ${principal.scopes.join(', ') || 'none'}.`,
    {
      headers: { 'www-authenticate': `${CHALLENGE}, error="insufficient_scope", scope="${scope}"` },
      errors: [
        {
          detail: `Scope '${scope}' is missing.`,
          header: 'Authorization',
          code: 'insufficient-scope',
          fix: `Make a key with it: isobar keys create --name NAME --scopes ${scope}`,
        },
      ],
    },
  )
}

async function authenticate(authorization: string, lookup: GateOptions['lookup']): Promise<Principal | Problem> {
  const match = /^Bearer +(\S+) *$/i.exec(authorization)
  const key = match?.[1] === undefined ? null : await lookup(match[1])
  if (key === null) {
    return new Problem('unauthenticated', 401, 'The Authorization header holds no valid key.', {
      headers: { 'www-authenticate': `${CHALLENGE}, error="invalid_token"` },
      errors: [
        {
          detail: 'The key is unknown, revoked or malformed.',
          header: 'Authorization',
          code: 'invalid-key',
          fix: 'Send `Authorization: Bearer isk_…` with an active key (isobar keys list).',
        },
      ],
    })
  }
  return { keyId: key.keyId, name: key.name, scopes: key.scopes }
}

function unauthenticated(): Problem {
  return new Problem('unauthenticated', 401, 'This needs a key.', {
    headers: { 'www-authenticate': CHALLENGE },
    errors: [
      {
        detail: 'The Authorization header is missing.',
        header: 'Authorization',
        code: 'missing-key',
        fix: 'Send `Authorization: Bearer isk_…` (make a key with: isobar keys create).',
      },
    ],
  })
}

/** The route's pattern, never the path: paths hold station ids, which do not belong into metric labels. */
function routeOf(c: Context): string {
  return c.req.matchedRoutes.findLast((route) => route.path !== '*' && route.path !== '/*')?.path ?? 'none'
}
