/**
 * Skill on real series that are no part of the repository (../shared/data): every family and baseline at the same origins, every 12 h through
 * the last year of each record, all fitted at the same pace. A piece is one station and one variable; pieces are kept in bench/results/skill, so
 * that a run can be stopped, gone on with, and split: `npm run bench -- skill [families | anew] [thinned] tokyo windSpeedMps`. The tables are of
 * all pieces that there are.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { openJournal } from '../../cli/evaluate/journal.ts'
import { runJobs } from '../../cli/evaluate/run.ts'
import { checkedHours, toFullSet } from '../../cli/evaluate/series.ts'
import { createTally } from '../../cli/evaluate/tally.ts'
import { FORECAST_VARIABLES } from '../../schemas/quantities.ts'
import { engineOf } from '../shared/engine.ts'
import { type Figure, figure } from '../shared/figures.ts'
import { writeWhole } from '../shared/whole-file.ts'
import { choosePieces, originsBefore, type Piece, testOrigins } from './pieces.ts'
import { AS_MADE, SERVED as OURS } from '../../cli/evaluate/families.ts'
import { isAdapted } from '../../forecasting/models/index.ts'
import { markdownOf, type Table, tableOf } from './report.ts'
import { type PieceSummary, summarise } from './summary.ts'

const BASELINES = ['damped-anomaly', 'recentred-climatology', 'climatology', 'seasonal-naive', 'persistence']
/** As the service refits by default. */
const MONTH_HOURS = 730
/** Fits before the first scored origin, whose forecasts teach the intervals as those of a station that has been served would. */
const LEARNING_FITS = 2
/**
 * `every12h`: what is fitted and asked in milliseconds. `thinned`: the engine and the baselines at every fifth of these origins, for machines with
 * other work. `anew`: fitted at every origin, which no service does; what the age of a fit costs is the difference. `families`: those that take
 * seconds at an origin, at fewer origins, with fewer refits; `familiesThinned` has too few for what a combination would learn. `quick`: an
 * example of the tables on three stations, no verdict.
 */
const SETTINGS = {
  every12h: {
    folder: 'skill',
    everyHours: 12,
    refitHours: MONTH_HOURS,
    learningFits: LEARNING_FITS,
    models: [OURS, AS_MADE, 'ridge-direct', ...BASELINES],
  },
  thinned: {
    folder: 'skill-thinned',
    everyHours: 60,
    refitHours: MONTH_HOURS,
    learningFits: LEARNING_FITS,
    models: [OURS, AS_MADE, ...BASELINES],
  },
  anew: {
    folder: 'skill-anew',
    everyHours: 60,
    refitHours: 0,
    learningFits: 0,
    models: [OURS, AS_MADE, 'recentred-climatology'],
  },
  families: {
    folder: 'skill-families',
    everyHours: 73,
    refitHours: 2190,
    learningFits: 0,
    models: [OURS, AS_MADE, 'ridge-direct', 'analog-ensemble', 'combination', 'prophet', 'sarimax', 'recentred-climatology'],
  },
  familiesThinned: {
    folder: 'skill-families-thinned',
    everyHours: 180,
    refitHours: 2190,
    learningFits: 0,
    models: [OURS, AS_MADE, 'ridge-direct', 'analog-ensemble', 'prophet', 'sarimax', 'recentred-climatology'],
  },
  quick: {
    folder: 'skill-quick',
    everyHours: 397,
    refitHours: 4380,
    learningFits: 0,
    models: [OURS, AS_MADE, 'ridge-direct', ...BASELINES],
  },
}
const FAMILIES = 'families'
const THINNED = 'thinned'
const ANEW = 'anew'
const MANNERS: readonly string[] = [FAMILIES, THINNED, ANEW]
const QUICK_PLACES = ['tokyo', 'recife', 'ireland-belmullet']

type Settings = (typeof SETTINGS)['every12h']

export async function run({ quick, json, only }: { quick: boolean; json: boolean; only: readonly string[] }): Promise<Figure[]> {
  const say = (line: string): void => void (json || process.stderr.write(`${line}\n`))
  const settings = quick ? SETTINGS.quick : settingsOf(only)
  const named = only.filter((word) => !MANNERS.includes(word))
  const folder = join(import.meta.dirname, '../results', settings.folder)
  mkdirSync(folder, { recursive: true })
  const engine = engineOf()
  for (const piece of choosePieces(quick && named.length === 0 ? QUICK_PLACES : named, say)) {
    const name = `${piece.label} ${piece.variable}`
    const file = join(folder, `${piece.label}.${piece.variable}.json`)
    if (existsSync(file) && readPiece(file).engine === engine) say(`${name}: there already`)
    else {
      const made = await measure(piece, settings, engine, `${file}.partial`)
      if (made) writeWhole(file, made)
      say(made ? `${name}: ${made.origins.length} origins` : `${name}: skipped, hardly observed or always the same`)
    }
  }
  const pieces = readdirSync(folder)
    .filter((file) => file.endsWith('.json'))
    .map((file) => readPiece(join(folder, file)))
  const others = pieces.filter((piece) => piece.engine !== engine)
  if (others.length > 0)
    say(`left out, made by another engine: ${others.map(({ label, variable }) => `${label} ${variable}`).join(', ')}`)
  const tables = FORECAST_VARIABLES.flatMap((variable) => {
    const own = pieces.filter((piece) => piece.variable === variable && piece.engine === engine)
    return own.length > 0 ? [{ own, table: tableOf(own) }] : []
  })
  const markdown = join(folder, 'tables.md')
  writeFileSync(markdown, tables.map(({ own, table }) => markdownOf(table, own)).join('\n'))
  writeFileSync(
    join(folder, `../${settings.folder}-tables.json`),
    JSON.stringify(
      tables.map(({ table }) => table),
      null,
      1,
    ),
  )
  say(`tables: ${markdown}`)
  return tables.flatMap(({ table }) => figuresOf(table))
}

async function measure(piece: Piece, settings: Settings, engine: string, partial: string): Promise<PieceSummary | null> {
  const { network, station, label, variable } = piece
  const { everyHours, refitHours, learningFits } = settings
  const models = settings.models.filter((model) => model !== AS_MADE || isAdapted(variable))
  const hours = checkedHours(label, [...station.observations])
  const observed = toFullSet(hours).targets[variable].filter((value) => !Number.isNaN(value)).length
  if (observed < hours.length / 2) return null
  const scored = testOrigins(hours.startHour, hours.length, everyHours)
  const firstScored = scored[0]!
  const origins = [
    ...originsBefore(firstScored, learningFits * Math.ceil(refitHours / everyHours), everyHours, hours.startHour),
    ...scored,
  ]
  const journal = openJournal(partial, { engine, everyHours, refitHours, models })
  const job = { station: hours, variable, models, origins, refitHours, poison: false }
  const tally = createTally({ ...job, everyHours, firstScored })
  await runJobs(job, { jobs: 1, journal }, (result) => tally.add(result))
  const { common, compared, refused } = tally.onCommonSupport()
  journal.done()
  // Where it never rains nothing is to be told apart, and a Brier score is next to nothing.
  const outcomes = new Set(common.flatMap(({ observed: values }) => [...values].filter((value) => !Number.isNaN(value))))
  if (outcomes.size < 2) return null
  return {
    label,
    network: network.name,
    variable,
    engine,
    everyHours,
    refitHours,
    historyDays: Math.floor((firstScored - hours.startHour) / 24),
    origins: common.map(({ origin }) => origin),
    refused,
    ...summarise(compared, common, variable, network.isSouthern),
  }
}

function settingsOf(words: readonly string[]): Settings {
  const isThinned = words.includes(THINNED)
  if (words.includes(ANEW)) return SETTINGS.anew
  if (words.includes(FAMILIES)) return isThinned ? SETTINGS.familiesThinned : SETTINGS.families
  return isThinned ? SETTINGS.thinned : SETTINGS.every12h
}

function readPiece(file: string): PieceSummary {
  return JSON.parse(readFileSync(file, 'utf8'))
}

function figuresOf({ variable, stations, pooled, worse }: Table): Figure[] {
  const ours = pooled.filter(({ model, season }) => model === OURS && season !== 'year')
  const made = [
    figure(
      `${variable}: lead buckets of stations worse than the recentred climatology (${stations} stations)`,
      worse.length,
      '',
      '<=',
      0,
    ),
    figure(`${variable}: of these, by more than chance (95 %)`, worse.filter(({ low }) => low > 0).length, '', '<=', 0),
  ]
  if (variable === 'precipitationProbabilityPct') return made
  const off = (of: (cell: (typeof ours)[number]) => number): number => Math.max(...ours.map((cell) => Math.abs(of(cell))))
  return [
    ...made,
    figure(
      `${variable}: coverage of 80 % is off by at most, any bucket and season`,
      off((c) => c.coverage80 - 0.8),
      '',
      '<=',
      0.02,
    ),
    figure(
      `${variable}: coverage of 95 % is off by at most, any bucket and season`,
      off((c) => c.coverage95 - 0.95),
      '',
      '<=',
      0.01,
    ),
  ]
}
