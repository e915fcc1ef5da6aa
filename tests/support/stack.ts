// Global set-up of the integration tests: one local stack in a temporary folder for the whole run, deleted at the end.
// ISOBAR_TEST_STACK=<run.json> uses a stack that already runs instead (start one with: node infra/local/serve.ts --data-dir DIR).
// Tests get the addresses from stackUrls() in infra/runtime/testing/stack-urls.ts or from the usual variables (KAFKA_BROKERS, …).
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestProject } from 'vitest/node'
import type { StackUrls } from '../../infra/local/run-file.ts'
import { assessRun, readRunFile } from '../../infra/local/run-file.ts'
import { startLocalStack } from '../../infra/local/stack.ts'
import '../../infra/runtime/testing/stack-urls.ts'

const VARIABLES: Record<keyof StackUrls, string> = {
  kafkaBrokers: 'KAFKA_BROKERS',
  schemaRegistryUrl: 'SCHEMA_REGISTRY_URL',
  clickhouseUrl: 'CLICKHOUSE_URL',
  amqpUrl: 'AMQP_URL',
  smtpUrl: 'SMTP_URL',
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const running = process.env['ISOBAR_TEST_STACK']
  if (running) {
    publish(project, urlsOfRunning(running))
    return async () => {}
  }
  const dataDir = mkdtempSync(join(tmpdir(), 'isobar-test-stack-'))
  const startedAt = performance.now()
  const stack = await startLocalStack({
    dataDir,
    env: process.env,
    say: (line) => console.error(`[stack] ${line}`),
    onEvent: (event) => {
      if (event.kind === 'crashed') console.error(`[stack] ${event.name} crashed: ${event.detail}`)
    },
  })
  console.error(`[stack] up in ${((performance.now() - startedAt) / 1000).toFixed(1)} s in ${dataDir}`)
  publish(project, stack.urls)
  return async () => {
    await stack.stop()
    rmSync(dataDir, { recursive: true, force: true })
  }
}

function publish(project: TestProject, urls: StackUrls): void {
  project.provide('isobarStack', urls)
  for (const [key, variable] of Object.entries(VARIABLES)) process.env[variable] = urls[key as keyof StackUrls]
}

function urlsOfRunning(file: string): StackUrls {
  const found = assessRun(readRunFile(file))
  if (found.kind !== 'running') throw new Error(`ISOBAR_TEST_STACK=${file}: no stack is running there`)
  const { kafkaBrokers, schemaRegistryUrl, clickhouseUrl, amqpUrl, smtpUrl } = found.run.urls
  if (!kafkaBrokers || !schemaRegistryUrl || !clickhouseUrl || !amqpUrl || !smtpUrl) {
    throw new Error(`ISOBAR_TEST_STACK=${file}: the stack there has not finished starting`)
  }
  return { kafkaBrokers, schemaRegistryUrl, clickhouseUrl, amqpUrl, smtpUrl }
}
