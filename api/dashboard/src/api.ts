/** The REST client: every answer is a value or an ApiError that says what failed, in the server's own words when it has some. */
import type { Problem } from './wire.ts'

export class ApiError extends Error {
  readonly status: number | null
  readonly code: string | null
  constructor(message: string, status: number | null, code: string | null, options?: ErrorOptions) {
    super(message, options)
    this.name = 'ApiError'
    this.status = status
    this.code = code
  }
}

const KEY_ITEM = 'isobar-api-key'
const TIMEOUT_MS = 20_000

/** The operator's key lives as long as the tab. */
export const keyStore = {
  get: (): string => sessionStorage.getItem(KEY_ITEM) ?? '',
  set: (key: string): void => (key === '' ? sessionStorage.removeItem(KEY_ITEM) : sessionStorage.setItem(KEY_ITEM, key)),
}

export function authorization(): Record<string, string> {
  const key = keyStore.get()
  return key === '' ? {} : { authorization: `Bearer ${key}` }
}

export async function getJson<T>(path: string, query: Record<string, string | number | undefined> = {}): Promise<T> {
  const search = new URLSearchParams()
  for (const [name, value] of Object.entries(query)) if (value !== undefined) search.set(name, String(value))
  const suffix = search.size > 0 ? `?${search}` : ''
  return await request<T>(path + suffix, { headers: { accept: 'application/json', ...authorization() } })
}

/** The list under `name` of an answer; an answer without it is an error that says so, not an empty panel. */
export async function getList<T>(
  name: string,
  path: string,
  query: Record<string, string | number | undefined> = {},
): Promise<T[]> {
  const body = await getJson<Record<string, unknown>>(path, query)
  const list = body[name]
  if (!Array.isArray(list)) throw new ApiError(`the answer of ${path} has no list '${name}'`, 200, 'unexpected-answer')
  return list as T[]
}

export async function postJson<T>(path: string, body: unknown): Promise<T> {
  return await request<T>(path, {
    method: 'POST',
    headers: { accept: 'application/json', 'content-type': 'application/json', ...authorization() },
    body: JSON.stringify(body),
  })
}

async function request<T>(url: string, init: RequestInit): Promise<T> {
  let response: Response
  try {
    // Asked because something new was heard of: an answer that the browser still holds may be used only if the server says so (ETag).
    response = await fetch(url, { ...init, cache: 'no-cache', signal: AbortSignal.timeout(TIMEOUT_MS) })
  } catch (error) {
    const timedOut = error instanceof DOMException && error.name === 'TimeoutError'
    throw new ApiError(timedOut ? 'the API did not answer within 20 s' : 'the API cannot be reached', null, null, {
      cause: error,
    })
  }
  if (!response.ok) throw await problem(response)
  try {
    return (await response.json()) as T
  } catch (error) {
    throw new ApiError('the API answered something that is not JSON', response.status, null, { cause: error })
  }
}

async function problem(response: Response): Promise<ApiError> {
  const fallback = `the API answered ${response.status}`
  const text = await response.text()
  let parsed: Problem = {}
  try {
    parsed = JSON.parse(text) as Problem
  } catch (error) {
    // A proxy's HTML page: the status says enough.
    if (!(error instanceof SyntaxError)) throw error
  }
  const message = [parsed.title, parsed.detail].filter(Boolean).join(': ') || fallback
  return new ApiError(message, response.status, parsed.code ?? null)
}

/** The path segment of an id. */
export const segment = encodeURIComponent
