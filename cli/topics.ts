/** `isobar topics`: what the broker lacks against the catalogue, and bringing it there. */
import type { Command } from 'commander'
import { kafkaBlock, logBlock, readConfig, registryBlock } from '../infra/runtime/config/index.ts'
import { applyTopics, planTopics } from '../infra/runtime/kafka/index.ts'
import { createLogger } from '../infra/runtime/log.ts'
import { registerSchemas } from '../infra/runtime/registry/deploy.ts'
import { recordAction } from './audit.ts'
import { printJson, printTable, talk } from './output.ts'
import { serverEnv } from './running.ts'

type Change = { readonly topic: string; readonly change: string; readonly detail: string }

export function register(program: Command): void {
  const topics = program.command('topics').description('topics and schemas on the broker and the registry')
  topics
    .command('plan')
    .description('show what apply would change')
    .option('--json', 'as JSON')
    .addHelpText('after', '\nExample:\n  isobar topics plan --json')
    .action(async ({ json }: { json?: boolean }) => {
      const env = serverEnv()
      show(await planTopics(readConfig(kafkaBlock, env), logger(env)), json)
    })
  topics
    .command('apply')
    .description('create topics, add partitions, set settings, register schemas; never deletes')
    .option('--json', 'as JSON')
    .option('--dry-run', 'as plan')
    .addHelpText('after', '\nExamples:\n  isobar topics apply --dry-run\n  isobar topics apply')
    .action(async ({ json, dryRun }: { json?: boolean; dryRun?: boolean }) => {
      const env = serverEnv()
      const kafka = readConfig(kafkaBlock, env)
      if (dryRun) return show(await planTopics(kafka, logger(env)), json)
      const changes = await applyTopics(kafka, logger(env))
      const schemas = await registerSchemas(readConfig(registryBlock, env))
      if (changes.length > 0)
        await recordAction(env, {
          action: 'topics.apply',
          subject: 'broker',
          details: Object.fromEntries(changes.map(({ topic, change, detail }) => [topic, `${change} ${detail}`.trim()])),
        })
      show(changes, json)
      talk(`${schemas.length} schemas are registered`)
    })
}

function show(changes: readonly Change[], json: boolean | undefined): void {
  if (json) return printJson(changes)
  if (changes.length === 0) return talk('the broker is as the catalogue says')
  printTable(changes, [
    { title: 'topic', value: ({ topic }) => topic },
    { title: 'change', value: ({ change }) => change },
    { title: 'detail', value: ({ detail }) => detail },
  ])
}

const logger = (env: NodeJS.ProcessEnv) =>
  createLogger('topics', readConfig(logBlock, { ...env, LOG_LEVEL: env['LOG_LEVEL'] ?? 'warn' }).logLevel)
