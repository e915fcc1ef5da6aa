/**
 * Drift detection without servers: the bundled stations, models of January to June, hourly forecasts, verification and the very step
 * that the drift service runs, July to December. Clean, and with declared changes.
 */
import { DEFAULT_DETECTOR, simulateRunLength, thresholds, WATCHED_BUCKETS } from '../../forecasting/drift/index.ts'
import { FEATURE_COUNT, HOUR_MS } from '../../forecasting/features/index.ts'
import { createRng, verifyLead } from '../../forecasting/verification/index.ts'
import type { InboundEvent } from '../../infra/runtime/kafka/types.ts'
import { createMemory } from '../../infra/runtime/state/index.ts'
import { createDriftStep, type DriftInput } from '../../stream-processors/drift/step.ts'
import type { Drift, Verification } from '../../schemas/generated/types.ts'
import { FORECAST_VARIABLES, type ForecastVariable, HORIZON_HOURS, QUANTILE_LEVELS } from '../../schemas/quantities.ts'
import { type Figure, figure } from '../shared/figures.ts'
import { type Alteration, type BenchStation, loadStations, TRAINED_UNTIL, trainModel } from './stations.ts'

const CHANGE_HOUR = Date.parse('2013-07-02T06:00:00Z') / HOUR_MS
const WIDTH = QUANTILE_LEVELS.length
/** Leads that the detector looks at. */
const LEADS = Math.max(...WATCHED_BUCKETS.map(({ to }) => to))
const CHARTS = DEFAULT_DETECTOR.variables * WATCHED_BUCKETS.length
const DAYS_PER_YEAR = 365.25

const unchanged: Alteration = (observation) => observation
const step =
  (sizeC: number): Alteration =>
  (observation, hour) =>
    hour >= CHANGE_HOUR && observation.temperatureC !== null
      ? { ...observation, temperatureC: observation.temperatureC + sizeC }
      : observation

export async function run({ quick, json }: { quick: boolean; json: boolean }): Promise<Figure[]> {
  const say = (line: string): void => void (json || process.stdout.write(`${line}\n`))
  const figures: Figure[] = []

  say('run lengths of one chart, simulated under the null model (days between false alarms)')
  const limits = thresholds(DEFAULT_DETECTOR.falseAlarmsPerStationYear, CHARTS)
  limits.forEach((threshold, bucket) => {
    const days = simulateRunLength(bucket, threshold, quick ? 500_000 : 4_000_000, normals(2013))
    say(`  ${WATCHED_BUCKETS[bucket]?.name} h: threshold ${threshold.toFixed(2)}, ${Math.round(days)} days`)
    figures.push(
      figure(
        `false alarms of one ${WATCHED_BUCKETS[bucket]?.name} h chart × ${CHARTS}`,
        (DAYS_PER_YEAR * CHARTS) / days,
        'per station-year',
        '<=',
        1.3,
      ),
    )
  })

  const untilHour = TRAINED_UNTIL + 24 * (quick ? 62 : 182)
  const variables = quick ? (['temperatureC'] as const) : FORECAST_VARIABLES
  const clean = await loadStations(unchanged)
  const alarms = variables.flatMap((variable) => watch(clean, variable, untilHour)).filter(({ state }) => state === 'confirmed')
  for (const { stationId, variable, at } of alarms)
    say(`  clean: ${stationId}/${variable} confirmed ${new Date(at).toISOString().slice(0, 10)}`)
  const stationYears = (clean.length * (untilHour - TRAINED_UNTIL)) / (24 * DAYS_PER_YEAR)
  // With few variables only their share of the budget applies.
  figures.push(
    figure(
      `confirmed on clean data (${variables.length} variables, ${stationYears.toFixed(2)} station-years)`,
      alarms.length / stationYears,
      'per station-year',
      '<=',
      1.3,
    ),
  )

  for (const sizeC of quick ? [2.5] : [1.5, 2.5, 4]) {
    const found = watch(await loadStations(step(sizeC)), 'temperatureC', TRAINED_UNTIL + 24 * 45).filter(
      ({ state }) => state === 'confirmed',
    )
    for (const { stationId, at, cause, changePointAt, estimatedOffset } of found)
      say(
        `  step of ${sizeC} °C: ${stationId} confirmed after ${((at / HOUR_MS - CHANGE_HOUR) / 24).toFixed(1)} days, ${cause}, ` +
          `change ${changePointAt === null ? 'not found' : `${new Date(changePointAt).toISOString()}, ${estimatedOffset?.toFixed(2)} °C`}`,
      )
    const delays = found.map(({ at }) => (at / HOUR_MS - CHANGE_HOUR) / 24)
    figures.push(figure(`stations of 3 that confirm a step of ${sizeC} °C within 45 days`, found.length, 'stations', '>=', 1))
    if (delays.length > 0)
      figures.push(figure(`first confirmation of a step of ${sizeC} °C`, Math.min(...delays), 'days', '<=', 21))
  }
  return figures
}

/** Changes of drift state of one variable at all stations until `untilHour`. */
function watch(stations: readonly BenchStation[], variable: ForecastVariable, untilHour: number): Drift[] {
  const models = stations.map((station) => ({
    station,
    fitted: trainModel(station, variable),
    issued: new Map<number, Float32Array>(),
  }))
  let version = 0
  const drift = createDriftStep({
    memory: createMemory('drift', () => ++version),
    neighbourhood: { of: (id) => stations.map(({ stationId }) => stationId).filter((other) => other !== id) },
    detector: DEFAULT_DETECTOR,
  })
  const told: Drift[] = []
  let offset = 0
  for (let hour = TRAINED_UNTIL; hour <= untilHour; hour++) {
    for (const { station, fitted, issued } of models) {
      const i = hour - station.history.startHour
      if (hour > station.endHour) continue
      const value = verify(station.stationId, variable, hour, station.history.targets[variable][i] as number, issued)
      if (value) {
        const event: InboundEvent<DriftInput> = {
          topic: 'weather.verification.v1',
          key: value.stationId,
          value,
          partition: 0,
          offset: offset++,
          headers: {},
          timestampMs: 0,
        }
        const outcomes = drift([event], {
          topic: event.topic,
          partition: 0,
          caughtUp: true,
          heartbeat: async () => {},
        }) as ReadonlyArray<{ kind: 'emit'; events: ReadonlyArray<{ value: unknown }> } | { kind: 'skip' | 'dead-letter' }>
        for (const outcome of outcomes) if (outcome.kind === 'emit') told.push(...outcome.events.map((one) => one.value as Drift))
      }
      issued.set(
        hour,
        fitted.predict({
          validAtMs: hour * HOUR_MS,
          features: station.features.subarray(i * FEATURE_COUNT, (i + 1) * FEATURE_COUNT),
        }).quantiles,
      )
      issued.delete(hour - HORIZON_HOURS)
    }
  }
  return told
}

function verify(
  stationId: string,
  variable: ForecastVariable,
  hour: number,
  observed: number,
  issued: ReadonlyMap<number, Float32Array>,
): Verification | null {
  if (Number.isNaN(observed)) return null
  const leadHours: number[] = []
  const error: number[] = []
  const expectedScale: number[] = []
  for (let lead = 1; lead <= LEADS; lead++) {
    const quantiles = issued.get(hour - lead)
    if (!quantiles) continue
    const score = verifyLead(quantiles.subarray((lead - 1) * WIDTH, lead * WIDTH), observed, variable)
    leadHours.push(lead)
    error.push(score.error)
    expectedScale.push(score.expectedScale)
  }
  if (leadHours.length === 0) return null
  // What the detector does not read is left empty.
  const unread = {
    verificationId: '',
    forecastIds: [],
    crps: [],
    pit: [],
    covered80: [],
    covered95: [],
    persistenceError: [],
    recentredClimatologyError: [],
  }
  return {
    ...unread,
    stationId,
    variable,
    observedAt: hour * HOUR_MS,
    observed,
    modelVersion: 'bench',
    role: 'champion',
    leadHours,
    error,
    expectedScale,
    knownAt: hour * HOUR_MS,
  }
}

/** Standard normal numbers (Box–Muller). */
function normals(seed: number): () => number {
  const uniform = createRng(seed)
  return () => Math.sqrt(-2 * Math.log(uniform() || Number.MIN_VALUE)) * Math.cos(2 * Math.PI * uniform())
}
