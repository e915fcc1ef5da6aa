import { describe, expect, it } from 'vitest'
import { type Facts, type Pipeline, hasFailed, judge, type Line } from './judge.ts'

const GIB = 1024 ** 3
const running = { kind: 'running', state: 'ready', launcherPid: 4711, logFolder: '/data/logs', gone: [], api: true } as const

const pipelineOf = (clock: Pipeline['clock'], ...stages: Pipeline['stages']): Facts['pipeline'] => ({
  ok: true,
  value: { clock, stages },
})

function facts(changes: Partial<Facts> = {}): Facts {
  return {
    nodeVersion: 'v24.1.0',
    packagesAreCurrent: true,
    prerequisites: { ok: true, value: { java: 'system', maven: 'missing', rabbitmq: 'cache', servers: true } },
    startsHere: { java: true, rabbitmq: true },
    chromium: { ok: true, value: '/usr/bin/chromium' },
    installLines: { java: 'get java', maven: 'get maven', rabbitmq: 'get rabbitmq', chromium: 'get chromium' },
    folders: [{ use: 'cache', folder: '/cache', freeBytes: 50 * GIB }],
    cache: { folder: '/cache', isWritable: true },
    httpPort: { ok: true, value: 8080 },
    run: running,
    servers: {
      kafka: { ok: true, value: [] },
      registry: { ok: true, value: [] },
      clickhouse: { ok: true, value: null },
      migrations: { ok: true, value: [] },
      rabbitmq: { ok: true, value: null },
    },
    pipeline: pipelineOf('stream', { name: 'ingest', status: 'waiting', reason: 'nothing has passed yet' }),
    channels: { ok: true, value: ['slack'] },
    ...changes,
  }
}

const line = (check: string, changes: Partial<Facts>): Line | undefined =>
  judge(facts(changes)).find((found) => found.check === check)

describe('doctor', () => {
  it('finds nothing to do where all is well', () => {
    const lines = judge(facts())
    expect(lines.filter(({ status }) => status !== 'ok')).toEqual([])
    expect(hasFailed(lines)).toBe(false)
  })
  it('wants Maven only until Kafka and the registry are in the cache, and no server that runs elsewhere', () => {
    const prerequisites = (servers: boolean): Facts['prerequisites'] => ({
      ok: true,
      value: { java: 'missing', maven: 'missing', rabbitmq: 'missing', servers },
    })
    expect(line('maven', { prerequisites: prerequisites(true) })?.status).toBe('ok')
    expect(line('maven', { prerequisites: prerequisites(false) })).toMatchObject({ status: 'fail', fix: 'get maven' })
    expect(line('java', { prerequisites: prerequisites(true) })).toMatchObject({ status: 'fail', fix: 'get java' })
    const elsewhere = { prerequisites: prerequisites(false), startsHere: { java: false, rabbitmq: false } }
    for (const tool of ['java', 'maven', 'rabbitmq']) expect(line(tool, elsewhere)?.status).toBe('ok')
  })
  it('fails below 2 GiB free and warns below 5', () => {
    const disk = (gib: number) =>
      line('disk (cache)', { folders: [{ use: 'cache', folder: '/cache', freeBytes: gib * GIB }] })?.status
    expect([1.9, 2, 4.9, 5].map(disk)).toEqual(['fail', 'warn', 'warn', 'ok'])
  })
  it('takes a missing Chromium as a warning, an old Node and old packages as failures', () => {
    expect(line('chromium', { chromium: { ok: true, value: null } })).toMatchObject({ status: 'warn', fix: 'get chromium' })
    expect(line('node', { nodeVersion: 'v22.19.0' })?.status).toBe('fail')
    expect(line('packages', { packagesAreCurrent: false })?.fix).toBe('node infra/local/bootstrap.mjs install')
  })
  it('blames the port only when no run of ours holds it', () => {
    const httpPort = { ok: false, reason: 'HTTP_PORT 80 is taken' } as const
    expect(line('http port', { httpPort })?.status).toBe('ok')
    expect(line('http port', { httpPort, run: { kind: 'none' } })).toMatchObject({ status: 'fail', fix: 'unset HTTP_PORT' })
  })
  it('tells a run that lost a process from one that is not there', () => {
    expect(line('local run', { run: { ...running, gone: ['kafka'] } })).toMatchObject({
      status: 'fail',
      fix: 'kill 4711; npm start',
    })
    expect(line('local run', { run: { ...running, api: 'kafka: no answer' } })).toMatchObject({
      status: 'fail',
      detail: 'kafka: no answer',
    })
    expect(line('local run', { run: { kind: 'none' } })).toMatchObject({ status: 'warn', fix: 'npm start' })
    expect(line('local run', { run: { kind: 'stale', orphans: 2 } })?.status).toBe('warn')
  })
  it('says what is to be applied, and leaves out what lies behind a server that does not answer', () => {
    const { servers } = facts()
    const kafka = { ok: true, value: [{ topic: 'weather.feature.v1', change: 'create' }] } as const
    expect(line('topics', { servers: { ...servers, kafka } })).toEqual({
      check: 'topics',
      status: 'fail',
      detail: '1 to do: weather.feature.v1 (create)',
      fix: './isobar topics apply',
    })
    const five = { ok: true, value: ['a', 'b', 'c', 'd', 'e'] } as const
    expect(line('schemas', { servers: { ...servers, registry: five } })?.detail).toBe('5 to do: a, b, c and 2 more')
    expect(line('migrations', { servers: { ...servers, migrations: five } })?.fix).toBe('./isobar deploy')
    const down = { servers: { ...servers, kafka: { ok: false, reason: 'refused' } }, run: { kind: 'none' } } as const
    expect(line('kafka', down)).toMatchObject({ status: 'fail', fix: 'export KAFKA_BROKERS=…' })
    expect(line('topics', down)).toBeUndefined()
  })
  it('warns about stages that are behind or stale and about a missing key, and fails without an API', () => {
    const behind = { name: 'drift', status: 'behind', reason: '12 events to go' }
    expect(line('stage drift', { pipeline: pipelineOf('system', behind) })).toMatchObject({
      status: 'warn',
      detail: 'behind: 12 events to go',
      fix: "tail -n 20 '/data/logs'/*.log",
    })
    expect(line('pipeline', { pipeline: { ok: false, reason: '401 Unauthorized' } })?.status).toBe('warn')
    expect(line('pipeline', { pipeline: { ok: false, reason: 'does not answer' } })?.status).toBe('fail')
  })
  it('warns about a live provider of which nothing has come in', () => {
    const waiting = { name: 'ingest', status: 'waiting', reason: 'nothing has passed yet' }
    expect(line('observations', { pipeline: pipelineOf('system', waiting) })).toMatchObject({
      status: 'warn',
      fix: "tail -n 20 '/data/logs'/producer.log",
    })
    expect(line('observations', { pipeline: pipelineOf('stream', waiting) })).toBeUndefined()
  })
  it('warns when alerts reach nobody', () => {
    expect(line('alert channels', { channels: { ok: true, value: [] } })?.status).toBe('warn')
    expect(line('alert channels', { channels: { ok: true, value: ['email'] } })).toMatchObject({
      status: 'ok',
      detail: expect.stringMatching(/slack \(SLACK_WEBHOOK_URL\)/),
    })
  })
})
