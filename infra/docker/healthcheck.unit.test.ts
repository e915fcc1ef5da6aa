import { execFile } from 'node:child_process'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'

const script = fileURLToPath(new URL('healthcheck.mjs', import.meta.url))

/** Exit code and what the health log would show. */
function check(port: number): Promise<{ code: number; said: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, [script], { env: { ...process.env, METRICS_PORT: String(port) } }, (error, _out, said) =>
      resolve({ code: typeof error?.code === 'number' ? error.code : 0, said }),
    )
  })
}

it('says healthy when ready, unhealthy with the reasons when not, and unhealthy without an answer', async () => {
  let ready = true
  const asked: Array<string | undefined> = []
  const server = createServer((request, response) => {
    asked.push(request.url)
    response
      .writeHead(ready ? 200 : 503)
      .end(JSON.stringify({ ready, reasons: ready ? [] : [{ name: 'x', reason: 'no Kafka' }] }))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  try {
    expect(await check(port)).toEqual({ code: 0, said: '' })
    ready = false
    const unready = await check(port)
    expect(unready.code).toBe(1)
    expect(unready.said).toContain('no Kafka')
    expect(asked).toEqual(['/readyz', '/readyz'])
  } finally {
    await new Promise((resolve) => server.close(resolve))
  }
  const gone = await check(port)
  expect(gone.code).toBe(1)
  expect(gone.said).toContain(`no answer on port ${port}`)
})
