/** The API as the verbs use it: JSON in and out, problem documents as errors with the right exit code. */
import { CliError, EXIT } from './exit.ts'
import { apiUrl } from './running.ts'

const TIMEOUT_MS = 30_000

type ProblemDocument = { title?: string; detail?: string; errors?: ReadonlyArray<{ detail: string; fix?: string }> }
export type Query = Readonly<Record<string, string | number | boolean | undefined>>

export async function apiGet<T>(path: string, query: Query = {}): Promise<T> {
  return (await (await call('GET', path, query)).json()) as T
}

export async function apiGetText(path: string, query: Query = {}): Promise<string> {
  return (await call('GET', path, query)).text()
}

/** With the key of ISOBAR_API_KEY; every change of state needs one. */
export async function apiPost<T>(path: string, body: unknown, headers: Readonly<Record<string, string>> = {}): Promise<T> {
  return (await (await call('POST', path, {}, body, headers)).json()) as T
}

async function call(
  method: string,
  path: string,
  query: Query,
  body?: unknown,
  headers: Readonly<Record<string, string>> = {},
): Promise<Response> {
  const url = new URL(apiUrl() + path)
  for (const [name, value] of Object.entries(query)) if (value !== undefined) url.searchParams.set(name, String(value))
  const key = process.env['ISOBAR_API_KEY']
  let response: Response
  try {
    response = await fetch(url, {
      method,
      headers: {
        ...(key ? { authorization: `Bearer ${key}` } : {}),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(TIMEOUT_MS),
    })
  } catch (error) {
    throw new CliError(`${url.origin} does not answer (${(error as Error).message}); is it running?`, EXIT.unavailable)
  }
  if (response.ok) return response
  const problem = (await response.json().catch(() => ({}))) as ProblemDocument
  throw new CliError(explain(response.status, problem), exitOf(response.status))
}

function explain(status: number, { title, detail, errors }: ProblemDocument): string {
  const lines = [`${status} ${title ?? 'error'}${detail ? `: ${detail}` : ''}`]
  for (const { detail: what, fix } of errors ?? []) {
    // One problem is told above already; what is left to tell is how to mend it.
    const told = detail?.includes(what) ? [fix] : [what, fix]
    const line = told.filter(Boolean).join(' ')
    if (line !== '') lines.push(`  ${line}`)
  }
  if (status === 401)
    lines.push('  set ISOBAR_API_KEY to a key; make one with: isobar keys create --name NAME --scopes read,operate')
  return lines.join('\n')
}

function exitOf(status: number): number {
  if (status === 404) return EXIT.notFound
  if (status === 400 || status === 422) return EXIT.usage
  return status >= 500 ? EXIT.unavailable : EXIT.failure
}
