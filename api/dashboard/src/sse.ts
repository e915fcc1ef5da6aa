/**
 * A server-sent-events client on fetch. EventSource would do for the happy path, but it gives up on an HTTP error,
 * forgets the last id with the object, cannot send a key, and does not say when it will try again.
 */
export type SseMessage = { id: string | null; event: string; data: string }

/** Splits a text stream into messages (WHATWG HTML, "Parsing an event stream"). Feed chunks in order. */
export function createSseParser(onMessage: (message: SseMessage) => void, onRetry: (milliseconds: number) => void = () => {}) {
  let rest = ''
  let event = ''
  let data: string[] = []
  let id: string | null = null
  const line = (text: string): void => {
    if (text === '') {
      if (data.length > 0) onMessage({ id, event: event || 'message', data: data.join('\n') })
      event = ''
      data = []
      return
    }
    if (text.startsWith(':')) return
    const colon = text.indexOf(':')
    const field = colon < 0 ? text : text.slice(0, colon)
    const value = colon < 0 ? '' : text.slice(text[colon + 1] === ' ' ? colon + 2 : colon + 1)
    if (field === 'event') event = value
    else if (field === 'data') data.push(value)
    else if (field === 'id' && !value.includes('\0')) id = value
    else if (field === 'retry' && /^\d+$/.test(value)) onRetry(Number(value))
  }
  return {
    push(chunk: string): void {
      rest += chunk
      for (;;) {
        const end = rest.search(/[\r\n]/)
        if (end < 0) return
        // A lone CR at the very end may be the first half of CRLF: wait for more.
        if (rest[end] === '\r' && end === rest.length - 1) return
        const width = rest[end] === '\r' && rest[end + 1] === '\n' ? 2 : 1
        const text = rest.slice(0, end)
        rest = rest.slice(end + width)
        line(text)
      }
    },
  }
}

export type ConnectionState =
  | { state: 'connecting' }
  | { state: 'live'; since: number }
  | { state: 'reconnecting'; attempt: number; retryAt: number; reason: string }
  | { state: 'refused'; reason: string; retryAt: number; attempt: number }

export type LiveOptions = {
  url: string
  headers: () => Record<string, string>
  onMessage: (message: SseMessage) => void
  onState: (state: ConnectionState) => void
  /** Called with every new id, so that a reload can resume. */
  onId?: (id: string) => void
  lastEventId?: string | null
  fetch?: typeof fetch
}

const FIRST_RETRY_MS = 1000
const MAX_RETRY_MS = 30_000
/** The server sends a comment at least every 15 s; three silent periods mean a dead connection. */
const SILENCE_LIMIT_MS = 45_000

/** Connects, resumes with Last-Event-ID after a loss, backs off with jitter, and tells every change of state. */
export function openLive(options: LiveOptions): { retryNow(): void; close(): void } {
  const doFetch = options.fetch ?? fetch.bind(globalThis)
  let lastEventId = options.lastEventId ?? null
  let baseRetryMs = FIRST_RETRY_MS
  let attempt = 0
  let closed = false
  let timer: ReturnType<typeof setTimeout> | undefined
  let current: AbortController | undefined

  const connect = async (): Promise<void> => {
    const abort = new AbortController()
    current = abort
    let silence: ReturnType<typeof setTimeout> | undefined
    const heard = (): void => {
      clearTimeout(silence)
      silence = setTimeout(() => abort.abort(new Error('no sign of life for 45 s')), SILENCE_LIMIT_MS)
    }
    try {
      heard()
      const response = await doFetch(options.url, {
        headers: {
          accept: 'text/event-stream',
          ...options.headers(),
          ...(lastEventId === null ? {} : { 'last-event-id': lastEventId }),
        },
        cache: 'no-store',
        signal: abort.signal,
      })
      if (!response.ok || !response.body) {
        const refused = response.status === 401 || response.status === 403
        schedule(`the server answered ${response.status}`, refused)
        return
      }
      attempt = 0
      options.onState({ state: 'live', since: Date.now() })
      const parser = createSseParser(
        (message) => {
          if (message.id !== null && message.id !== lastEventId) {
            lastEventId = message.id
            options.onId?.(message.id)
          }
          options.onMessage(message)
        },
        (milliseconds) => (baseRetryMs = Math.min(MAX_RETRY_MS, Math.max(250, milliseconds))),
      )
      const reader = response.body.pipeThrough(new TextDecoderStream()).getReader()
      for (;;) {
        const { done, value } = await reader.read()
        if (done) break
        heard()
        parser.push(value)
      }
      schedule('the server closed the stream', false)
    } catch (error) {
      const reason = abort.signal.aborted && abort.signal.reason instanceof Error ? abort.signal.reason : error
      schedule(reason instanceof Error ? reason.message : String(reason), false)
    } finally {
      clearTimeout(silence)
    }
  }

  const schedule = (reason: string, refused: boolean): void => {
    if (closed) return
    attempt += 1
    const ceiling = Math.min(MAX_RETRY_MS, baseRetryMs * 2 ** Math.min(attempt - 1, 6))
    // Jitter keeps many open pages from returning in one instant.
    const delayMs = refused ? MAX_RETRY_MS : ceiling * (0.5 + Math.random() / 2)
    const retryAt = Date.now() + delayMs
    options.onState(
      refused ? { state: 'refused', reason, retryAt, attempt } : { state: 'reconnecting', attempt, retryAt, reason },
    )
    timer = setTimeout(start, delayMs)
  }

  const start = (): void => {
    clearTimeout(timer)
    timer = undefined
    if (!closed) void connect()
  }

  options.onState({ state: 'connecting' })
  start()
  return {
    retryNow() {
      if (timer !== undefined) start()
    },
    close() {
      closed = true
      clearTimeout(timer)
      current?.abort()
    },
  }
}
