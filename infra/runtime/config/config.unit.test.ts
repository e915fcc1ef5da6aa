import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { z } from 'zod'
import { AppError } from '../errors.ts'
import { envExampleText } from './env-example.ts'
import {
  ALL_BLOCKS,
  amqpBlock,
  artifactBlock,
  clickhouseBlock,
  environmentName,
  kafkaBlock,
  readConfig,
  redact,
} from './index.ts'

const directory = mkdtempSync(join(tmpdir(), 'isobar-config-'))
afterAll(() => rmSync(directory, { recursive: true }))
const file = (name: string, text: string): string => {
  const path = join(directory, name)
  writeFileSync(path, text)
  return path
}
const problemsOf = (read: () => unknown): string => {
  try {
    read()
  } catch (error) {
    expect(error).toBeInstanceOf(AppError)
    expect((error as AppError).code).toBe('config-invalid')
    return (error as AppError).message
  }
  throw new Error('was accepted')
}

it('reads real types', () => {
  const env = { KAFKA_BROKERS: 'a:9092, b:9092', KAFKA_SSL: 'true', CLICKHOUSE_URL: 'http://c:8123' }
  expect(readConfig(kafkaBlock.extend(clickhouseBlock.shape), env)).toMatchObject({
    kafkaBrokers: ['a:9092', 'b:9092'],
    kafkaSsl: true,
    clickhouseDatabase: 'isobar',
    clickhouseUsername: 'default',
  })
  expect(readConfig(kafkaBlock, { KAFKA_BROKERS: 'a:1', KAFKA_SSL: 'false' }).kafkaSsl).toBe(false)
})

it('names every problem at once, with the fix', () => {
  const message = problemsOf(() =>
    readConfig(kafkaBlock.extend({ ...clickhouseBlock.shape, ...artifactBlock.shape }), {
      KAFKA_SSL: 'maybe',
      CLICKHOUSE_URL: 'localhost:8123',
      ARTIFACT_STORE: 'ftp://x',
    }),
  )
  expect(message).toMatch(/KAFKA_BROKERS: is not set; start the local stack with `npm start`, or set it to host:port/)
  expect(message).toMatch(/KAFKA_SSL: .*; use true or false/)
  expect(message).toMatch(/CLICKHOUSE_URL: .*http:\/\/host:8123/)
  expect(message).toMatch(/ARTIFACT_STORE: .*s3:\/\/bucket\/prefix/)
})

it('takes a value from NAME_FILE, trimmed, and refuses both', () => {
  const path = file('url', 'amqp://u:p@h:5672\n')
  expect(readConfig(amqpBlock, { AMQP_URL_FILE: path }).amqpUrl).toBe('amqp://u:p@h:5672')
  expect(problemsOf(() => readConfig(amqpBlock, { AMQP_URL: 'amqp://x', AMQP_URL_FILE: path }))).toContain('both set')
  const gone = problemsOf(() => readConfig(amqpBlock, { AMQP_URL_FILE: join(directory, 'gone') }))
  expect(gone).toContain('AMQP_URL_FILE: cannot read')
  expect(gone.split('\n')).toHaveLength(2)
})

it('takes an empty variable for an unset one', () => {
  expect(
    readConfig(z.object({ clickhousePassword: clickhouseBlock.shape.clickhousePassword }), { CLICKHOUSE_PASSWORD: '' }),
  ).toEqual({
    clickhousePassword: '',
  })
})

it('redacts secrets and passwords in URLs, and keeps the rest', () => {
  const shown = redact({
    kafkaBrokers: ['a:1'],
    amqpUrl: 'amqp://user:hunter2@host:5672/v',
    slackWebhookUrl: 'https://hooks.example/T/B/X',
    clickhousePassword: 'hunter2',
    clickhouseUrl: 'http://me:hunter2@host:8123',
    someServiceToken: 'hunter2',
    s3Endpoint: undefined,
  })
  expect(JSON.stringify(shown)).not.toContain('hunter2')
  expect(JSON.stringify(shown)).not.toContain('/T/B/X')
  expect(shown).toMatchObject({
    kafkaBrokers: ['a:1'],
    amqpUrl: 'amqp://user:[redacted]@host:5672/v',
    clickhouseUrl: 'http://me:[redacted]@host:8123',
  })
})

it('documents every variable in .env.example, secrets without a value', () => {
  const text = envExampleText()
  for (const { block } of ALL_BLOCKS) {
    for (const key of Object.keys(block.shape)) expect(text).toContain(`# ${environmentName(key)}=`)
  }
  expect(text).toMatch(/^# KAFKA_SASL_PASSWORD=$/m)
})

it.each(
  `KAFKA_BROKERS KAFKA_SSL KAFKA_SASL_MECHANISM KAFKA_SASL_USERNAME KAFKA_SASL_PASSWORD SCHEMA_REGISTRY_URL SCHEMA_REGISTRY_USERNAME
   SCHEMA_REGISTRY_PASSWORD CLICKHOUSE_URL CLICKHOUSE_DATABASE CLICKHOUSE_USERNAME CLICKHOUSE_PASSWORD AMQP_URL ARTIFACT_STORE S3_ENDPOINT
   SLACK_WEBHOOK_URL SLACK_BOT_TOKEN SLACK_CHANNEL SMTP_URL EMAIL_FROM EMAIL_TO WEBHOOK_URL WEBHOOK_SECRET MLFLOW_TRACKING_URI CLOCK LOG_LEVEL
   HTTP_PORT METRICS_PORT PUBLIC_READ OTEL_EXPORTER_OTLP_ENDPOINT`.split(/\s+/),
)('knows %s', (name) => {
  expect(ALL_BLOCKS.flatMap(({ block }) => Object.keys(block.shape)).map(environmentName)).toContain(name)
})
