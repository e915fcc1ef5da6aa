/** `isobar alerts`: what fires, a test of the channels, silences, rules against the past. */
import { readFile } from 'node:fs/promises'
import type { Command } from 'commander'
import { z } from 'zod'
import { DEFAULT_WEATHER_RULES, weatherRuleSchema } from '../alerting/rules/weather-probability.ts'
import { apiGet, apiPost } from './api-client.ts'
import { instant, positiveNumber } from './arguments.ts'
import { backtestRule, forecastsOfPredictions } from './backtest.ts'
import { CliError, EXIT } from './exit.ts'
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
  const alerts = program.command('alerts').description('alerts: list, test, silence, backtest')
  alerts
    .command('list')
    .description('newest state of each alert')
    .option('--state <state>', 'only firing, or only resolved')
    .option('--json', 'as JSON, with labels and deliveries')
    .addHelpText('after', '\nExamples:\n  isobar alerts list --state firing\n  isobar alerts list --json')
    .action(async ({ state, json }: { state?: string; json?: boolean }) => {
      const answer = await apiGet<{ alerts: Alert[] }>('/v1/alerts', { state })
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
    .option('--message <text>', 'what it says')
    .option('--severity <severity>', 'info, warning or critical')
    .option('--dry-run', 'show what would be sent')
    .option('--json', 'as JSON (it always is)')
    .addHelpText(
      'after',
      '\nExample:\n  ISOBAR_API_KEY=isk_… isobar alerts test --severity critical --message "Is anybody there?"',
    )
    .action(async ({ message, severity, dryRun }: { message?: string; severity?: string; dryRun?: boolean }) => {
      const body = { ...(message === undefined ? {} : { message }), ...(severity === undefined ? {} : { severity }) }
      printJson(dryRun ? body : await apiPost('/v1/alerts/test', body))
    })
  alerts
    .command('silence')
    .description('keep quiet about alerts with these labels (key with the scope operate in ISOBAR_API_KEY)')
    .argument(
      '<matcher...>',
      'label=value, label!=value, label=~regex or label!~regex; all must match. Labels: isobar alerts list --json',
    )
    .requiredOption('--comment <text>', 'why; kept in the audit log')
    .option('--hours <n>', 'how long, in event time; 2 by default', positiveNumber)
    .option('--until <instant>', 'or until when (ISO 8601)', instant)
    .option('--dry-run', 'show what would be sent')
    .option('--json', 'as JSON (it always is)')
    .addHelpText(
      'after',
      `
Examples:
  ISOBAR_API_KEY=isk_… isobar alerts silence station=lga rule=sensor-fault --hours 6 --comment "sensor is being replaced"
  ISOBAR_API_KEY=isk_… isobar alerts silence 'severity!=critical' --until 2013-07-20T06:00:00Z --comment "maintenance"`,
    )
    .action(async (matchers: string[], { comment, hours, until, dryRun }: SilenceOptions) => {
      if (hours !== undefined && until !== undefined) throw new CliError('give --hours or --until, not both', EXIT.usage)
      const body = {
        matchers: matchers.map(matcherOf),
        comment,
        ...(hours === undefined ? {} : { durationHours: hours }),
        ...(until === undefined ? {} : { endsAt: new Date(until).toISOString() }),
      }
      printJson(dryRun ? body : await apiPost('/v1/alerts/silences', body))
    })
  alerts
    .command('backtest <predictions>')
    .description('weather rules against the CSV of isobar evaluate --predictions: raised, right, missed; without servers')
    .requiredOption('--variable <name>', 'variable that was evaluated')
    .option('--model <name>', 'model of the file', 'isobar')
    .option('--rules <file>', 'JSON list of rules; else those built in')
    .option('--json', 'as JSON, with the instants')
    .addHelpText(
      'after',
      `
Example:
  isobar evaluate --csv roof.csv --variable temperatureC --predictions roof-predictions.csv
  isobar alerts backtest roof-predictions.csv --variable temperatureC`,
    )
    .action(backtest)
}

type SilenceOptions = { comment: string; hours?: number; until?: number; dryRun?: boolean }

function matcherOf(text: string): { label: string; op: string; value: string } {
  const [, label, op, value] = /^([^=!~]+)(=~|!~|!=|=)(.*)$/.exec(text) ?? []
  if (label === undefined || op === undefined || value === undefined)
    throw new CliError(`"${text}" is no matcher; write label=value, for example station=lga`, EXIT.usage)
  return { label, op, value }
}

type BacktestOptions = { variable: string; model: string; rules?: string; json?: boolean }

async function backtest(file: string, { variable, model, rules: rulesFile, json }: BacktestOptions): Promise<void> {
  const rules = (rulesFile === undefined ? DEFAULT_WEATHER_RULES : parseRules(rulesFile, await read(rulesFile))).filter(
    (rule) => rule.variable === variable,
  )
  if (rules.length === 0) throw new CliError(`no rule is about ${variable}`, EXIT.notFound)
  const forecasts = await forecastsIn(file, model)
  if (forecasts.length === 0) throw new CliError(`${file} has no predictions of ${model}`, EXIT.notFound)
  const results = rules.map((rule) => backtestRule(rule, forecasts))
  if (json) return printJson({ variable, model, results })
  printTable(results, [
    { title: 'rule', value: ({ rule }) => rule },
    { title: 'forecasts', value: ({ forecasts: count }) => count },
    { title: 'raised', value: ({ raised }) => raised },
    { title: 'right', value: ({ right }) => right },
    { title: 'wrong', value: ({ wrong }) => wrong },
    { title: 'unknown', value: ({ unknown }) => unknown },
    { title: 'crossings', value: ({ crossings }) => crossings },
    { title: 'missed', value: ({ missed }) => missed },
  ])
}

async function forecastsIn(file: string, model: string) {
  const csv = await read(file)
  try {
    return forecastsOfPredictions(csv, model)
  } catch (error) {
    if (error instanceof RangeError) throw new CliError(`${file}: ${error.message}`, EXIT.usage)
    throw error
  }
}

function parseRules(file: string, text: string) {
  try {
    return z.array(weatherRuleSchema).parse(JSON.parse(text))
  } catch (error) {
    if (error instanceof SyntaxError) throw new CliError(`${file}: ${error.message}`, EXIT.usage)
    if (error instanceof z.ZodError) throw new CliError(`${file}: ${z.prettifyError(error)}`, EXIT.usage)
    throw error
  }
}

async function read(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') throw new CliError(`${file} does not exist`, EXIT.notFound)
    throw error
  }
}
