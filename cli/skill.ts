/** `isobar skill`: how good the forecasts were. */
import type { Command } from 'commander'
import { apiGet } from './api-client.ts'
import { printJson, printTable } from './output.ts'

export function register(program: Command): void {
  program
    .command('skill')
    .description('verified errors by lead bucket, and skill over persistence and recentred climatology')
    .option('--station <id>', 'only this station')
    .option('--variable <name>', 'variable', 'temperatureC')
    .option('--role <role>', 'champion, challenger or shadow')
    .option('--json', 'as JSON')
    .addHelpText('after', '\nExamples:\n  isobar skill\n  isobar skill --station jfk --variable windSpeedMps --json')
    .action(async ({ station, variable, role, json }: { station?: string; variable: string; role?: string; json?: boolean }) => {
      const answer = await apiGet<{ skill: Array<Readonly<Record<string, number | string>>> }>('/v1/skill', {
        stationId: station,
        variable,
        role,
      })
      if (json) return printJson(answer)
      printTable(
        answer.skill,
        [
          'stationId',
          'leadBucket',
          'n',
          'mae',
          'bias',
          'crps',
          'coverage80',
          'skillOverPersistence',
          'skillOverRecentredClimatology',
        ].map((title) => ({ title, value: (row) => row[title] })),
      )
    })
}
