/** What every polling producer does with a station's newly fetched observations: publish what is new, then remember how far. */
import type { Publisher } from '../../infra/runtime/kafka/types.ts'
import type { Observation, Station } from '../../schemas/generated/types.ts'
import type { Progress } from './progress.ts'

export type Feed = {
  publishStations(stations: readonly Station[]): Promise<void>
  /** Where to fetch from, epoch ms: the resume point less the overlap in which providers still correct; null: nothing fetched yet. */
  resumeFrom(stationId: string): Promise<number | null>
  /** Publishes observations of one station in time order; resolves with how many. Repetitions inside the overlap are for quality control to drop. */
  publish(stationId: string, observations: readonly Observation[]): Promise<number>
}

export type FeedOptions = {
  readonly publisher: Pick<Publisher, 'publish'>
  readonly progress: Progress
  /** Providers fill in and correct recent hours. */
  readonly overlapHours: number
}

const HOUR_MS = 3_600_000

export function createFeed({ publisher, progress, overlapHours }: FeedOptions): Feed {
  // Of the overlap, only what changed since it was last published: a poll without news publishes nothing.
  const published = new Map<string, Map<string, { at: number; content: string }>>()

  return {
    publishStations: (stations) =>
      publisher.publish(stations.map((value) => ({ topic: 'weather.station.v1' as const, key: value.stationId, value }))),
    async resumeFrom(stationId) {
      const through = await progress.load(stationId)
      return through === null ? null : through - overlapHours * HOUR_MS
    },
    async publish(stationId, observations) {
      const from = (await this.resumeFrom(stationId)) ?? -Infinity
      const before = published.get(stationId) ?? new Map<string, { at: number; content: string }>()
      const ordered = observations.filter((o) => o.observedAt >= from).sort((a, b) => a.observedAt - b.observedAt)
      const news = ordered.filter((o) => before.get(identityOf(o))?.content !== contentOf(o))
      if (news.length === 0) return 0
      await publisher.publish(news.map((value) => ({ topic: 'weather.observation.v1' as const, key: stationId, value })))
      const through = Math.max(...news.map((o) => o.observedAt), (await progress.load(stationId)) ?? -Infinity)
      await progress.save(stationId, through)
      for (const o of news) before.set(identityOf(o), { at: o.observedAt, content: contentOf(o) })
      for (const [id, { at }] of before) if (at < through - overlapHours * HOUR_MS) before.delete(id)
      published.set(stationId, before)
      return news.length
    },
  }
}

function identityOf({ observedAt, source, kind }: Observation): string {
  return `${observedAt} ${source} ${kind}`
}

function contentOf({ receivedAt: _receivedAt, ...content }: Observation): string {
  return JSON.stringify(content)
}
