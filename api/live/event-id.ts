/**
 * Ids of the live stream: for each topic of the stream the offset of the next event per partition, e.g.
 * `weather.forecast.v1=120.98.0;alert.v1=7`. A client that sends the last one back gets exactly what came after.
 */
import { TOPIC_NAMES, type TopicName } from '../../schemas/topics.ts'
import { type Positions, positionKey } from './feed.ts'

const MAX_LENGTH = 8000

export function encodeEventId(topics: readonly TopicName[], positions: Positions): string {
  return topics
    .map((topic) => {
      const offsets: string[] = []
      for (let partition = 0; positions.has(positionKey(topic, partition)); partition++) {
        offsets.push(String(positions.get(positionKey(topic, partition))))
      }
      return `${topic}=${offsets.join('.')}`
    })
    .join(';')
}

/** Null when it is not one of our ids. */
export function decodeEventId(text: string): Map<string, number> | null {
  if (text.length > MAX_LENGTH) return null
  const positions = new Map<string, number>()
  for (const part of text.split(';')) {
    const [name = '', offsets, more] = part.split('=')
    if (!(TOPIC_NAMES as readonly string[]).includes(name) || offsets === undefined || more !== undefined) return null
    if (offsets === '') continue
    for (const [partition, offset] of offsets.split('.').entries()) {
      if (!/^\d{1,15}$/.test(offset)) return null
      positions.set(positionKey(name, partition), Number(offset))
    }
  }
  return positions
}
