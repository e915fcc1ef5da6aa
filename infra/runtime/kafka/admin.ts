/** Deploy step for Kafka: the topics of the catalogue and their dead-letter topics. */
import kafkajs, { type Admin } from 'kafkajs'
import { deadLetterTopic, TOPIC_NAMES, TOPICS } from '../../../schemas/topics.ts'
import type { KafkaConfig } from '../config/index.ts'
import type { Logger } from '../log.ts'
import { withAdmin } from './admin-client.ts'

const HOUR_MS = 3_600_000
const DEAD_LETTER_RETENTION_MS = 30 * 24 * HOUR_MS

type Wanted = { readonly topic: string; readonly partitions: number; readonly settings: Readonly<Record<string, string>> }

export type TopicChange = {
  readonly topic: string
  readonly change: 'create' | 'add-partitions' | 'change-settings'
  readonly detail: string
}

/** What `applyTopics` would change; empty when the broker is as the catalogue says. */
export function planTopics(config: KafkaConfig, log: Logger): Promise<TopicChange[]> {
  return withAdmin(config, log, async (admin) => (await compare(admin)).map(({ change }) => change))
}

/** Creates what is missing, adds partitions, sets what differs. Never deletes, never removes partitions. Safe to repeat. */
export function applyTopics(config: KafkaConfig, log: Logger): Promise<TopicChange[]> {
  return withAdmin(config, log, async (admin) => {
    const changes = await compare(admin)
    const created = changes.filter(({ change }) => change.change === 'create').map(({ wanted }) => wanted)
    if (created.length > 0) {
      await admin.createTopics({
        waitForLeaders: true,
        topics: created.map(({ topic, partitions, settings }) => ({
          topic,
          numPartitions: partitions,
          configEntries: Object.entries(settings).map(([name, value]) => ({ name, value })),
        })),
      })
    }
    for (const { change, wanted } of changes) {
      if (change.change === 'add-partitions')
        await admin.createPartitions({ topicPartitions: [{ topic: wanted.topic, count: wanted.partitions }] })
      if (change.change === 'change-settings') {
        await admin.alterConfigs({
          validateOnly: false,
          resources: [
            {
              type: kafkajs.ConfigResourceTypes.TOPIC,
              name: wanted.topic,
              configEntries: Object.entries(wanted.settings).map(([name, value]) => ({ name, value })),
            },
          ],
        })
      }
    }
    return changes.map(({ change }) => change)
  })
}

function wantedTopics(): Wanted[] {
  return TOPIC_NAMES.flatMap((topic) => {
    const { partitions, cleanup, retentionHours, deadLetters } = TOPICS[topic]
    const settings: Record<string, string> = { 'cleanup.policy': cleanup, 'message.timestamp.type': 'LogAppendTime' }
    if (retentionHours !== null) settings['retention.ms'] = String(retentionHours * HOUR_MS)
    const main: Wanted = { topic, partitions, settings }
    const dead: Wanted = {
      topic: deadLetterTopic(topic),
      partitions: 1,
      settings: { 'cleanup.policy': 'delete', 'retention.ms': String(DEAD_LETTER_RETENTION_MS) },
    }
    return deadLetters ? [main, dead] : [main]
  })
}

async function compare(admin: Admin): Promise<Array<{ change: TopicChange; wanted: Wanted }>> {
  const existing = new Set(await admin.listTopics())
  const changes: Array<{ change: TopicChange; wanted: Wanted }> = []
  const present: Wanted[] = []
  for (const wanted of wantedTopics()) {
    if (existing.has(wanted.topic)) present.push(wanted)
    else changes.push({ wanted, change: { topic: wanted.topic, change: 'create', detail: `${wanted.partitions} partitions` } })
  }
  if (present.length === 0) return changes
  const metadata = await admin.fetchTopicMetadata({ topics: present.map(({ topic }) => topic) })
  const partitionsOf = new Map(metadata.topics.map(({ name, partitions }) => [name, partitions.length]))
  const described = await admin.describeConfigs({
    includeSynonyms: false,
    resources: present.map(({ topic, settings }) => ({
      type: kafkajs.ConfigResourceTypes.TOPIC,
      name: topic,
      configNames: Object.keys(settings),
    })),
  })
  for (const wanted of present) {
    const partitions = partitionsOf.get(wanted.topic) ?? 0
    if (partitions < wanted.partitions) {
      changes.push({
        wanted,
        change: { topic: wanted.topic, change: 'add-partitions', detail: `${partitions} to ${wanted.partitions}` },
      })
    }
    const entries = described.resources.find(({ resourceName }) => resourceName === wanted.topic)?.configEntries ?? []
    const different = Object.entries(wanted.settings).filter(
      ([name, value]) => entries.find((entry) => entry.configName === name)?.configValue !== value,
    )
    if (different.length > 0) {
      changes.push({
        wanted,
        change: {
          topic: wanted.topic,
          change: 'change-settings',
          detail: different.map(([name, value]) => `${name}=${value}`).join(', '),
        },
      })
    }
  }
  return changes
}
