/**
 * How much history, and how fresh: the engine without any, beside the best baseline with 3 days to 10 years of record, and what is left of a forecast when the
 * newest hours are missing. Real series that are no part of the repository (../shared/data), every variable that they have, the same origins
 * for all; what is older than the length is not there, for the engine and for the baselines. Words choose some of it:
 * `npm run bench -- history 3d 14d szeged`, lengths without a blank, `late` (newest hours missing), stations.
 */
import { checkedHours, type StationHours, toFullSet } from '../../cli/evaluate/series.ts'
import { buildFeatures, createHourlyGrid, FEATURE_COUNT, HOUR_MS } from '../../forecasting/features/index.ts'
import { BASELINES, hourOfDay, predictLate, randomFeatureRidge, type TrainingSet } from '../../forecasting/models/index.ts'
import { createBucketScores, verifyLead } from '../../forecasting/verification/index.ts'
import {
  FORECAST_VARIABLES,
  type ForecastVariable,
  HORIZON_HOURS,
  LEAD_BUCKETS,
  type LeadBucketName,
  QUANTILE_LEVELS,
} from '../../schemas/quantities.ts'
import { type Figure, figure } from '../shared/figures.ts'
import { hasReference, readReference } from '../shared/reference.ts'

const H = HORIZON_HOURS
const Q = QUANTILE_LEVELS.length
const DAY = 24
const YEAR = 8766
const LENGTHS = [
  ['3 d', 3 * DAY],
  ['14 d', 14 * DAY],
  ['60 d', 60 * DAY],
  ['180 d', 180 * DAY],
  ['1 y', YEAR],
  ['3 y', 3 * YEAR],
  ['10 y', 10 * YEAR],
] as const
/** The word for the second half of the bench. */
const LATE = 'late'
/** Newest hours missing at the time of issue. */
const STALE_HOURS = [0, 1, 6, 24, 72]
/** 13 h more than a number of days: every hour of the day is visited. */
const EVERY_HOURS = { full: 397, quick: 2005 }
/** 30 days for the longest mean and ten more. */
const WINDOW_HOURS = 960
const VARIABLES: readonly ForecastVariable[] = ['temperatureC', 'dewPointC', 'relativeHumidityPct', 'pressureHpa', 'windSpeedMps']
const SERIES: ReadonlyArray<readonly [file: string, stations: readonly string[] | null]> = [
  ['tokyo_2019_2024.csv.gz', null],
  ['beijing_changping_2013_2017.csv.gz', null],
  ['garanhuns_2020_2024.csv.gz', null],
  ['recife_2020_2024.csv.gz', null],
  ['szeged_2006_2016_unclean.csv.gz', null],
  ['nyc_2013.csv.gz', ['jfk']],
  ['ireland_network_2017.csv.gz', ['belmullet', 'dublin-airport', 'oak-park']],
]

/** Latitude, longitude, elevation in metres. */
const SITES: Readonly<Record<string, readonly [number, number, number]>> = {
  tokyo: [35.69, 139.75, 25],
  changping: [40.22, 116.23, 76],
  a322: [-8.91, -36.49, 827],
  a301: [-8.06, -34.96, 11],
  szeged: [46.25, 20.15, 82],
  jfk: [40.64, -73.78, 4],
  belmullet: [54.23, -10.01, 9],
  'dublin-airport': [53.43, -6.24, 71],
  'oak-park': [52.86, -6.91, 62],
}

type Scores = ReturnType<typeof createBucketScores>
/** By what is compared: `variable|length|model` or `variable|stale hours`. */
type Board = Map<string, Scores>

export async function run({ quick, json, only }: { quick: boolean; json: boolean; only: readonly string[] }): Promise<Figure[]> {
  const say = (line: string): void => void (json || process.stderr.write(`${line}\n`))
  const { lengths, looksLate, places } = choose(only)
  const board: Board = new Map()
  const widths: Widths = new Map()
  for (const [file, wanted] of SERIES) {
    if (!hasReference(file)) {
      say(`skipped ${file}: not in ../shared/data`)
      continue
    }
    for (const { stationId, observations } of readReference(file)) {
      if (wanted && !wanted.includes(stationId)) continue
      if (places.length > 0 && !places.includes(stationId)) continue
      const station = checkedHours(stationId, [...observations])
      const origins = originsOf(station, quick)
      for (const origin of origins) {
        scorePrior(station, origin, board)
        for (const [name, hours] of lengths) score(station, origin, name, hours, board)
      }
      if (looksLate) scoreStale(station, origins, board, widths)
      say(`${stationId}: ${origins.length} origins`)
    }
  }
  return [...lengthFigures(board, say), ...staleFigures(board, widths, say)]
}

/** All of it without words; throws for one that means nothing. */
function choose(words: readonly string[]) {
  const wordOf = (name: string): string => name.replace(' ', '')
  const chosen = LENGTHS.filter(([name]) => words.includes(wordOf(name)))
  const places = words.filter((word) => word in SITES)
  const known = new Set([...LENGTHS.map(([name]) => wordOf(name)), ...Object.keys(SITES), LATE])
  const unknown = words.filter((word) => !known.has(word))
  if (unknown.length > 0)
    throw new Error(`no length or station is called ${unknown.join(', ')}; there are ${[...known].join(', ')}`)
  const choosesWhat = chosen.length > 0 || words.includes(LATE)
  return { lengths: choosesWhat ? chosen : LENGTHS, looksLate: !choosesWhat || words.includes(LATE), places }
}

/** In the last year of records of two and more, else in their second half. */
function originsOf({ startHour, length }: StationHours, quick: boolean): number[] {
  const end = startHour + length - 1 - H
  const from = length >= 2 * YEAR ? end - YEAR : startHour + Math.floor(length / 2)
  const origins: number[] = []
  for (let origin = from; origin <= end; origin += quick ? EVERY_HOURS.quick : EVERY_HOURS.full) origins.push(origin)
  return origins
}

function score(station: StationHours, origin: number, name: string, hours: number, board: Board): void {
  const from = origin - hours + 1
  // Half a year of a quarter is no half a year; the longest lengths take what nine tenths of them have.
  if (from < station.startHour - hours / 10) return
  const known = cut(station, Math.max(from, station.startHour), origin)
  if (!known.rows.has(origin)) return
  const set = toFullSet(known)
  const originHour = hourOfDay(origin)
  const fits = randomFeatureRidge.fitTogether(set, VARIABLES, { originHour })
  for (const variable of VARIABLES) {
    const fit = fits.get(variable)
    if (!fit?.ok) continue
    const recent = { validAtMs: origin * HOUR_MS, features: set.features.subarray(-FEATURE_COUNT), known: set }
    const own = fit.fitted.predict(recent)
    add(board, `${variable}|${name}|engine`, station, origin, variable, own.quantiles)
    for (const baseline of BASELINES) {
      const learnt = baseline.fit(set, { variable })
      const said = learnt.ok ? learnt.fitted.predict(recent) : learnt
      if ('quantiles' in said) add(board, `${variable}|${name}|${baseline.name}`, station, origin, variable, said.quantiles)
    }
  }
}

type Widths = Map<string, { sum: number; n: number }>

/** One fit of the year (or what there is) before the first origin; at each origin the newest hours have not arrived. */
function scoreStale(station: StationHours, origins: readonly number[], board: Board, widths: Widths): void {
  const first = origins[0]!
  const set = toFullSet(cut(station, Math.max(station.startHour, first - YEAR), first - 1))
  const fits = randomFeatureRidge.fitTogether(set, VARIABLES, {})
  for (const origin of origins)
    for (const stale of STALE_HOURS) {
      const vectorAt = staleVectors(station, origin, stale)
      for (const [variable, fit] of fits) {
        if (!fit.ok) continue
        const { quantiles } = predictLate(fit.fitted, origin, vectorAt)
        add(board, `${variable}|stale ${stale}`, station, origin, variable, quantiles)
        addWidths(widths, `${variable}|${stale}`, quantiles)
      }
    }
}

function addWidths(widths: Widths, key: string, quantiles: Float32Array): void {
  for (const { name: bucket, from, to } of LEAD_BUCKETS) {
    const sum = widths.get(`${key}|${bucket}`) ?? { sum: 0, n: 0 }
    widths.set(`${key}|${bucket}`, sum)
    for (let h = from - 1; h < to; h++) sum.sum += quantiles[h * Q + 5]! - quantiles[h * Q + 1]!
    sum.n += to - from + 1
  }
}

/** Nothing is known but where the station stands. */
function scorePrior(station: StationHours, origin: number, board: Board): void {
  const [latitude, longitude, elevationM] = SITES[station.stationId]!
  const silent = {
    startHour: origin,
    targets: Object.fromEntries(FORECAST_VARIABLES.map((v) => [v, new Float64Array(0)])) as TrainingSet['targets'],
    featureHours: new Float64Array(0),
    features: new Float32Array(0),
  }
  const fits = randomFeatureRidge.fitTogether(silent, VARIABLES, { site: { latitude, longitude, elevationM } })
  const features = new Float32Array(FEATURE_COUNT).fill(Number.NaN)
  for (const [variable, fit] of fits)
    if (fit.ok)
      add(
        board,
        `${variable}|0 h|engine`,
        station,
        origin,
        variable,
        fit.fitted.predict({ validAtMs: origin * HOUR_MS, features }).quantiles,
      )
}

function cut({ stationId, rows }: StationHours, from: number, to: number): StationHours {
  const kept = new Map<number, Float64Array>()
  for (let hour = from; hour <= to; hour++) {
    const row = rows.get(hour)
    if (row) kept.set(hour, row)
  }
  return { stationId, startHour: from, length: to - from + 1, rows: kept }
}

/** The vectors up to the hour of issue when the last `stale` hours have not arrived. */
function staleVectors({ rows }: StationHours, origin: number, stale: number): (hour: number) => Float32Array {
  const grid = createHourlyGrid(origin - WINDOW_HOURS + 1, WINDOW_HOURS)
  for (let hour = origin - WINDOW_HOURS + 1; hour <= origin - stale; hour++) {
    const row = rows.get(hour)
    if (row) grid.set(hour, row)
  }
  return (hour) => buildFeatures(grid, hour)
}

const COLUMN_OF: Readonly<Partial<Record<ForecastVariable, number>>> = {
  temperatureC: 0,
  dewPointC: 1,
  relativeHumidityPct: 2,
  pressureHpa: 3,
  windSpeedMps: 6,
}

function add(
  board: Board,
  key: string,
  { rows }: StationHours,
  origin: number,
  variable: ForecastVariable,
  quantiles: Float32Array,
): void {
  const scores = board.get(key) ?? createBucketScores()
  board.set(key, scores)
  for (let h = 0; h < H; h++) {
    const observed = rows.get(origin + h + 1)?.[COLUMN_OF[variable]!] ?? Number.NaN
    if (!Number.isNaN(observed)) scores.add(h + 1, verifyLead(quantiles.subarray(h * Q, (h + 1) * Q), observed, variable))
  }
}

const bucketsOf = (board: Board, key: string) => {
  const result = board.get(key)?.result() ?? []
  return (bucket: LeadBucketName) => result.find(({ leadBucket }) => leadBucket === bucket)
}

function lengthFigures(board: Board, say: (line: string) => void): Figure[] {
  const figures: Figure[] = []
  for (const variable of VARIABLES) {
    say(`\n${variable}: MAE of the engine and, %, beside the best baseline of all origins; covered by 80 %`)
    const prior = bucketsOf(board, `${variable}|0 h|engine`)('all')
    if (prior) {
      const { mae, coverage80, coverage95 } = prior
      say(`  0 h    ${mae.toFixed(3)}, covered by 80 / 95 %: ${(100 * coverage80).toFixed(0)} / ${(100 * coverage95).toFixed(0)}`)
      figures.push(figure(`${variable}, no record: covered by 80 %, all leads`, 100 * coverage80, '%', '>=', 80))
    }
    for (const [name] of LENGTHS) {
      const ours = bucketsOf(board, `${variable}|${name}|engine`)
      const cells = LEAD_BUCKETS.flatMap(({ name: bucket }) => {
        const own = ours(bucket)
        if (!own) return []
        const rivals = BASELINES.flatMap((baseline) => {
          const found = bucketsOf(board, `${variable}|${name}|${baseline.name}`)(bucket)
          // On common support only: a baseline that refused somewhere is not available at that length.
          return found && found.n === own.n ? [{ name: baseline.name, mae: found.mae }] : []
        })
        const best = rivals.toSorted((a, b) => a.mae - b.mae)[0]
        if (!best) return []
        return [{ own, best, percent: 100 * (own.mae / best.mae - 1) }]
      })
      if (cells.length < LEAD_BUCKETS.length) continue
      const text = cells.map(
        ({ own, best, percent }) =>
          `${own.mae.toFixed(3)} ${percent > 0 ? '+' : ''}${percent.toFixed(1)} (${best.name}) ${(100 * own.coverage80).toFixed(0)}`,
      )
      say(`  ${name.padEnd(6)} ${text.join(' | ')}`)
      const worst = Math.max(...cells.map(({ percent }) => percent))
      figures.push(figure(`${variable}, ${name} of record: MAE beside the best baseline, worst lead bucket`, worst, '%', '<=', 1))
    }
  }
  return figures
}

function staleFigures(board: Board, widths: Widths, say: (line: string) => void): Figure[] {
  const figures: Figure[] = []
  for (const variable of VARIABLES) {
    say(`\n${variable}, newest hours missing: MAE, covered by 80 / 95 %, mean width of 80 %`)
    for (const stale of STALE_HOURS) {
      const at = bucketsOf(board, `${variable}|stale ${stale}`)
      const cells = LEAD_BUCKETS.flatMap(({ name: bucket }) => {
        const own = at(bucket)
        const width = widths.get(`${variable}|${stale}|${bucket}`)
        return own && width ? [{ own, width: width.sum / width.n }] : []
      })
      if (cells.length < LEAD_BUCKETS.length) continue
      say(
        `  ${String(stale).padStart(2)} h ${cells
          .map(
            ({ own, width }) =>
              `${own.mae.toFixed(3)} ${(100 * own.coverage80).toFixed(1)}/${(100 * own.coverage95).toFixed(1)} ${width.toFixed(2)}`,
          )
          .join(' | ')}`,
      )
      const least = Math.min(...cells.map(({ own }) => own.coverage80))
      figures.push(
        figure(`${variable}, newest ${stale} h missing: covered by 80 %, lowest lead bucket`, 100 * least, '%', '>=', 76),
      )
    }
  }
  return figures
}
