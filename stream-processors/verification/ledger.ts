/**
 * What verification remembers of one station: forecasts that may still verify, and the truths of the same span.
 * Both kept, so that the result does not depend on which of the two topics is read first.
 */
import { verifyLead } from '../../forecasting/verification/index.ts'
import { verificationEventId } from '../../schemas/event-ids.ts'
import type { CheckedObservation, Forecast, Verification } from '../../schemas/generated/types.ts'
import { type ForecastVariable, HORIZON_HOURS, PRECIPITATION_EVENT_MM, QUANTILE_LEVELS } from '../../schemas/quantities.ts'

export const HOUR_MS = 3_600_000
/** Forecasts and truths older than this behind the newest hour are dropped: one horizon plus a day for late observations. */
export const KEPT_HOURS = HORIZON_HOURS + 24

/** A forecast as kept for scoring. quantiles: lead-major, 7 per lead, leads 1…168. */
export type IssuedForecast = Pick<Forecast, 'forecastId' | 'variable' | 'issuedAt' | 'modelVersion' | 'role'> & {
  readonly quantiles: Float32Array
  readonly persistence: Float32Array
  readonly recentredClimatology: Float32Array
}

export type Truth = {
  readonly observedAt: number
  readonly knownAt: number
  readonly values: Partial<Record<ForecastVariable, number>>
}

export type StationLedger = {
  /** Newest observed or issued hour, epoch hours. */
  newestHour: number
  /** By variable, then forecastId. */
  readonly forecasts: Map<ForecastVariable, Map<string, IssuedForecast>>
  readonly truths: Map<number, Truth>
  /** Newest issue hour read, by variable. */
  readonly issuedThrough: Map<ForecastVariable, number>
  /** Hours to be scored (again), by variable. */
  readonly unscored: Map<ForecastVariable, Set<number>>
}

/**
 * An hour is scored once the forecast issued at it has been read: forecasts of a station come in order, so all earlier ones, which it is
 * scored against, are there. Without this, an inference that lags by n hours would have every hour scored n times. After this many hours
 * without such a forecast (its inputs were missing) the hour is scored with what there is.
 */
const WAIT_HOURS = 48

export function createLedger(): StationLedger {
  return {
    newestHour: Number.NEGATIVE_INFINITY,
    forecasts: new Map(),
    truths: new Map(),
    issuedThrough: new Map(),
    unscored: new Map(),
  }
}

/** Marks an hour to be scored. */
export function markHour(ledger: StationLedger, variable: ForecastVariable, hour: number): void {
  const hours = ledger.unscored.get(variable) ?? new Set<number>()
  ledger.unscored.set(variable, hours)
  hours.add(hour)
}

/** Scores of all marked hours whose forecasts are complete; they are marked no more. */
export function scoreDueHours(ledger: StationLedger, stationId: string): Verification[] {
  const scored: Verification[] = []
  for (const [variable, hours] of ledger.unscored) {
    const through = Math.max(ledger.issuedThrough.get(variable) ?? Number.NEGATIVE_INFINITY, ledger.newestHour - WAIT_HOURS)
    for (const hour of [...hours].sort((a, b) => a - b)) {
      if (hour > through) continue
      hours.delete(hour)
      scored.push(...verifyHour(ledger, stationId, variable, hour))
    }
  }
  return scored
}

/** Takes a forecast in; returns the hours already observed that it covers. A forecast seen before changes nothing but still names them. */
export function addForecast(ledger: StationLedger, forecast: IssuedForecast): number[] {
  const issueHour = forecast.issuedAt / HOUR_MS
  const ofVariable = ledger.forecasts.get(forecast.variable) ?? new Map<string, IssuedForecast>()
  ledger.forecasts.set(forecast.variable, ofVariable)
  ofVariable.set(forecast.forecastId, forecast)
  ledger.issuedThrough.set(forecast.variable, Math.max(issueHour, ledger.issuedThrough.get(forecast.variable) ?? issueHour))
  advance(ledger, issueHour)
  return [...ledger.truths.keys()].filter((hour) => hour > issueHour && hour <= issueHour + HORIZON_HOURS)
}

/** Takes a truth in. Of several observations of one hour the one nearest to the hour counts; a later revision of it replaces it. */
export function addTruth(ledger: StationLedger, hour: number, truth: Truth): boolean {
  const before = ledger.truths.get(hour)
  if (before && Math.abs(before.observedAt - hour * HOUR_MS) < Math.abs(truth.observedAt - hour * HOUR_MS)) return false
  ledger.truths.set(hour, truth)
  advance(ledger, hour)
  return true
}

/** Verifiable values of a checked observation: flag good, kind observation. Null when there is none. */
export function truthOf(observation: CheckedObservation): Truth | null {
  if (observation.kind !== 'observation') return null
  const values: Partial<Record<ForecastVariable, number>> = {}
  for (const variable of ['temperatureC', 'dewPointC', 'relativeHumidityPct', 'pressureHpa', 'windSpeedMps'] as const) {
    const value = observation[variable]
    if (value !== null && observation.flags[variable] === 'good') values[variable] = value
  }
  if (observation.precipitationMm !== null && observation.flags.precipitationMm === 'good') {
    values.precipitationProbabilityPct = observation.precipitationMm >= PRECIPITATION_EVENT_MM ? 100 : 0
  }
  if (Object.keys(values).length === 0) return null
  return { observedAt: observation.observedAt, knownAt: observation.receivedAt, values }
}

/** Scores of one observed hour: one event per model version and role, leads ascending. Empty when nothing was forecast for it. */
export function verifyHour(ledger: StationLedger, stationId: string, variable: ForecastVariable, hour: number): Verification[] {
  const truth = ledger.truths.get(hour)
  const observed = truth?.values[variable]
  if (truth === undefined || observed === undefined) return []
  const groups = new Map<string, Array<{ lead: number; forecast: IssuedForecast }>>()
  for (const forecast of ledger.forecasts.get(variable)?.values() ?? []) {
    const lead = hour - forecast.issuedAt / HOUR_MS
    if (lead < 1 || lead > HORIZON_HOURS) continue
    const group = `${forecast.modelVersion}/${forecast.role}`
    const members = groups.get(group) ?? []
    groups.set(group, members)
    members.push({ lead, forecast })
  }
  return [...groups.values()].map((members) => scoreGroup(stationId, variable, hour, observed, truth.knownAt, members))
}

function scoreGroup(
  stationId: string,
  variable: ForecastVariable,
  hour: number,
  observed: number,
  knownAt: number,
  members: Array<{ lead: number; forecast: IssuedForecast }>,
): Verification {
  members.sort((a, b) => a.lead - b.lead)
  const first = (members[0] as { forecast: IssuedForecast }).forecast
  const identity = { stationId, variable, observedAt: hour * HOUR_MS, modelVersion: first.modelVersion, role: first.role }
  const width = QUANTILE_LEVELS.length
  const scores = members.map(({ lead, forecast }) =>
    verifyLead(forecast.quantiles.subarray((lead - 1) * width, lead * width), observed, variable),
  )
  const referenceError = (of: (forecast: IssuedForecast) => Float32Array) =>
    members.map(({ lead, forecast }) => (of(forecast)[lead - 1] as number) - observed)
  return {
    verificationId: verificationEventId(identity),
    ...identity,
    observed,
    leadHours: members.map(({ lead }) => lead),
    forecastIds: members.map(({ forecast }) => forecast.forecastId),
    error: scores.map((score) => score.error),
    crps: scores.map((score) => score.crps),
    pit: scores.map((score) => score.pit),
    expectedScale: scores.map((score) => score.expectedScale),
    covered80: scores.map((score) => score.covered80),
    covered95: scores.map((score) => score.covered95),
    persistenceError: referenceError((forecast) => forecast.persistence),
    recentredClimatologyError: referenceError((forecast) => forecast.recentredClimatology),
    knownAt,
  }
}

function advance(ledger: StationLedger, hour: number): void {
  if (hour <= ledger.newestHour) return
  ledger.newestHour = hour
  // What is still to be scored, and what it is scored against, stays: a backlog can be longer than what is usually kept.
  const oldestUnscored = Math.min(...[...ledger.unscored.values()].flatMap((hours) => [...hours]))
  const oldest = Math.min(hour - KEPT_HOURS, oldestUnscored - HORIZON_HOURS)
  for (const h of ledger.truths.keys()) if (h < oldest) ledger.truths.delete(h)
  for (const ofVariable of ledger.forecasts.values()) {
    for (const [id, forecast] of ofVariable) if (forecast.issuedAt / HOUR_MS < oldest) ofVariable.delete(id)
  }
}
