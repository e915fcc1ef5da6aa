import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

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

describe('isobar', () => {
  it('shows every verb once in its help', async () => {
    const { out, code } = await isobar(['--help'])
    expect(code).toBe(0)
    for (const verb of [
      'start',
      'run',
      'stations',
      'ingest',
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
    expect(await isobar(['config', 'show'])).toMatchObject({ code: 4, err: expect.stringContaining('npm start') })
    expect((await isobar(['stations', 'list'], { ISOBAR_URL: 'http://127.0.0.1:9' })).code).toBe(4)
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
