/** `isobar deploy`: topics, schemas and tables on the servers the environment names; the one-shot before services start. */
import type { Command } from 'commander'
import { z } from 'zod'
import { openClickHouse, pendingMigrations } from '../infra/runtime/clickhouse/index.ts'
import { clickhouseBlock, kafkaBlock, logBlock, readConfig, registryBlock } from '../infra/runtime/config/index.ts'
import { planTopics } from '../infra/runtime/kafka/index.ts'
import { createLogger, type Logger } from '../infra/runtime/log.ts'
import { unregisteredSubjects } from '../infra/runtime/registry/deploy.ts'
import { VERSION } from '../infra/runtime/version.ts'
import { type Action, recordAction } from './audit.ts'
import { printJson, printTable, talk } from './output.ts'
import { deploy } from './start/deploy.ts'

type Change = { readonly kind: 'topic' | 'schema' | 'migration'; readonly name: string; readonly change: string }

export function register(program: Command): void {
  program
    .command('deploy')
    .description('bring broker, registry and store to what this version needs (safe to repeat)')
    .option('--dry-run', 'show what would change')
    .option('--json', 'the changes as JSON')
    .addHelpText(
      'after',
      `
Examples:
  isobar deploy --dry-run
  KAFKA_BROKERS=kafka:9092 SCHEMA_REGISTRY_URL=http://registry:8080/apis/ccompat/v7 CLICKHOUSE_URL=http://store:8123 isobar deploy`,
    )
    .action(async ({ dryRun, json }: { dryRun?: boolean; json?: boolean }) => {
      const env = process.env
      const log = createLogger('deploy', readConfig(logBlock, { ...env, LOG_LEVEL: env['LOG_LEVEL'] ?? 'warn' }).logLevel)
      const changes = await plan(env, log)
      if (!dryRun) await deploy(env, log)
      if (!dryRun && changes.length > 0) await recordAction(env, deployAction(changes))
      if (json) printJson(changes)
      else if (changes.length > 0)
        printTable(changes, [
          { title: 'kind', value: ({ kind }) => kind },
          { title: 'name', value: ({ name }) => name },
          { title: 'change', value: ({ change }) => change },
        ])
      if (!dryRun) talk('topics, schemas and tables are in place')
      else if (changes.length === 0) talk('nothing to do: topics, schemas and tables are as this version needs them')
    })
}

/** What was changed, by kind: names separated by commas. */
function deployAction(changes: readonly Change[]): Action {
  const byKind = Object.entries(Object.groupBy(changes, ({ kind }) => kind))
  return {
    action: 'servers.deploy',
    subject: `version ${VERSION}`,
    details: Object.fromEntries(byKind.map(([kind, of]) => [kind, of.map(({ name }) => name).join(',')])),
  }
}

async function plan(env: NodeJS.ProcessEnv, log: Logger): Promise<Change[]> {
  // In one reading, so that everything that is missing is named at once.
  const config = readConfig(z.object({ ...kafkaBlock.shape, ...registryBlock.shape, ...clickhouseBlock.shape }), env)
  const clickhouse = openClickHouse(config)
  try {
    const [topics, subjects, migrations] = await Promise.all([
      planTopics(config, log),
      unregisteredSubjects(config),
      pendingMigrations(clickhouse),
    ])
    return [
      ...topics.map(({ topic, change, detail }): Change => ({
        kind: 'topic',
        name: topic,
        change: `${change} ${detail}`.trim(),
      })),
      ...subjects.map((name): Change => ({ kind: 'schema', name, change: 'register' })),
      ...migrations.map((name): Change => ({ kind: 'migration', name, change: 'apply' })),
    ]
  } finally {
    await clickhouse.close()
  }
}
