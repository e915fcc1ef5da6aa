/**
 * What adapted intervals are worth: hourly forecasts of a year by one model that has not seen it, as made and as adapted, on clean series and
 * after changes at half-year that the model was not trained on: intervals drawn together, a step of the level, a noisy sensor. Real series that
 * are no part of the repository (../shared/data); adaptation as verification folds it and inference applies it.
 */
import { FEATURE_COUNT, HOUR_MS } from '../../forecasting/features/index.ts'
import { createIssuer, randomFeatureRidge } from '../../forecasting/models/index.ts'
import { createBucketScores, createRng, verifyLead } from '../../forecasting/verification/index.ts'
import type { Observation } from '../../schemas/generated/types.ts'
import { type ForecastVariable, HORIZON_HOURS, LEAD_BUCKETS, QUANTILE_LEVELS } from '../../schemas/quantities.ts'
import { checkHours } from '../drift/series.ts'
import { knownUntil } from '../drift/known-until.ts'
import { type BenchOptions, type Figure, figure } from '../shared/figures.ts'
import { hasReference, readReference, type Station } from '../shared/reference.ts'

const H = HORIZON_HOURS
const Q = QUANTILE_LEVELS.length
const MEDIAN = QUANTILE_LEVELS.indexOf(0.5)
const YEAR_HOURS = 8766
const CHANGE_AFTER = YEAR_HOURS / 2
/** Before this many hours of the year adaptation has just begun. */
const LEARNING_HOURS = 30 * 24
const TRAINING_YEARS = 2
const VERSION = 'v'
const STATIONS = ['tokyo_2019_2024.csv.gz', 'beijing_changping_2013_2017.csv.gz', 'garanhuns_2020_2024.csv.gz']
const VARIABLES: readonly ForecastVariable[] = ['temperatureC', 'dewPointC', 'windSpeedMps']

type World = {
  readonly name: string
  /** Quantiles as the model would have made them. */
  readonly made?: (quantiles: Float32Array) => Float32Array
  readonly alter?: (observation: Observation, random: () => number) => Observation
  readonly variables: readonly ForecastVariable[]
}
const WORLDS: readonly World[] = [
  { name: 'clean', variables: VARIABLES },
  { name: 'intervals drawn to 0.6', made: (quantiles) => narrowed(quantiles, 0.6), variables: ['temperatureC', 'windSpeedMps'] },
  {
    name: 'thermometer 2.5 °C warmer',
    alter: (one) => ({ ...one, temperatureC: one.temperatureC === null ? null : one.temperatureC + 2.5 }),
    variables: ['temperatureC'],
  },
  {
    name: 'thermometer with noise of 1.5 °C',
    alter: (one, random) => ({ ...one, temperatureC: one.temperatureC === null ? null : one.temperatureC + 1.5 * random() }),
    variables: ['temperatureC'],
  },
]
/** Hours after the change that are scored by themselves: the first days, and what follows. */
const PHASES = [
  { name: 'before', from: LEARNING_HOURS, to: CHANGE_AFTER },
  { name: 'days 1–7 after', from: CHANGE_AFTER, to: CHANGE_AFTER + 7 * 24 },
  { name: 'days 15–180 after', from: CHANGE_AFTER + 14 * 24, to: YEAR_HOURS },
]

type Scores = ReturnType<typeof createBucketScores>
type Board = Map<string, Scores>

export async function run({ quick, json, only }: BenchOptions): Promise<Figure[]> {
  const say = (line: string): void => void (json || process.stderr.write(`${line}\n`))
  const figures: Figure[] = []
  const files = STATIONS.filter((file) => hasReference(file)).slice(0, quick ? 1 : STATIONS.length)
  if (files.length === 0) say('skipped: ../shared/data is not there')
  for (const world of WORLDS.filter(({ name }) => only.length === 0 || only.some((part) => name.includes(part))))
    for (const variable of world.variables.slice(0, quick ? 1 : world.variables.length)) {
      const pooled: Board = new Map()
      for (const file of files) {
        const [station] = readReference(file)
        const own: Board = new Map()
        runYear(station!, variable, world, [own, pooled])
        tell(`${station!.stationId}, ${variable}, ${world.name}`, own, say)
      }
      figures.push(...judge(`${variable}, ${world.name}`, pooled))
    }
  return figures
}

function runYear(station: Station, variable: ForecastVariable, { made, alter }: World, boards: readonly Board[]): void {
  const endHour = Math.floor(station.observations.at(-1)!.observedAt / HOUR_MS)
  const start = endHour - YEAR_HOURS
  const change = start + CHANGE_AFTER
  const random = normal()
  const { training } = checkHours(station, start - TRAINING_YEARS * YEAR_HOURS, endHour, (observation, hour) =>
    alter && hour >= change ? alter(observation, random) : observation,
  )
  const fit = randomFeatureRidge.fit(knownUntil(training, start - 1), { variable })
  if (!fit.ok) throw new Error(`${station.stationId} ${variable}: ${fit.refused}`)
  const target = training.targets[variable]
  const raw = new Map<number, Float32Array>()
  const adapted = new Map<number, Float32Array>()
  const issuer = createIssuer(variable)
  for (let hour = start; hour <= endHour; hour++) {
    const row = hour - training.startHour
    const observed = target[row]!
    if (!Number.isNaN(observed)) score(hour, observed)
    issuer.observe(hour, observed)
    const features = training.features.subarray(row * FEATURE_COUNT, (row + 1) * FEATURE_COUNT)
    const { quantiles } = fit.fitted.predict({ validAtMs: hour * HOUR_MS, features })
    const issued = made && hour >= change ? made(quantiles) : quantiles
    raw.set(hour, issued)
    adapted.set(hour, issuer.issue(hour, VERSION, issued))
    raw.delete(hour - H)
    adapted.delete(hour - H)
  }

  function score(hour: number, observed: number): void {
    const phase = PHASES.find(({ from, to }) => hour - start >= from && hour - start < to)
    if (!phase) return
    for (let lead = 1; lead <= H; lead++) {
      const before = raw.get(hour - lead)
      const after = adapted.get(hour - lead)
      if (!before || !after) continue
      const at = (lead - 1) * Q
      const asMade = verifyLead(before.subarray(at, at + Q), observed, variable)
      const asIssued = verifyLead(after.subarray(at, at + Q), observed, variable)
      for (const board of boards) {
        scoresOf(board, phase.name, 'as made').add(lead, asMade)
        scoresOf(board, phase.name, 'adapted').add(lead, asIssued)
      }
    }
  }
}

type Manner = 'as made' | 'adapted'

function scoresOf(board: Board, phase: string, manner: Manner): Scores {
  const key = `${phase}|${manner}`
  const scores = board.get(key) ?? createBucketScores()
  board.set(key, scores)
  return scores
}

function tell(what: string, board: Board, say: (line: string) => void): void {
  say(`\n${what}: covered by 80 / 95 %, CRPS, at ${LEAD_BUCKETS.map(({ name }) => name).join(' | ')} h`)
  for (const { name } of PHASES)
    for (const manner of ['as made', 'adapted'] as const) {
      const cells = scoresOf(board, name, manner)
        .result()
        .filter(({ leadBucket }) => leadBucket !== 'all')
        .map(
          ({ coverage80, coverage95, crps }) =>
            `${(100 * coverage80).toFixed(1)} / ${(100 * coverage95).toFixed(1)}, ${crps.toFixed(3)}`,
        )
      say(`  ${name.padEnd(18)} ${manner.padEnd(8)} ${cells.join(' | ')}`)
    }
}

/** Before any change the whole clean half-year counts; after one, what adaptation has come to. */
function judge(what: string, board: Board): Figure[] {
  return PHASES.filter(({ name }) => name !== 'days 1–7 after').flatMap(({ name }) => {
    const made = scoresOf(board, name, 'as made').result()
    const adapted = scoresOf(board, name, 'adapted').result()
    const off = (of: 'coverage80' | 'coverage95', nominal: number): number =>
      Math.max(...adapted.filter(({ leadBucket }) => leadBucket !== 'all').map((one) => 100 * Math.abs(one[of] - nominal)))
    const crps = Math.max(...adapted.map((one, i) => 100 * (one.crps / made[i]!.crps - 1)))
    return [
      figure(`${what}, ${name}: coverage of 80 % away from nominal, worst lead bucket`, off('coverage80', 0.8), '%', '<=', 2),
      figure(`${what}, ${name}: coverage of 95 % away from nominal, worst lead bucket`, off('coverage95', 0.95), '%', '<=', 1),
      figure(`${what}, ${name}: CRPS beside intervals as made, worst lead bucket`, crps, '%', '<=', 0.5),
    ]
  })
}

function narrowed(quantiles: Float32Array, share: number): Float32Array {
  return quantiles.map((value, i) => {
    const median = quantiles[i - (i % Q) + MEDIAN]!
    return median + share * (value - median)
  })
}

function normal(): () => number {
  const uniform = createRng(7)
  return () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform())
}
