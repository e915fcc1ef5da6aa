/** Deploy step for Kafka: the topics of the catalogue and their dead-letter topics. */
import type { Admin } from 'kafkajs'
import kafkajs from './kafkajs.ts'
import { DEAD_LETTER_RETENTION_HOURS, TOPICS, TOPIC_NAMES, type TopicName, deadLetterTopic } from '../../../schemas/topics.ts'
import { pause } from '../backoff.ts'
import type { KafkaConfig } from '../config/index.ts'
import type { Logger } from '../log.ts'
import { withAdmin } from './admin-client.ts'
import { onBroker } from './connection.ts'

const HOUR_MS = 3_600_000
const LEADER_ATTEMPTS = 60
const LEADER_PAUSE_MS = 250

type Settings = Readonly<Record<string, string>>
type Wanted = { readonly topic: string; readonly partitions: number; readonly settings: Settings }

export type TopicChange = {
  /** Name on the broker. */
  readonly topic: string
  readonly change: 'create' | 'add-partitions' | 'change-settings'
  readonly detail: string
}

type PlannedChange = TopicChange & { readonly wanted: Wanted; readonly overrides: Settings }

/** What `applyTopics` would change; empty when the broker is as the catalogue says. `only` restricts it to some topics. */
export function planTopics(config: KafkaConfig, log: Logger, only: readonly TopicName[] = TOPIC_NAMES): Promise<TopicChange[]> {
  return withAdmin(config, log, async (admin) => (await compare(admin, wantedTopics(config, only))).map(toChange))
}

/**
 * Creates what is missing, adds partitions, sets what differs. Never deletes, never removes partitions, leaves settings that the
 * catalogue says nothing about. Replication is the broker's default. Safe to repeat.
 */
export function applyTopics(config: KafkaConfig, log: Logger, only: readonly TopicName[] = TOPIC_NAMES): Promise<TopicChange[]> {
  return withAdmin(config, log, async (admin) => {
    const changes = await compare(admin, wantedTopics(config, only))
    const created = changes.filter(({ change }) => change === 'create').map(({ wanted }) => wanted)
    if (created.length > 0) {
      await admin.createTopics({
        waitForLeaders: false,
        topics: created.map(({ topic, partitions, settings }) => ({
          topic,
          numPartitions: partitions,
          configEntries: toEntries(settings),
        })),
      })
      await untilLed(admin, created)
    }
    for (const { change, wanted, overrides } of changes) {
      if (change === 'add-partitions') {
        await admin.createPartitions({ topicPartitions: [{ topic: wanted.topic, count: wanted.partitions }] })
      } else if (change === 'change-settings') {
        // This request replaces all overrides of a topic: those we do not care about must be sent again.
        const configEntries = toEntries({ ...overrides, ...wanted.settings })
        await admin.alterConfigs({
          validateOnly: false,
          resources: [{ type: kafkajs.ConfigResourceTypes.TOPIC, name: wanted.topic, configEntries }],
        })
      }
    }
    return changes.map(toChange)
  })
}

/**
 * kafkajs waits for leaders too, but gives up when the broker that it asks has not heard of a topic yet that another part of it has just made:
 * many topics on a broker that has just started.
 */
async function untilLed(admin: Admin, made: readonly Wanted[]): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      const { topics } = await admin.fetchTopicMetadata({ topics: made.map(({ topic }) => topic) })
      if (topics.every(({ partitions }) => partitions.length > 0 && partitions.every(({ leader }) => leader >= 0))) return
      if (attempt >= LEADER_ATTEMPTS) throw new Error('topics were made and have no leaders')
    } catch (error) {
      if (attempt >= LEADER_ATTEMPTS) throw error
    }
    await pause(LEADER_PAUSE_MS)
  }
}

function wantedTopics(config: KafkaConfig, only: readonly TopicName[]): Wanted[] {
  return only.flatMap((topic) => {
    const { partitions, cleanup, retentionHours, deadLetters } = TOPICS[topic]
    const settings: Record<string, string> = { 'cleanup.policy': cleanup, 'message.timestamp.type': 'LogAppendTime' }
    if (retentionHours !== null) settings['retention.ms'] = String(retentionHours * HOUR_MS)
    const main: Wanted = { topic: onBroker(config, topic), partitions, settings }
    const dead: Wanted = {
      topic: onBroker(config, deadLetterTopic(topic)),
      partitions: 1,
      settings: { 'cleanup.policy': 'delete', 'retention.ms': String(DEAD_LETTER_RETENTION_HOURS * HOUR_MS) },
    }
    return deadLetters ? [main, dead] : [main]
  })
}

async function compare(admin: Admin, wantedTopics: readonly Wanted[]): Promise<PlannedChange[]> {
  const existing = new Set(await admin.listTopics())
  const present = wantedTopics.filter(({ topic }) => existing.has(topic))
  const changes: PlannedChange[] = wantedTopics
    .filter(({ topic }) => !existing.has(topic))
    .map((wanted) => ({ wanted, overrides: {}, topic: wanted.topic, change: 'create', detail: creation(wanted) }))
  if (present.length === 0) return changes

  const metadata = await admin.fetchTopicMetadata({ topics: present.map(({ topic }) => topic) })
  const partitionsOf = new Map(metadata.topics.map(({ name, partitions }) => [name, partitions.length]))
  const described = await admin.describeConfigs({
    includeSynonyms: false,
    resources: present.map(({ topic }) => ({ type: kafkajs.ConfigResourceTypes.TOPIC, name: topic })),
  })
  for (const wanted of present) {
    const { topic } = wanted
    const partitions = partitionsOf.get(topic) ?? 0
    const entries = described.resources.find(({ resourceName }) => resourceName === topic)?.configEntries ?? []
    const valueOf = new Map(entries.map(({ configName, configValue }) => [configName, configValue]))
    const overrides = Object.fromEntries(
      entries
        .filter(({ configSource }) => configSource === kafkajs.ConfigSource.TOPIC_CONFIG)
        .map(({ configName, configValue }) => [configName, configValue]),
    )
    if (partitions < wanted.partitions) {
      changes.push({ wanted, overrides, topic, change: 'add-partitions', detail: `${partitions} → ${wanted.partitions}` })
    }
    const different = Object.entries(wanted.settings).filter(([name, value]) => valueOf.get(name) !== value)
    if (different.length > 0) {
      const detail = different.map(([name, value]) => `${name}: ${valueOf.get(name) ?? 'unset'} → ${value}`).join(', ')
      changes.push({ wanted, overrides, topic, change: 'change-settings', detail })
    }
  }
  return changes
}

function creation({ partitions, settings }: Wanted): string {
  const described = Object.entries(settings).map(([name, value]) => `${name}=${value}`)
  return [`${partitions} partition${partitions === 1 ? '' : 's'}`, ...described].join(', ')
}

function toEntries(settings: Settings): Array<{ name: string; value: string }> {
  return Object.entries(settings).map(([name, value]) => ({ name, value }))
}

function toChange({ topic, change, detail }: PlannedChange): TopicChange {
  return { topic, change, detail }
}
