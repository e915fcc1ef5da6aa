/** `isobar models`: what serves, its history, and the operator's three actions. */
import { pipeline } from 'node:stream/promises'
import type { Command } from 'commander'
import { openClickHouse } from '../infra/runtime/clickhouse/index.ts'
import { clickhouseBlock, readConfig } from '../infra/runtime/config/index.ts'
import { apiGet, apiGetText, apiPost } from './api-client.ts'
import { instant } from './arguments.ts'
import { CliError, EXIT } from './exit.ts'
import { compareRuns, type Run, SCORES } from './compare-runs.ts'
import { readHistory } from './export-history.ts'
import { printJson, printTable } from './output.ts'
import { serverEnv } from './running.ts'

type Json = { readonly json?: boolean }
/** Runs that are looked through for a version. */
const RUNS_LIMIT = 1000
type Model = Readonly<Record<string, unknown>> & { readonly stationId: string; readonly variable: string }

export function register(program: Command): void {
  const models = program
    .command('models')
    .description('models: list, show, history, export, compare, card, retrain, promote, rollback')
  models
    .command('list')
    .description('what is served')
    .option('--json', 'as JSON')
    .addHelpText('after', '\nExample:\n  isobar models list --json')
    .action(async ({ json }: Json) => {
      const answer = await apiGet<{ models: Model[] }>('/v1/models')
      if (json) return printJson(answer)
      printTable(answer.models, [
        { title: 'model', value: ({ stationId, variable }) => `${stationId}/${variable}` },
        { title: 'champion', value: ({ champion }) => (champion as { version?: string } | null)?.version },
        { title: 'family', value: ({ champion }) => (champion as { family?: string } | null)?.family },
        { title: 'since', value: ({ champion }) => (champion as { since?: string } | null)?.since },
      ])
    })
  models
    .command('show <model>')
    .description('one model, station/variable, with the run that made its champion: scores, and other families beside it')
    .option('--json', 'as JSON (it always is)')
    .addHelpText('after', '\nExample:\n  isobar models show jfk/temperatureC')
    .action(async (model: string) => {
      const shown = await apiGet<{ champion: { runId: string } }>(pathOf(model))
      printJson({ ...shown, championRun: await runInFull(shown.champion.runId).catch(orNotArchived) })
    })
  models
    .command('history <model>')
    .description('who was champion when, and why')
    .option('--at <instant>', 'who was champion then (ISO 8601)', instant)
    .option('--json', 'as JSON (it always is)')
    .addHelpText('after', '\nExample:\n  isobar models history jfk/temperatureC --at 2013-07-10T00:00:00Z')
    .action(async (model: string, { at }: { at?: number }) =>
      printJson(await apiGet(`${pathOf(model)}/history`, { at: at === undefined ? undefined : new Date(at).toISOString() })),
    )
  models
    .command('export [model]')
    .description('the whole history as archived: orders, runs, drift, requests and operator actions, a line of JSON an event')
    .option('--json', 'as JSON (it always is)')
    .addHelpText('after', '\nExample:\n  isobar models export > history.ndjson')
    .action(async (model?: string) => {
      if (model !== undefined) pathOf(model)
      const clickhouse = openClickHouse(readConfig(clickhouseBlock, serverEnv()))
      try {
        await pipeline(linesOf(readHistory(clickhouse, model ?? '')), process.stdout, { end: false })
      } finally {
        await clickhouse.close()
      }
    })
  models
    .command('compare <model> [versions...]')
    .description('scores of versions side by side by lead bucket; default: the champion and the newest other version')
    .option('--json', 'as JSON')
    .addHelpText('after', '\nExample:\n  isobar models compare jfk/temperatureC')
    .action(async (model: string, versions: string[], { json }: Json) => {
      const chosen = await chooseRuns(model, versions)
      const compared = compareRuns(chosen)
      if (json) return printJson({ model, ...compared })
      printTable(compared.facts, [
        { title: '', value: ({ fact }) => fact },
        ...chosen.map(({ version }, i) => ({ title: version, value: (row: { values: readonly unknown[] }) => row.values[i] })),
      ])
      process.stdout.write('\n')
      printTable(compared.scores, [
        { title: 'leads', value: ({ leadBucket }) => leadBucket },
        { title: 'score', value: ({ score }) => score },
        ...compared.columns.map((title, i) => ({ title, value: (row: { values: readonly unknown[] }) => row.values[i] })),
      ])
      if (compared.families.length === 0) return
      process.stdout.write('\n')
      printTable(
        compared.families,
        (['version', 'leadBucket', 'family', ...SCORES, 'refused'] as const).map((title) => ({
          title: title === 'leadBucket' ? 'leads' : title,
          value: (row) => row[title],
        })),
      )
    })
  models
    .command('card <model>')
    .description('the model card of a version, Markdown made from its run record; default: the champion')
    .option('--version <version>', 'which version')
    .option('--json', 'the run record that the card is made of, as JSON')
    .addHelpText('after', '\nExample:\n  isobar models card jfk/temperatureC > card.md')
    .action(async (model: string, { version, json }: Json & { version?: string }) => {
      const [run] = await chooseRuns(model, version === undefined ? [] : [version])
      if (json) return printJson(run)
      process.stdout.write(await apiGetText(`/v1/runs/${encodeURIComponent((run as Run).runId)}/card`))
    })
  for (const action of ['retrain', 'promote', 'rollback'] as const) {
    const command = models
      .command(`${action} <model>`)
      .description(`operator action: ${action} (key with the scope operate in ISOBAR_API_KEY)`)
      .requiredOption('--reason <text>', 'why; kept in the audit log')
      .option('--dry-run', 'say what would happen')
      .option('--json', 'as JSON (it always is)')
      .addHelpText(
        'after',
        `\nExample:\n  ISOBAR_API_KEY=isk_… isobar models ${action} jfk/temperatureC --reason "new thermometer"`,
      )
      .action(async (model: string, { reason, version, dryRun }: { reason: string; version?: string; dryRun?: boolean }) => {
        const body = { reason, ...(version ? { version } : {}), ...(dryRun ? { dryRun: true } : {}) }
        printJson(await apiPost(`${pathOf(model)}/${action}`, body))
      })
    if (action === 'promote')
      command.option('--version <version>', 'which one; default: the newest trained version that is not the champion')
  }
}

async function* linesOf(events: AsyncIterable<unknown>): AsyncGenerator<string> {
  for await (const event of events) yield `${JSON.stringify(event)}\n`
}

/** The runs of these versions; of none: the champion's and the newest other one. */
async function chooseRuns(model: string, versions: readonly string[]): Promise<Run[]> {
  const [stationId, variable] = model.split('/')
  const champion = (await apiGet<{ champion: { version: string } }>(pathOf(model))).champion.version
  const { runs } = await apiGet<{ runs: Array<Omit<Run, 'comparison'>> }>('/v1/runs', { stationId, variable, limit: RUNS_LIMIT })
  const newestOther = runs.find(({ version, metrics }) => version !== champion && metrics.length > 0)?.version
  const wanted = versions.length > 0 ? versions : [champion, ...(newestOther === undefined ? [] : [newestOther])]
  return Promise.all(
    wanted.map((version) => {
      const run = runs.find((one) => one.version === version)
      if (!run)
        throw new CliError(`no run of ${model} made version ${version}; see: isobar models history ${model}`, EXIT.notFound)
      return runInFull(run.runId)
    }),
  )
}

/** A run is in the archive some seconds after it is in the topic. */
function orNotArchived(error: unknown): null {
  if (error instanceof CliError && error.exitCode === EXIT.notFound) return null
  throw error
}

/** With the comparison of families, which the list of runs leaves out. */
async function runInFull(runId: string): Promise<Run> {
  return (await apiGet<{ run: Run }>(`/v1/runs/${encodeURIComponent(runId)}`)).run
}

function pathOf(model: string): string {
  const [stationId, variable, ...rest] = model.split('/')
  if (!stationId || !variable || rest.length > 0)
    throw new CliError(`"${model}" is not of the form station/variable, for example jfk/temperatureC`, EXIT.usage)
  return `/v1/models/${encodeURIComponent(stationId)}/${encodeURIComponent(variable)}`
}
