/** What `isobar doctor` looks at. Changes nothing; judge.ts says what it means. */
import { access, constants, statfs } from 'node:fs/promises'
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { installedChromium } from '../../infra/local/chromium.ts'
import { defaultDataDir } from '../../infra/local/data-dir.ts'
import { inspectPrerequisites, installLine } from '../../infra/local/prerequisites.mjs'
import { isRunning } from '../../infra/local/process-identity.ts'
import { readyOrReason } from '../../infra/local/readiness.ts'
import { assessRun, readRunFile, runFilePath } from '../../infra/local/run-file.ts'
import { cacheRoot } from '../../infra/local/setup/cache.mjs'
import { packagesAreCurrent } from '../../infra/local/setup/packages.mjs'
import { openClickHouse, pendingMigrations } from '../../infra/runtime/clickhouse/index.ts'
import { amqpBlock, clickhouseBlock, kafkaBlock, readConfig, registryBlock } from '../../infra/runtime/config/index.ts'
import { messageOf } from '../../infra/runtime/errors.ts'
import { planTopics } from '../../infra/runtime/kafka/index.ts'
import { createLogger } from '../../infra/runtime/log.ts'
import { openRabbit } from '../../infra/runtime/rabbitmq/index.ts'
import { unregisteredSubjects } from '../../infra/runtime/registry/deploy.ts'
import { apiGet } from '../api-client.ts'
import { configuredChannels } from '../channels.ts'
import { localRun, serverEnv } from '../running.ts'
import { chooseHttpPort } from '../start/http-port.ts'
import type { Facts, Outcome, Pipeline } from './judge.ts'

const PROJECT = fileURLToPath(new URL('../../', import.meta.url))
/** A server that has not answered by then counts as not answering. */
const PROBE_MS = 10_000
const RABBIT_POLL_MS = 50
const log = createLogger('cli', 'silent')

export async function lookAround(env: NodeJS.ProcessEnv): Promise<Facts> {
  // A run that is starting or stopping has not all addresses.
  const reachable = localRun(env)?.state === 'ready' ? serverEnv(env) : env
  const cacheFolder = cacheRoot(env)
  const hasApi = Boolean(env['ISOBAR_URL'] ?? localRun(env)?.extra['httpUrl'])
  const [prerequisites, chromium, folders, cache, httpPort, run, servers, pipeline] = await Promise.all([
    attempt(() => inspectPrerequisites(env)),
    attempt(() => installedChromium(env)),
    Promise.all([freeAt('cache', cacheFolder), freeAt('data', defaultDataDir(env))]),
    canWrite(cacheFolder),
    attempt(() => chooseHttpPort(env)),
    lookAtRun(env),
    lookAtServers(reachable),
    hasApi ? attempt(() => apiGet<Pipeline>('/v1/pipeline')) : null,
  ])
  return {
    nodeVersion: process.version,
    packagesAreCurrent: packagesAreCurrent(PROJECT),
    prerequisites,
    startsHere: { java: !isSet(env, 'KAFKA_BROKERS') || !isSet(env, 'SCHEMA_REGISTRY_URL'), rabbitmq: !isSet(env, 'AMQP_URL') },
    chromium,
    installLines: {
      java: installLine(['java']),
      maven: installLine(['maven']),
      rabbitmq: installLine(['rabbitmq']),
      chromium: installLine(['chromium']),
    },
    folders,
    cache: { folder: cacheFolder, isWritable: cache },
    httpPort,
    run,
    servers,
    pipeline,
    channels: await attempt(async () => configuredChannels(env)),
  }
}

async function attempt<T>(look: () => Promise<T>): Promise<Outcome<T>> {
  const late = new AbortController()
  try {
    const value = await Promise.race([look(), deadline(late.signal)])
    return { ok: true, value }
  } catch (error) {
    return { ok: false, reason: messageOf(error) }
  } finally {
    late.abort()
  }
}

async function deadline(signal: AbortSignal): Promise<never> {
  try {
    await sleep(PROBE_MS, undefined, { signal })
  } catch (error) {
    // The probe was quicker; nobody waits for this any more.
    if ((error as Error).name !== 'AbortError') throw error
  }
  throw new Error(`no answer within ${PROBE_MS / 1000} s`)
}

async function freeAt(use: 'cache' | 'data', folder: string): Promise<Facts['folders'][number]> {
  const { bavail, bsize } = await statfs(nearestExisting(folder))
  return { use, folder, freeBytes: bavail * bsize }
}

async function canWrite(folder: string): Promise<boolean> {
  try {
    await access(nearestExisting(folder), constants.W_OK)
    return true
  } catch (error) {
    if (error instanceof Error && 'code' in error) return false
    throw error
  }
}

function nearestExisting(folder: string): string {
  return existsSync(folder) || dirname(folder) === folder ? folder : nearestExisting(dirname(folder))
}

async function lookAtRun(env: NodeJS.ProcessEnv): Promise<Facts['run']> {
  const found = assessRun(readRunFile(runFilePath(defaultDataDir(env))))
  if (found.kind === 'none') return found
  if (found.kind === 'stale') return { kind: 'stale', orphans: found.orphans.length }
  const { state, launcher, processes, extra } = found.run
  const gone = processes.filter((process) => !isRunning(process)).map(({ name }) => name)
  const api = extra['httpUrl'] === undefined ? false : await readyOrReason(`${extra['httpUrl']}/readyz`)
  return { kind: 'running', state, launcherPid: launcher.pid, logFolder: join(defaultDataDir(env), 'logs'), gone, api }
}

async function lookAtServers(env: NodeJS.ProcessEnv): Promise<Facts['servers']> {
  const when = <T>(name: string, look: () => Promise<T>) => (isSet(env, name) ? attempt(look) : null)
  const [kafka, registry, store, rabbitmq] = await Promise.all([
    when('KAFKA_BROKERS', () => planTopics(readConfig(kafkaBlock, env), log)),
    when('SCHEMA_REGISTRY_URL', () => unregisteredSubjects(readConfig(registryBlock, env))),
    isSet(env, 'CLICKHOUSE_URL') ? lookAtStore(env) : { clickhouse: null, migrations: null },
    when('AMQP_URL', () => reachRabbit(readConfig(amqpBlock, env).amqpUrl)),
  ])
  return { kafka, registry, ...store, rabbitmq }
}

async function lookAtStore(env: NodeJS.ProcessEnv): Promise<Pick<Facts['servers'], 'clickhouse' | 'migrations'>> {
  const config = await attempt(async () => readConfig(clickhouseBlock, env))
  if (!config.ok) return { clickhouse: config, migrations: null }
  const store = openClickHouse(config.value, { requestTimeoutMs: PROBE_MS })
  try {
    const clickhouse = await attempt(async () => {
      await store.ping()
      return null
    })
    return { clickhouse, migrations: clickhouse.ok ? await attempt(() => pendingMigrations(store)) : null }
  } finally {
    await store.close()
  }
}

async function reachRabbit(url: string): Promise<null> {
  const rabbit = await openRabbit(url, { setup: async () => {}, log })
  try {
    const until = performance.now() + PROBE_MS / 2
    while (!rabbit.isConnected()) {
      const readiness = rabbit.readiness()
      if (performance.now() > until) throw new Error(readiness.ready ? 'no connection' : readiness.reason)
      await sleep(RABBIT_POLL_MS)
    }
    return null
  } finally {
    await rabbit.close()
  }
}

const isSet = (env: NodeJS.ProcessEnv, name: string): boolean => Boolean(env[name] || env[`${name}_FILE`])
