/** The servers a bench runs against: those the environment names, else local ones of its own, with the JVM's optimising compiler on. */
import { randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type PartName, type StackUrls, startLocalStack } from '../../infra/local/stack.ts'

export type BenchEnvironment = Readonly<Record<string, string>>

/** Runs `work` with the addresses of the servers, then stops what was started and removes its data. */
export async function withServers<T>(
  parts: readonly PartName[],
  say: (line: string) => void,
  work: (env: BenchEnvironment, directory: string, urls: StackUrls) => Promise<T>,
): Promise<T> {
  const directory = await mkdtemp(join(tmpdir(), 'isobar-bench-'))
  try {
    const stack = await startLocalStack({ dataDir: join(directory, 'stack'), env: process.env, parts, say, fullJit: true })
    try {
      const { kafkaBrokers, schemaRegistryUrl, clickhouseUrl, amqpUrl } = stack.urls
      const env = {
        KAFKA_BROKERS: kafkaBrokers,
        SCHEMA_REGISTRY_URL: schemaRegistryUrl,
        CLICKHOUSE_URL: clickhouseUrl,
        AMQP_URL: amqpUrl,
        ARTIFACT_STORE: `file:${join(directory, 'artefacts')}`,
        CLOCK: 'stream',
        LOG_LEVEL: 'warn',
      }
      return await work(env, directory, stack.urls)
    } finally {
      await stack.stop()
    }
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}

/** Topics, groups and database of one measurement, so that none sees what another left behind. */
export function isolated(env: BenchEnvironment): BenchEnvironment {
  const id = randomUUID().slice(0, 8)
  return { ...env, KAFKA_TOPIC_PREFIX: `bench${id}.`, CLICKHOUSE_DATABASE: `bench_${id}` }
}
