/** RFC 9457 problem documents: one class to throw, one place that renders. `errors[]` says what, where, why and how to fix it. */
import type { Context } from 'hono'
import type { ContentfulStatusCode } from 'hono/utils/http-status'
import type { ZodError } from 'zod'
import { nearest } from './nearest.ts'

export type ProblemError = {
  /** What is wrong, one sentence. */
  detail: string
  /** Where: a JSON pointer into the body, or the name of a parameter or header. */
  pointer?: string
  parameter?: string
  header?: string
  /** Machine-readable cause. */
  code: string
  /** What to do about it. */
  fix: string
}
export type ProblemType = keyof typeof TITLES

const TITLES = {
  'invalid-request': 'The request is not valid',
  'unknown-variable': 'Unknown variable',
  'unknown-station': 'Unknown station',
  'unknown-model': 'Unknown model',
  'not-found': 'Not found',
  'method-not-allowed': 'This address does not take that method',
  'no-forecast': 'No forecast',
  'forecast-too-old': 'The newest forecast is too old to serve',
  unauthenticated: 'A key is needed',
  forbidden: 'The key lacks the scope',
  'rate-limited': 'Too many requests',
  'body-too-large': 'The body is too large',
  'unsupported-media-type': 'Unsupported media type',
  'idempotency-conflict': 'The same Idempotency-Key is in use',
  'idempotency-mismatch': 'The Idempotency-Key was used for another request',
  conflict: 'The current state does not allow this',
  unavailable: 'Temporarily unavailable',
  internal: 'Something went wrong here',
} as const

export class Problem extends Error {
  readonly type: ProblemType
  readonly status: ContentfulStatusCode
  readonly errors: readonly ProblemError[]
  readonly headers: Readonly<Record<string, string>>
  readonly extra: Readonly<Record<string, unknown>>

  constructor(
    type: ProblemType,
    status: ContentfulStatusCode,
    detail: string,
    options: { errors?: readonly ProblemError[]; headers?: Record<string, string>; extra?: Record<string, unknown> } = {},
  ) {
    super(detail)
    this.name = 'Problem'
    this.type = type
    this.status = status
    this.errors = options.errors ?? []
    this.headers = options.headers ?? {}
    this.extra = options.extra ?? {}
  }
}

export function problemResponse(c: Context, problem: Problem): Response {
  const body = {
    type: `urn:isobar:problem:${problem.type}`,
    code: problem.type,
    title: TITLES[problem.type],
    status: problem.status,
    detail: problem.message,
    instance: c.req.path,
    ...(problem.errors.length > 0 ? { errors: problem.errors } : {}),
    ...problem.extra,
  }
  return new Response(JSON.stringify(body), {
    status: problem.status,
    headers: { 'content-type': 'application/problem+json', 'cache-control': 'no-store', ...problem.headers },
  })
}

/** A name that is not in a list: says which, names the nearest, lists the choices. */
export function unknownName(
  kind: string,
  given: string,
  names: readonly string[],
  where: { parameter?: string; pointer?: string },
): ProblemError {
  const near = nearest(given, names)
  return {
    detail: `Unknown ${kind} '${given.slice(0, 80)}'.${near ? ` Did you mean '${near}'?` : ''}`,
    code: `unknown-${kind}`,
    ...where,
    fix: near ? `Use '${near}'.` : `Use one of: ${names.slice(0, 30).join(', ')}.`,
  }
}

/** Zod's issues as problem errors; unrecognised names get their nearest. */
export function validationProblem(error: ZodError, source: 'param' | 'query' | 'json', known: readonly string[] = []): Problem {
  const errors = error.issues.flatMap((issue): ProblemError[] => {
    const name = issue.path.join('.')
    const where = (path: string): Pick<ProblemError, 'pointer' | 'parameter'> =>
      source === 'json' ? { pointer: `/${path.replaceAll('.', '/')}` } : { parameter: path }
    if (issue.code === 'unrecognized_keys') {
      return issue.keys.map((key) =>
        unknownName(source === 'json' ? 'field' : 'parameter', key, known, where([...issue.path, key].join('.'))),
      )
    }
    const custom = issue.code === 'custom' ? (issue.params as { code?: string; fix?: string } | undefined) : undefined
    return [
      {
        detail: `${name || 'The request'}: ${issue.message}`,
        ...where(name),
        code: custom?.code ?? issue.code,
        fix: custom?.fix ?? `Correct ${name || 'the request'}.`,
      },
    ]
  })
  const unknownVariable = errors.find((e) => e.code === 'unknown-variable')
  const detail = errors
    .map((e) => e.detail)
    .slice(0, 3)
    .join(' ')
  return new Problem(unknownVariable ? 'unknown-variable' : 'invalid-request', 400, detail, { errors })
}
