// The local stack: Kafka, schema registry, ClickHouse engine, RabbitMQ and a mail catcher as child processes in one data folder.
// Real servers, so that everything above them is the code that runs against a cluster.
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { claimDataDir, outboxDir as outboxDirOf } from './data-dir.ts'
import { takeLock } from './directory-lock.ts'
import { endOrphans } from './orphans.ts'
import { choosePorts, HOST, readRememberedPorts, rememberPorts } from './ports.ts'
import type { Part } from './prerequisites.mjs'
import { ensurePrerequisites } from './prerequisites.mjs'
import { identityOf } from './process-identity.ts'
import type { RunFile, RunRecord, StackUrls } from './run-file.ts'
import { assessRun, createRunFile, readRunFile, runFilePath } from './run-file.ts'
import { clickhouseChild, epmdChild, kafkaChild, mailChild, rabbitmqChild, registryChild, registryUrl } from './servers.ts'
import type { ServerContext } from './servers.ts'
import type { ChildEvent, Supervisor } from './supervisor.ts'
import { createSupervisor } from './supervisor.ts'

export type { StackUrls } from './run-file.ts'
export { defaultDataDir } from './data-dir.ts'

export const PARTS = ['kafka', 'registry', 'clickhouse', 'rabbitmq', 'mail'] as const
export type PartName = (typeof PARTS)[number]

/** A part whose variable is set runs elsewhere and is not started here. */
const EXTERNAL: Record<PartName, { variable: string; url: keyof StackUrls }> = {
  kafka: { variable: 'KAFKA_BROKERS', url: 'kafkaBrokers' },
  registry: { variable: 'SCHEMA_REGISTRY_URL', url: 'schemaRegistryUrl' },
  clickhouse: { variable: 'CLICKHOUSE_URL', url: 'clickhouseUrl' },
  rabbitmq: { variable: 'AMQP_URL', url: 'amqpUrl' },
  mail: { variable: 'SMTP_URL', url: 'smtpUrl' },
}

export type LocalStackOptions = {
  /** Absolute path; created when missing. See `defaultDataDir`. */
  dataDir: string
  /** Default process.env of the caller; addresses set in it replace local parts. */
  env: NodeJS.ProcessEnv
  /** Default: all. */
  parts?: readonly PartName[]
  /** Takes lines that tell what goes on (downloads, clean-up). */
  say?: (line: string) => void
  /** Starts, readiness, crashes and stops of each child. */
  onEvent?: (event: ChildEvent) => void
  /** Parts that `startLate` starts, when what has to be there first is there: the cores are few. Default: none. */
  late?: readonly PartName[]
  /** Longest pause before a crashed child is started again; see the supervisor. */
  maxBackoffMs?: number
  /** Keeps the JVM's optimising compiler on: for benchmarks. */
  fullJit?: boolean
}

export type LocalStack = {
  urls: StackUrls
  dataDir: string
  /** Where mails (and the transports' other undelivered messages) are put. */
  outboxDir: string
  /** False when another launcher runs this stack: it is used as it is, `stop` does nothing and `own` is null. */
  owned: boolean
  /** Starts the late parts. Resolves when they have answered too; rejects, with everything stopped, when one does not. */
  startLate: () => Promise<void>
  /** Seconds until each started part answered, by name. */
  startSeconds: Record<string, number>
  /** For running Isobar's own services under the same run file and stop order. */
  own: { supervisor: Supervisor; runFile: RunFile } | null
  /** Stops everything within 15 s, services first; safe to call twice. */
  stop: () => Promise<void>
}

const STOP_DEADLINE_MS = 14_000
const OTHER_LAUNCHER_MS = 120_000

/**
 * Starts the parts (but the late ones) side by side and resolves when each has answered. A healthy stack of another launcher on the same
 * folder is used instead of started; what a killed launcher left behind is ended first. On failure everything started is stopped again.
 */
export async function startLocalStack(options: LocalStackOptions): Promise<LocalStack> {
  const { dataDir, say = () => {}, onEvent } = options
  claimDataDir(dataDir)
  const outboxDir = outboxDirOf(dataDir)
  mkdirSync(outboxDir, { recursive: true })

  const lock = await takeLock(join(dataDir, 'start.lock'))
  let runFile: RunFile
  try {
    const found = assessRun(readRunFile(runFilePath(dataDir)))
    if (found.kind === 'running') {
      lock.release()
      return await joinRunning(dataDir, found.run, say)
    }
    if (found.kind === 'stale' && found.orphans.length > 0) {
      say(`the last run was killed; ending what it left behind: ${found.orphans.map(({ name }) => name).join(', ')}`)
      await endOrphans(found.orphans)
    }
    const launcher = identityOf(process.pid)
    if (launcher === null) throw new Error('cannot read the start time of this process')
    runFile = createRunFile(runFilePath(dataDir), launcher)
  } finally {
    lock.release()
  }

  const supervisor = createSupervisor({
    runFile,
    logDir: join(dataDir, 'logs'),
    ...(onEvent ? { onEvent } : {}),
    ...(options.maxBackoffMs === undefined ? {} : { maxBackoffMs: options.maxBackoffMs }),
  })
  // The launcher ends without having stopped its children (an uncaught error): they are at least told to end.
  const onExit = (): void => supervisor.signalAll('SIGTERM')
  process.once('exit', onExit)
  let stopping: Promise<void> | null = null
  const stop = (): Promise<void> => {
    stopping ??= (async () => {
      runFile.setState('stopping')
      await supervisor.stop({ deadlineMs: STOP_DEADLINE_MS })
      process.off('exit', onExit)
      runFile.remove()
    })()
    return stopping
  }

  try {
    const startSeconds: Record<string, number> = {}
    const { urls, parts, startPart } = await prepareParts(options, supervisor, startSeconds)
    const late = new Set(options.late)
    await allStarted(parts.filter((part) => !late.has(part)).map(startPart))
    runFile.setUrls(urls)
    const startLate = async (): Promise<void> => {
      try {
        await allStarted(parts.filter((part) => late.has(part)).map(startPart))
        runFile.setState('ready')
      } catch (error) {
        await stop()
        throw error
      }
    }
    if (late.size === 0) await startLate()
    return { urls, dataDir, outboxDir, owned: true, startLate, startSeconds, own: { supervisor, runFile }, stop }
  } catch (error) {
    await stop()
    throw error
  }
}

async function prepareParts(
  options: LocalStackOptions,
  supervisor: Supervisor,
  startSeconds: Record<string, number>,
): Promise<{ urls: StackUrls; parts: PartName[]; startPart: (part: PartName) => Promise<void> }> {
  const { dataDir, env, say = () => {} } = options
  const wanted = options.parts ?? PARTS
  const isLocal = (part: PartName): boolean => wanted.includes(part) && !env[EXTERNAL[part].variable]
  for (const part of wanted) if (!isLocal(part)) say(`${part}: using ${EXTERNAL[part].variable}`)

  const needs = (['kafka', 'registry', 'rabbitmq'] satisfies Part[]).filter(isLocal)
  const prerequisites = await ensurePrerequisites({ parts: needs, say, env })

  const portsFile = join(dataDir, 'ports.json')
  const names = ['kafka', 'kafkaController', 'registry', 'clickhouse', 'rabbitmq', 'rabbitmqDist', 'epmd', 'smtp'] as const
  const ports = await choosePorts(names, readRememberedPorts(portsFile))
  rememberPorts(portsFile, ports)

  const context: ServerContext = { dataDir, env: serverEnvironment(env), fullJit: options.fullJit ?? false }
  const start = async (spec: Parameters<Supervisor['start']>[0]): Promise<void> => {
    startSeconds[spec.name] = (await supervisor.start(spec)).seconds
  }
  const starters: Record<PartName, () => Promise<void>> = {
    kafka: async () => {
      const { java, kafka } = prerequisites
      await start(await kafkaChild(context, present(java), present(kafka), ports))
    },
    registry: () => start(registryChild(context, present(prerequisites.java), present(prerequisites.registry), ports.registry)),
    clickhouse: () => start(clickhouseChild(context, ports.clickhouse)),
    rabbitmq: async () => {
      const rabbitmq = present(prerequisites.rabbitmq)
      await start(epmdChild(context, rabbitmq, ports.epmd))
      await start(rabbitmqChild(context, rabbitmq, ports))
    },
    mail: () => start(mailChild(context, ports.smtp, join(outboxDirOf(dataDir), 'mail'))),
  }
  const urls = {
    kafkaBrokers: env['KAFKA_BROKERS'] || `${HOST}:${ports.kafka}`,
    schemaRegistryUrl: env['SCHEMA_REGISTRY_URL'] || registryUrl(ports.registry),
    clickhouseUrl: env['CLICKHOUSE_URL'] || `http://${HOST}:${ports.clickhouse}`,
    amqpUrl: env['AMQP_URL'] || `amqp://guest:guest@${HOST}:${ports.rabbitmq}`,
    smtpUrl: env['SMTP_URL'] || `smtp://${HOST}:${ports.smtp}`,
  }
  return { urls, parts: wanted.filter(isLocal), startPart: (part) => starters[part]() }
}

/** All settle before a failure is reported, so that none is still being started while the rest is stopped. */
async function allStarted(answers: ReadonlyArray<Promise<void>>): Promise<void> {
  const results = await Promise.allSettled(answers)
  const failures = results.flatMap((result) => (result.status === 'rejected' ? [result.reason as Error] : []))
  if (failures.length > 0) {
    throw new AggregateError(
      failures,
      `the local stack could not be started: ${failures.map(({ message }) => message).join('\n')}`,
    )
  }
}

/** The stack of a launcher that lives: waited for while it starts or stops. */
async function joinRunning(dataDir: string, run: RunRecord, say: (line: string) => void): Promise<LocalStack> {
  say(`using the stack that process ${run.launcher.pid} runs on ${dataDir}`)
  const deadline = performance.now() + OTHER_LAUNCHER_MS
  for (;;) {
    const now = assessRun(readRunFile(runFilePath(dataDir)))
    if (now.kind !== 'running')
      throw new Error(`process ${run.launcher.pid}, which ran the local stack, has just ended; start again`)
    const { kafkaBrokers, schemaRegistryUrl, clickhouseUrl, amqpUrl, smtpUrl } = now.run.urls
    if (now.run.state === 'ready' && kafkaBrokers && schemaRegistryUrl && clickhouseUrl && amqpUrl && smtpUrl) {
      const urls = { kafkaBrokers, schemaRegistryUrl, clickhouseUrl, amqpUrl, smtpUrl }
      return {
        urls,
        dataDir,
        outboxDir: outboxDirOf(dataDir),
        owned: false,
        startLate: () => Promise.resolve(),
        startSeconds: {},
        own: null,
        stop: async () => {},
      }
    }
    if (performance.now() > deadline)
      throw new Error(`process ${run.launcher.pid} has not finished starting the local stack on ${dataDir}`)
    await sleep(200)
  }
}

/** Variables that would configure the servers behind our back are kept from them. */
function serverEnvironment(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(env).filter(([name]) => !/^(RABBITMQ_|ERL_|QUARKUS_|REGISTRY_|KAFKA_|NODE_OPTIONS$|CLASSPATH$)/.test(name)),
  )
}

function present<T>(value: T | null): T {
  if (value === null) throw new Error('a prerequisite was not looked for: the list of parts and their needs disagree')
  return value
}
