/** `isobar alerts`: what fires, a test of the channels, silences. */
import type { Command } from 'commander'
import { apiGet, apiPost } from './api-client.ts'
import { printJson, printTable } from './output.ts'

type Alert = {
  readonly rule: string
  readonly state: string
  readonly severity: string
  readonly startsAt: string
  readonly labels: Record<string, string>
  readonly annotations: Record<string, string>
}

export function register(program: Command): void {
  const alerts = program.command('alerts').description('alerts: list, test, silence')
  alerts
    .command('list')
    .option('--json', 'as JSON')
    .action(async ({ json }: { json?: boolean }) => {
      const answer = await apiGet<{ alerts: Alert[] }>('/v1/alerts')
      if (json) return printJson(answer)
      printTable(answer.alerts, [
        { title: 'state', value: ({ state }) => state },
        { title: 'severity', value: ({ severity }) => severity },
        { title: 'rule', value: ({ rule }) => rule },
        { title: 'since', value: ({ startsAt }) => startsAt },
        { title: 'what', value: ({ annotations }) => annotations['summary'] },
      ])
    })
  alerts
    .command('test')
    .description('send a test alert through every channel (key with the scope operate in ISOBAR_API_KEY)')
    .action(async () => printJson(await apiPost('/v1/alerts/test', {})))
  alerts
    .command('silence')
    .description('keep quiet about alerts with these labels (key with the scope operate in ISOBAR_API_KEY)')
    .requiredOption('--body <json>', 'as POST /v1/alerts/silences takes it (see /docs)')
    .action(async ({ body }: { body: string }) => printJson(await apiPost('/v1/alerts/silences', JSON.parse(body))))
}
