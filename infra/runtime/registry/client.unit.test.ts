import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { openRegistry } from './client.ts'

const SCHEMA = { type: 'record', name: 'Observation', fields: [] }

describe('a registry that accepts connections and never answers', () => {
  let server: Server
  beforeEach(async () => {
    server = createServer(() => undefined)
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  })
  afterEach(() => {
    vi.useRealTimers()
    server.closeAllConnections()
    server.close()
  })

  it.each([
    ['findId', 10_000],
    ['register', 30_000],
  ] as const)('%s says that it is not there, as something that passes', async (call, milliseconds) => {
    const registry = openRegistry({ schemaRegistryUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}` })
    const refused = expect(registry[call]('weather.observation.v1-value', SCHEMA)).rejects.toMatchObject({
      code: 'registry-unavailable',
      retry: 'transient',
    })
    await vi.advanceTimersByTimeAsync(milliseconds)
    await refused
  })
})

describe('a subject that somebody else is making', () => {
  const MISSING = { status: 404, body: { error_code: 40401, message: 'none' } }
  const rule = (compatibilityLevel: string) => ({ status: 200, body: { compatibilityLevel } })
  const made = { status: 200, body: { id: 7 } }
  const taken = { status: 409, body: { error_code: 409, message: "An artifact with ID 'a' in group 'null' already exists." } }
  type Answer = { readonly status: number; readonly body: object }

  /** Answers to looks at the rule and to registrations, in order, the last one again and again. */
  async function register(rules: readonly Answer[], posts: readonly Answer[]): Promise<{ id: number }> {
    const next = { rules: [...rules], posts: [...posts] }
    const take = (answers: Answer[]): Answer => (answers.length > 1 ? answers.shift() : answers[0]) as Answer
    const server = createServer(({ method, url }, response) => {
      const isPost = method === 'POST' && url?.endsWith('/versions')
      const { status, body } = isPost ? take(next.posts) : method === 'PUT' ? { status: 200, body: {} } : take(next.rules)
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    try {
      const registry = openRegistry({ schemaRegistryUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}` })
      return await registry.register('weather.observation.v1-value', SCHEMA)
    } finally {
      server.closeAllConnections()
      server.close()
    }
  }

  it('is taken as it is when it has come a moment before', async () => {
    await expect(register([MISSING, rule('FULL_TRANSITIVE')], [taken, made])).resolves.toMatchObject({ id: 7 })
  })
  it('is waited for while its rule has not been set yet', async () => {
    await expect(register([rule('NONE'), rule('NONE'), rule('FULL_TRANSITIVE')], [made])).resolves.toMatchObject({ id: 7 })
  })
  it('is refused when its rule stays another one', async () => {
    await expect(register([rule('BACKWARD')], [made])).rejects.toMatchObject({ code: 'schema-incompatible', retry: 'permanent' })
  })
})

it('says that a schema is not registered, apart from a registry that is not there, and lets it be waited for', async () => {
  const server = createServer((_request, response) => {
    response
      .writeHead(404, { 'content-type': 'application/json' })
      .end(JSON.stringify({ error_code: 40401, message: "No artifact with ID 'a' in group 'null' was found." }))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const registry = openRegistry({ schemaRegistryUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}` })
  await expect(registry.findId('weather.observation.v1-value', SCHEMA)).rejects.toMatchObject({
    code: 'schema-not-registered',
    retry: 'transient',
    message: expect.stringContaining('isobar topics apply') as string,
  })
  server.closeAllConnections()
  server.close()
})
