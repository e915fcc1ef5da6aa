/** `isobar forecast STATION`. */
import type { Command } from 'commander'
import { apiGet, apiGetText } from './api-client.ts'
import { countingNumber } from './arguments.ts'
import { printJson, printTable, talk } from './output.ts'

type Series = Readonly<Record<string, readonly number[]>>
type ForecastBody = {
  readonly issuedAt: string
  readonly status: string
  readonly statusReason: string | null
  readonly units: Readonly<Record<string, string>>
  readonly hourly: { readonly time: readonly string[] } & Readonly<Record<string, Series | readonly string[]>>
}

export function register(program: Command): void {
  program
    .command('forecast <station>')
    .description('newest forecast of a station: median and 80 % interval')
    .option('--variable <name>', 'variable', 'temperatureC')
    .option('--hours <n>', 'how far', countingNumber, 48)
    .option('--timezone <zone>', 'IANA name; UTC by default')
    .option('--json', 'as the API answers')
    .option('--csv', 'as CSV')
    .addHelpText('after', '\nExamples:\n  isobar forecast jfk\n  isobar forecast jfk --variable windSpeedMps --hours 24 --csv')
    .action(
      async (station: string, options: { variable: string; hours: number; timezone?: string; json?: boolean; csv?: boolean }) => {
        const path = `/v1/stations/${encodeURIComponent(station)}/forecast`
        const query = { variables: options.variable, hours: options.hours, timezone: options.timezone, quantiles: '0.1,0.5,0.9' }
        if (options.csv) return void process.stdout.write(await apiGetText(path, { ...query, format: 'csv' }))
        const body = await apiGet<ForecastBody>(path, query)
        if (options.json) return printJson(body)
        talk(
          `issued ${body.issuedAt}, ${body.status}${body.statusReason ? ` (${body.statusReason})` : ''}, ${body.units[options.variable] ?? ''}`,
        )
        const series = body.hourly[options.variable] as Series
        printTable(
          body.hourly.time.map((time, i) => ({
            time,
            low: series['0.1']?.[i],
            median: series['0.5']?.[i],
            high: series['0.9']?.[i],
          })),
          [
            { title: 'time', value: ({ time }) => time },
            { title: '10 %', value: ({ low }) => low?.toFixed(1) },
            { title: 'median', value: ({ median }) => median?.toFixed(1) },
            { title: '90 %', value: ({ high }) => high?.toFixed(1) },
          ],
        )
      },
    )
}
