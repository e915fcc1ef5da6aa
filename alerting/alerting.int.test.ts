// The three services as they run: events on real Kafka → rules → policy → RabbitMQ → outbox and mail server, and across a restart.
import { randomUUID } from 'node:crypto'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect } from 'amqplib'
import { simpleParser, type ParsedMail } from 'mailparser'
import { SMTPServer } from 'smtp-server'
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest'
import { applyMigrations, openClickHouse, type ClickHouse } from '../infra/runtime/clickhouse/index.ts'
import {
  openPublisher,
  startFollower,
  type KafkaPublisher,
  type OutboundEvent,
  type RunningFollower,
} from '../infra/runtime/kafka/index.ts'
import { startServices, type RunningServices } from '../infra/runtime/service/index.ts'
import { deployedConfig, environmentOf, testLog, until, type TestConfig } from '../infra/runtime/testing/fixtures.ts'
import type { Alert, AlertDelivery } from '../schemas/generated/types.ts'
import { SILENCE_PROCESSOR } from '../schemas/silence.ts'
import { TOPIC_NAMES } from '../schemas/topics.ts'
import { stackUrls } from '../infra/runtime/testing/stack-urls.ts'
import { alertTopology, RETRY_TIERS_MS } from './bridge/topology.ts'
import { service as policy } from './policy/main.ts'
import { service as rules } from './rules/main.ts'
import { at, checked, drift, forecast, lifecycle } from './testing/events.ts'
import { service as transports } from './transports/main.ts'

let config: TestConfig
let clickhouse: ClickHouse
let publisher: KafkaPublisher
let follower: RunningFollower
let env: Record<string, string>
let prefix: string
let outboxDir: string
let smtp: SMTPServer
let mails: ParsedMail[]
let alerts: Alert[]
let deliveries: AlertDelivery[]
let running: RunningServices[]

beforeAll(async () => {
  config = await deployedConfig(TOPIC_NAMES)
  clickhouse = openClickHouse(config)
  await applyMigrations(clickhouse)
  publisher = openPublisher({ config, name: 'test', log: testLog })
})
afterAll(async () => {
  await publisher?.close()
  await clickhouse?.command(`DROP DATABASE IF EXISTS ${config.clickhouseDatabase}`)
  await clickhouse?.close()
})

beforeEach(async () => {
  prefix = `test-${randomUUID().slice(0, 8)}`
  outboxDir = await mkdtemp(join(tmpdir(), 'isobar-alerting-'))
  mails = []
  alerts = []
  deliveries = []
  running = []
  smtp = new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS', 'AUTH'],
    onData: (stream, _session, done) =>
      void simpleParser(stream).then((mail) => {
        mails.push(mail)
        done()
      }, done),
  })
  await new Promise<void>((resolve) => smtp.listen(0, '127.0.0.1', resolve))
  env = {
    ...environmentOf(config),
    AMQP_URL: stackUrls().amqpUrl,
    AMQP_PREFIX: prefix,
    SMTP_URL: `smtp://127.0.0.1:${(smtp.server.address() as AddressInfo).port}`,
    OUTBOX_DIR: outboxDir,
    // Short, so that the stories end before anything is due to be repeated.
    ALERT_SENSOR_GOOD_HOURS: '2',
    ALERT_PROMOTED_FOR_HOURS: '2',
  }
  follower = await startFollower({
    config,
    log: testLog,
    name: 'test',
    topics: ['alert.v1', 'alert.delivery.v1'],
    from: 'end',
    onEvents: (events) => {
      for (const event of events) {
        if (event.value === null) continue
        if (event.topic === 'alert.v1') alerts.push(event.value)
        else deliveries.push(event.value)
      }
    },
  })
})
afterEach(async () => {
  for (const services of running) await services.stop()
  await follower.stop()
  await new Promise<void>((resolve) => smtp.close(() => resolve()))
  await rm(outboxDir, { recursive: true })
  const connection = await connect(stackUrls().amqpUrl)
  const channel = await connection.createChannel()
  const topology = alertTopology(prefix, ['slack', 'email'])
  for (const name of topology.channels) {
    await channel.deleteQueue(topology.queueOf(name))
    for (const tierMs of RETRY_TIERS_MS) await channel.deleteQueue(topology.retryQueueOf(name, tierMs))
  }
  await channel.deleteQueue(topology.deadQueue)
  await channel.deleteExchange(topology.exchange)
  await channel.deleteExchange(topology.deadExchange)
  await connection.close()
})

async function start(): Promise<RunningServices> {
  const services = await startServices([rules, policy, transports], env, {
    onFailure: (error) => {
      throw error
    },
  })
  running.push(services)
  await until('ready', async () => (await fetch(new URL('/readyz', services.probeUrl))).ok)
  return services
}

async function stop(services: RunningServices): Promise<void> {
  running = running.filter((other) => other !== services)
  expect(await services.stop()).toBe(0)
}

const observed = (hours: number, flags: Parameters<typeof checked>[1] = {}, stationId = 'ewr'): OutboundEvent => ({
  topic: 'weather.observation-checked.v1',
  key: stationId,
  value: checked(hours, flags, { stationId }),
})
const issued = (hours: number, median: number, stationId = 'ewr'): OutboundEvent => ({
  topic: 'weather.forecast.v1',
  key: stationId,
  value: forecast(hours, median, { stationId, forecastId: `${stationId}/${hours}` }),
})
const story = () => alerts.map(({ rule, state, labels, sequence }) => `${labels['station']} ${rule} ${state} ${sequence}`)
const sent = (channel: string) => deliveries.filter((delivery) => delivery.channel === channel && delivery.state === 'sent')
const slackFiles = () => readdir(join(outboxDir, 'slack'))

it('a stuck sensor and a frost are told by Slack outbox and mail, once each, across a restart, and resolve in the same thread', async () => {
  const name = '<!channel> <script>x</script>\nNewark'
  await publisher.publish([
    {
      topic: 'weather.station.v1',
      key: 'ewr',
      value: {
        stationId: 'ewr',
        name,
        latitude: 40.7,
        longitude: -74.2,
        elevationM: 3,
        timezone: 'America/New_York',
        provider: 'test',
        providerStationId: 'EWR',
        kind: 'airport',
        validFrom: at(0),
      },
    },
  ])
  const first = await start()
  await publisher.publish([
    observed(0, { windSpeedMps: 'bad' }),
    observed(1, { windSpeedMps: 'bad' }),
    observed(2, { windSpeedMps: 'bad' }),
  ])
  await publisher.publish([issued(2, -2, 'jfk')])
  await until('both raised', () => alerts.length === 2)
  expect(story().sort()).toEqual(['ewr sensor-fault firing 1', 'jfk frost firing 1'])
  // Event time moves on: the groups have waited long enough.
  await publisher.publish([observed(3, { windSpeedMps: 'bad' })])
  await until('both told by both channels', () => sent('slack').length === 2 && sent('email').length === 2)
  expect(deliveries.filter(({ state }) => state === 'queued')).toHaveLength(4)
  expect(sent('slack').every(({ detail }) => detail?.startsWith('outbox: '))).toBe(true)
  const slack = (await Promise.all((await slackFiles()).map((file) => readFile(join(outboxDir, 'slack', file), 'utf8')))).join(
    '\n',
  )
  expect(slack).not.toContain('<!channel>')
  expect(slack).toContain('&lt;!channel&gt;')
  expect(mails.map(({ subject }) => subject).some((subject) => subject?.includes('sensor at'))).toBe(true)
  expect(mails.every(({ html }) => typeof html === 'string' && !html.includes('<script'))).toBe(true)

  await stop(first)
  const second = await start()
  await publisher.publish([observed(4, { windSpeedMps: 'bad' }), issued(4, -2, 'jfk')])
  await publisher.publish([issued(5, 15, 'jfk'), ...[5, 6].map((hours) => observed(hours))])
  await until('both resolved', () => alerts.length === 4)
  expect(story().sort()).toEqual([
    'ewr sensor-fault firing 1',
    'ewr sensor-fault resolved 2',
    'jfk frost firing 1',
    'jfk frost resolved 2',
  ])
  await until('both ends told by both channels', () => sent('slack').length === 4 && sent('email').length === 4)
  await stop(second)
  expect(mails).toHaveLength(4)
  for (const [firing, ended] of [
    ['Newark', 'sensor'],
    ['jfk', 'Frost'],
  ].map(([, word]) => mails.filter(({ subject }) => subject?.includes(word ?? '')))) {
    expect(ended?.inReplyTo).toBe(firing?.messageId)
  }
})

it('model events are told, a silence keeps a station quiet, a repeated start raises nothing twice', async () => {
  await clickhouse.insert('processor_state_log', [
    {
      processor: SILENCE_PROCESSOR,
      stateKey: 's1',
      state: JSON.stringify({
        id: 's1',
        matchers: [{ label: 'station', op: '=', value: 'lga' }],
        startsAt: new Date(at(0)).toISOString(),
        endsAt: new Date(at(5000)).toISOString(),
        createdBy: 'test',
        comment: 'test',
      }),
      version: 1,
    },
  ])
  const services = await start()
  const drifting = (stationId: string): OutboundEvent => ({
    topic: 'model.drift.v1',
    key: `${stationId}/temperatureC`,
    value: drift(100, 'confirmed', { stationId, eventId: `drift/${stationId}` }),
  })
  await publisher.publish([
    drifting('lga'),
    drifting('jfk'),
    { topic: 'model.lifecycle.v1', key: 'jfk/temperatureC', value: lifecycle(101, 'promoted', { stationId: 'jfk' }) },
  ])
  await until('raised', () => alerts.length === 3)
  await publisher.publish([observed(102, {}, 'bos')])
  await until('told', () => sent('email').length === 2)
  expect(mails.map(({ subject }) => subject ?? '').sort((a, b) => a.localeCompare(b))).toEqual([
    'Info: New model for temperature at jfk: v2',
    'Warning: Forecast errors of temperature at jfk have drifted',
  ])
  await publisher.publish([observed(104, {}, 'bos')])
  await until('the promotion ended by itself', () =>
    alerts.some(({ rule, state }) => rule === 'model-promoted' && state === 'resolved'),
  )
  expect(alerts.find(({ rule, state }) => rule === 'model-promoted' && state === 'resolved')?.endsAt).toBe(at(103))
  await until('its end is told', () => sent('email').length === 3)
  await stop(services)
  const again = await start()
  await publisher.publish([observed(105, {}, 'bos')])
  await until('the restarted services have read it', async () => {
    const rows = await clickhouse.query<{ state: string }>(
      "SELECT state FROM processor_state WHERE processor = 'alert-rules' AND stateKey = 'observed/bos'",
    )
    return rows[0]?.state.includes(String(at(105))) ?? false
  })
  await stop(again)
  expect(mails).toHaveLength(3)
  expect(new Set(alerts.map(({ alertId, sequence }) => `${alertId}/${sequence}`)).size).toBe(alerts.length)
})
