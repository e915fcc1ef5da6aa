/** Event time of each offset of the weather topics, as far as this process has seen: turns a group's committed offset into a time. */
import type { InboundEvent } from '../../infra/runtime/kafka/types.ts'
import type { TopicName } from '../../schemas/topics.ts'

/** Per partition; older offsets count as the oldest kept. */
const KEPT = 4096

type Track = { offsets: number[]; times: number[] }
export type Progress = ReturnType<typeof createProgress>

export function createProgress() {
  const tracks = new Map<string, Track>()
  return {
    note(event: InboundEvent): void {
      const time = eventTime(event)
      if (time === null) return
      const key = `${event.topic}|${event.partition}`
      const track = tracks.get(key) ?? { offsets: [], times: [] }
      tracks.set(key, track)
      if (event.offset <= (track.offsets.at(-1) ?? -1)) return
      track.offsets.push(event.offset)
      // Corrections of old hours do not set a stage back.
      track.times.push(Math.max(time, track.times.at(-1) ?? time))
      if (track.offsets.length >= 2 * KEPT) {
        track.offsets.splice(0, KEPT)
        track.times.splice(0, KEPT)
      }
    },
    /** Newest event time of a topic; null when nothing was seen. */
    newest(topic: TopicName): number | null {
      let newest: number | null = null
      for (const [key, { times }] of tracks) {
        const time = times.at(-1)
        if (time !== undefined && key.startsWith(`${topic}|`) && time > (newest ?? -Infinity)) newest = time
      }
      return newest
    },
    /** Event time that who has worked up to `next` (exclusive) has reached. */
    reached(topic: TopicName, partition: number, next: number): number | null {
      const track = tracks.get(`${topic}|${partition}`)
      if (!track) return null
      let low = 0
      let high = track.offsets.length
      while (low < high) {
        const middle = (low + high) >> 1
        if ((track.offsets[middle] as number) < next) low = middle + 1
        else high = middle
      }
      return track.times[Math.max(0, low - 1)] ?? null
    },
  }
}

function eventTime(event: InboundEvent): number | null {
  if (event.topic === 'weather.feature.v1') return event.value.validAt
  if (event.topic === 'weather.forecast.v1') return event.value.issuedAt
  const isObserved =
    event.topic === 'weather.observation.v1' ||
    event.topic === 'weather.observation-checked.v1' ||
    event.topic === 'weather.verification.v1'
  return isObserved ? event.value.observedAt : null
}
