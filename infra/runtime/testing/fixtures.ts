/** For tests on real servers: a config with names of its own, and events that fit their schemas. Addresses come from the environment. */
import { randomUUID } from 'node:crypto'
import { z } from 'zod'
import type { Feature, Observation } from '../../../schemas/generated/types.ts'
import type { TopicName } from '../../../schemas/topics.ts'
import { clickhouseBlock, kafkaBlock, readConfig, registryBlock } from '../config/index.ts'
import { applyTopics } from '../kafka/index.ts'
import { createLogger } from '../log.ts'
import { registerSchemas } from '../registry/index.ts'
import { stackUrls } from './stack-urls.ts'

export const TestConfig = z.object({ ...kafkaBlock.shape, ...registryBlock.shape, ...clickhouseBlock.shape })
export type TestConfig = z.output<typeof TestConfig>

export const testLog = createLogger('test', (process.env['LOG_LEVEL'] as 'silent' | undefined) ?? 'silent')

/** Topics, groups and database of this test alone. */
export function isolatedConfig(env: NodeJS.ProcessEnv = process.env): TestConfig {
  const id = randomUUID().replaceAll('-', '').slice(0, 12)
  return readConfig(TestConfig, { ...env, KAFKA_TOPIC_PREFIX: `t${id}.`, CLICKHOUSE_DATABASE: `test_${id}` })
}

/** The same with topics made and schemas registered. */
export async function deployedConfig(topics: readonly TopicName[]): Promise<TestConfig> {
  const config = isolatedConfig()
  await applyTopics(config, testLog, topics)
  await registerSchemas(config)
  return config
}

/** What a service of this deployment is told: addresses and names, the clock of the stream, silence. */
export function environmentOf(config: TestConfig): Record<string, string> {
  const urls = stackUrls()
  return {
    KAFKA_BROKERS: urls.kafkaBrokers,
    KAFKA_TOPIC_PREFIX: config.kafkaTopicPrefix,
    SCHEMA_REGISTRY_URL: urls.schemaRegistryUrl,
    CLICKHOUSE_URL: urls.clickhouseUrl,
    CLICKHOUSE_DATABASE: config.clickhouseDatabase,
    CLOCK: 'stream',
    LOG_LEVEL: process.env['LOG_LEVEL'] ?? 'silent',
  }
}

export function anObservation(overrides: Partial<Observation> = {}): Observation {
  return {
    stationId: 'kewr',
    observedAt: Date.UTC(2013, 0, 1),
    receivedAt: Date.UTC(2013, 0, 1),
    source: 'test',
    kind: 'observation',
    revision: 0,
    temperatureC: 3.9,
    dewPointC: -3.3,
    relativeHumidityPct: 59.4,
    pressureHpa: 1012,
    stationPressureHpa: null,
    windSpeedMps: 4.6,
    windGustMps: null,
    windDirectionDeg: 270,
    precipitationMm: 0,
    cloudCoverPct: null,
    visibilityM: 16_093,
    solarWm2: null,
    snowDepthCm: null,
    ...overrides,
  }
}

export function aFeature(overrides: Partial<Feature> = {}): Feature {
  return {
    stationId: 'kewr',
    validAt: Date.UTC(2013, 0, 1),
    knownAt: Date.UTC(2013, 0, 1),
    featureSet: 'test',
    values: Array.from({ length: 78 }, (_, index) => (index % 7 === 0 ? Number.NaN : index / 10)),
    cause: 'new',
    ...overrides,
  }
}

/** Resolves when the condition holds; throws with `what` after the limit. Wall time. */
export async function until(what: string, condition: () => boolean | Promise<boolean>, limitMs = 60_000): Promise<void> {
  const deadline = Date.now() + limitMs
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`not within ${limitMs} ms: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}
