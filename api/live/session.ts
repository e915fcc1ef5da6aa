/**
 * One client of the live stream. Guarantee: of the topics asked for, every event from the resume point on, once, in the order of each
 * partition; or, when the topics no longer hold them, a `reset`. A client that does not keep up is cut off: its last id resumes.
 */
import type { TopicName } from '../../schemas/topics.ts'
import { encodeEventId } from './event-id.ts'
import { type LiveEvent, type LiveFeed, type Positions, positionKey } from './feed.ts'

export type LiveRequest = {
  readonly topics: readonly TopicName[]
  /** Null: all. Events about no station are sent to everybody. */
  readonly stations: ReadonlySet<string> | null
  /** Null: from now on. */
  readonly from: Positions | null
}
export type LiveOutput = {
  /** Resolves when the client has room again. */
  event(name: string, id: string, data: string): Promise<void>
  /** Once at the start and then whenever nothing was said for a while. */
  heartbeat(): Promise<void>
}
export type SessionEnd = 'closed' | 'too-slow'

const HEARTBEAT_MS = 10_000
/** Events a client may lag behind before it is cut off. */
const MAX_QUEUED_EVENTS = 2000

export async function serveLive(
  feed: LiveFeed,
  request: LiveRequest,
  out: LiveOutput,
  signal: AbortSignal,
  options: { maxQueuedEvents?: number; heartbeatMs?: number } = {},
): Promise<SessionEnd> {
  const { topics, stations, from } = request
  const { maxQueuedEvents = MAX_QUEUED_EVENTS, heartbeatMs = HEARTBEAT_MS } = options
  const wanted = new Set<TopicName>(topics)
  const queue: LiveEvent[] = []
  let isTooSlow = false
  let wake: () => void = () => undefined

  const passes = (event: LiveEvent): boolean =>
    wanted.has(event.topic) && (stations === null || event.stationId === null || stations.has(event.stationId))
  // Before the past is read: what is published meanwhile waits in the queue, and offsets tell what is known from both.
  const unsubscribe = feed.subscribe((event) => {
    if (!passes(event)) return
    if (queue.length >= maxQueuedEvents) isTooSlow = true
    else queue.push(event)
    wake()
  })
  const position = feed.positions(topics)
  if (from !== null) for (const key of position.keys()) position.set(key, from.get(key) ?? (position.get(key) as number))
  const onAbort = (): void => wake()
  signal.addEventListener('abort', onAbort)

  async function send(event: LiveEvent): Promise<void> {
    const key = positionKey(event.topic, event.partition)
    if (event.offset < (position.get(key) ?? 0)) return
    position.set(key, event.offset + 1)
    if (passes(event)) await out.event(event.topic, encodeEventId(topics, position), event.json())
  }

  try {
    await out.heartbeat()
    if (from !== null) {
      const past = feed.since(topics, position)
      if (past !== null) for (const event of past) await send(event)
      else if ((await feed.readBack(topics, new Map(position), send, signal)) === 'gone') {
        const now = feed.positions(topics)
        for (const [key, offset] of now) position.set(key, Math.max(offset, position.get(key) ?? 0))
        await out.event('reset', encodeEventId(topics, position), '{"reason":"the topics no longer hold what was missed"}')
      }
    }
    while (!signal.aborted) {
      if (isTooSlow) return 'too-slow'
      const event = queue.shift()
      if (event) await send(event)
      else if (await idle()) await out.heartbeat()
    }
    return 'closed'
  } finally {
    unsubscribe()
    signal.removeEventListener('abort', onAbort)
  }

  /** True after a silence, false when something came. */
  function idle(): Promise<boolean> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => resolve(true), heartbeatMs)
      wake = () => {
        clearTimeout(timer)
        resolve(false)
      }
      if (queue.length > 0 || isTooSlow || signal.aborted) wake()
    })
  }
}
