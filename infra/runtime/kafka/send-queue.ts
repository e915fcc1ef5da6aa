/** Coalesces concurrent publishes into sends of bounded size, one in flight, first in first out. Knows no network. */
import type { Message, TopicMessages } from 'kafkajs'

export type QueuedMessage = { readonly topic: string; readonly message: Message; readonly bytes: number }

export type SendQueue = {
  /** Resolves when every message was in a send that succeeded; rejects with the error of the first send that did not. */
  push(messages: readonly QueuedMessage[]): Promise<void>
  /** Resolves when nothing is queued or in flight. */
  drained(): Promise<void>
  /** Rejects what is queued or in flight, without waiting for the send. */
  reject(error: unknown): void
}

type Job = { readonly messages: readonly QueuedMessage[]; next: number; resolve: () => void; reject: (error: unknown) => void }

export function createSendQueue(maxBytes: number, send: (topicMessages: TopicMessages[]) => Promise<void>): SendQueue {
  let jobs: Job[] = []
  let sending: Job[] = []
  let pumping: Promise<void> | null = null

  /** Takes messages off the front, over job borders, up to the limit (at least one message). */
  const take = (): { batch: TopicMessages[]; touched: Job[] } => {
    const byTopic = new Map<string, Message[]>()
    const touched: Job[] = []
    let bytes = 0
    let full = false
    for (const job of jobs) {
      touched.push(job)
      while (job.next < job.messages.length) {
        const queued = job.messages[job.next] as QueuedMessage
        if (bytes > 0 && bytes + queued.bytes > maxBytes) {
          full = true
          break
        }
        bytes += queued.bytes
        job.next += 1
        const list = byTopic.get(queued.topic)
        if (list) list.push(queued.message)
        else byTopic.set(queued.topic, [queued.message])
      }
      if (full || bytes >= maxBytes) break
    }
    return { batch: [...byTopic].map(([topic, messages]) => ({ topic, messages })), touched }
  }

  const pump = async (): Promise<void> => {
    while (jobs.length > 0) {
      const { batch, touched } = take()
      sending = touched
      const finished = new Set(touched.filter((job) => job.next === job.messages.length))
      try {
        await send(batch)
        jobs = jobs.filter((job) => !finished.has(job))
        for (const job of finished) job.resolve()
      } catch (error) {
        // A job that was only partly in this send fails as a whole: its rest must not overtake its failed part.
        const failed = new Set(touched)
        jobs = jobs.filter((job) => !failed.has(job))
        for (const job of touched) job.reject(error)
      }
      sending = []
    }
    // In the same turn as the last look at the queue: a push can never find a pump that has already decided to end.
    pumping = null
  }

  return {
    push: (messages) =>
      new Promise((resolve, reject) => {
        jobs.push({ messages, next: 0, resolve, reject })
        pumping ??= pump()
      }),
    drained: async () => {
      // A push during the wait starts a pump of its own.
      for (let current = pumping; current; current = pumping) await current
    },
    reject: (error) => {
      const all = new Set([...jobs, ...sending])
      jobs = []
      for (const job of all) job.reject(error)
    },
  }
}
