/**
 * Drift detection without servers: run lengths by simulation, a fleet, real series that did not change, faults injected into them beside
 * other detectors at the same budget, and the declared step of the demonstration through the step that the service runs.
 */
import { CHARTS, closeDay, DEFAULT_DETECTOR, NEW_DETECTOR, stationBudget, thresholds } from '../../forecasting/drift/index.ts'
import { HOUR_MS } from '../../forecasting/features/index.ts'
import { createRng } from '../../forecasting/verification/index.ts'
import { FORECAST_VARIABLES } from '../../schemas/quantities.ts'
import { type BenchOptions, type Figure, figure } from '../shared/figures.ts'
import { byMonth, calibrate, type Clean, detections, falseAlarms, type Found, type Injection } from './compare.ts'
import { completeStretches, halves } from './complete.ts'
import { type Compared, DUMMIES, isobar, KS_FIVE_PERCENT, ksOnRaw, PEERS } from './detectors.ts'
import { FAULTS } from './faults.ts'
import { APART_CHART, IRISH_FILES, irishSeries } from './ireland.ts'
import { CHANGE_HOUR, creepAt, step, unchanged, watch } from './network.ts'
import { hasReference } from '../shared/reference.ts'
import { simulatedDay } from './simulated.ts'
import { loadStations, TRAINED_UNTIL } from './stations.ts'
import { REFERENCE_FILES, watchStation } from './world.ts'

const DAYS_PER_YEAR = 365.25
/** What the budget allows beyond itself. */
const TOLERANCE = 1.3
const SPRING_AND_AUTUMN = [2, 3, 4, 8, 9, 10]
/** The part of the bench that is the bundled stations; single stations are the names of REFERENCE_FILES. */
const BUNDLED = 'bundled'
/** A thermometer that creeps so slowly that forecasts follow it. */
const CREEP_C = 3
const CREEP_DAYS = 75
/** The part that is a network. */
const IRELAND = 'ireland'

type Say = (line: string) => void

export async function run({ quick, json, only }: BenchOptions): Promise<Figure[]> {
  const say: Say = (line) => void (json || process.stdout.write(`${line}\n`))
  const files = REFERENCE_FILES.filter((file) => only.length === 0 || only.some((piece) => file.startsWith(piece))).slice(
    0,
    quick ? 1 : undefined,
  )
  return [
    ...(only.length === 0 || only.includes(BUNDLED) ? simulated(quick, say) : []),
    ...(files.length === 0
      ? []
      : files.every(hasReference)
        ? reference(files, quick, say)
        : skipped(say, 'no reference series in ../shared/data: clean series, injected faults and other detectors are left out')),
    ...(only.length === 0 || only.includes(IRELAND) ? irish(quick, say) : []),
    ...(only.length === 0 || only.includes(BUNDLED) ? await network(quick, say) : []),
  ]
}

function skipped(say: Say, why: string): Figure[] {
  say(`skipped: ${why}`)
  return []
}

function simulated(quick: boolean, say: Say): Figure[] {
  for (const variable of FORECAST_VARIABLES) {
    const limits = thresholds(DEFAULT_DETECTOR.falseAlarmsPerStationYear, DEFAULT_DETECTOR.variables, variable)
    say(`thresholds, ${variable}: ${CHARTS.map(({ name }, i) => `${name} ${(limits[i] as number).toFixed(2)}`).join(', ')}`)
  }
  const [stations, years] = quick ? [50, 1] : [500, 1]
  const options = { ...DEFAULT_DETECTOR, falseAlarmsPerStationYear: stationBudget(1, 1, 500) }
  let alarms = 0
  const normal = normals(500)
  for (let model = 0; model < stations * DEFAULT_DETECTOR.variables; model++) {
    const variable = FORECAST_VARIABLES[model % FORECAST_VARIABLES.length] as (typeof FORECAST_VARIABLES)[number]
    let detector = NEW_DETECTOR
    const next = simulatedDay(variable, normal)
    for (let day = 0; day < years * DAYS_PER_YEAR; day++) {
      const closed = closeDay(detector, variable, day, next(), options)
      detector = closed.detector
      if (closed.verdict?.state === 'confirmed') alarms++
    }
  }
  const perWeek = (alarms * 500 * 7) / (stations * years * DAYS_PER_YEAR)
  return [figure('simulated fleet of 500 stations × 6 variables, no change', perWeek, 'alarms a week', '<=', TOLERANCE)]
}

function reference(files: readonly string[], quick: boolean, say: Say): Figure[] {
  const clean: Clean[] = []
  const injections: Injection[] = []
  for (const file of files) {
    for (const variable of quick ? (['temperatureC'] as const) : FORECAST_VARIABLES) {
      const watched = watchStation(file, variable)
      if (watched === null) {
        say(`  ${file}/${variable}: not enough of it to train a model`)
        continue
      }
      const stretches = completeStretches(watched.clean)
      clean.push(...stretches)
      for (const stretch of stretches) {
        const on = isobar.alarms(stretch, 0).map((day) => new Date(day * 24 * HOUR_MS).toISOString().slice(0, 10))
        say(
          `  ${stretch.station}/${variable}: ${(stretch.days.length / DAYS_PER_YEAR).toFixed(1)} years, alarms: ${on.join(', ') || 'none'}`,
        )
      }
      if (variable === 'temperatureC') injections.push(...watched.inject(FAULTS, quick ? 2 : 12))
    }
  }
  return [
    ...cleanFigures(clean, say),
    ...comparison(
      clean.filter(({ variable }) => variable === 'temperatureC'),
      injections,
      say,
    ),
  ]
}

/** A station has six variables: its alarms are the sum of the rates of each, those not watched counted like the mean of the others. */
function cleanFigures(clean: readonly Clean[], say: Say): Figure[] {
  const months = byMonth(isobar, clean)
  const all = months.reduce((sum, n) => sum + n, 0)
  const turning = SPRING_AND_AUTUMN.reduce((sum, month) => sum + (months[month] as number), 0)
  say(`  alarms by month, January first: ${months.join(' ')}`)
  // A detector goes on through both halves; an alarm belongs to the half in which it falls.
  const heldOut = clean.map((series) => halves(series).heldOut)
  const late = clean.reduce((sum, series, i) => {
    const from = heldOut[i]?.days[0]?.day ?? Number.POSITIVE_INFINITY
    return sum + isobar.alarms(series, 0).filter((day) => day >= from).length
  }, 0)
  const figures = (
    [
      ['all', all, years(clean)],
      ['not used for calibration', late, years(heldOut)],
    ] as const
  ).map(([which, alarms, of]) =>
    figure(
      `confirmed on clean series, ${which} (${alarms} in ${of.toFixed(1)} variable-years)`,
      (alarms * DEFAULT_DETECTOR.variables) / of,
      'per station-year',
      '<=',
      TOLERANCE,
    ),
  )
  return [
    ...figures,
    figure('of them in spring and autumn, more than in the other six months', Math.max(0, 2 * turning - all), 'alarms', '<=', 2),
  ]
}

const years = (series: readonly Clean[]): number => series.reduce((sum, { days }) => sum + days.length, 0) / DAYS_PER_YEAR

function comparison(clean: readonly Clean[], injections: readonly Injection[], say: Say): Figure[] {
  const budget = Math.max(falseAlarms(isobar, 0, clean), DEFAULT_DETECTOR.falseAlarmsPerStationYear / DEFAULT_DETECTOR.variables)
  // What watching raw values gives without a budget: the year's own course.
  const seasonal = falseAlarms(ksOnRaw, KS_FIVE_PERCENT, clean)
  say(
    `KS on raw values at its 5 %: ${seasonal.toFixed(1)} alarms a year, by month ${byMonth(ksOnRaw, clean, KS_FIVE_PERCENT).join(' ')}`,
  )
  const detectors = [isobar, ...PEERS, ...DUMMIES].map((detector) => {
    const setting = calibrate(detector, clean, budget)
    return { detector, setting, rate: falseAlarms(detector, setting, clean) }
  })
  say(
    `share found within 45 days, median delay in hours; others calibrated to ${budget.toFixed(2)} alarms per year on the same clean series`,
  )
  say(['', ...detectors.map(({ detector }) => detector.name)].map(cell).join(''))
  say(['alarms a year, clean', ...detectors.map(({ rate }) => rate.toFixed(2))].map(cell).join(''))
  const figures: Figure[] = []
  for (const { name } of FAULTS) {
    const own = injections.filter(({ fault }) => fault === name)
    const found = detectors.map(({ detector, setting }) => ({ detector, ...detections(detector, setting, own) }))
    say([name, ...found.map(shown)].map(cell).join(''))
    figures.push(...compared(name, found))
  }
  return figures
}

/** Isobar against the best of the peers, which kept to the same budget. */
function compared(fault: string, found: ReadonlyArray<{ readonly detector: Compared } & Found>): Figure[] {
  const [own, ...others] = found as [(typeof found)[number], ...typeof found]
  const peers = others.filter(({ detector }) => PEERS.includes(detector))
  const best = peers.toSorted((a, b) => b.found - a.found || (a.medianHours ?? Infinity) - (b.medianHours ?? Infinity))[0]
  if (!best) return []
  const share = {
    ...figure(`${fault}: found`, own.found / own.of, 'of 1', '>=', best.found / best.of),
    peer: { name: best.detector.name, value: best.found / best.of },
  }
  if (own.medianHours === null) return [share]
  const fastest = Math.min(...peers.map(({ medianHours }) => medianHours ?? Infinity))
  const goal = Number.isFinite(fastest) ? fastest : 45 * 24
  return [share, figure(`${fault}: median delay`, own.medianHours, 'hours', '<=', goal)]
}

/** Values against those of the neighbours, where nothing changed. */
function irish(quick: boolean, say: Say): Figure[] {
  if (!IRISH_FILES.every(hasReference)) return skipped(say, 'no Irish network in ../shared/data')
  const { calibration, heldOut } = irishSeries(quick ? 5 : undefined)
  const parts: ReadonlyArray<readonly [string, readonly Clean[]]> = [
    ['all', [...calibration, ...heldOut]],
    ['not used for calibration', heldOut],
  ]
  return parts.map(([which, series]) => {
    const alarms = series.reduce((sum, one) => sum + isobar.alarms(one, 0).length, 0)
    return figure(
      `values apart from the neighbours', 25 Irish stations, ${which} (${alarms} in ${years(series).toFixed(1)} variable-years)`,
      (alarms * DEFAULT_DETECTOR.variables) / years(series),
      'per station-year',
      '<=',
      TOLERANCE,
    )
  })
}

async function network(quick: boolean, say: Say): Promise<Figure[]> {
  const figures: Figure[] = []
  const clean = await loadStations(unchanged)
  const alarms = watch(clean, 'temperatureC', TRAINED_UNTIL + 24 * (quick ? 45 : 182)).filter(
    ({ state }) => state === 'confirmed',
  )
  figures.push(figure('New York ×3, temperature, no change: confirmed', alarms.length, 'alarms', '<=', 1))
  for (const sizeC of quick ? [2.5] : [1.5, 2.5, 4]) {
    const found = watch(await loadStations(step(sizeC)), 'temperatureC', TRAINED_UNTIL + 24 * 45).filter(
      ({ state }) => state === 'confirmed',
    )
    for (const { stationId, at, cause, changePointAt, estimatedOffset, detector } of found)
      say(
        `  step of ${sizeC} °C at three stations: ${stationId} confirmed after ${((at / HOUR_MS - CHANGE_HOUR) / 24).toFixed(1)} days (${detector}), ${cause}, ` +
          `change ${changePointAt === null ? 'not found' : `${new Date(changePointAt).toISOString()}, ${estimatedOffset?.toFixed(2)} °C`}`,
      )
    const delays = found.map(({ at }) => at / HOUR_MS - CHANGE_HOUR)
    figures.push(figure(`stations of 3 that confirm a step of ${sizeC} °C within 45 days`, found.length, 'stations', '>=', 1))
    if (delays.length > 0)
      figures.push(figure(`first confirmation of a step of ${sizeC} °C`, Math.min(...delays), 'hours', '<=', 14 * 24))
  }
  let creeping = 0
  for (const { stationId } of clean) {
    const told = watch(await loadStations(creepAt(stationId, CREEP_C)), 'temperatureC', CHANGE_HOUR + 24 * CREEP_DAYS)
    const found = told.find(
      (one) => one.stationId === stationId && one.cause === 'sensor' && one.detector === `cusum ${CHARTS[APART_CHART]?.name}`,
    )
    const after = found ? `${((found.at / HOUR_MS - CHANGE_HOUR) / 24).toFixed(1)} days: ${found.explanation}` : 'not found'
    say(`  thermometer at ${stationId} creeps by ${CREEP_C} °C a month: ${after}`)
    if (found) creeping++
  }
  figures.push(figure(`stations of 3 whose creeping thermometer is told by its neighbours`, creeping, 'stations', '>=', 3))
  return figures
}

const CELL = 21
const cell = (text: string): string => text.padEnd(CELL)
const shown = ({ found, of, medianHours }: Found): string => `${found}/${of} ${medianHours === null ? '–' : `${medianHours} h`}`

/** Standard normal numbers (Box–Muller). */
function normals(seed: number): () => number {
  const uniform = createRng(seed)
  return () => Math.sqrt(-2 * Math.log(uniform() || Number.MIN_VALUE)) * Math.cos(2 * Math.PI * uniform())
}
