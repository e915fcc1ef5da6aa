/** Kafka instances with our settings. One instance per consumer: kafkajs shares committed-offset state between consumers of an instance. */
import kafkajs from './kafkajs.ts'
import type { KafkaConfig as KafkajsConfig, LogEntry, RetryOptions, SASLOptions } from 'kafkajs'
import type { KafkaConfig } from '../config/index.ts'
import type { Logger } from '../log.ts'

const { Kafka, logLevel } = kafkajs

/**
 * An answer comes as soon as there is anything: this is how often an idle consumer asks again, which costs processor time, and how long
 * a rebalance may wait for an open question.
 */
export const MAX_WAIT_MS = 1000

/**
 * Always explicit: NODE_ENV=test swaps kafkajs's defaults. Consumers and admins give up after about a minute (a consumer then
 * restarts itself); an idempotent producer must never give up by count, see publisher.ts.
 */
export const RETRY: RetryOptions = { initialRetryTime: 100, maxRetryTime: 2000, factor: 0.2, multiplier: 2, retries: 30 }

export function openKafka(config: KafkaConfig, clientId: string, log: Logger): InstanceType<typeof Kafka> {
  const sasl = saslOptions(config)
  const options: KafkajsConfig = {
    clientId,
    brokers: config.kafkaBrokers,
    ssl: config.kafkaSsl,
    ...(sasl ? { sasl } : {}),
    retry: RETRY,
    connectionTimeout: 5000,
    requestTimeout: 30_000,
    enforceRequestTimeout: true,
    logLevel: logLevel.INFO,
    logCreator: () => (entry) => writeLog(log, entry),
  }
  return new Kafka(options)
}

/** The name on the broker of a topic or group of ours. */
export function onBroker(config: KafkaConfig, name: string): string {
  return config.kafkaTopicPrefix + name
}

/** Our name of a topic on the broker. */
export function fromBroker(config: KafkaConfig, name: string): string {
  return name.slice(config.kafkaTopicPrefix.length)
}

function saslOptions(config: KafkaConfig): SASLOptions | null {
  const { kafkaSaslMechanism: mechanism, kafkaSaslUsername: username = '', kafkaSaslPassword: password = '' } = config
  return mechanism ? { mechanism, username, password } : null
}

/** kafkajs is chatty: its info is our debug; its errors are mostly retried, hence warnings. The loops report what matters themselves. */
function writeLog(log: Logger, { namespace, level, log: entry }: LogEntry): void {
  const { message, timestamp: _timestamp, logger: _logger, ...details } = entry
  const text = `kafkajs ${namespace}: ${message}`
  if (level <= logLevel.WARN) log.warn(details, text)
  else log.debug(details, text)
}
