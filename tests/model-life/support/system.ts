/** Services in this process on a deployment of their own: topics, database, artefact store; and what is told of them. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { applyMigrations, type ClickHouse, openClickHouse } from '../../../infra/runtime/clickhouse/index.ts'
import { type KafkaPublisher, openPublisher, type RunningFollower, startFollower } from '../../../infra/runtime/kafka/index.ts'
import type { FollowerOptions } from '../../../infra/runtime/kafka/types.ts'
import { type RunningServices, startServices } from '../../../infra/runtime/service/index.ts'
import { deployedConfig, environmentOf, type TestConfig, testLog } from '../../../infra/runtime/testing/fixtures.ts'
import { TOPIC_NAMES, type TopicName } from '../../../schemas/topics.ts'

type Services = Parameters<typeof startServices>[0]

export type TestSystem = {
  readonly config: TestConfig
  readonly env: Readonly<Record<string, string>>
  readonly clickhouse: ClickHouse
  readonly publisher: KafkaPublisher
  /** What ended a service. */
  readonly failures: unknown[]
  follow<TIn extends TopicName>(
    topics: readonly TIn[],
    onEvents: FollowerOptions<TIn>['onEvents'],
    from?: 'beginning' | 'end',
  ): Promise<void>
  /** Services in one runtime, known by a name. */
  start(name: string, services: Services, more?: Readonly<Record<string, string>>): Promise<void>
  stop(name: string): Promise<void>
  /** Services, newest first, then everything else; database and folder are gone. */
  close(): Promise<void>
}

/** `more`: settings beside addresses and names. */
export async function openTestSystem(
  topics: readonly TopicName[] = TOPIC_NAMES,
  more: Readonly<Record<string, string>> = {},
): Promise<TestSystem> {
  const config = await deployedConfig(topics)
  const clickhouse = openClickHouse(config)
  await applyMigrations(clickhouse)
  const directory = await mkdtemp(join(tmpdir(), 'isobar-model-life-'))
  const env = { ...environmentOf(config), ARTIFACT_STORE: `file:${directory}`, ...more }
  const publisher = openPublisher({ config, name: 'test', log: testLog })
  const followers: RunningFollower[] = []
  const running = new Map<string, RunningServices>()
  const failures: unknown[] = []

  async function stop(name: string): Promise<void> {
    await running.get(name)?.stop()
    running.delete(name)
  }
  return {
    config,
    env,
    clickhouse,
    publisher,
    failures,
    stop,
    async follow(of, onEvents, from = 'end') {
      followers.push(await startFollower({ config, log: testLog, name: 'test', topics: of, from, onEvents }))
    },
    async start(name, services, own = {}) {
      const started = await startServices(services, { ...env, ...own }, { onFailure: (error) => failures.push(error) })
      running.set(name, started)
    },
    async close() {
      for (const name of [...running.keys()].toReversed()) await stop(name)
      for (const follower of followers) await follower.stop()
      await publisher.close()
      await clickhouse.command(`DROP DATABASE IF EXISTS ${config.clickhouseDatabase}`)
      await clickhouse.close()
      await rm(directory, { recursive: true })
    },
  }
}
