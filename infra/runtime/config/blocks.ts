/** The environment variables of Isobar, in small blocks that a service's config is put together from (`kafkaBlock.extend(…shape)`). */
import { z } from 'zod'
import type { FieldMeta } from './read.ts'

/** Registers description, fix and secrecy of a field; they feed error messages, redaction and .env.example. */
function described<T extends z.ZodType>(schema: T, meta: FieldMeta): T {
  return schema.meta(meta)
}

const LOCAL = 'start the local stack with `npm start`, or set it to'
const port = z.coerce.number().int().min(0).max(65_535)
const list = z.string().transform((text, context) => {
  const items = text.split(',').map((item) => item.trim())
  if (items.some((item) => !/^[^\s:]+:\d+$/.test(item))) {
    context.addIssue({ code: 'custom', message: `"${text}" is not a list of host:port` })
  }
  return items
})

export const kafkaBlock = z.object({
  kafkaBrokers: described(list, {
    description: 'Kafka bootstrap servers, host:port separated by commas.',
    fix: `${LOCAL} host:port,host:port`,
    example: '127.0.0.1:9092',
  }),
  kafkaTopicPrefix: described(
    z
      .string()
      .regex(/^[A-Za-z0-9._-]{0,40}$/)
      .default(''),
    {
      description: 'Put before every topic and consumer group, to keep several Isobars apart on one cluster.',
      fix: 'use letters, digits, dots, dashes and underscores',
      example: 'staging.',
    },
  ),
  kafkaSsl: described(z.stringbool().default(false), {
    description: 'TLS to Kafka.',
    fix: 'use true or false',
    example: 'false',
  }),
  kafkaSaslMechanism: described(z.enum(['plain', 'scram-sha-256', 'scram-sha-512']).optional(), {
    description: 'SASL mechanism; unset means none.',
    fix: 'use plain, scram-sha-256 or scram-sha-512',
    example: 'scram-sha-512',
  }),
  kafkaSaslUsername: described(z.string().optional(), { description: 'SASL user.', example: 'isobar' }),
  kafkaSaslPassword: described(z.string().optional(), { description: 'SASL password.', secret: true }),
})
export type KafkaConfig = z.output<typeof kafkaBlock>

export const registryBlock = z.object({
  schemaRegistryUrl: described(z.url({ protocol: /^https?$/ }), {
    description: 'Confluent-compatible schema registry.',
    fix: `${LOCAL} http://host:port[/path]`,
    example: 'http://127.0.0.1:8081/apis/ccompat/v7',
  }),
  schemaRegistryUsername: described(z.string().optional(), {
    description: 'Basic-auth user of the registry.',
    example: 'isobar',
  }),
  schemaRegistryPassword: described(z.string().optional(), { description: 'Basic-auth password of the registry.', secret: true }),
})
export type RegistryConfig = z.output<typeof registryBlock>

export const clickhouseBlock = z.object({
  clickhouseUrl: described(z.url({ protocol: /^https?$/ }), {
    description: 'ClickHouse HTTP interface.',
    fix: `${LOCAL} http://host:8123`,
    example: 'http://127.0.0.1:8123',
  }),
  clickhouseDatabase: described(
    z
      .string()
      .regex(/^[A-Za-z_][A-Za-z0-9_]*$/)
      .default('isobar'),
    {
      description: 'Database; created by the migrations.',
      fix: 'use letters, digits and underscores',
      example: 'isobar',
    },
  ),
  clickhouseUsername: described(z.string().default('default'), { description: 'ClickHouse user.', example: 'default' }),
  clickhousePassword: described(z.string().default(''), { description: 'ClickHouse password.', secret: true }),
})
export type ClickHouseConfig = z.output<typeof clickhouseBlock>

export const amqpBlock = z.object({
  amqpUrl: described(z.url({ protocol: /^amqps?$/ }), {
    description: 'RabbitMQ.',
    fix: `${LOCAL} amqp://user:password@host:5672/vhost`,
    example: 'amqp://127.0.0.1:5672',
    secret: true,
  }),
})

export const artifactBlock = z.object({
  artifactStore: described(z.string().regex(/^(file:|s3:\/\/[^/]+)/), {
    description: 'Where model artefacts are kept: file:/directory or s3://bucket/prefix.',
    fix: `${LOCAL} file:/var/lib/isobar/artefacts or s3://bucket/prefix`,
    example: 'file:/var/lib/isobar/artefacts',
  }),
  s3Endpoint: described(z.url({ protocol: /^https?$/ }).optional(), {
    description: 'S3-compatible server other than AWS. Credentials and region come from the usual AWS_* variables.',
    fix: 'use http://host:port',
    example: 'http://127.0.0.1:9000',
  }),
})
export type ArtifactConfig = z.output<typeof artifactBlock>

export const clockBlock = z.object({
  clock: described(z.enum(['system', 'stream']).default('system'), {
    description: 'Event time: system (live, the wall clock) or stream (replay, the newest event seen).',
    fix: 'use system or stream',
    example: 'system',
  }),
})

export const canaryBlock = z.object({
  promotionCanaryShare: described(z.coerce.number().min(0).max(1).default(0), {
    description: 'Share of the stations whose new models serve first; models of the same wave elsewhere wait for them. 0: none.',
    fix: 'use a number from 0 to 1',
    example: '0.1',
  }),
})

export const httpBlock = z.object({
  httpPort: described(port.optional(), {
    description: 'Port of API and dashboard; default 8080 or the next free one.',
    fix: 'use a port number',
    example: '8080',
  }),
  httpHost: described(z.string().default('127.0.0.1'), {
    description: 'Address that API and dashboard listen on.',
    example: '0.0.0.0',
  }),
  publicRead: described(z.stringbool().default(false), {
    description: 'Reading without a key.',
    fix: 'use true or false',
    example: 'false',
  }),
  rateLimitPerMinute: described(z.coerce.number().int().min(0).default(60_000), {
    description: 'Requests a minute that each API key may make; 0 means no limit.',
    fix: 'use a whole number',
    example: '60000',
  }),
  publicRateLimitPerMinute: described(z.coerce.number().int().min(0).default(6000), {
    description: 'Requests a minute that each address may make without a key; 0 means no limit.',
    fix: 'use a whole number',
    example: '6000',
  }),
  corsOrigins: described(
    z
      .string()
      .default('')
      .transform((text) =>
        text
          .split(',')
          .map((origin) => origin.trim())
          .filter((origin) => origin !== ''),
      ),
    {
      description: 'Origins whose pages may call the API from a browser, separated by commas; * for all.',
      example: 'https://example.org',
    },
  ),
})

export const logBlock = z.object({
  logLevel: described(z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']).default('info'), {
    description: 'Least severe level that is logged.',
    fix: 'use trace, debug, info, warn, error, fatal or silent',
    example: 'info',
  }),
})

/** Of every process, whatever services it runs. */
export const processBlock = z.object({
  ...logBlock.shape,
  metricsPort: described(port.default(0), {
    description: 'Port of /livez, /readyz and /metrics; 0 picks a free one.',
    fix: 'use a port number',
    example: '9464',
  }),
  probeHost: described(z.string().default('127.0.0.1'), {
    description: 'Address that the probe and metrics server listens on.',
    example: '0.0.0.0',
  }),
  otelExporterOtlpEndpoint: described(z.url().optional(), {
    description:
      'OpenTelemetry collector. Checked and not used: Isobar passes a trace context on in the headers of events and makes no spans.',
    fix: 'use http://host:4318',
    example: 'http://127.0.0.1:4318',
  }),
})

export const slackBlock = z.object({
  slackWebhookUrl: described(z.url().optional(), {
    description: 'Slack incoming webhook.',
    fix: 'use the https URL Slack shows',
    secret: true,
  }),
  slackBotToken: described(z.string().optional(), {
    description: 'Slack bot token; lets resolved alerts edit their message.',
    secret: true,
  }),
  slackChannel: described(z.string().optional(), { description: 'Slack channel for the bot token.', example: '#weather-alerts' }),
})

export const emailBlock = z.object({
  smtpUrl: described(z.url({ protocol: /^smtps?$/ }).optional(), {
    description: 'Mail server.',
    fix: 'use smtp://user:password@host:587',
    secret: true,
  }),
  emailFrom: described(z.string().optional(), { description: 'Sender of alert mails.', example: 'isobar@example.org' }),
  emailTo: described(z.string().optional(), {
    description: 'Receivers of alert mails, separated by commas.',
    example: 'ops@example.org',
  }),
})

export const webhookBlock = z.object({
  webhookUrl: described(z.url({ protocol: /^https?$/ }).optional(), {
    description: 'Receiver of alerts as Standard Webhooks.',
    fix: 'use https://host/path',
    example: 'https://example.org/hooks/isobar',
  }),
  webhookSecret: described(z.string().optional(), { description: 'Standard Webhooks signing secret (whsec_…).', secret: true }),
})

export const mlflowBlock = z.object({
  mlflowTrackingUri: described(z.url({ protocol: /^https?$/ }), {
    description: 'MLflow server that runs, versions and aliases are mirrored to; unset, nothing is mirrored.',
    fix: 'set it to the address of an MLflow server, http://host:port[/path]',
    example: 'http://127.0.0.1:5000',
  }),
  mlflowExperiment: described(z.string().min(1).default('isobar'), {
    description: 'MLflow experiment that holds the runs.',
    example: 'isobar',
  }),
  mlflowTrackingUsername: described(z.string().optional(), { description: 'Basic-auth user of MLflow.', example: 'isobar' }),
  mlflowTrackingPassword: described(z.string().optional(), { description: 'Basic-auth password of MLflow.', secret: true }),
  mlflowTrackingToken: described(z.string().optional(), {
    description: 'Bearer token of MLflow, instead of a user.',
    secret: true,
  }),
})

/** Every block, in the order of .env.example. */
export const ALL_BLOCKS: ReadonlyArray<{ readonly title: string; readonly block: z.ZodObject }> = [
  { title: 'Kafka', block: kafkaBlock },
  { title: 'Schema registry', block: registryBlock },
  { title: 'ClickHouse', block: clickhouseBlock },
  { title: 'RabbitMQ', block: amqpBlock },
  { title: 'Model artefacts', block: artifactBlock },
  { title: 'Slack', block: slackBlock },
  { title: 'Email', block: emailBlock },
  { title: 'Webhook', block: webhookBlock },
  { title: 'MLflow', block: mlflowBlock },
  { title: 'Time', block: clockBlock },
  { title: 'Canary stations', block: canaryBlock },
  { title: 'HTTP', block: httpBlock },
  { title: 'Process', block: processBlock },
]
