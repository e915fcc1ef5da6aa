// The API as it runs, on real Kafka, registry and ClickHouse: keys, ingest, operator actions, and the live stream across a lost connection.
import { randomUUID } from 'node:crypto'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { applyMigrations, type ClickHouse, openClickHouse, toClickHouseInstant } from '../infra/runtime/clickhouse/index.ts'
import {
  type InboundEvent,
  type KafkaPublisher,
  openPublisher,
  type RunningFollower,
  startFollower,
} from '../infra/runtime/kafka/index.ts'
import { type RunningServices, startServices } from '../infra/runtime/service/index.ts'
import {
  anObservation,
  deployedConfig,
  environmentOf,
  type TestConfig,
  testLog,
  until,
} from '../infra/runtime/testing/fixtures.ts'
import { freePort } from '../infra/runtime/testing/free-port.ts'
import type { CheckedObservation } from '../schemas/generated/types.ts'
import { QUANTITIES } from '../schemas/quantities.ts'
import { SILENCE_PROCESSOR } from '../schemas/silence.ts'
import { TOPIC_NAMES } from '../schemas/topics.ts'
import { createKey, type Scope } from './auth/keys.ts'
import { createKeyStore } from './auth/key-store.ts'
import { service } from './main.ts'

const NOON = Date.UTC(2013, 6, 1, 12)
const iso = (hours: number): string => new Date(NOON + hours * 3_600_000).toISOString()

let config: TestConfig
let clickhouse: ClickHouse
let publisher: KafkaPublisher
let follower: RunningFollower
let seen: InboundEvent[]
let env: Record<string, string>
let running: RunningServices | null
let url: string

beforeAll(async () => {
  config = await deployedConfig(TOPIC_NAMES)
  clickhouse = openClickHouse(config)
  await applyMigrations(clickhouse)
  publisher = openPublisher({ config, name: 'test', log: testLog })
  env = { ...environmentOf(config), ARTIFACT_STORE: 'file:/nonexistent' }
  await publisher.publish(
    ['ewr', 'jfk'].map((stationId) => ({
      topic: 'weather.station.v1' as const,
      key: stationId,
      value: {
        stationId,
        name: stationId.toUpperCase(),
        latitude: 40.7,
        longitude: -74,
        elevationM: 5,
        timezone: 'America/New_York',
        provider: 'test',
        providerStationId: stationId,
        kind: 'airport',
        validFrom: 0,
      },
    })),
  )
})
afterAll(async () => {
  await publisher?.close()
  await clickhouse?.command(`DROP DATABASE IF EXISTS ${config.clickhouseDatabase}`)
  await clickhouse?.close()
})
beforeEach(async () => {
  seen = []
  running = null
  follower = await startFollower({
    config,
    log: testLog,
    name: 'test',
    topics: ['weather.observation.v1', 'weather.station.v1', 'audit.v1', 'alert.v1'],
    from: 'end',
    onEvents: (events) => {
      for (const event of events) if (event.value !== null) seen.push(event)
    },
  })
})
afterEach(async () => {
  await stop()
  await follower.stop()
})

async function start(extra: Record<string, string> = {}): Promise<void> {
  const port = await freePort()
  url = `http://127.0.0.1:${port}`
  running = await startServices(
    [service],
    { ...env, HTTP_PORT: String(port), ...extra },
    {
      onFailure: (error) => {
        throw error
      },
    },
  )
}
async function stop(): Promise<void> {
  await running?.stop()
  running = null
}
async function keyWith(...scopes: Scope[]): Promise<string> {
  return (await createKey(createKeyStore(clickhouse), { name: `test-${scopes.join('-')}`, scopes, nowMs: Date.now() })).key
}
type ItemAnswer = { status: string; revision?: number; errors?: Array<{ code: string; fix: string }> }
type Answer = Record<string, unknown> & { results: ItemAnswer[] }

async function post(path: string, body: unknown, key?: string, headers: Record<string, string> = {}) {
  const response = await fetch(url + path, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...(key ? { authorization: `Bearer ${key}` } : {}), ...headers },
    body: JSON.stringify(body),
  })
  return { status: response.status, headers: response.headers, body: (await response.json()) as Answer }
}
const raw = (hours: number) => ({
  topic: 'weather.observation.v1' as const,
  key: 'ewr',
  value: anObservation({ stationId: 'ewr', observedAt: NOON + hours * 3_600_000, receivedAt: NOON + hours * 3_600_000 }),
})
const checked = (hours: number, stationId = 'ewr') => ({
  topic: 'weather.observation-checked.v1' as const,
  key: stationId,
  value: {
    ...anObservation({ stationId, observedAt: NOON + hours * 3_600_000, receivedAt: NOON + hours * 3_600_000 }),
    flags: Object.fromEntries(QUANTITIES.map((quantity) => [quantity, 'good'])) as CheckedObservation['flags'],
    rules: {},
    qcVersion: 'test',
  },
})

describe('keys and ingest', () => {
  it('takes a batch once, item by item, only from a key that may', async () => {
    await start({ PUBLIC_READ: 'true' })
    await publisher.publish([raw(0)])
    await until('the replay has a time', async () =>
      (await (await fetch(`${url}/v1/pipeline`)).text()).includes(`"now":"${iso(0)}"`),
    )
    const batch = {
      observations: [
        { stationId: 'ewr', observedAt: iso(-1), temperatureC: 21.5 },
        { stationId: 'ewr', observedAt: iso(-1), temperatureC: 21.5 },
        { stationId: 'ewr', observedAt: iso(-1), temperatureC: 21.7 },
        { stationId: 'jfkk', observedAt: iso(-1), temperatureC: 20 },
        { stationId: 'jfk', observedAt: iso(24 * 365), temperatureC: 20 },
        { stationId: 'jfk', observedAt: iso(-1), temperatureC: 'NaN' },
        { stationId: 'jfk', observedAt: iso(-1), temperature: 20 },
      ],
    }
    expect((await post('/v1/observations', batch)).status).toBe(401)
    const refused = await post('/v1/observations', batch, await keyWith('read'))
    expect(refused.status).toBe(403)
    expect(refused.headers.get('content-type')).toBe('application/problem+json')
    expect(refused.headers.get('ratelimit')).toMatch(/r=\d+;t=\d+/)

    const key = await keyWith('ingest')
    const idempotencyKey = randomUUID()
    const first = await post('/v1/observations', batch, key, { 'idempotency-key': idempotencyKey })
    expect(first.status).toBe(200)
    expect(first.body).toMatchObject({ accepted: 2, duplicates: 1, rejected: 4 })
    expect(first.body.results.map((r) => [r.status, r.revision ?? r.errors?.[0]?.code])).toEqual([
      ['accepted', 0],
      ['duplicate', 0],
      ['accepted', 1],
      ['rejected', 'unknown-station'],
      ['rejected', 'future-timestamp'],
      ['rejected', 'not-a-number'],
      ['rejected', 'unknown-variable'],
    ])
    expect(first.body.results[3]?.errors?.[0]?.fix).toContain("'jfk'")
    expect(first.body.results[6]?.errors?.[0]?.fix).toContain("'temperatureC'")

    const again = await post('/v1/observations', batch, key, { 'idempotency-key': idempotencyKey })
    expect(again.body).toEqual(first.body)
    expect(again.headers.get('idempotency-replayed')).toBe('true')
    expect((await post('/v1/observations', { observations: [] }, key, { 'idempotency-key': idempotencyKey })).status).toBe(422)
    // Without the key header the same values are known by themselves.
    expect((await post('/v1/observations', { observations: [batch.observations[2]] }, key)).body).toMatchObject({
      duplicates: 1,
      accepted: 0,
    })
    await until('published', () => seen.filter(({ topic }) => topic === 'weather.observation.v1').length >= 3)
    const published = seen
      .filter((event) => event.topic === 'weather.observation.v1')
      .filter(({ value }) => value.source !== 'test')
    expect(published.map(({ value }) => [value.revision, value.temperatureC, value.source, value.receivedAt])).toEqual([
      [0, 21.5, 'api:test-ingest', NOON],
      [1, 21.7, 'api:test-ingest', NOON],
    ])
  })

  it('knows what is archived after a restart: a duplicate stays one, a correction gets the next revision', async () => {
    const stored = checked(-5, 'jfk')
    await start()
    await publisher.publish([raw(0)])
    await clickhouse.insert('observation_log', [
      {
        ...stored.value,
        observedAt: toClickHouseInstant(stored.value.observedAt),
        receivedAt: toClickHouseInstant(stored.value.receivedAt),
        kafkaPartition: 0,
        kafkaOffset: 1,
      },
    ])
    const key = await keyWith('ingest', 'read')
    const {
      stationId,
      observedAt: _at,
      receivedAt: _r,
      source: _s,
      kind: _k,
      revision: _v,
      flags: _f,
      rules: _u,
      qcVersion: _q,
      ...values
    } = stored.value
    const same = await post('/v1/observations', [{ stationId, observedAt: iso(-5), ...values }], key)
    expect(same.body).toMatchObject({ duplicates: 1 })
    const other = await post('/v1/observations', [{ stationId, observedAt: iso(-5), ...values, temperatureC: 9 }], key)
    expect(other.body.results[0]).toMatchObject({ status: 'accepted', revision: 1 })
    // Reading is not public here.
    expect((await fetch(`${url}/v1/stations`)).status).toBe(401)
    expect((await fetch(`${url}/v1/stations`, { headers: { authorization: `Bearer ${key}` } })).status).toBe(200)
  })

  it('records operator actions, silences and test alerts, and adds stations', async () => {
    await start({ PUBLIC_READ: 'true' })
    const key = await keyWith('operate')
    const dry = await post('/v1/models/ewr/temperatureC/retrain', { reason: 'looks off', dryRun: true }, key)
    expect(dry.body).toMatchObject({ auditId: null, dryRun: true, action: 'model.retrain', subject: 'ewr/temperatureC' })
    const done = await post('/v1/models/ewr/temperatureC/retrain', { reason: 'looks off' }, key)
    expect(done.status).toBe(200)
    expect((await post('/v1/models/ewr/temperatureC/rollback', { reason: 'looks off' }, key)).status).toBe(409)
    expect((await post('/v1/models/ewr/temperatureC/promote', { reason: 'looks off', version: 'v9' }, key)).status).toBe(404)
    const silence = await post(
      '/v1/alerts/silences',
      { matchers: [{ label: 'station', value: 'ewr' }], durationHours: 3, comment: 'mast is down' },
      key,
    )
    expect(silence.body).toMatchObject({ createdBy: 'test-operate', comment: 'mast is down' })
    const rows = await clickhouse.query<{ state: string }>(
      `SELECT state FROM processor_state WHERE processor = '${SILENCE_PROCESSOR}'`,
    )
    expect(JSON.parse(rows[0]?.state ?? '')).toMatchObject({
      id: silence.body['id'],
      matchers: [{ label: 'station', op: '=', value: 'ewr' }],
    })
    expect((await post('/v1/alerts/test', {}, key)).status).toBe(200)
    expect(
      (await post('/v1/stations', { stationId: 'farm-7', name: '=cmd|<script>', latitude: 48, longitude: 11 }, key)).body[
        'status'
      ],
    ).toBe('added')
    expect(await (await fetch(`${url}/v1/stations/farm-7`)).json()).toMatchObject({ name: '=cmd|<script>', timezone: 'UTC' })
    await until('all published', () => seen.length >= 8)
    expect(
      seen
        .filter((e) => e.topic === 'audit.v1')
        .map(({ value }) => [value.action, value.outcome, value.subject.replace(/-[0-9a-f-]{10,}/, '-…')]),
    ).toEqual([
      ['model.retrain', 'accepted', 'ewr/temperatureC'],
      ['model.rollback', 'refused', 'ewr/temperatureC'],
      ['model.promote', 'refused', 'ewr/temperatureC'],
      ['alert.silence', 'accepted', 'silence-…'],
      ['alert.test', 'accepted', 'test-…'],
      ['station.add', 'accepted', 'farm-7'],
    ])
    expect(seen.find((e) => e.topic === 'alert.v1')?.value).toMatchObject({ rule: 'test', state: 'firing' })
  })
})

describe('the live stream', () => {
  it('resumes without loss or repeat: from memory, and from the topics after a restart', async () => {
    await start({ PUBLIC_READ: 'true' })
    const received: string[] = []
    let lastId = ''
    const hoursOf = (data: string): string => (JSON.parse(data) as { observedAt: string }).observedAt
    const open = async (stopAfter: number): Promise<void> => {
      const abort = new AbortController()
      const response = await fetch(`${url}/v1/live?types=observation-checked&stations=ewr`, {
        headers: lastId ? { 'last-event-id': lastId } : {},
        signal: abort.signal,
      })
      expect(response.headers.get('content-type')).toContain('text/event-stream')
      let text = ''
      try {
        for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
          text += Buffer.from(chunk).toString()
          const parts = text.split('\n\n')
          text = parts.pop() ?? ''
          for (const part of parts) {
            if (part.startsWith(': ') && received.length === 0) connected()
            const id = /^id: (.*)$/m.exec(part)?.[1]
            const data = /^data: (.*)$/m.exec(part)?.[1]
            if (!id || !data || received.length === stopAfter) continue
            lastId = id
            received.push(hoursOf(data))
            if (received.length === stopAfter) abort.abort()
          }
        }
      } catch (error) {
        if (!abort.signal.aborted) throw error
      }
    }
    let connected: () => void = () => undefined
    const isConnected = new Promise<void>((resolve) => (connected = resolve))
    const first = open(3)
    await isConnected
    const hours = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i)
    await publisher.publish(hours(100, 106).flatMap((h) => [checked(h), checked(h, 'jfk')]))
    await first
    // Three were read, three more are waiting in memory.
    await open(6)
    expect(received).toEqual(hours(100, 106).map(iso))
    await stop()
    await publisher.publish(hours(106, 110).flatMap((h) => [checked(h), checked(h, 'jfk')]))
    await start({ PUBLIC_READ: 'true' })
    const last = open(12)
    await publisher.publish(hours(110, 112).map((h) => checked(h)))
    await last
    expect(received).toEqual(hours(100, 112).map(iso))
    await until('no client is left', async () =>
      (await (await fetch(`${url}/metrics`)).text()).includes('isobar_api_live_clients_count 0'),
    )
  })
})
