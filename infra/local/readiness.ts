// "Ready" means that the server gave a real answer in its own protocol, not that its port is open.
import { connect } from 'node:net'
import { HOST } from './ports.ts'

const ATTEMPT_MS = 2000

/** Kafka: an ApiVersions request (v0) answered without an error code. */
export async function kafkaAnswers(port: number): Promise<boolean> {
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

/** RabbitMQ: the protocol header answered with a connection.start method frame (class 10, method 10). */
export async function amqpAnswers(port: number): Promise<boolean> {
  const answer = await exchange(port, Buffer.from('AMQP\0\0\x09\x01', 'latin1'), 11)
  return answer !== null && answer[0] === 1 && answer.readUInt16BE(7) === 10 && answer.readUInt16BE(9) === 10
}

/** A mail server: its greeting starts with 220. */
export async function smtpAnswers(port: number): Promise<boolean> {
  const answer = await exchange(port, null, 4)
  return answer !== null && answer.toString('latin1').startsWith('220')
}

/** An HTTP GET that answers 200 (and, when given, this body). */
export async function httpAnswers(url: string, body?: string): Promise<boolean> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(ATTEMPT_MS) })
    const text = await response.text()
    return response.status === 200 && (body === undefined || text === body)
  } catch {
    return false // not listening yet, or not answering in time
  }
}

/**
 * One of our own processes: true when /readyz says so, its reasons while it does not, false when nothing answers. Services for which
 * `mayWait` holds do not count.
 */
export async function readyOrReason(url: string, mayWait: (service: string) => boolean = () => false): Promise<boolean | string> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(ATTEMPT_MS) })
    const text = await response.text()
    if (response.status === 200) return true
    const { reasons } = JSON.parse(text) as { reasons?: ReadonlyArray<{ name: string; reason: string }> }
    if (reasons === undefined || reasons.length === 0) return false
    // A service with several loops names each, as alert-policy#2.
    const counting = reasons.filter(({ name }) => !mayWait(name.replace(/#\d+$/, '')))
    return counting.length === 0 || counting.map(({ name, reason }) => `${name}: ${reason}`).join('; ')
  } catch {
    return false // not listening yet, not answering in time, or not one of ours
  }
}

/** Sends bytes and resolves with the first `atLeast` bytes of the answer or more; null when there is none in time. */
function exchange(port: number, request: Buffer | null, atLeast: number): Promise<Buffer | null> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: HOST })
    let received = Buffer.alloc(0)
    const finish = (answer: Buffer | null): void => {
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
