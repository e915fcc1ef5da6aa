/**
 * What verification remembers of one station: forecasts that may still verify, and the truths of the same span.
 * Both kept, so that the result does not depend on which of the two topics is read first.
 */
import { type AdaptationRecord, type VerifiedPart, withoutAdaptation } from '../../forecasting/models/index.ts'
import { claimedScale, verifyLead } from '../../forecasting/verification/index.ts'
import { verificationEventId } from '../../schemas/event-ids.ts'
import type { CheckedObservation, Forecast, Verification } from '../../schemas/generated/types.ts'
import {
  FORECAST_VARIABLES,
  type ForecastVariable,
  HORIZON_HOURS,
  PRECIPITATION_EVENT_MM,
  QUANTILE_LEVELS,
} from '../../schemas/quantities.ts'

export const HOUR_MS = 3_600_000
/** Kept behind the hour that both topics have reached: one horizon, which the score of an hour needs, plus a day for what comes late. */
export const KEPT_HOURS = HORIZON_HOURS + 24
/** How far one topic may be read ahead of the other: after an outage a fast replay is many weeks behind. Beyond, truths are dropped unscored. */
const LONGEST_BACKLOG_HOURS = 366 * 24
/** An hour that became known later than this is history. */
export const LIVE_WITHIN_HOURS = 24

/** A forecast as kept for scoring. quantiles: lead-major, 7 per lead, leads 1…168. */
export type IssuedForecast = Pick<Forecast, 'forecastId' | 'variable' | 'issuedAt' | 'modelVersion' | 'role' | 'fallback'> & {
  readonly quantiles: Float32Array
  /** Empty: the intervals are the model's own. */
  readonly logFactors: Float32Array
  readonly persistence: Float32Array
  readonly recentredClimatology: Float32Array
}

export type Truth = {
  readonly observedAt: number
  readonly knownAt: number
  readonly values: Partial<Record<ForecastVariable, number>>
}

export type StationLedger = {
  /** Newest observed and newest issued hour, epoch hours. One topic can be read far ahead of the other. */
  newestTruthHour: number
  newestIssueHour: number
  /** Whether an hour became known when it was observed. Of a station of which only history was read there are no forecasts to wait for. */
  isLive: boolean
  /** Every forecast read that was issued at this hour or later is here. */
  heldFrom: number
  /** What was issued or observed before this hour has been dropped. */
  prunedTo: number
  /** By variable, then forecastId. */
  readonly forecasts: Map<ForecastVariable, Map<string, IssuedForecast>>
  readonly truths: Map<number, Truth>
  /** Newest issue hour read, by variable. */
  readonly issuedThrough: Map<ForecastVariable, number>
  /** Hours to be scored (again), by variable. */
  readonly unscored: Map<ForecastVariable, Set<number>>
  /** What was verified up to some hour has made of the intervals (adaptation.ts), by variable. */
  readonly adaptations: Map<ForecastVariable, AdaptationRecord>
  /** What verified at the hours scored since then. */
  readonly unfolded: Map<ForecastVariable, Map<number, VerifiedPart[]>>
}

/** Going through everything kept costs more than it frees for a single hour. */
const PRUNE_EVERY_HOURS = 6

export function createLedger(heldFrom = Number.NEGATIVE_INFINITY): StationLedger {
  return {
    newestTruthHour: Number.NEGATIVE_INFINITY,
    newestIssueHour: Number.NEGATIVE_INFINITY,
    isLive: false,
    heldFrom,
    prunedTo: Number.NEGATIVE_INFINITY,
    forecasts: new Map(),
    truths: new Map(),
    issuedThrough: new Map(),
    unscored: new Map(),
    adaptations: new Map(),
    unfolded: new Map(),
  }
}

/** Marks an hour to be scored. */
export function markHour(ledger: StationLedger, variable: ForecastVariable, hour: number): void {
  const hours = ledger.unscored.get(variable) ?? new Set<number>()
  ledger.unscored.set(variable, hours)
  hours.add(hour)
}

/**
 * Scores of all marked hours that are due; they are marked no more. Drops what is not needed any longer.
 * An hour is due once a forecast of its variable issued at it, or any issued later, has been read: forecasts of a station come in order,
 * so all earlier ones, which it is scored against, are there. Scored before, an hour would be scored anew for every forecast by which
 * inference lags, and what drift makes of the parts would depend on the lag. While a station is not forecast its hours wait.
 */
export function scoreDueHours(ledger: StationLedger, stationId: string): Verification[] {
  const scored: Verification[] = []
  for (const [variable, hours] of ledger.unscored) {
    const through = Math.max(ledger.issuedThrough.get(variable) ?? Number.NEGATIVE_INFINITY, ledger.newestIssueHour - 1)
    const due = [...hours].filter((hour) => hour <= through).sort((a, b) => a - b)
    for (const hour of due) {
      hours.delete(hour)
      // Some of the forecasts for an hour this old are gone: its score would replace the whole one by a part of it.
      if (hour - HORIZON_HOURS >= ledger.heldFrom) scored.push(...verifyHour(ledger, stationId, variable, hour))
    }
  }
  prune(ledger)
  // Hour by hour over all variables, as time passes: drift closes the days of a silent variable by the others.
  return scored.sort((a, b) => a.observedAt - b.observedAt)
}

/** Takes a forecast in; returns the hours already observed that it covers. One read before changes nothing. */
export function addForecast(ledger: StationLedger, forecast: IssuedForecast): number[] {
  const issueHour = forecast.issuedAt / HOUR_MS
  if (issueHour < ledger.heldFrom) return []
  const ofVariable = ledger.forecasts.get(forecast.variable) ?? new Map<string, IssuedForecast>()
  ledger.forecasts.set(forecast.variable, ofVariable)
  const before = ofVariable.get(forecast.forecastId)
  if (before && sameNumbers(before.quantiles, forecast.quantiles)) return []
  ofVariable.set(forecast.forecastId, forecast)
  ledger.issuedThrough.set(forecast.variable, Math.max(issueHour, ledger.issuedThrough.get(forecast.variable) ?? issueHour))
  ledger.newestIssueHour = Math.max(issueHour, ledger.newestIssueHour)
  const covered: number[] = []
  const last = Math.min(issueHour + HORIZON_HOURS, ledger.newestTruthHour)
  for (let hour = issueHour + 1; hour <= last; hour++) if (ledger.truths.has(hour)) covered.push(hour)
  return covered
}

/**
 * Takes a truth in; false when it changes nothing. Of several observations of one hour the one nearest to the hour counts; a later
 * revision of it replaces it.
 */
export function addTruth(ledger: StationLedger, hour: number, truth: Truth): boolean {
  const before = ledger.truths.get(hour)
  if (before) {
    if (Math.abs(before.observedAt - hour * HOUR_MS) < Math.abs(truth.observedAt - hour * HOUR_MS)) return false
    if (isSameTruth(before, truth)) return false
  }
  ledger.truths.set(hour, truth)
  ledger.newestTruthHour = Math.max(hour, ledger.newestTruthHour)
  ledger.isLive ||= truth.knownAt - truth.observedAt <= LIVE_WITHIN_HOURS * HOUR_MS
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
    // Drift asks what the model expected, not what its errors have taught since: an interval that has learnt of a change hides it.
    expectedScale: members.map(({ lead, forecast }, i) =>
      forecast.logFactors.length === 0
        ? scores[i]!.expectedScale
        : claimedScale(
            withoutAdaptation(forecast.quantiles.subarray((lead - 1) * width, lead * width), lead, forecast.logFactors),
          ),
    ),
    covered80: scores.map((score) => score.covered80),
    covered95: scores.map((score) => score.covered95),
    persistenceError: referenceError((forecast) => forecast.persistence),
    recentredClimatologyError: referenceError((forecast) => forecast.recentredClimatology),
    knownAt,
    fallback: first.fallback,
  }
}

/**
 * The oldest hour that scores still need, counted from the hour that both topics have reached: the one that was read ahead waits for
 * the other, however long the backlog (up to LONGEST_BACKLOG_HOURS).
 */
export function oldestNeededHour({
  newestTruthHour,
  newestIssueHour,
  isLive,
}: Pick<StationLedger, 'newestTruthHour' | 'newestIssueHour' | 'isLive'>): number {
  const newest = Math.max(newestTruthHour, newestIssueHour)
  const isAwaited = isLive || Number.isFinite(newestIssueHour)
  const reachedByBoth = isAwaited ? Math.min(newestTruthHour, newestIssueHour) : newest
  return Math.max(reachedByBoth, newest - LONGEST_BACKLOG_HOURS) - KEPT_HOURS
}

function prune(ledger: StationLedger): void {
  const oldest = oldestNeededHour(ledger)
  if (oldest < ledger.prunedTo + PRUNE_EVERY_HOURS) return
  ledger.prunedTo = oldest
  for (const hour of ledger.truths.keys()) if (hour < oldest) ledger.truths.delete(hour)
  for (const hours of ledger.unscored.values()) for (const hour of hours) if (hour < oldest) hours.delete(hour)
  for (const ofVariable of ledger.forecasts.values()) {
    for (const [id, { issuedAt }] of ofVariable) {
      if (issuedAt / HOUR_MS >= oldest) continue
      ofVariable.delete(id)
      ledger.heldFrom = Math.max(ledger.heldFrom, issuedAt / HOUR_MS + 1)
    }
  }
}

function sameNumbers(a: Float32Array, b: Float32Array): boolean {
  return a.length === b.length && a.every((value, i) => Object.is(value, b[i]))
}

function isSameTruth(a: Truth, b: Truth): boolean {
  return (
    a.observedAt === b.observedAt &&
    a.knownAt === b.knownAt &&
    FORECAST_VARIABLES.every((variable) => a.values[variable] === b.values[variable])
  )
}
