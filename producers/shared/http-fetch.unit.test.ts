import { describe, expect, it } from 'vitest'
import { createHttpFetch, retryAfter } from './http-fetch.ts'
import type { HttpFetchOptions } from './http-fetch.ts'

const NOW = Date.UTC(2025, 6, 30, 14, 0, 30)
const url = new URL('https://weather.example/v1?apikey=secret')

function harness(answers: Array<Response | Error>, options: Partial<HttpFetchOptions> = {}) {
  const waits: number[] = []
  const agents: Array<string | null> = []
  const fetch = createHttpFetch({
    provider: 'Example',
    userAgent: 'isobar-test',
    fetch: async (_url, init) => {
      agents.push(new Headers(init?.headers).get('user-agent'))
      const answer = answers.shift()
      if (answer === undefined) throw new Error('no more answers')
      if (answer instanceof Error) throw answer
      return answer
    },
    pause: async (ms) => void waits.push(ms),
    wallNow: () => NOW,
    ...options,
  })
  return { get: async () => fetch(url, new AbortController().signal), waits, agents, left: answers }
}

describe('fetching from a provider', () => {
  it('says who it is and hands over the body', async () => {
    const h = harness([new Response('[1]')])
    const answer = await h.get()
    expect(answer.kind === 'ok' && new TextDecoder().decode(answer.body)).toBe('[1]')
    expect(h.agents).toEqual(['isobar-test'])
  })

  it('knows nothing-matches from no-such-file', async () => {
    const h = harness([new Response(null, { status: 204 }), new Response('no', { status: 404 })])
    expect([(await h.get()).kind, (await h.get()).kind]).toEqual(['empty', 'not-found'])
  })

  it('waits as Retry-After says, in seconds or as a date, then tries again', async () => {
    const h = harness([
      new Response('slow down', { status: 429, headers: { 'retry-after': '7' } }),
      new Response('busy', { status: 503, headers: { 'retry-after': new Date(NOW + 5_000).toUTCString() } }),
      new Response('ok'),
    ])
    expect((await h.get()).kind).toBe('ok')
    expect(h.waits).toEqual([7_000, 5_000])
  })

  it('backs off when a server error does not say how long', async () => {
    const h = harness([new Response('', { status: 500 }), new Response('', { status: 502 }), new Response('ok')])
    expect((await h.get()).kind).toBe('ok')
    expect(h.waits[0]).toBeGreaterThanOrEqual(500)
    expect(h.waits[1]).toBeGreaterThan(h.waits[0] ?? 0)
  })

  it('leaves a long wait to the caller', async () => {
    const h = harness([new Response('x', { status: 429, headers: { 'retry-after': '3600' } }), new Response('ok')])
    await expect(h.get()).rejects.toMatchObject({
      code: 'provider-refused',
      retry: 'transient',
      context: { retryAfterMs: 3_600_000 },
    })
    expect(h.left).toHaveLength(1)
  })

  it('reads the wait from the text where a provider writes it there', async () => {
    const h = harness([new Response('try tomorrow', { status: 429 })], {
      waitFromBody: (body) => (body.includes('tomorrow') ? 86_400_000 : null),
    })
    await expect(h.get()).rejects.toMatchObject({ context: { retryAfterMs: 86_400_000 } })
  })

  it('does not repeat a request that is wrong', async () => {
    const h = harness([new Response('unknown station', { status: 400 }), new Response('ok')])
    await expect(h.get()).rejects.toMatchObject({ code: 'provider-rejected', retry: 'permanent' })
    expect(h.left).toHaveLength(1)
  })

  it('reports an unreachable network after its attempts, with the cause and without the key', async () => {
    const offline = new TypeError('fetch failed', { cause: new Error('getaddrinfo ENOTFOUND weather.example') })
    const error = await harness([offline, offline, offline])
      .get()
      .catch((e: unknown) => e as Error)
    expect(error).toMatchObject({ code: 'provider-unreachable', retry: 'transient' })
    expect(String(error)).toContain('ENOTFOUND')
    expect(String(error)).not.toContain('secret')
  })

  it('refuses a body without end', async () => {
    const h = harness([new Response('x'.repeat(2_000))], { maxBytes: 1_000 })
    await expect(h.get()).rejects.toMatchObject({ code: 'provider-rejected' })
  })
})

it('reads Retry-After', () => {
  expect(retryAfter('120', NOW)).toBe(120_000)
  expect(retryAfter(new Date(NOW - 1_000).toUTCString(), NOW)).toBe(0)
  expect(retryAfter('soon', NOW)).toBeNull()
  expect(retryAfter(null, NOW)).toBeNull()
})
