/** The deploy step of a local run: topics, schemas, tables, the operator's first key. Idempotent. */
import { openClickHouse, applyMigrations } from '../../infra/runtime/clickhouse/index.ts'
import { clickhouseBlock, kafkaBlock, readConfig, registryBlock } from '../../infra/runtime/config/index.ts'
import { applyTopics } from '../../infra/runtime/kafka/index.ts'
import type { Logger } from '../../infra/runtime/log.ts'
import { registerSchemas } from '../../infra/runtime/registry/deploy.ts'
import type { StackUrls } from '../../infra/local/stack.ts'

/** The environment by which services, and this launcher as their client, find the local servers. */
export function serverEnvironment(urls: StackUrls, env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return {
    ...env,
    KAFKA_BROKERS: urls.kafkaBrokers,
    SCHEMA_REGISTRY_URL: urls.schemaRegistryUrl,
    CLICKHOUSE_URL: urls.clickhouseUrl,
    AMQP_URL: urls.amqpUrl,
  }
}

/** Brings broker, registry and store to what this version needs. Safe to repeat; refuses incompatible schemas. */
export async function deploy(env: NodeJS.ProcessEnv, log: Logger): Promise<void> {
  const kafka = readConfig(kafkaBlock, env)
  const clickhouse = openClickHouse(readConfig(clickhouseBlock, env))
  try {
    await Promise.all([applyTopics(kafka, log), registerSchemas(readConfig(registryBlock, env)), applyMigrations(clickhouse)])
  } finally {
    await clickhouse.close()
  }
}
