/** One small HTTP server per process: /livez (loops tick), /readyz (why not), /metrics. */
import { type Server, createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Readiness } from './define.ts'

export type ProbeSources = {
  readonly liveness: () => ReadonlyArray<{ name: string; lastTickAgeMs: number }>
  readonly readiness: () => ReadonlyArray<{ name: string; state: Readiness }>
  readonly metrics: () => Promise<{ contentType: string; body: string }>
}

/** A loop that has not ticked for this long is dead. */
const LIVENESS_LIMIT_MS = 60_000

export type ProbeServer = { readonly port: number; readonly url: string; close(): Promise<void> }

export async function openProbeServer(options: { port: number; host: string; sources: ProbeSources }): Promise<ProbeServer> {
  const { sources } = options
  const server = createServer((request, response) => {
    const path = (request.url ?? '/').split('?')[0]
    const json = (status: number, body: unknown): void => {
      response.writeHead(status, { 'content-type': 'application/json' })
      response.end(`${JSON.stringify(body)}\n`)
    }
    if (path === '/livez') {
      const stuck = sources.liveness().filter(({ lastTickAgeMs }) => lastTickAgeMs > LIVENESS_LIMIT_MS)
      json(stuck.length === 0 ? 200 : 503, { live: stuck.length === 0, stuck })
    } else if (path === '/readyz') {
      const reasons = sources.readiness().flatMap(({ name, state }) => (state.ready ? [] : [{ name, reason: state.reason }]))
      json(reasons.length === 0 ? 200 : 503, { ready: reasons.length === 0, reasons })
    } else if (path === '/metrics') {
      sources.metrics().then(
        ({ contentType, body }) => {
          response.writeHead(200, { 'content-type': contentType })
          response.end(body)
        },
        (error: unknown) => json(500, { error: String(error) }),
      )
    } else json(404, { error: 'not found', paths: ['/livez', '/readyz', '/metrics'] })
  })
  await listen(server, options.port, options.host)
  const { port } = server.address() as AddressInfo
  return {
    port,
    url: `http://${options.host}:${port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

function listen(server: Server, port: number, host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, () => {
      server.off('error', reject)
      resolve()
    })
  })
}
