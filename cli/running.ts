/** Where the verbs find what they talk to: the environment first, else the local run of this project. */
import { defaultDataDir } from '../infra/local/data-dir.ts'
import { assessRun, readRunFile, type RunRecord, runFilePath } from '../infra/local/run-file.ts'
import { ownEnvironment } from './environment.ts'
import { CliError, EXIT } from './exit.ts'
import { serverEnvironment } from './start/deploy.ts'

/** The local run, or null when none is up. */
export function localRun(env: NodeJS.ProcessEnv = process.env): RunRecord | null {
  const found = assessRun(readRunFile(runFilePath(defaultDataDir(env))))
  return found.kind === 'running' ? found.run : null
}

/** Addresses of the servers: as set, else those of the local run. */
export function serverEnv(env: NodeJS.ProcessEnv = ownEnvironment()): NodeJS.ProcessEnv {
  if (env['KAFKA_BROKERS'] && env['CLICKHOUSE_URL']) return env
  const run = localRun(env)
  const { kafkaBrokers, schemaRegistryUrl, clickhouseUrl, amqpUrl, smtpUrl } = run?.urls ?? {}
  if (!kafkaBrokers || !schemaRegistryUrl || !clickhouseUrl || !amqpUrl || !smtpUrl) {
    throw new CliError(
      'nothing runs here; start it with npm start, or set KAFKA_BROKERS, SCHEMA_REGISTRY_URL and CLICKHOUSE_URL',
      EXIT.unavailable,
    )
  }
  const servers = serverEnvironment({ kafkaBrokers, schemaRegistryUrl, clickhouseUrl, amqpUrl, smtpUrl }, env)
  return { ...servers, SMTP_URL: smtpUrl, ARTIFACT_STORE: env['ARTIFACT_STORE'] ?? run?.extra['artifactStore'] }
}

/** `ISOBAR_URL`, else the API of the local run. */
export function apiUrl(env: NodeJS.ProcessEnv = process.env): string {
  const url = env['ISOBAR_URL'] ?? localRun(env)?.extra['httpUrl']
  if (!url) throw new CliError('no Isobar to talk to; start it with npm start, or set ISOBAR_URL', EXIT.unavailable)
  return url.replace(/\/$/, '')
}
