// What `isobar deploy` and `isobar topics apply` change on real servers is in audit.v1, once.
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterEach, expect, it } from 'vitest'
import { openClickHouse } from '../infra/runtime/clickhouse/index.ts'
import { startFollower } from '../infra/runtime/kafka/index.ts'
import { deployedConfig, environmentOf, isolatedConfig, type TestConfig, testLog } from '../infra/runtime/testing/fixtures.ts'
import type { Audit } from '../schemas/generated/types.ts'

const ISOBAR = fileURLToPath(new URL('main.ts', import.meta.url))
const closers: Array<() => Promise<unknown>> = []

afterEach(async () => {
  for (const close of closers.splice(0)) await close()
})

async function isobar(config: TestConfig, ...words: string[]): Promise<Array<Record<string, string>>> {
  const env = { ...process.env, ...environmentOf(config) }
  const { stdout } = await promisify(execFile)(process.execPath, ['--no-warnings=ExperimentalWarning', ISOBAR, ...words], { env })
  return JSON.parse(stdout) as Array<Record<string, string>>
}

async function actions(config: TestConfig): Promise<Audit[]> {
  const found: Audit[] = []
  const follower = await startFollower({
    config,
    log: testLog,
    name: 'audit',
    topics: ['audit.v1'],
    from: 'beginning',
    onEvents: (events) => {
      for (const { value } of events) if (value !== null) found.push(value)
      return Promise.resolve()
    },
  })
  await follower.caughtUp
  await follower.stop()
  return found
}

it('deploy: what was made, by whom; nothing when there was nothing to do', async () => {
  const config = isolatedConfig()
  const clickhouse = openClickHouse(config)
  closers.push(() => clickhouse.close())
  closers.push(() => clickhouse.command(`DROP DATABASE IF EXISTS ${clickhouse.database}`))
  closers.reverse()
  expect((await isobar(config, 'deploy', '--dry-run', '--json')).length).toBeGreaterThan(20)
  const changes = await isobar(config, 'deploy', '--json')
  expect(changes.map(({ kind }) => kind)).toContain('topic')
  expect(await isobar(config, 'deploy', '--json')).toEqual([])
  const recorded = await actions(config)
  expect(recorded).toMatchObject([
    { action: 'servers.deploy', actor: expect.stringMatching(/^cli:./) as string, outcome: 'accepted' },
  ])
  expect(recorded[0]?.details['topic']?.split(',')).toEqual(
    changes.filter(({ kind }) => kind === 'topic').map(({ name }) => name),
  )
  expect(recorded[0]?.details['migration']).toBeTruthy()
})

it('topics apply: each topic and what became of it; nothing when the broker was as it should be', async () => {
  const config = await deployedConfig(['audit.v1'])
  await isobar(config, 'topics', 'apply', '--dry-run', '--json')
  const changes = await isobar(config, 'topics', 'apply', '--json')
  expect(changes.length).toBeGreaterThan(5)
  expect(await isobar(config, 'topics', 'apply', '--json')).toEqual([])
  const recorded = await actions(config)
  expect(recorded).toMatchObject([{ action: 'topics.apply', outcome: 'accepted' }])
  expect(new Set(Object.keys(recorded[0]!.details))).toEqual(new Set(changes.map(({ topic }) => topic)))
})
