/**
 * What forecasting/drift/usual.ts and run-lengths.ts hold, measured again: the first halves of the clean stretches of the calibration
 * stations; of values apart from the neighbours', every second station of a network.
 */
import { CHARTS, thresholds, USUAL } from '../../forecasting/drift/index.ts'
import { createRng } from '../../forecasting/verification/index.ts'
import { FORECAST_VARIABLES } from '../../schemas/quantities.ts'
import { bootstrapRunLengths, measureUsual } from '../drift/calibration.ts'
import { completeStretches, halves } from '../drift/complete.ts'
import { APART_CHART, IRISH_FILES, irishSeries } from '../drift/ireland.ts'
import { hasReference } from '../shared/reference.ts'
import { CALIBRATION_FILES, watchStation } from '../drift/world.ts'
import { type BenchOptions, type Figure, figure } from '../shared/figures.ts'

const DAYS = 300_000
const SEED = 7
const LIMITS = { mean: [4, 5, 6, 7, 8, 9, 10, 12], spread: [1.5, 2, 2.5, 3, 3.5] }
/** What the committed numbers may be away from the measured ones: models change a little with every change of the engine. */
const WITHIN = 0.25

export async function run({ quick, json }: BenchOptions): Promise<Figure[]> {
  const say = (line: string): void => void (json || process.stdout.write(`${line}\n`))
  if (![...CALIBRATION_FILES, ...IRISH_FILES].every(hasReference)) {
    say('skipped: no reference series in ../shared/data')
    return []
  }
  const alone = CALIBRATION_FILES.slice(0, quick ? 1 : undefined)
    .flatMap((file) => (quick ? (['temperatureC'] as const) : FORECAST_VARIABLES).map((variable) => watchStation(file, variable)))
    .flatMap((watched) => (watched === null ? [] : completeStretches(watched.clean)))
    .map((stretch) => halves(stretch).calibration)
  const network = irishSeries(quick ? 4 : undefined).calibration
  const budget = thresholds(1, FORECAST_VARIABLES.length)
  return CHARTS.flatMap(({ name, measure, share }, chart) => {
    if (share === 0) return []
    const series = chart === APART_CHART ? network : alone
    const limits = measure === 'spread' ? LIMITS.spread : LIMITS.mean
    const days = bootstrapRunLengths(series, chart, [...limits, budget[chart] as number], DAYS, createRng(SEED))
    say(`${name}: ${limits.map((limit, i) => `[${limit}, ${Math.round(days[i] as number)}]`).join(', ')}`)
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
        ((days.at(-1) as number) * share) / (365.25 * FORECAST_VARIABLES.length),
        'of 1',
        '>=',
        1 - WITHIN,
      ),
      figure(`${name}: largest departure from the usual long run that is held`, Math.max(...departures), 'of 1', '<=', WITHIN),
    ]
  })
}
