/**
 * Beside the prototype of the recipe (../shared/reference/prototypes/rfr.mjs, no part of the repository): temperature, the same origins, both
 * fitted at every origin on what was known then. A station's origins are kept in bench/results/prototype as they are made, so that a run can be
 * stopped and gone on with.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { mean } from 'simple-statistics'
import { checkedHours, toFullSet } from '../../cli/evaluate/series.ts'
import { COLUMN, FEATURE_COUNT, HOUR_MS, isWet } from '../../forecasting/features/index.ts'
import { randomFeatureRidge, type TrainingSet, knownAt } from '../../forecasting/models/index.ts'
import { createRng, crpsFromQuantiles, pairedBlockBootstrap } from '../../forecasting/verification/index.ts'
import { HORIZON_HOURS, LEAD_BUCKETS, QUANTILE_LEVELS } from '../../schemas/quantities.ts'
import { engineOf } from '../shared/engine.ts'
import { type Figure, figure } from '../shared/figures.ts'
import { hasReference, readReference } from '../shared/reference.ts'

const H = HORIZON_HOURS
const Q = QUANTILE_LEVELS.length
const MEDIAN = QUANTILE_LEVELS.indexOf(0.5)
const YEAR_HOURS = 8766
const PROTOTYPE = new URL('../../../shared/reference/prototypes/rfr.mjs', import.meta.url)
/** Three and a half days: 00 and 12 UTC in turn; so in two weeks and a half day, for machines with other work. */
const EVERY_HOURS = { full: 84, thinned: 348, quick: 1092 }
type Spacing = keyof typeof EVERY_HOURS
/** Four weeks of origins are drawn together. */
const BLOCK_HOURS = 28 * 24
const FILES = [
  'tokyo_2019_2024.csv.gz',
  'beijing_changping_2013_2017.csv.gz',
  'garanhuns_2020_2024.csv.gz',
  'recife_2020_2024.csv.gz',
]
const BUCKETS = [...LEAD_BUCKETS, { name: 'all', from: 1, to: H }] as const

/** Gap-free hourly series; see the prototype. */
type Input = Readonly<Record<'temp' | 'dwpt' | 'pres' | 'wspd' | 'wdir' | 'rhum' | 'coco', Float64Array>> & {
  readonly t0: number
}
/** Meteostat's sky codes. */
const [CLEAR, RAIN] = [1, 8]
type Prototype = {
  readonly TAUS: readonly number[]
  rfr(input: Input, origin: number): { readonly q: ReadonlyArray<readonly number[]> }
}
/** By bucket. */
type Scores = { readonly mae: number[]; readonly crps: number[] }
type Origin = { readonly hour: number; readonly ours: Scores; readonly theirs: Scores }
type Piece = { readonly engine: string; readonly origins: Origin[] }

export async function run({ quick, json, only }: { quick: boolean; json: boolean; only: readonly string[] }): Promise<Figure[]> {
  const spacing = quick ? 'quick' : only.includes('thinned') ? 'thinned' : 'full'
  const say = (line: string): void => void (json || process.stderr.write(`${line}\n`))
  const files = FILES.filter((file) => hasReference(file))
  if (!existsSync(PROTOTYPE) || files.length === 0) {
    say('skipped: the prototype or the series are not beside the checkout (../shared)')
    return []
  }
  const prototype = (await import(PROTOTYPE.href)) as Prototype
  const folder = join(import.meta.dirname, '../results', spacing === 'full' ? 'prototype' : `prototype-${spacing}`)
  mkdirSync(folder, { recursive: true })
  const stations = files.map((file) => {
    const { stationId, observations } = readReference(file)[0]!
    const origins = measure(stationId, [...observations], prototype, spacing, join(folder, `${stationId}.json`), say)
    say(line(stationId, [origins]))
    return origins
  })
  say(line('pooled', stations))
  return figuresOf(stations)
}

function measure(
  stationId: string,
  observations: Parameters<typeof checkedHours>[1],
  prototype: Prototype,
  spacing: Spacing,
  file: string,
  say: (line: string) => void,
): Origin[] {
  const hours = checkedHours(stationId, observations)
  const full = toFullSet(hours)
  const input = gapFree(full.startHour, hours.length, hours.rows)
  const engine = engineOf()
  const before: Piece | null = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : null
  const origins = before?.engine === engine ? before.origins : []
  const done = new Set(origins.map(({ hour }) => hour))
  const end = full.startHour + hours.length - 1 - H
  // The last year of records of two and more, else their second half.
  const from = hours.length >= 2 * YEAR_HOURS ? end - YEAR_HOURS : full.startHour + Math.floor(hours.length / 2)
  for (let hour = 24 * Math.ceil(from / 24); hour <= end; hour += EVERY_HOURS[spacing]) {
    if (done.has(hour)) continue
    const known = knownAt(full, hour)
    const features = known.features.subarray(-FEATURE_COUNT)
    const fit = randomFeatureRidge.fit(known, { variable: 'temperatureC', originHour: hour % 24 })
    if (!fit.ok) {
      say(`${stationId}: ${fit.refused}`)
      continue
    }
    const { quantiles } = fit.fitted.predict({ validAtMs: hour * HOUR_MS, features })
    const { q } = prototype.rfr(input, hour - full.startHour)
    const levels = QUANTILE_LEVELS.map((level) => prototype.TAUS.findIndex((tau) => Math.abs(tau - level) < 1e-9))
    const ours = scoresOf(full, hour, (h) => quantiles.subarray(h * Q, (h + 1) * Q))
    const theirs = scoresOf(full, hour, (h) => levels.map((at) => q[h]![at]!))
    if (!ours || !theirs) continue
    if (![...theirs.mae, ...theirs.crps].every(Number.isFinite))
      throw new Error(`the prototype has no number for ${stationId} at hour ${hour}: nothing to compare with`)
    origins.push({ hour, ours, theirs })
    writeFileSync(file, JSON.stringify({ engine, origins } satisfies Piece))
  }
  return origins.toSorted((a, b) => a.hour - b.hour)
}

/** What the prototype needs: linear between observed hours, the nearest value outside; a quantity that was never observed is 0. */
function gapFree(startHour: number, length: number, rows: ReadonlyMap<number, Float64Array>): Input {
  const column = (at: number): Float64Array => {
    const series = new Float64Array(length).fill(Number.NaN)
    for (const [hour, row] of rows) series[hour - startHour] = row[at]!
    let last = -1
    for (let i = 0; i < length; i++) {
      const value = series[i]!
      if (Number.isNaN(value)) continue
      for (let k = last + 1; k < i; k++)
        series[k] = last < 0 ? value : series[last]! + ((value - series[last]!) * (k - last)) / (i - last)
      last = i
    }
    return last < 0 ? series.fill(0) : series.fill(series[last]!, last + 1)
  }
  const [u, v] = [column(COLUMN.windU), column(COLUMN.windV)]
  return {
    t0: startHour * 3600,
    temp: column(COLUMN.temperatureC),
    dwpt: column(COLUMN.dewPointC),
    rhum: column(COLUMN.relativeHumidityPct),
    pres: column(COLUMN.pressureHpa),
    wspd: column(COLUMN.windSpeedMps),
    wdir: u.map((east, i) => ((Math.atan2(-east, -v[i]!) * 180) / Math.PI + 360) % 360),
    // Sky codes of rain and of clear sky: with the same code throughout the prototype divides by a deviation that is not a number.
    coco: column(COLUMN.precipitationMm).map((millimetres) => (isWet(millimetres) ? RAIN : CLEAR)),
  }
}

/** Null when a bucket has no observed lead. */
function scoresOf(full: TrainingSet, hour: number, at: (h: number) => ArrayLike<number>): Scores | null {
  const mae: number[] = []
  const crps: number[] = []
  for (const { from, to } of BUCKETS) {
    let [absolute, ranked, n] = [0, 0, 0]
    for (let lead = from; lead <= to; lead++) {
      const observed = full.targets.temperatureC[hour + lead - full.startHour]!
      if (Number.isNaN(observed)) continue
      const quantiles = at(lead - 1)
      absolute += Math.abs(quantiles[MEDIAN]! - observed)
      ranked += crpsFromQuantiles(quantiles, observed)
      n++
    }
    if (n === 0) return null
    mae.push(absolute / n)
    crps.push(ranked / n)
  }
  return { mae, crps }
}

type Difference = { readonly percent: number; readonly low: number; readonly high: number }

/** Ours − theirs in % of theirs; stations pooled in units of the prototype's mean score at the station. */
function difference(stations: readonly Origin[][], score: keyof Scores, bucket: number): Difference {
  const [ours, theirs] = (['ours', 'theirs'] as const).map((who) =>
    stations.flatMap((origins) => {
      const scale = mean(origins.map(({ theirs: them }) => them[score][bucket]!))
      return origins.map((origin) => origin[who][score][bucket]! / scale)
    }),
  ) as [number[], number[]]
  const every = stations[0]!.length > 1 ? stations[0]![1]!.hour - stations[0]![0]!.hour : BLOCK_HOURS
  const blockLength = Math.max(1, Math.round(BLOCK_HOURS / every))
  const drawn = pairedBlockBootstrap(ours, theirs, { blockLength, rng: createRng(1) })
  return { percent: 100 * drawn.mean, low: 100 * drawn.low, high: 100 * drawn.high }
}

function line(name: string, stations: readonly Origin[][]): string {
  const origins = stations.flat()
  const cells = BUCKETS.map(({ name: bucket }, b) => {
    const [mae, crps] = (['mae', 'crps'] as const).map((score) => {
      const { percent, low, high } = difference(stations, score, b)
      const pair =
        stations.length === 1
          ? `${mean(origins.map(({ ours }) => ours[score][b]!)).toFixed(3)}/${mean(origins.map(({ theirs }) => theirs[score][b]!)).toFixed(3)} `
          : ''
      return `${pair}${percent.toFixed(1)} [${low.toFixed(1)}, ${high.toFixed(1)}]`
    })
    return `${bucket}: MAE ${mae}, CRPS ${crps}`
  })
  return `${name} (${origins.length} origins)\n  ${cells.join('\n  ')}`
}

function figuresOf(stations: readonly Origin[][]): Figure[] {
  const origins = stations.flat().length
  return BUCKETS.flatMap(({ name }, b) =>
    (['mae', 'crps'] as const).map((score) => {
      const goal = name === 'all' && score === 'mae' ? -1.5 : 0
      const { percent, low, high } = difference(stations, score, b)
      const label = `${score.toUpperCase()} ${name} h, ours beside the prototype's (${stations.length} stations, ${origins} origins, 95 %: ${low.toFixed(1)} to ${high.toFixed(1)})`
      return figure(label, percent, '%', '<=', goal)
    }),
  )
}
