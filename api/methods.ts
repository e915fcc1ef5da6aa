/** HEAD, OPTIONS and wrong methods for every route: which methods an address takes. */
import type { Context } from 'hono'
import { Problem } from './problems.ts'
import type { App } from './respond.ts'

/** Methods of the declared route that a path matches; empty: none. */
function methodsOf(app: App, path: string): string[] {
  const methods = new Set<string>()
  for (const route of app.routes) {
    if (route.method === 'ALL' || route.path.includes('*')) continue
    const pattern = new RegExp(`^${route.path.replaceAll(/[.]/g, '\\.').replaceAll(/:\w+/g, '[^/]+')}$`)
    if (pattern.test(path)) methods.add(route.method)
  }
  if (methods.has('GET')) methods.add('HEAD')
  if (methods.size > 0) methods.add('OPTIONS')
  return [...methods].sort()
}

export function answerOptions(app: App, c: Context): Response {
  const allow = methodsOf(app, c.req.path)
  if (allow.length === 0) throw nothingThere(c)
  return new Response(null, { status: 204, headers: { allow: allow.join(', ') } })
}

export function notFoundProblem(app: App, c: Context): Problem {
  const allow = methodsOf(app, c.req.path)
  if (allow.length === 0) return nothingThere(c)
  return new Problem('method-not-allowed', 405, `${c.req.path} takes ${allow.join(', ')}.`, {
    headers: { allow: allow.join(', ') },
  })
}

function nothingThere(c: Context): Problem {
  return new Problem('not-found', 404, `There is nothing at ${c.req.path}; /docs lists what there is.`)
}
