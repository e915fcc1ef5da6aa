/**
 * What forecasting/drift/usual.ts, level.ts and run-lengths.ts hold, measured again: the first halves of the clean stretches of the calibration
 * stations; of values apart from the neighbours', every second station of a network.
 */
import { CHARTS, LEVEL_WEIGHTS, RUN_LENGTHS_BY_VARIABLE, thresholds, USUAL } from '../../forecasting/drift/index.ts'
import { createRng } from '../../forecasting/verification/index.ts'
import { FORECAST_VARIABLES, type ForecastVariable } from '../../schemas/quantities.ts'
import { bootstrapRunLengths, measureUsual } from '../drift/calibration.ts'
import type { Clean } from '../drift/compare.ts'
import { completeStretches, halves } from '../drift/complete.ts'
import { shiftOf } from '../drift/faults.ts'
import { APART_CHART, IRISH_FILES, irishSeries } from '../drift/ireland.ts'
import { measureLevelWeights, type Shifted } from '../drift/level-weights.ts'
import { hasReference } from '../shared/reference.ts'
import { CALIBRATION_FILES, watchStation } from '../drift/world.ts'
import { type BenchOptions, type Figure, figure } from '../shared/figures.ts'

/** Of each table. */
const DAYS = 1_500_000
const SEED = 7
/** A row of a table rests on this many alarms, or it is left out. */
const MIN_ALARMS = 20
const LIMITS = {
  byVariable: [3, 4, 5, 6, 7, 8, 9, 10, 12, 14, 17, 20],
  mean: [4, 5, 6, 7, 8, 9, 10, 12],
  spread: [1, 1.25, 1.5, 1.75, 2, 2.5, 3, 3.5],
}
/** What the committed numbers may be away from the measured ones: models change a little with every change of the engine. */
const WITHIN = 0.25
const WEIGHT_WITHIN = 0.1
const SHIFTS = 12

type Say = (line: string) => void

export async function run({ quick, json }: BenchOptions): Promise<Figure[]> {
  const say: Say = (line) => void (json || process.stdout.write(`${line}\n`))
  if (![...CALIBRATION_FILES, ...IRISH_FILES].every(hasReference)) {
    say('skipped: no reference series in ../shared/data')
    return []
  }
  const files = CALIBRATION_FILES.slice(0, quick ? 1 : undefined)
  const stations = (quick ? (['temperatureC'] as const) : FORECAST_VARIABLES).flatMap((variable) =>
    files.flatMap((file) => shifted(file, variable, quick ? 4 : SHIFTS)),
  )
  const alone = stations.flatMap(({ calibration }) => calibration)
  const network = irishSeries(quick ? 4 : undefined).calibration
  return [...weights(stations, say), ...CHARTS.flatMap((_, chart) => charts(chart, chart === APART_CHART ? network : alone, say))]
}

function shifted(file: string, variable: ForecastVariable, count: number): Shifted[] {
  const watched = watchStation(file, variable)
  if (watched === null) return []
  const calibration = completeStretches(watched.clean).map((stretch) => halves(stretch).calibration)
  if (calibration.length === 0) return []
  const injections = variable === 'precipitationProbabilityPct' ? [] : watched.inject([shiftOf(variable)], count)
  return [{ clean: watched.clean, calibration, injections }]
}

function weights(stations: readonly Shifted[], say: Say): Figure[] {
  const departures = FORECAST_VARIABLES.flatMap((variable) => {
    const measured = measureLevelWeights(stations.filter(({ clean }) => clean.variable === variable))
    if (measured === null) return []
    say(`weights of the level, ${variable}: ${measured.map((weight) => weight.toFixed(2)).join(', ')}`)
    const { halfDay, reference } = LEVEL_WEIGHTS[variable]
    // Left alone where they are not determined.
    if (halfDay === 0 && reference === 0) return []
    return [Math.abs((measured[1] as number) - halfDay), Math.abs((measured[2] as number) - reference)]
  })
  return [figure('level: largest departure from a weight that is held', Math.max(...departures), 'of 1', '<=', WEIGHT_WITHIN)]
}

/** Of one chart: is its threshold worth what it should be, and is what is usual still so. */
function charts(chart: number, series: readonly Clean[], say: Say): Figure[] {
  const { name, measure, share } = CHARTS[chart] as (typeof CHARTS)[number]
  if (share === 0) return []
  const isByVariable = Object.hasOwn(RUN_LENGTHS_BY_VARIABLE, name)
  const limits = isByVariable ? LIMITS.byVariable : measure === 'spread' ? LIMITS.spread : LIMITS.mean
  const tables = isByVariable ? FORECAST_VARIABLES.map((variable) => [variable] as const) : [FORECAST_VARIABLES]
  const wanted = (365.25 * FORECAST_VARIABLES.length) / share
  const lengths = tables.flatMap((variables) => {
    const own = series.filter(({ variable }) => variables.includes(variable))
    if (own.length === 0) return []
    const threshold = thresholds(1, FORECAST_VARIABLES.length, variables[0])[chart] as number
    const days = bootstrapRunLengths(own, chart, [...limits, threshold], DAYS, createRng(SEED))
    const rows = limits.flatMap((limit, i) => {
      const length = days[i] as number
      return length * MIN_ALARMS <= DAYS ? [`[${limit}, ${Math.round(length)}]`] : []
    })
    say(`${name}${isByVariable ? `, ${variables.join()}` : ''}: ${rows.join(', ')}`)
    return [(days.at(-1) as number) / wanted]
  })
  const departures = FORECAST_VARIABLES.flatMap((variable) => {
    const measured = measureUsual(series, variable, chart)
    const held = USUAL[name]?.[variable]
    if (measured === null || held === undefined) return []
    say(
      `  ${variable}: { centre: ${measured.centre.toFixed(2)}, sd: ${measured.sd.toFixed(2)}, longRunSd: ${measured.longRunSd.toFixed(2)} }`,
    )
    return [Math.abs(measured.longRunSd / held.longRunSd - 1)]
  })
  return [
    figure(
      `${name}: days between false alarms at its threshold, of those wanted`,
      Math.min(...lengths),
      'of 1',
      '>=',
      1 - WITHIN,
    ),
    figure(`${name}: largest departure from the usual long run that is held`, Math.max(...departures), 'of 1', '<=', WITHIN),
  ]
}
