/** One POST with a time limit; answers classified: 2xx, transient (429, 408, 5xx, network, time-out) or permanent. */
import { parseRetryAfter } from './retry.ts'
import { permanent, transient, type Delivered } from './transport.ts'

const TIMEOUT_MS = 10_000
const MAX_ANSWER_CHARACTERS = 2000

export type Posted =
  | { readonly kind: 'answered'; readonly status: number; readonly text: string }
  | { readonly kind: 'failed'; readonly failure: Delivered }

export async function post(url: string, body: string, headers: Readonly<Record<string, string>>): Promise<Posted> {
  try {
    // Redirects are refused: a signed or secret request must not follow a receiver's hint elsewhere.
    const response = await fetch(url, {
      method: 'POST',
      body,
      headers,
      redirect: 'manual',
      signal: AbortSignal.timeout(TIMEOUT_MS),
    })
    const text = (await response.text()).slice(0, MAX_ANSWER_CHARACTERS)
    const { status } = response
    if (status >= 200 && status < 300) return { kind: 'answered', status, text }
    const detail = `${status} ${text}`.trim()
    const isTransient = status === 429 || status === 408 || status === 425 || status >= 500
    const retryAfterMs = parseRetryAfter(response.headers.get('retry-after'), Date.now())
    return { kind: 'failed', failure: isTransient ? transient(detail, retryAfterMs) : permanent(detail) }
  } catch (error) {
    return { kind: 'failed', failure: transient(reasonOf(error)) }
  }
}

function reasonOf(error: unknown): string {
  const { name, cause } = error as { name?: string; cause?: { code?: string } }
  if (name === 'TimeoutError') return `no answer within ${TIMEOUT_MS / 1000} s`
  return cause?.code ?? (error as Error).message
}
