// "Ready" means that the server gave a real answer in its own protocol, not that its port is open.
import { exchange } from './setup/loopback.mjs'

export { kafkaAnswers } from './setup/loopback.mjs'

const ATTEMPT_MS = 2000

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
