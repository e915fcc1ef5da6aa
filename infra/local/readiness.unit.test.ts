import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readyOrReason } from './readiness.ts'

describe('readyOrReason', () => {
  let server: Server
  let answer: { status: number; body: unknown }
  const ask = (mayWait?: (service: string) => boolean) =>
    readyOrReason(`http://127.0.0.1:${(server.address() as AddressInfo).port}/readyz`, mayWait)
  beforeAll(async () => {
    server = createServer((_request, response) => response.writeHead(answer.status).end(JSON.stringify(answer.body)))
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  })
  afterAll(() => {
    server.close()
  })
  const waiting = (...names: string[]) => ({
    status: 503,
    body: { ready: false, reasons: names.map((name) => ({ name, reason: 'starting' })) },
  })

  it('tells every reason of a process that is not ready', async () => {
    answer = waiting('features', 'alert-policy#2')
    expect(await ask()).toBe('features: starting; alert-policy#2: starting')
  })
  it('leaves out services that may wait, whichever of their loops it is', async () => {
    const mayWait = (service: string): boolean => service === 'alert-policy'
    answer = waiting('features', 'alert-policy#2')
    expect(await ask(mayWait)).toBe('features: starting')
    answer = waiting('alert-policy', 'alert-policy#2')
    expect(await ask(mayWait)).toBe(true)
  })
  it('is neither ready nor explained without reasons', async () => {
    answer = { status: 503, body: { ready: false, reasons: [] } }
    expect(await ask(() => true)).toBe(false)
    answer = { status: 200, body: { ready: true, reasons: [] } }
    expect(await ask()).toBe(true)
  })
})
