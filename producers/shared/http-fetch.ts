/**
 * Fetching from providers: time limit, size limit, retries with Retry-After and back-off. A short wait is waited out here; a long one
 * (a daily quota) is handed to the caller as `retryAfterMs`. Wall time is used for waiting only.
 */
import { backoffMs, pause } from '../../infra/runtime/backoff.ts'
import { AppError, messageOf } from '../../infra/runtime/errors.ts'

export type FetchAnswer =
  | { readonly kind: 'ok'; readonly body: Uint8Array }
  /** 204: nothing matches. */
  | { readonly kind: 'empty' }
  /** 404: there is no such file. */
  | { readonly kind: 'not-found' }

export type HttpFetch = (url: URL, signal: AbortSignal, headers?: Readonly<Record<string, string>>) => Promise<FetchAnswer>

export type HttpFetchOptions = {
  /** Provider name, for messages. */
  readonly provider: string
  readonly userAgent: string
  readonly timeoutMs?: number
  readonly attempts?: number
  readonly maxBytes?: number
  /** Wall milliseconds to wait according to the text of a refusal, where the provider has no Retry-After; null: it does not say. */
  readonly waitFromBody?: (body: string, wallNowMs: number) => number | null
  readonly fetch?: typeof globalThis.fetch
  readonly pause?: (milliseconds: number, signal: AbortSignal) => Promise<void>
  readonly wallNow?: () => number
}

/** Longer waits are the caller's: it can serve other stations meanwhile and say in its readiness why it waits. */
const LONGEST_WAIT_HERE_MS = 20_000
const EXCERPT_CHARACTERS = 300

/** Rejects with AppError: 'provider-unreachable' | 'provider-refused' (transient, may carry context.retryAfterMs), 'provider-rejected' (permanent). */
export function createHttpFetch(options: HttpFetchOptions): HttpFetch {
  const { provider, userAgent, timeoutMs = 30_000, attempts = 3, maxBytes = 64 * 1024 * 1024, wallNow = Date.now } = options
  const send = options.fetch ?? globalThis.fetch
  const wait = options.pause ?? pause

  return async (url, signal, headers = {}) => {
    for (let attempt = 1; ; attempt++) {
      const result = await once(url, signal, headers)
      if (!(result instanceof AppError)) return result
      if (result.retry === 'permanent' || attempt >= attempts || signal.aborted) throw result
      const asked = result.context['retryAfterMs']
      const waitMs = typeof asked === 'number' ? asked : backoffMs(attempt, { initialMs: 1_000, maxMs: LONGEST_WAIT_HERE_MS })
      if (waitMs > LONGEST_WAIT_HERE_MS) throw result
      await wait(waitMs, signal)
      if (signal.aborted) throw result
    }
  }

  async function once(url: URL, signal: AbortSignal, headers: Readonly<Record<string, string>>): Promise<FetchAnswer | AppError> {
    // Keys travel in headers or query; neither belongs into a message.
    const where = `${provider} (${url.host})`
    let response: Response
    let body: Uint8Array
    try {
      response = await send(url, {
        headers: { 'user-agent': userAgent, ...headers },
        signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
      })
      body = await readLimited(response, maxBytes)
    } catch (error) {
      if (error instanceof AppError) return error
      const cause =
        error instanceof Error && error.cause !== undefined ? `${messageOf(error)}: ${messageOf(error.cause)}` : messageOf(error)
      return new AppError(`no answer from ${where}: ${cause}`, { code: 'provider-unreachable', retry: 'transient', cause: error })
    }
    const { status } = response
    if (status === 204) return { kind: 'empty' }
    if (status === 404) return { kind: 'not-found' }
    if (status >= 200 && status < 300) return { kind: 'ok', body }
    const text = new TextDecoder().decode(body)
    const message = `${where} answered ${status}: ${text.slice(0, EXCERPT_CHARACTERS).replaceAll(/\s+/g, ' ')}`
    if (status === 408 || status === 425 || status === 429 || status >= 500) {
      const retryAfterMs =
        retryAfter(response.headers.get('retry-after'), wallNow()) ?? options.waitFromBody?.(text, wallNow()) ?? null
      const context = retryAfterMs === null ? {} : { retryAfterMs }
      return new AppError(message, { code: 'provider-refused', retry: 'transient', context })
    }
    return new AppError(message, { code: 'provider-rejected', retry: 'permanent' })
  }
}

/** Seconds or an HTTP date, as milliseconds from now; null when absent or neither. */
export function retryAfter(header: string | null, wallNowMs: number): number | null {
  if (header === null) return null
  if (/^\d+$/.test(header.trim())) return Number(header) * 1000
  const at = Date.parse(header)
  return Number.isNaN(at) ? null : Math.max(0, at - wallNowMs)
}

async function readLimited(response: Response, maxBytes: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of response.body ?? []) {
    size += chunk.length
    if (size > maxBytes) {
      throw new AppError(`answer larger than ${maxBytes} bytes`, { code: 'provider-rejected', retry: 'permanent' })
    }
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}
