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

it('takes the version of whoever registered the same subject a moment before', async () => {
  let posts = 0
  const server = createServer((request, response) => {
    const answer = (status: number, body: object): void => {
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
    }
    if (request.method === 'POST' && request.url?.endsWith('/versions')) {
      posts += 1
      if (posts === 1) answer(409, { error_code: 409, message: "An artifact with ID 'a' in group 'null' already exists." })
      else answer(200, { id: 7 })
    } else answer(request.method === 'PUT' ? 200 : 404, request.method === 'PUT' ? {} : { error_code: 40401, message: 'none' })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  try {
    const registry = openRegistry({ schemaRegistryUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}` })
    await expect(registry.register('weather.observation.v1-value', SCHEMA)).resolves.toMatchObject({ id: 7 })
    expect(posts).toBe(2)
  } finally {
    server.close()
  }
})
