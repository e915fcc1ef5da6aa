import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Command } from 'commander'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createProgram } from './program.ts'

const MAIN = fileURLToPath(new URL('main.ts', import.meta.url))
const home = mkdtempSync(join(tmpdir(), 'isobar-cli-'))
let api: Server
let seen: Array<{ method: string; url: string; authorization: string | undefined; body: string }> = []
let answer: { status: number; body: unknown } = { status: 200, body: {} }

beforeAll(async () => {
  api = createServer((request, response) => {
    let body = ''
    request.on('data', (bytes: Buffer) => (body += bytes.toString()))
    request.on('end', () => {
      seen.push({ method: request.method ?? '', url: request.url ?? '', authorization: request.headers.authorization, body })
      response.writeHead(answer.status, { 'content-type': 'application/json' })
      response.end(JSON.stringify(answer.body))
    })
  })
  await new Promise<void>((resolve) => api.listen(0, '127.0.0.1', resolve))
})
afterAll(() => {
  api.close()
  rmSync(home, { recursive: true, force: true })
})

function isobar(args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<{ code: number; out: string; err: string }> {
  const url = `http://127.0.0.1:${(api.address() as AddressInfo).port}`
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      ['--no-warnings=ExperimentalWarning', MAIN, ...args],
      { env: { PATH: process.env['PATH'], ISOBAR_HOME: join(home, 'data'), ISOBAR_URL: url, NO_COLOR: '1', ...env } },
      (error, out, err) => resolve({ code: error ? Number(error.code) : 0, out, err }),
    )
  })
}

function answers(status: number, body: unknown): void {
  seen = []
  answer = { status, body }
}

function leaves(command: Command): Command[] {
  return command.commands.length === 0 ? [command] : command.commands.flatMap(leaves)
}

function pathOf(command: Command): string {
  return command.parent === null ? command.name() : `${pathOf(command.parent)} ${command.name()}`
}

describe('isobar', () => {
  it('shows every verb once in its help', async () => {
    const { out, code } = await isobar(['--help'])
    expect(code).toBe(0)
    for (const verb of [
      'start',
      'run',
      'stations',
      'ingest',
      'replay',
      'deploy',
      'evaluate',
      'rebuild',
      'forecast',
      'models',
      'skill',
      'events',
      'dlq',
      'alerts',
      'doctor',
      'config',
      'keys',
      'topics',
      'reset',
    ])
      expect(out.split('\n').filter((line) => line.startsWith(`  ${verb} `))).toHaveLength(1)
  })
  it('ends with 2 on a wrong use, 4 where nothing runs', async () => {
    expect((await isobar(['forecast'])).code).toBe(2)
    expect((await isobar(['models', 'show', 'jfk'])).code).toBe(2)
    const nothing = await isobar(['deploy', '--dry-run'])
    expect(nothing.code).toBe(2)
    for (const name of ['KAFKA_BROKERS', 'SCHEMA_REGISTRY_URL', 'CLICKHOUSE_URL'])
      expect(nothing.err).toContain(`${name}: is not set`)
    expect(await isobar(['config', 'show'])).toMatchObject({ code: 4, err: expect.stringContaining('npm start') })
    expect((await isobar(['stations', 'list'], { ISOBAR_URL: 'http://127.0.0.1:9' })).code).toBe(4)
  })
  it('has examples in the help of every verb, and exit codes in that of all', async () => {
    expect((await isobar(['--help'])).out).toContain('4 not reachable')
    expect(await isobar(['--version'])).toMatchObject({ code: 0, out: expect.stringMatching(/^\d+\.\d+\.\d+\n$/) })
    const helps = leaves(await createProgram()).map((command) => {
      let help = ''
      command.configureOutput({ writeOut: (text) => (help += text) }).outputHelp()
      return { path: pathOf(command), hasExample: help.includes('Example') }
    })
    expect(helps.length).toBeGreaterThan(25)
    expect(helps.filter(({ hasExample }) => !hasExample).map(({ path }) => path)).toEqual([])
  })
  it('prints JSON wherever data are printed', async () => {
    // These run until they are stopped, and print logs.
    const WITHOUT = ['isobar run']
    const missing = leaves(await createProgram()).filter(({ options }) => !options.some(({ long }) => long === '--json'))
    expect(missing.map(pathOf)).toEqual(WITHOUT)
  })
  it('names the nearest word on a typo', async () => {
    expect(await isobar(['forcast', 'jfk'])).toMatchObject({ code: 2, err: expect.stringContaining('Did you mean forecast?') })
    expect((await isobar(['forecast', 'jfk', '--huors', '3'])).err).toContain('Did you mean --hours?')
    expect((await isobar(['events', 'tail', '--topic', 'weather.forcast.v1'])).err).toContain('did you mean weather.forecast.v1?')
    expect(await isobar(['run', 'fetures'])).toMatchObject({ code: 2, err: expect.stringContaining('did you mean features?') })
    expect((await isobar(['keys', 'create', '--name', 'x', '--scopes', 'red'])).err).toContain('did you mean read?')
  })
  it('refuses values of the wrong kind before it does anything', async () => {
    for (const args of [
      ['forecast', 'jfk', '--hours', 'many'],
      ['dlq', 'redrive', 'weather.observation.v1', '--offsets', '3,x'],
      ['alerts', 'silence', 'station', '--comment', 'because'],
      ['replay', '--speed', '-1'],
      ['backfill', '--from', '2013-07-01', '--to', '2013-07-02', '--concurrency', '0'],
      ['events', 'tail', '--limit', '0'],
      ['models', 'history', 'jfk/temperatureC', '--at', 'yesterday'],
      ['start', '--max-minutes', 'few'],
      ['start', '--speed', '1e9'],
      ['start', '--live', 'metr', '--station', 'KJFK'],
      ['stations', 'add', 'roof', '--name', 'Roof', '--latitude', 'north', '--longitude', '1'],
    ])
      expect((await isobar(args)).code, args.join(' ')).toBe(2)
  })
  it('sends nothing with --dry-run', async () => {
    answers(500, {})
    expect(
      JSON.parse(
        (await isobar(['alerts', 'silence', 'station=lga', 'rule!~stale.*', '--hours', '6', '--comment', 'why', '--dry-run']))
          .out,
      ),
    ).toEqual({
      matchers: [
        { label: 'station', op: '=', value: 'lga' },
        { label: 'rule', op: '!~', value: 'stale.*' },
      ],
      comment: 'why',
      durationHours: 6,
    })
    const roof = ['stations', 'add', 'roof', '--name', 'Roof', '--latitude', '53.35', '--longitude', '-6.26', '--dry-run']
    expect(JSON.parse((await isobar(roof)).out)).toEqual({ stationId: 'roof', name: 'Roof', latitude: 53.35, longitude: -6.26 })
    expect((await isobar(['alerts', 'test', '--dry-run'])).code).toBe(0)
    const key = ['keys', 'create', '--name', 'gateway', '--scopes', 'read,ingest', '--dry-run', '--json']
    expect(JSON.parse((await isobar(key)).out)).toEqual({ key: null, name: 'gateway', scopes: ['read', 'ingest'] })
    expect((await isobar(['reset', '--dry-run'])).err).toContain('does not exist')
    expect(JSON.parse((await isobar(['reset', '--dry-run', '--json'])).out)).toMatchObject({ existed: false, deleted: false })
    expect(seen).toEqual([])
  })
  it('replay --dry-run describes the file without servers and tells bad rows by line', async () => {
    const file = join(home, 'roof.csv')
    writeFileSync(
      file,
      'stationId,observedAt,temperatureC\nroof,2024-01-01T00:00:00Z,3\nroof,nonsense,4\nroof,2024-01-04T00:00:00Z,5\n',
    )
    const { code, out, err } = await isobar(['replay', file, '--dry-run', '--json'])
    expect(code).toBe(1)
    expect(err).toContain(`${file}:3: `)
    expect(JSON.parse(out)).toMatchObject({
      source: 'replay:roof',
      observations: 2,
      badRows: 1,
      stations: 'roof',
      from: '2024-01-01T00:00:00.000Z',
      backfillUntil: '2024-01-03T00:00:00.000Z',
    })
  })
  it('turns problem documents into words and exit codes', async () => {
    answers(404, { title: 'Not found', detail: 'No station nowhere.' })
    expect(await isobar(['forecast', 'nowhere'])).toMatchObject({
      code: 3,
      out: '',
      err: expect.stringContaining('No station nowhere.'),
    })
    answers(401, { title: 'Unauthorized' })
    expect((await isobar(['models', 'retrain', 'jfk/temperatureC', '--reason', 'x'])).err).toMatch(/ISOBAR_API_KEY/)
  })
  it('lists as a table or as JSON, and lets no control character of a name through', async () => {
    answers(200, { stations: [{ stationId: 'a', name: 'evil\u001B[31m', latitude: 1, longitude: 2, provider: 'test' }] })
    const { out } = await isobar(['stations', 'list'])
    expect(out).toContain('evil [31m')
    expect(JSON.parse((await isobar(['stations', 'list', '--json'])).out)).toEqual(answer.body)
  })
  it('imports stations and counts those that are new', async () => {
    const file = join(home, 'stations.json')
    writeFileSync(file, '[{ "stationId": "roof" }]')
    answers(200, { status: 'added' })
    expect(await isobar(['stations', 'import', file, '--json'])).toMatchObject({
      out: expect.stringContaining('"added": 1'),
      err: 'roof is added\n',
    })
    answers(200, { status: 'unchanged' })
    expect(await isobar(['stations', 'import', file, '--json'])).toMatchObject({
      out: expect.stringContaining('"added": 0'),
      err: 'roof is unchanged\n',
    })
  })
  it('promotes the version that was asked for', async () => {
    answers(200, { accepted: true })
    const promote = ['models', 'promote', 'jfk/temperatureC', '--reason', 'too warm', '--version', 'v7']
    expect((await isobar(promote)).code).toBe(0)
    expect(seen).toMatchObject([{ url: '/v1/models/jfk/temperatureC/promote', body: '{"reason":"too warm","version":"v7"}' }])
    expect((await isobar(['models', 'retrain', 'jfk/temperatureC', '--reason', 'too warm', '--version', 'v7'])).code).toBe(2)
  })
  it('makes the card of the version that was asked for', async () => {
    const run = { version: 'v7', runId: 'run-7', metrics: [] }
    answers(200, { champion: { version: 'v1' }, runs: [run], run })
    expect(JSON.parse((await isobar(['models', 'card', 'jfk/temperatureC', '--version', 'v7', '--json'])).out)).toMatchObject({
      runId: 'run-7',
    })
    expect(seen.map(({ url }) => url)).toContain('/v1/runs/run-7')
  })
  it('sends operator actions with the key and the reason', async () => {
    answers(202, { accepted: true })
    await isobar(['models', 'rollback', 'jfk/temperatureC', '--reason', 'too warm', '--dry-run'], { ISOBAR_API_KEY: 'isk_test' })
    expect(seen).toEqual([
      {
        method: 'POST',
        url: '/v1/models/jfk/temperatureC/rollback',
        authorization: 'Bearer isk_test',
        body: '{"reason":"too warm","dryRun":true}',
      },
    ])
  })
})
