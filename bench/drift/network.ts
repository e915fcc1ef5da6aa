/**
 * Stations that share their weather: the bundled ones, models of January to June, hourly forecasts, verification and the very step that
 * the drift service runs, from July on.
 */
import { DEFAULT_DETECTOR } from '../../forecasting/drift/index.ts'
import { FEATURE_COUNT, HOUR_MS } from '../../forecasting/features/index.ts'
import type { Prediction } from '../../forecasting/models/index.ts'
import { verifyLead } from '../../forecasting/verification/index.ts'
import type { InboundEvent } from '../../infra/runtime/kafka/types.ts'
import { createMemory } from '../../infra/runtime/state/index.ts'
import { createDriftStep, type DriftInput } from '../../stream-processors/drift/step.ts'
import type { Drift, Verification } from '../../schemas/generated/types.ts'
import { type ForecastVariable, HORIZON_HOURS, QUANTILE_LEVELS } from '../../schemas/quantities.ts'
import { LEADS } from './errors.ts'
import { type Alteration, type BenchStation, TRAINED_UNTIL, trainModel } from './stations.ts'

export const CHANGE_HOUR = Date.parse('2013-07-02T06:00:00Z') / HOUR_MS
const WIDTH = QUANTILE_LEVELS.length
const HOURS_PER_MONTH = 730

export const unchanged: Alteration = (observation) => observation
export const step =
  (sizeC: number): Alteration =>
  (observation, hour) =>
    hour >= CHANGE_HOUR && observation.temperatureC !== null
      ? { ...observation, temperatureC: observation.temperatureC + sizeC }
      : observation

/** The thermometer of one station, °C a month. */
export const creepAt =
  (stationId: string, aMonthC: number): Alteration =>
  (observation, hour) =>
    hour >= CHANGE_HOUR && observation.stationId === stationId && observation.temperatureC !== null
      ? { ...observation, temperatureC: observation.temperatureC + (aMonthC * (hour - CHANGE_HOUR)) / HOURS_PER_MONTH }
      : observation

/** Changes of drift state of one variable at all stations until `untilHour`. */
export function watch(stations: readonly BenchStation[], variable: ForecastVariable, untilHour: number): Drift[] {
  const models = stations.map((station) => ({
    station,
    fitted: trainModel(station, variable),
    issued: new Map<number, Prediction>(),
  }))
  let version = 0
  const memory = createMemory('drift', () => ++version)
  const drift = createDriftStep({
    memory,
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
        memory.markStored(memory.unstoredRows())
        for (const outcome of outcomes) if (outcome.kind === 'emit') told.push(...outcome.events.map((one) => one.value as Drift))
      }
      issued.set(
        hour,
        fitted.predict({
          validAtMs: hour * HOUR_MS,
          features: station.features.subarray(i * FEATURE_COUNT, (i + 1) * FEATURE_COUNT),
        }),
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
  issued: ReadonlyMap<number, Prediction>,
): Verification | null {
  if (Number.isNaN(observed)) return null
  const leadHours: number[] = []
  const error: number[] = []
  const expectedScale: number[] = []
  const recentredClimatologyError: number[] = []
  for (const lead of LEADS) {
    const forecast = issued.get(hour - lead)
    if (!forecast) continue
    const score = verifyLead(forecast.quantiles.subarray((lead - 1) * WIDTH, lead * WIDTH), observed, variable)
    leadHours.push(lead)
    error.push(score.error)
    expectedScale.push(score.expectedScale)
    recentredClimatologyError.push((forecast.recentredClimatology[lead - 1] as number) - observed)
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
    fallback: null,
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
    recentredClimatologyError,
    knownAt: hour * HOUR_MS,
  }
}
