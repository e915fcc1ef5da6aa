// The real servers of the local stack, each as one child process: configuration, command line and readiness.
// Facts and measurements behind the flags: docs/local-stack.md.
import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { JavaServer, Prerequisites } from './prerequisites.mjs'
import { archiveFlags } from './setup/class-archives.mjs'
import { HOST } from './ports.ts'
import { amqpAnswers, httpAnswers, kafkaAnswers, smtpAnswers } from './readiness.ts'
import type { ChildSpec } from './supervisor.ts'

export type ServerContext = {
  dataDir: string
  /** Environment of the launcher. */
  env: NodeJS.ProcessEnv
  /** For benchmarks: the JVM may use its optimising compiler at the cost of slower starts and more memory. */
  fullJit: boolean
}

const SERVER_LAYER = 0
const runFile = promisify(execFile)

type Java = NonNullable<Prerequisites['java']>

/** SerialGC and the first compiler tier only: starts in a third of the time and half of the memory. */
const jvmFlags = (context: ServerContext, { archive }: JavaServer, heap: string): string[] => [
  ...archiveFlags(archive),
  heap,
  '-XX:+UseSerialGC',
  ...(context.fullJit ? [] : ['-XX:TieredStopAtLevel=1']),
  '-Djava.awt.headless=true',
]

/** Kafka in KRaft mode, broker and controller in one process. The first start formats its log folder. */
export async function kafkaChild(
  context: ServerContext,
  java: Java,
  server: JavaServer,
  ports: { kafka: number; kafkaController: number },
): Promise<ChildSpec> {
  const dir = join(context.dataDir, 'kafka')
  const logDir = join(dir, 'log')
  mkdirSync(dir, { recursive: true })
  const properties = join(dir, 'server.properties')
  writeFileSync(properties, kafkaProperties(logDir, ports))
  const env = { ...context.env, ...java.env }
  const flags = [
    ...jvmFlags(context, server, '-Xms128m'),
    '-Xmx320m',
    '-Dorg.slf4j.simpleLogger.defaultLogLevel=warn',
    '-Dorg.slf4j.simpleLogger.showDateTime=true',
    ...server.classPath,
  ]
  if (!existsSync(join(logDir, 'meta.properties'))) {
    const clusterId = randomBytes(16).toString('base64url')
    await runFile(
      java.command,
      // With '=': one id of 64 begins with a dash and would be taken for an option.
      [...flags, 'kafka.tools.StorageTool', 'format', `--cluster-id=${clusterId}`, '-c', properties, '--standalone'],
      { env },
    )
  }
  return {
    name: 'kafka',
    layer: SERVER_LAYER,
    command: java.command,
    args: [...flags, 'kafka.Kafka', properties],
    env,
    cwd: dir,
    ready: () => kafkaAnswers(ports.kafka),
  }
}

function kafkaProperties(logDir: string, ports: { kafka: number; kafkaController: number }): string {
  return `# Written at every start.
process.roles=broker,controller
node.id=1
listeners=PLAINTEXT://${HOST}:${ports.kafka},CONTROLLER://${HOST}:${ports.kafkaController}
advertised.listeners=PLAINTEXT://${HOST}:${ports.kafka},CONTROLLER://${HOST}:${ports.kafkaController}
inter.broker.listener.name=PLAINTEXT
controller.listener.names=CONTROLLER
controller.quorum.bootstrap.servers=${HOST}:${ports.kafkaController}
log.dirs=${logDir}
auto.create.topics.enable=false
delete.topic.enable=true
num.partitions=4
# One broker: nothing to replicate to.
default.replication.factor=1
min.insync.replicas=1
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
share.coordinator.state.topic.num.partitions=4
group.initial.rebalance.delay.ms=0
# Room for a batch of large outputs; clients chunk their sends below 1 MiB anyway.
message.max.bytes=4194304
replica.fetch.max.bytes=4194304
log.segment.bytes=67108864
log.cleaner.dedupe.buffer.size=4194304
num.network.threads=2
num.io.threads=4
`
}

/** Apicurio Registry with an H2 file, speaking the Confluent registry's interface. */
export function registryChild(context: ServerContext, java: Java, server: JavaServer, port: number): ChildSpec {
  const dir = join(context.dataDir, 'registry')
  mkdirSync(dir, { recursive: true })
  const database = `jdbc:h2:file:${join(dir, 'registry')}`
  return {
    name: 'registry',
    layer: SERVER_LAYER,
    command: java.command,
    args: [...jvmFlags(context, server, '-Xmx256m'), ...server.classPath],
    env: {
      ...context.env,
      ...java.env,
      QUARKUS_HTTP_HOST: HOST,
      QUARKUS_HTTP_PORT: String(port),
      REGISTRY_DATASOURCE_URL: `${database};DB_CLOSE_ON_EXIT=FALSE`,
      // Without this one the registry starts on an empty store in memory.
      QUARKUS_DATASOURCE_JDBC_URL: database,
      QUARKUS_LOG_LEVEL: 'WARN',
    },
    cwd: dir,
    ready: () => httpAnswers(`${registryUrl(port)}/subjects`),
  }
}

export const registryUrl = (port: number): string => `http://${HOST}:${port}/apis/ccompat/v7`

/** The ClickHouse engine behind the HTTP interface of a ClickHouse server (clickhouse-gateway/). */
export function clickhouseChild(context: ServerContext, port: number): ChildSpec {
  const path = join(context.dataDir, 'clickhouse')
  mkdirSync(path, { recursive: true })
  const main = fileURLToPath(new URL('clickhouse-gateway/main.ts', import.meta.url))
  return {
    name: 'clickhouse',
    layer: SERVER_LAYER,
    command: process.execPath,
    args: [main, '--path', path, '--port', String(port), '--host', HOST],
    env: context.env,
    ready: () => httpAnswers(`http://${HOST}:${port}/ping`, 'Ok.\n'),
  }
}

/** Erlang's port mapper, in the foreground so that its pid is ours; RabbitMQ would otherwise leave its own behind. */
export function epmdChild(context: ServerContext, rabbitmq: NonNullable<Prerequisites['rabbitmq']>, port: number): ChildSpec {
  return {
    name: 'epmd',
    layer: SERVER_LAYER - 1,
    command: rabbitmq.epmd,
    args: ['-port', String(port), '-address', HOST],
    env: { ...context.env, ...rabbitmq.env },
    ready: epmdReady(rabbitmq.epmd, port, { ...context.env, ...rabbitmq.env }),
    stopGraceMs: 500,
  }
}

function epmdReady(epmd: string, port: number, env: NodeJS.ProcessEnv): () => Promise<boolean> {
  return () =>
    runFile(epmd, ['-port', String(port), '-names'], { env }).then(
      () => true,
      () => false, // not listening yet
    )
}

/** RabbitMQ with everything it writes below the data folder. The node's name holds no port, so its data survive a change of ports. */
export function rabbitmqChild(
  context: ServerContext,
  rabbitmq: NonNullable<Prerequisites['rabbitmq']>,
  ports: { rabbitmq: number; rabbitmqDist: number; epmd: number },
): ChildSpec {
  const dir = join(context.dataDir, 'rabbitmq')
  for (const folder of ['home', 'mnesia', 'log']) mkdirSync(join(dir, folder), { recursive: true })
  const config = join(dir, 'rabbitmq.conf')
  writeFileSync(config, rabbitmqConfig(ports.rabbitmq))
  const plugins = join(dir, 'enabled_plugins')
  writeFileSync(plugins, '[].\n')
  return {
    name: 'rabbitmq',
    layer: SERVER_LAYER,
    command: rabbitmq.server,
    args: [],
    env: {
      ...context.env,
      ...rabbitmq.env,
      HOME: join(dir, 'home'),
      RABBITMQ_NODENAME: 'isobar@localhost',
      RABBITMQ_NODE_PORT: String(ports.rabbitmq),
      RABBITMQ_NODE_IP_ADDRESS: HOST,
      RABBITMQ_DIST_PORT: String(ports.rabbitmqDist),
      ERL_EPMD_PORT: String(ports.epmd),
      ERL_EPMD_ADDRESS: HOST,
      RABBITMQ_MNESIA_BASE: join(dir, 'mnesia'),
      RABBITMQ_LOG_BASE: join(dir, 'log'),
      RABBITMQ_CONFIG_FILE: config,
      RABBITMQ_ADVANCED_CONFIG_FILE: join(dir, 'advanced.config'),
      RABBITMQ_ENABLED_PLUGINS_FILE: plugins,
      RABBITMQ_CONF_ENV_FILE: '/dev/null',
      // With this the start script becomes the Erlang machine itself, whose pid is then the one we know and signal; -noinput keeps it
      // from reading the standard input after all.
      RABBITMQ_ALLOW_INPUT: '1',
      RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: '-noinput +S 2:2 +sbwt none -kernel inet_dist_use_interface {127,0,0,1}',
    },
    cwd: dir,
    ready: () => amqpAnswers(ports.rabbitmq),
    stopGraceMs: 9000,
  }
}

const rabbitmqConfig = (port: number): string => `# Written at every start.
listeners.tcp.default = ${HOST}:${port}
loopback_users.guest = true
vm_memory_high_watermark.absolute = 1GB
disk_free_limit.absolute = 50MB
log.file.level = warning
log.console = false
`

/** The SMTP catcher (mail-catcher.ts) as a child. */
export function mailChild(context: ServerContext, port: number, outboxDir: string): ChildSpec {
  return {
    name: 'mail',
    layer: SERVER_LAYER,
    command: process.execPath,
    args: [fileURLToPath(new URL('mail-catcher.ts', import.meta.url)), '--port', String(port), '--outbox', outboxDir],
    env: context.env,
    ready: () => smtpAnswers(port),
    stopGraceMs: 2000,
    ipc: true,
  }
}
