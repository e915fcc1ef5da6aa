// Free ports on the loopback address, remembered so that a second start keeps the addresses of the first.
import { randomInt } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import type { Server } from 'node:net'
import { createServer } from 'node:net'
import { z } from 'zod'
import { HOST } from './setup/loopback.mjs'

export { HOST }

// Below the range from which operating systems take the ports of outgoing connections (32768 up on Linux, 49152 up elsewhere): between
// two starts no client connection can sit on a remembered port.
const LOWEST = 20_000
const HIGHEST = 32_000
const ATTEMPTS = 200

const Remembered = z.record(z.string(), z.number().int().min(1).max(65_535))

/** One free port per name: the remembered one where it is still free, else a random one. All distinct. */
export async function choosePorts<Name extends string>(
  names: readonly Name[],
  remembered: Partial<Record<Name, number>> = {},
): Promise<Record<Name, number>> {
  const held: Server[] = []
  const ports = {} as Record<Name, number>
  try {
    // Held until all are chosen, so that no two names get the same.
    for (const name of names) {
      const { server, port } = await holdPort(remembered[name])
      held.push(server)
      ports[name] = port
    }
  } finally {
    await Promise.all(held.map((server) => new Promise((resolve) => server.close(resolve))))
  }
  return ports
}

export function readRememberedPorts(file: string): Record<string, number> {
  try {
    return Remembered.parse(JSON.parse(readFileSync(file, 'utf8')))
  } catch {
    return {} // none yet, or unreadable: new ones are chosen
  }
}

export function rememberPorts(file: string, ports: Record<string, number>): void {
  writeFileSync(file, `${JSON.stringify(ports, null, 2)}\n`)
}

async function holdPort(preferred: number | undefined): Promise<{ server: Server; port: number }> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const port = attempt === 0 && preferred !== undefined ? preferred : randomInt(LOWEST, HIGHEST)
    const server = await listen(port)
    if (server !== null) return { server, port }
  }
  throw new Error(`no free port between ${LOWEST} and ${HIGHEST} on ${HOST}`)
}

/** Null when the port is taken (or not ours to take). */
function listen(port: number): Promise<Server | null> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE' || error.code === 'EACCES') resolve(null)
      else reject(error)
    })
    server.listen({ port, host: HOST, exclusive: true }, () => resolve(server))
  })
}
