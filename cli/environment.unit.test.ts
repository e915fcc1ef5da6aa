import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { configuredChannels } from './channels.ts'
import { ownEnvironment } from './environment.ts'
import { serverEnv } from './running.ts'
import { welcome } from './start/screen.ts'

let folder: string
const file = (name: string, text: string): string => {
  const path = join(folder, name)
  writeFileSync(path, text)
  return path
}
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'isobar-environment-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

describe('addresses of servers', () => {
  it('may stand in files, and are handed on in one way only', () => {
    const env = {
      KAFKA_BROKERS_FILE: file('kafka', 'kafka:9092\n'),
      CLICKHOUSE_URL: 'http://store:8123',
      SSL_CERT_FILE: '/somewhere/ca.pem',
    }
    expect(ownEnvironment(env)).toMatchObject({ KAFKA_BROKERS: 'kafka:9092', SSL_CERT_FILE: '/somewhere/ca.pem' })
    expect(ownEnvironment(env)).not.toHaveProperty('KAFKA_BROKERS_FILE')
    expect(serverEnv(ownEnvironment(env))['KAFKA_BROKERS']).toBe('kafka:9092')
  })
  it('are refused when given twice, or in a file that is not there', () => {
    expect(() => ownEnvironment({ KAFKA_BROKERS: 'a:1', KAFKA_BROKERS_FILE: file('b', 'b:1') })).toThrow(/both set/)
    expect(() => ownEnvironment({ AMQP_URL_FILE: join(folder, 'none') })).toThrow(/AMQP_URL_FILE: cannot read/)
  })
})

describe('the start screen', () => {
  const said = (env: NodeJS.ProcessEnv): string =>
    welcome({
      httpUrl: 'http://127.0.0.1:8080',
      stationId: 'ewr',
      outboxDir: '/data/outbox',
      channels: configuredChannels(env),
      hasMailServer: env['SMTP_URL'] !== undefined,
      key: null,
    })
  it('says where alerts go: to people only when there is a way to them', () => {
    expect(said({})).toMatch(
      /Slack: not configured, kept in \/data\/outbox\/slack\n +e-mail: not configured, caught in \/data\/outbox\/mail\n +all of it: http:\/\/127.0.0.1:8080\/outbox/,
    )
    const hook = file('hook', 'https://hooks.slack.com/services/x')
    expect(said({ SLACK_WEBHOOK_URL_FILE: hook })).toContain('Slack: as configured')
    // A receiver without a mail server: the local catcher has the mail.
    expect(said({ EMAIL_TO: 'ops@example.org' })).toContain('e-mail: not configured')
    expect(said({ EMAIL_TO: 'ops@example.org', SMTP_URL: 'smtp://mail:25' })).toContain('e-mail: as configured')
    expect(said({ SMTP_URL: 'smtp://mail:25' })).toContain('e-mail: not configured, EMAIL_TO has no receiver')
    expect(said({ WEBHOOK_URL: 'https://x.example', WEBHOOK_SECRET: 'whsec_x' })).toContain('webhook: as configured')
  })
  it('has the address, where a key comes from and three things to try', () => {
    const text = said({})
    expect(text).toContain('Dashboard   http://127.0.0.1:8080')
    expect(text).toContain('isobar keys create')
    expect(text.match(/curl -s 'http:\/\/127\.0\.0\.1:8080\/v1/g)).toHaveLength(3)
  })
})
