// What the set-up and the launcher ask of this machine's loopback address. Plain JavaScript for any Node >= 18, no dependencies.
import { connect, createServer } from 'node:net'

export const HOST = '127.0.0.1'
const ATTEMPT_MS = 2000

/** A port that nothing listens on now. */
export function freePort() {
  return new Promise((resolve, reject) => {
    const server = createServer().once('error', reject)
    server.listen(0, HOST, () => {
      const { port } = server.address()
      server.close(() => resolve(port))
    })
  })
}

/** Kafka: an ApiVersions request (v0) answered without an error code. */
export async function kafkaAnswers(port) {
  const clientId = Buffer.from('isobar-probe')
  const body = Buffer.alloc(10 + clientId.length)
  body.writeInt16BE(18, 0) // api key: ApiVersions
  body.writeInt16BE(0, 2) // api version
  body.writeInt32BE(1, 4) // correlation id
  body.writeInt16BE(clientId.length, 8)
  clientId.copy(body, 10)
  const size = Buffer.alloc(4)
  size.writeInt32BE(body.length)
  const answer = await exchange(port, Buffer.concat([size, body]), 10)
  return answer !== null && answer.readInt32BE(4) === 1 && answer.readInt16BE(8) === 0
}

/** Sends bytes and resolves with the first `atLeast` bytes of the answer or more; null when there is none in time. */
export function exchange(port, request, atLeast) {
  return new Promise((resolve) => {
    const socket = connect({ port, host: HOST })
    let received = Buffer.alloc(0)
    const finish = (answer) => {
      socket.destroy()
      resolve(answer)
    }
    socket.setTimeout(ATTEMPT_MS, () => finish(null))
    socket.once('error', () => finish(null))
    socket.once('close', () => finish(null))
    if (request !== null) socket.once('connect', () => socket.write(request))
    socket.on('data', (bytes) => {
      received = Buffer.concat([received, bytes])
      if (received.length >= atLeast) finish(received)
    })
  })
}
