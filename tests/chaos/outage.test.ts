/** Each server stopped for 30 s during the replay and started again: everything catches up, nothing is lost, readiness told the truth. */
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type LocalStack, startLocalStack } from '../../infra/local/stack.ts'
import { expectExact, newestSent, newestVerified, throughTo } from './support/exactness.ts'
import { newHome, removeHome, startSystem, type System, until, withoutServers } from './support/system.ts'

const HOUR_MS = 3_600_000
const FIRST_PACED = Date.parse('2013-07-01T01:00:00Z')
const OUTAGE_MS = 30_000

/** Server → what of the pipeline's readiness must be false during its outage. The registry is needed for new schemas only. */
const SERVERS = [
  { name: 'kafka', tellsOfIt: true },
  { name: 'registry', tellsOfIt: false },
  { name: 'clickhouse', tellsOfIt: true },
  { name: 'rabbitmq', tellsOfIt: true },
  { name: 'mail', tellsOfIt: false },
] as const

describe('outage of 30 s', () => {
  const home = newHome()
  let servers: LocalStack
  let system: System
  beforeAll(async () => {
    servers = await startLocalStack({ dataDir: join(home, 'servers'), env: withoutServers(process.env) })
    const { kafkaBrokers, schemaRegistryUrl, clickhouseUrl, amqpUrl, smtpUrl } = servers.urls
    system = await startSystem(home, ['--speed', '6'], {
      KAFKA_BROKERS: kafkaBrokers,
      SCHEMA_REGISTRY_URL: schemaRegistryUrl,
      CLICKHOUSE_URL: clickhouseUrl,
      AMQP_URL: amqpUrl,
      SMTP_URL: smtpUrl,
    })
    await until('the first hours are verified', async () => (await newestVerified(system)) > FIRST_PACED + 6 * HOUR_MS, 180_000)
  })
  afterAll(async () => {
    await system?.end('SIGTERM')
    await servers?.stop()
    removeHome(home)
  })

  it.each(SERVERS)('of $name: catches up, nothing lost', async ({ name, tellsOfIt }) => {
    const startAgain = await (servers.own as NonNullable<LocalStack['own']>).supervisor.hold(name)
    const stoppedAt = Date.now()
    let toldAfterMs: number | null = null
    while (Date.now() - stoppedAt < OUTAGE_MS) {
      const state = await system.readyz('pipeline')
      if (toldAfterMs === null && (state === null || !state.ready)) toldAfterMs = Date.now() - stoppedAt
      await sleep(500)
    }
    await startAgain()
    if (tellsOfIt) expect(toldAfterMs, `/readyz of the pipeline during the outage of ${name}`).not.toBeNull()
    await until('the pipeline is ready again', async () => (await system.readyz('pipeline'))?.ready === true, 120_000)
    const to = await newestSent(system)
    await throughTo(system, to + 12 * HOUR_MS, 240_000)
    await expectExact(system, FIRST_PACED, to)
  })
})
