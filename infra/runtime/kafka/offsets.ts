/** How far topics reach and how far groups are. */
import type { TopicName } from '../../../schemas/topics.ts'
import type { KafkaConfig } from '../config/index.ts'
import type { Logger } from '../log.ts'
import { withAdmin } from './admin-client.ts'
import { fromBroker, onBroker } from './connection.ts'

export type PartitionEnd = { readonly topic: string; readonly partition: number; readonly low: number; readonly end: number }

/** First offset that is kept and the offset after the last, per partition. */
export function readEnds(config: KafkaConfig, log: Logger, topics: readonly string[]): Promise<PartitionEnd[]> {
  return withAdmin(config, log, async (admin) => {
    const ends: PartitionEnd[] = []
    for (const topic of topics) {
      for (const { partition, low, high } of await admin.fetchTopicOffsets(onBroker(config, topic))) {
        ends.push({ topic, partition, low: Number(low), end: Number(high) })
      }
    }
    return ends
  })
}

export type PartitionLag = {
  readonly topic: TopicName
  readonly partition: number
  /** Next offset the group will read after a restart; null when it has committed nothing. */
  readonly committed: number | null
  readonly end: number
  /** Events that are kept and not yet done. */
  readonly lag: number
}

export async function readLag(
  config: KafkaConfig,
  log: Logger,
  groupId: string,
  topics: readonly TopicName[],
): Promise<PartitionLag[]> {
  const [rows] = await readLags(config, log, [{ groupId, topics }])
  return rows ?? []
}

/** Several groups with one connection; answers in the order of the groups. */
export function readLags(
  config: KafkaConfig,
  log: Logger,
  groups: ReadonlyArray<{ readonly groupId: string; readonly topics: readonly TopicName[] }>,
): Promise<PartitionLag[][]> {
  return withAdmin(config, log, async (admin) => {
    const ends = new Map<TopicName, ReadonlyArray<{ partition: number; low: string; high: string }>>()
    for (const topic of new Set(groups.flatMap(({ topics }) => topics))) {
      ends.set(topic, await admin.fetchTopicOffsets(onBroker(config, topic)))
    }
    const answers: PartitionLag[][] = []
    for (const { groupId, topics } of groups) {
      const committed = new Map(
        (
          await admin.fetchOffsets({
            groupId: onBroker(config, groupId),
            topics: topics.map((topic) => onBroker(config, topic)),
          })
        ).flatMap(({ topic, partitions }) =>
          partitions.map(({ partition, offset }) => [`${fromBroker(config, topic)}|${partition}`, Number(offset)] as const),
        ),
      )
      const rows: PartitionLag[] = []
      for (const topic of topics) {
        for (const { partition, low, high } of ends.get(topic) ?? []) {
          const offset = committed.get(`${topic}|${partition}`) ?? -1
          const end = Number(high)
          rows.push({
            topic,
            partition,
            committed: offset < 0 ? null : offset,
            end,
            lag: Math.max(0, end - Math.max(offset, Number(low))),
          })
        }
      }
      answers.push(rows)
    }
    return answers
  })
}
