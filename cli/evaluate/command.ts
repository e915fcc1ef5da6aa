/** `isobar evaluate`: rolling-origin evaluation of a station's CSV, with no servers. */
import { availableParallelism } from 'node:os'
import type { Command } from 'commander'
import { FORECAST_VARIABLES, type ForecastVariable } from '../../schemas/quantities.ts'
import { countingNumber, instant, unknownName, wholeNumber } from '../arguments.ts'
import { CliError, EXIT } from '../exit.ts'
import { printJson, printTable, talk } from '../output.ts'
import { FAMILY_NAMES, MADE_OF } from './families.ts'
import { openJournal } from './journal.ts'
import { createTally } from './tally.ts'
import { type Progress, progressText } from './progress.ts'
import { runJobs } from './run.ts'
import { codeFingerprint, observationsFingerprint } from './fingerprint.ts'
import { readStation, toFullSet } from './series.ts'
import { writePredictions } from './predictions.ts'

const HOUR_MS = 3_600_000

type Options = {
  csv: string
  station?: string
  variable: string
  from?: number
  to?: number
  everyHours: number
  models: string
  refitHours: number
  predictions?: string
  jobs: number
  poison?: boolean
  json?: boolean
}

export function register(program: Command): void {
  program
    .command('evaluate')
    .description('rolling-origin evaluation of an observation CSV (docs/csv.md), without servers')
    .requiredOption('--csv <file>', 'observations, .csv or .csv.gz')
    .option('--station <id>', 'station of a file with several')
    .option('--variable <name>', FORECAST_VARIABLES.join(', '), 'temperatureC')
    .option('--from <instant>', 'first origin, UTC; default: the last quarter of the series, at most a year', instant)
    .option('--to <instant>', 'no origin at or after; default: the end of the series', instant)
    .option('--every-hours <n>', 'hours between origins', countingNumber, 12)
    .option('--models <names>', `all, or some of ${FAMILY_NAMES.join(',')}`, 'all')
    .option('--refit-hours <n>', 'refit only when the last fit is so old; 0 = at every origin', wholeNumber, 0)
    .option('--predictions <file>', 'write every prediction as CSV; an interrupted run goes on where it stopped')
    .option('--jobs <n>', 'threads', countingNumber, availableParallelism())
    .option('--poison', 'corrupt everything after each origin and fail when a forecast changes')
    .option('--json', 'as JSON')
    .addHelpText(
      'after',
      `
isobar is the served engine with its intervals as issued, isobar-as-made with the model's own; the others are other families and the baselines (docs/forecasting/families.md). All are scored on the
origins that all answered; a model that never answered is named with its reason. Prophet and SARIMAX take seconds a fit: --refit-hours helps.
The file is quality-controlled first, as the service does it.

Example:
  isobar evaluate --csv roof.csv.gz --from 2024-01-01 --to 2024-07-01 --every-hours 12`,
    )
    .action(evaluate)
}

async function evaluate(options: Options): Promise<void> {
  const { csv, variable, everyHours, refitHours, predictions, jobs, poison = false } = options
  if (!(FORECAST_VARIABLES as readonly string[]).includes(variable))
    throw new CliError(unknownName('variable', variable, FORECAST_VARIABLES), EXIT.usage)
  const models = chooseModels(options.models)
  let problems = 0
  const station = await readStation(csv, options.station, (line) => {
    if (problems++ < 10) talk(line)
  })
  if (problems > 10) talk(`${problems - 10} more rows of ${csv} were left out`)
  const { targets } = toFullSet(station)
  if (targets[variable as ForecastVariable].every(Number.isNaN)) {
    const has = FORECAST_VARIABLES.filter((name) => !targets[name].every(Number.isNaN))
    throw new CliError(
      `${csv} holds no usable ${variable} of ${station.stationId}; --variable can be ${has.join(', ')}`,
      EXIT.usage,
    )
  }
  const end = station.startHour + station.length - 1
  const from =
    options.from === undefined ? end - Math.min(8766, Math.floor(station.length / 4)) : Math.ceil(options.from / HOUR_MS)
  const to = options.to === undefined ? end : Math.ceil(options.to / HOUR_MS)
  const origins: number[] = []
  for (let origin = from; origin < Math.min(to, end); origin += everyHours) if (origin >= station.startHour) origins.push(origin)
  if (origins.length === 0)
    throw new CliError(
      `no origin: ${iso(from)} to ${iso(to)} does not meet the series, ${iso(station.startHour)} to ${iso(end)}; change --from or --to`,
      EXIT.usage,
    )
  const settings = {
    station: station.stationId,
    variable,
    from: iso(from),
    to: iso(to),
    everyHours,
    refitHours,
    models,
    poison,
  }
  const journal = openJournal(predictions === undefined ? null : `${predictions}.partial`, {
    ...settings,
    observations: observationsFingerprint(station),
    code: codeFingerprint(),
  })
  const tally = createTally({
    variable: variable as ForecastVariable,
    models,
    everyHours,
    refitHours,
    poison,
    firstScored: origins[0]!,
  })
  const startedAt = performance.now()
  const resumed = journal.results.length
  if (resumed > 0) talk(`${resumed} origins are taken over from the run that was interrupted`)
  let done = 0
  await runJobs(
    { station, variable: variable as ForecastVariable, models, origins, refitHours, poison },
    { jobs, journal },
    (result) => {
      tally.add(result)
      done++
      if (done > resumed) showProgress({ done, resumed, total: origins.length, seconds: (performance.now() - startedAt) / 1000 })
    },
  )
  const { origins: common, refused, rows } = tally.result()
  for (const [model, reason] of Object.entries(refused))
    talk(`${model}: ${reason.count} of ${done} origins without an answer (${reason.first})`)
  if (predictions !== undefined) {
    await writePredictions(predictions, tally.predictions())
    talk(`predictions: ${predictions}`)
  }
  journal.done()
  const { models: _models, refitHours: _refit, poison: _poison, ...heading } = settings
  if (options.json) printJson({ ...heading, origins: common, models: rows, refused })
  else {
    printTable(
      rows.flatMap(({ model, fitSeconds, buckets }) => buckets.map((bucket) => ({ model, fitSeconds, ...bucket }))),
      (['model', 'bucket', 'n', 'mae', 'rmse', 'bias', 'crps', 'coverage80', 'coverage95', 'fitSeconds'] as const).map(
        (title) => ({
          title,
          value: (row) => row[title],
        }),
      ),
    )
  }
  if (poison) talk(`no forecast of ${done} origins changed when everything after its origin was corrupted`)
  if (common === 0)
    throw new CliError(
      'no origin was answered by every model; leave out those named above with --models, or begin later with --from',
    )
}

function chooseModels(text: string): string[] {
  if (text === 'all') return [...FAMILY_NAMES]
  const names = text.split(',').map((name) => name.trim())
  const unknown = names.find((name) => !FAMILY_NAMES.includes(name))
  if (unknown !== undefined) throw new CliError(unknownName('model', unknown, ['all', ...FAMILY_NAMES]), EXIT.usage)
  for (const name of names)
    if (MADE_OF[name] && !MADE_OF[name].every((member) => names.includes(member)))
      throw new CliError(`${name} is made of ${MADE_OF[name].join(', ')}; name that too in --models`, EXIT.usage)
  return [...new Set(names)]
}

/** One line that moves on a terminal; one line a tenth elsewhere. */
function showProgress(progress: Progress): void {
  const { done, total } = progress
  const text = progressText(progress)
  if (process.stderr.isTTY) {
    const filled = Math.round((24 * done) / total)
    process.stderr.write(`\r[${'█'.repeat(filled)}${'░'.repeat(24 - filled)}] ${text}   ${done === total ? '\n' : ''}`)
  } else if (Math.floor((10 * done) / total) > Math.floor((10 * (done - 1)) / total)) talk(text)
}

function iso(hour: number): string {
  return new Date(hour * HOUR_MS).toISOString().replace('.000Z', 'Z')
}
