/** A TCP relay in front of a server under test that can lose connections on demand. */
import { type AddressInfo, type Socket, connect, createServer } from 'node:net'

export type FaultProxy = {
  readonly port: number
  /** Refuses and cuts everything until `restore`. */
  break(): void
  restore(): void
  /** Lets `count` more answers through, then cuts the connection instead of relaying the next one; then relays again. */
  loseAnswerAfter(count: number): void
  close(): Promise<void>
}

export async function openFaultProxy(target: { host: string; port: number }): Promise<FaultProxy> {
  const sockets = new Set<Socket>()
  let broken = false
  let answersLeft = Number.POSITIVE_INFINITY

  const server = createServer((client) => {
    if (broken) {
      client.destroy()
      return
    }
    const upstream = connect(target.port, target.host)
    const cut = (): void => {
      client.destroy()
      upstream.destroy()
    }
    for (const socket of [client, upstream]) {
      sockets.add(socket)
      socket.on('error', cut)
      socket.on('close', () => {
        sockets.delete(socket)
        cut()
      })
    }
    client.pipe(upstream)
    upstream.on('data', (chunk: Buffer) => {
      // HTTP answers of inserts are small: the chunk with the status line is the answer.
      if (chunk.subarray(0, 5).toString() === 'HTTP/' && answersLeft-- <= 0) {
        answersLeft = Number.POSITIVE_INFINITY
        cut()
        return
      }
      client.write(chunk)
    })
  })
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  const cutAll = (): void => {
    for (const socket of sockets) socket.destroy()
  }
  return {
    port: (server.address() as AddressInfo).port,
    break() {
      broken = true
      cutAll()
    },
    restore() {
      broken = false
    },
    loseAnswerAfter(count) {
      answersLeft = count
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        cutAll()
      }),
  }
}
