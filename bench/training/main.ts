/**
 * What training costs, on one core (CPU seconds of this process, so that a busy machine does not count), beside Prophet (PyPI `prophet`) and
 * SARIMAX (PyPI `statsmodels`) on the same hours in the same run. Peers come from a virtual environment
 * (python3 -m venv ~/.cache/isobar/peers/venv && ~/.cache/isobar/peers/venv/bin/pip install prophet statsmodels); without it they are skipped.
 */
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { mean, median } from 'simple-statistics'
import { toFullSet } from '../../cli/evaluate/series.ts'
import { FEATURE_COUNT, HOUR_MS } from '../../forecasting/features/index.ts'
import { type Fitted, randomFeatureRidge, startRolling, type TrainingSet, knownAt } from '../../forecasting/models/index.ts'
import { FORECAST_VARIABLES, HORIZON_HOURS, LEAD_BUCKETS, QUANTILE_LEVELS } from '../../schemas/quantities.ts'
import { type Figure, figure } from '../shared/figures.ts'
import { openSeries } from './series.ts'

const H = HORIZON_HOURS
const Q = QUANTILE_LEVELS.length
const MEDIAN = QUANTILE_LEVELS.indexOf(0.5)
const NIGHT_SECONDS = 8 * 3600
const CORES = 2
/** Through the newest year, every hour of the day and every season. */
const ORIGINS = 16
const ORIGIN_STEP_HOURS = 547
/** Of processor time, for one fit of a peer. */
const PEER_CPU_SECONDS = { quick: 60, full: 240 }
const PEER_TIMEOUT_MS = 1_800_000
const PYTHON = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'isobar/peers/venv/bin/python')
const YEAR_DAYS = 365.25
const SARIMAX = { family: 'sarimax', order: [1, 1, 1], seasonal: [0, 1, 1, 24] } as const
const PEERS = [
  { family: 'prophet', label: 'Prophet on 3 years', goal: 5, days: 3 * YEAR_DAYS, origins: ORIGINS },
  { ...SARIMAX, label: 'SARIMAX(1,1,1)(0,1,1)24 on 3 years', goal: 10, days: 3 * YEAR_DAYS, origins: 1 },
  // As its users fit it, who do not wait for minutes: the engine beside it still has its 3 years.
  { ...SARIMAX, label: 'SARIMAX(1,1,1)(0,1,1)24 on 60 days', goal: null, days: 60, origins: ORIGINS },
] as const

/** `mean`: null when the fit was not done within PEER_CPU_SECONDS. */
type PeerFit = { readonly seconds: number; readonly mean: readonly number[] | null }

export async function run({ quick, json }: { quick: boolean; json: boolean }): Promise<Figure[]> {
  const figures: Figure[] = []
  const say = (line: string): void => void (json || process.stderr.write(`${line}\n`))
  const add = (made: Figure): void => {
    figures.push(made)
    say(`${made.met ? 'ok  ' : 'MISS'} ${made.name}: ${made.value} ${made.unit} (goal ${made.comparison} ${made.goal})`)
  }
  const { label, station } = openSeries(5)
  const full = toFullSet(station)
  const years = (full.featureHours.length / 8766).toFixed(1)
  const newest = { validAtMs: full.featureHours.at(-1)! * HOUR_MS, features: full.features.subarray(-FEATURE_COUNT) }
  const originHour = full.featureHours.at(-1)! % 24
  const one = usualSeconds(() => fit(full, { originHour }))
  add(figure(`fit one variable for one hour of issue, left-out intervals (${label}, ${years} years)`, one, 's', '<=', 1.5))
  const six = usualSeconds(() => randomFeatureRidge.fitTogether(full, FORECAST_VARIABLES, { originHour }))
  add(figure('fit all six variables for one hour of issue', six, 's', '<=', 4))
  add(figure('times cheaper to move a window by a day than to fit it', one / nightSeconds(full, originHour), '×', '>=', 10))
  const all = cpuSeconds(() => randomFeatureRidge.fitTogether(full, FORECAST_VARIABLES, {}))
  add(figure('fit all six variables for all hours of issue, as the service trains', all.seconds, 's', '<=', 57.6))
  add(
    figure(
      'stations of six variables in a night of 8 h on 2 cores',
      Math.floor((NIGHT_SECONDS * CORES) / all.seconds),
      'stations',
      '>=',
      1000,
    ),
  )
  const served = all.value.get('temperatureC')!
  if (!served.ok) throw new Error(served.refused)
  const { fitted } = served
  fitted.predict(newest)
  const rounds = 500
  const predicted = cpuSeconds(() => {
    for (let i = 0; i < rounds; i++) fitted.predict(newest)
  })
  add(figure('predict 168 h × 7 quantiles', (1000 * predicted.seconds) / rounds, 'ms', '<=', 0.5))
  add(figure('artefact, all hours of issue', fitted.serialise().length / 1e6, 'MB', '<=', 2))
  peers(full, quick, label, add, say)
  return figures
}

/** A day of rows in, the oldest day out, for one hour of issue. Mean of a few nights after the first, which adds up all rows. */
function nightSeconds(full: TrainingSet, originHour: number): number {
  const nights = 5
  const last = full.featureHours.at(-1)!
  const before = knownAt(full, last - nights * 24)
  const begun = startRolling(before, { variable: 'temperatureC', originHour })
  if (!begun.ok) throw new Error(begun.refused)
  begun.rolling.advance(before, full.startHour)
  return (
    cpuSeconds(() => {
      for (let night = 1; night <= nights; night++)
        begun.rolling.advance(knownAt(full, last - (nights - night) * 24), full.startHour + night * 24)
    }).seconds / nights
  )
}

function peers(full: TrainingSet, quick: boolean, label: string, add: (made: Figure) => void, say: (line: string) => void): void {
  const limit = PEER_CPU_SECONDS[quick ? 'quick' : 'full']
  if (!existsSync(PYTHON)) return say(`skipped Prophet and SARIMAX: no ${PYTHON}`)
  const ends = Array.from({ length: quick ? 1 : ORIGINS }, (_, k) => full.featureHours.at(-1)! - H - k * ORIGIN_STEP_HOURS)
  const all = ends.map((at) => {
    const known = newestDays(knownAt(full, at), 3 * YEAR_DAYS)
    const { value, seconds } = cpuSeconds(() => fit(known, { originHour: at % 24 }))
    const { quantiles } = value.predict({ validAtMs: at * HOUR_MS, features: known.features.subarray(-FEATURE_COUNT) })
    return { seconds, mean: Array.from({ length: H }, (_, h) => quantiles[h * Q + MEDIAN]!) }
  })
  for (const { label: name, goal, days, origins, ...settings } of PEERS) {
    const looked = ends.slice(0, origins)
    const fits: PeerFit[] = []
    for (const at of looked) {
      const known = newestDays(knownAt(full, at), days)
      const values = Array.from(known.targets.temperatureC, (value) => (Number.isNaN(value) ? null : value))
      const input = JSON.stringify({ ...settings, start: known.startHour, values, steps: H, cpuSeconds: limit })
      const ran = spawnSync(PYTHON, [join(import.meta.dirname, 'peers.py')], {
        input,
        encoding: 'utf8',
        timeout: PEER_TIMEOUT_MS,
        maxBuffer: 1 << 24,
      })
      if (ran.status !== 0) {
        say(`skipped ${name}: ${ran.error?.message ?? ran.stderr.trim().split('\n').at(-1)}`)
        break
      }
      fits.push(JSON.parse(ran.stdout) as PeerFit)
    }
    if (fits.length < looked.length) continue
    const own = all.slice(0, origins)
    const said = fits.flatMap(({ mean: values }) => (values ? [{ mean: values }] : []))
    const isDone = said.length === fits.length
    const [ours, theirs] = [mean(own.map(({ seconds }) => seconds)), mean(fits.map(({ seconds }) => seconds))]
    const faster = `times faster than ${name}${isDone ? '' : `, which was not done in ${limit} s: at least`} (${label})`
    if (goal !== null) add({ ...figure(faster, theirs / ours, '×', '>=', goal), peer: { name: `${name}, s`, value: theirs } })
    if (!isDone) continue
    for (const { name: bucket, from, to } of LEAD_BUCKETS) {
      const [a, b] = [own, said].map((list) => meanError(full, looked, list, from, to)) as [number, number]
      add({
        ...figure(`MAE ${bucket} h, share of that of ${name} (${looked.length} origins)`, a / b, '', '<=', 1),
        peer: { name: `${name}, °C`, value: b },
      })
    }
  }
}

function fit(history: TrainingSet, options: { variable?: (typeof FORECAST_VARIABLES)[number]; originHour?: number }): Fitted {
  const result = randomFeatureRidge.fit(history, { variable: 'temperatureC', ...options })
  if (!result.ok) throw new Error(result.refused)
  return result.fitted
}

function cpuSeconds<T>(work: () => T): { readonly value: T; readonly seconds: number } {
  const begun = process.cpuUsage()
  const value = work()
  const { user, system } = process.cpuUsage(begun)
  return { value, seconds: (user + system) / 1e6 }
}

/** Median of five, after one that warms the compiler up, as a trainer is after its first station. */
function usualSeconds(work: () => unknown): number {
  work()
  return median(Array.from({ length: 5 }, () => cpuSeconds(work).seconds))
}

function newestDays(known: TrainingSet, days: number): TrainingSet {
  const from = Math.max(0, known.featureHours.length - Math.round(24 * days))
  return {
    startHour: known.startHour + from,
    targets: Object.fromEntries(FORECAST_VARIABLES.map((v) => [v, known.targets[v].subarray(from)])) as TrainingSet['targets'],
    features: known.features.subarray(from * FEATURE_COUNT),
    featureHours: known.featureHours.subarray(from),
  }
}

function meanError(
  full: TrainingSet,
  ends: readonly number[],
  list: ReadonlyArray<{ mean: readonly number[] }>,
  from: number,
  to: number,
): number {
  const errors: number[] = []
  ends.forEach((at, k) => {
    for (let lead = from; lead <= to; lead++) {
      const e = Math.abs(list[k]!.mean[lead - 1]! - full.targets.temperatureC[at + lead - full.startHour]!)
      if (e === e) errors.push(e)
    }
  })
  return mean(errors)
}
