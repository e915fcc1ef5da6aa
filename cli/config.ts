/** `isobar config show`: where the running system is, for any other client. */
import { join } from 'node:path'
import type { Command } from 'commander'
import { defaultDataDir, outboxDir } from '../infra/local/data-dir.ts'
import { CliError, EXIT } from './exit.ts'
import { printJson, printTable } from './output.ts'
import { localRun } from './running.ts'

export function register(program: Command): void {
  const config = program.command('config').description('configuration of the running system')
  config
    .command('show')
    .description('addresses and folders of the local run, secrets redacted')
    .option('--json', 'as JSON')
    .addHelpText('after', '\nExample:\n  isobar config show --json')
    .action(({ json }: { json?: boolean }) => {
      const run = localRun()
      if (run === null) throw new CliError('nothing runs here; start it with npm start', EXIT.unavailable)
      const dataDir = defaultDataDir(process.env)
      const { kafkaBrokers, schemaRegistryUrl, clickhouseUrl, amqpUrl } = run.urls
      const shown = {
        httpUrl: run.extra['httpUrl'] ?? null,
        kafkaBrokers: kafkaBrokers ?? null,
        schemaRegistryUrl: schemaRegistryUrl ?? null,
        clickhouseUrl: clickhouseUrl ?? null,
        amqpUrl: amqpUrl ? redactUrl(amqpUrl) : null,
        dataDir,
        outboxDir: outboxDir(dataDir),
        logDir: join(dataDir, 'logs'),
      }
      if (json) printJson(shown)
      else
        printTable(Object.entries(shown), [
          { title: 'name', value: ([name]) => name },
          { title: 'value', value: ([, value]) => value },
        ])
    })
}

/** RabbitMQ's guest is what every local broker has, not a secret; any other password is masked. */
function redactUrl(url: string): string {
  const parsed = new URL(url)
  if (parsed.password && parsed.password !== 'guest') parsed.password = '***'
  return parsed.href
}
