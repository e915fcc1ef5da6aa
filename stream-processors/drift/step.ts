/**
 * verification × quality flags → changes of drift state. One decision a day of event time per model; see forecasting/drift. At least
 * once: states are stored before offsets advance, and a redelivered message tells again what it told.
 */
import {
  apartFrom,
  causeOf,
  type ChangePoint,
  CHARTS,
  closeDay,
  type DetectorOptions,
  findChangePoint,
  type Innovations,
  jumpsAlong,
  leading,
  measureCharts,
  movesAlong,
  REFERENCE_CHART,
  restartCharts,
  standardiseHour,
  thresholds,
  type Verdict,
} from '../../forecasting/drift/index.ts'
import { type BatchStep, emit, type InboundEvent, type Outcome, skip } from '../../infra/runtime/kafka/types.ts'
import type { Memory, StateRow } from '../../infra/runtime/state/index.ts'
import { modelKey } from '../../schemas/event-ids.ts'
import type { CheckedObservation, Drift, Verification } from '../../schemas/generated/types.ts'
import { FORECAST_VARIABLES, type ForecastVariable } from '../../schemas/quantities.ts'
import type { Neighbourhood } from './neighbours.ts'
import { createRecords, KEPT_DAYS } from './records.ts'

export type DriftInput = 'weather.verification.v1' | 'weather.observation-checked.v1'
export type SkipReason =
  'nothing-flagged' | 'flag-noted' | 'not-the-champion' | 'provisional-model' | 'older-model' | 'late' | 'hour-noted'

type About = { readonly stationId: string; readonly variable: ForecastVariable; readonly modelVersion: string | null }

export type DriftStepOptions = {
  readonly memory: Memory
  readonly neighbourhood: Pick<Neighbourhood, 'of'>
  readonly detector: DetectorOptions
}

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
/** Hours of the next day until a day is closed: late observations still count. */
const LATENESS_HOURS = 3
/** The same for a variable that does not verify any more: the others of its station say that the day is over. */
const SILENCE_HOURS = 12
/** A new model's shortest lead shows that it is the one being served. */
const SHORTEST_LEAD = 1
const RATIOS_KEPT = 6
/** More changes of one model than this are never in one batch. */
const TOLD_KEPT = 8
/** Hours around the beginning of an excursion in which the change is looked for: the chart starts late or, in calm weather, early. */
const CHANGE_BEFORE_HOURS = 5 * 24
const CHANGE_AFTER_HOURS = 2 * 24
const SEARCH_HOURS = 36
/** A neighbour's jump counts from this many robust standard deviations on: the hour is given, so that one look is all it gets. */
const JUMPS_ALONG = 2
const FLAGGED = new Set(['bad', 'suspect'])
const QUANTITIES = ['temperatureC', 'dewPointC', 'relativeHumidityPct', 'pressureHpa', 'windSpeedMps', 'precipitationMm'] as const

export function createDriftStep({ memory, neighbourhood, detector: options }: DriftStepOptions): BatchStep<DriftInput, StateRow> {
  const records = createRecords(memory)
  const { falseAlarmsPerStationYear, variables } = options

  return (events) => {
    const outcomes = events.map((event): Outcome<StateRow> =>
      event.topic === 'weather.verification.v1' ? onVerification(event.value, event) : onObservation(event.value),
    )
    const rows = memory.unstoredRows()
    const carrier = outcomes.at(-1)
    if (rows.length > 0 && carrier)
      outcomes[outcomes.length - 1] = emit<StateRow>(carrier.kind === 'emit' ? carrier.events : [], rows)
    return outcomes
  }

  function onObservation(checked: CheckedObservation): Outcome {
    let isFlagged = false
    for (const quantity of QUANTITIES) {
      if (!FLAGGED.has(checked.flags[quantity])) continue
      isFlagged = true
      records.flagHour(checked.stationId, quantity, Math.floor(checked.observedAt / HOUR_MS))
    }
    return skip((isFlagged ? 'flag-noted' : 'nothing-flagged') satisfies SkipReason)
  }

  function onVerification(value: Verification, at: Pick<InboundEvent, 'partition' | 'offset'>): Outcome {
    if (value.role !== 'champion') return skip('not-the-champion' satisfies SkipReason)
    // It claims to know little and is replaced as history grows; that it errs is no drift.
    if (value.fallback !== null) return skip('provisional-model' satisfies SkipReason)
    const key = modelKey(value.stationId, value.variable)
    let model = records.model(key)
    const toldBefore = model.told.find(({ partition, offset }) => partition === at.partition && offset === at.offset)
    if (toldBefore) return driftOutcome(toldBefore.events)
    if (model.modelVersion !== value.modelVersion) {
      // Forecasts of the model before still verify for a week; they say nothing about the one being served.
      if (model.modelVersion !== null && !value.leadHours.includes(SHORTEST_LEAD)) return skip('older-model' satisfies SkipReason)
      const isFirst = model.modelVersion === null
      model = {
        ...model,
        modelVersion: value.modelVersion,
        detector: isFirst ? model.detector : restartCharts(model.detector),
        pending: null,
      }
      records.setModel(key, model)
    }
    const hour = standardiseHour(value)
    const day = Math.floor(hour.hour / 24)
    records.noteAlive(value.stationId, hour.hour, hour.lateHours)
    const isLate = model.openDay !== null && day < model.openDay
    if (!isLate) records.setHour(key, hour)
    if (model.openDay === null) records.setModel(key, { ...model, openDay: day })
    const told = FORECAST_VARIABLES.flatMap((variable) => {
      const lateness = variable === value.variable ? LATENESS_HOURS : SILENCE_HOURS
      return closeUntil(value.stationId, variable, hour.hour % 24 >= lateness ? day : day - 1)
    })
    if (told.length === 0) return skip((isLate ? 'late' : 'hour-noted') satisfies SkipReason)
    const now = records.model(key)
    const entry = { partition: at.partition, offset: at.offset, events: told }
    records.setModel(key, { ...now, told: [...now.told, entry].slice(-TOLD_KEPT) })
    return driftOutcome(told)
  }

  /** Closes the days of a model before `day`. */
  function closeUntil(stationId: string, variable: ForecastVariable, day: number): Drift[] {
    const key = modelKey(stationId, variable)
    const told: Drift[] = []
    for (let { openDay } = records.model(key); openDay !== null && openDay < day; openDay++)
      told.push(...close(stationId, variable, openDay))
    return told
  }

  /** Closes the open day of a model; returns the changes of state to tell. */
  function close(stationId: string, variable: ForecastVariable, day: number): Drift[] {
    const key = modelKey(stationId, variable)
    const model = records.model(key)
    const carriesFeed =
      variable === FORECAST_VARIABLES.find((one) => records.model(modelKey(stationId, one)).modelVersion !== null)
    const values = measureCharts(records.hoursOf(key, day), {
      variable,
      arrivals: records.arrivals(stationId, day),
      carriesFeed,
      apart: apart(stationId, variable, day - 1),
    })
    const limits = thresholds(falseAlarmsPerStationYear, variables, variable)
    const { detector, verdict } = closeDay(model.detector, variable, day, values, options)
    const ratios = detector.charts.map((chart, i) => {
      const { sum, direction } = leading(chart)
      return (direction * sum) / (limits[i] as number)
    })
    // A confirmation empties the charts: neighbours are to see how far they had come.
    if (verdict?.state === 'confirmed') ratios[CHARTS.indexOf(verdict.chart)] = verdict.direction
    const lately = <T>(of: Readonly<Record<string, T>>): Record<string, T> =>
      Object.fromEntries(Object.entries(of).filter(([then]) => Number(then) > day - RATIOS_KEPT))
    records.forgetDay(key, day - KEPT_DAYS)
    // What is missing or late is the station's own, and values have been compared: there are no neighbours to wait for.
    const waits = verdict?.state === 'confirmed' && verdict.chart.of === 'errors' && verdict.chart.share > 0
    records.setModel(key, {
      ...model,
      detector,
      openDay: day + 1,
      ratios: { ...lately(model.ratios), [day]: ratios },
      departures: { ...lately(model.departures), [day]: values[REFERENCE_CHART] ?? null },
      pending: waits ? { day, verdict } : null,
    })
    const about = { stationId, variable, modelVersion: model.modelVersion }
    return [
      ...(model.pending ? [describe(about, model.pending.day, model.pending.verdict)] : []),
      ...(verdict && !waits ? [describe(about, day, verdict)] : []),
    ]
  }

  /** See apartFrom. Of a day that all have closed, whatever the order of partitions: yesterday. */
  function apart(stationId: string, variable: ForecastVariable, day: number): number | null {
    const departureOf = (id: string): number | null => records.model(modelKey(id, variable)).departures[day] ?? null
    const theirs = neighbourhood.of(stationId).map(departureOf)
    return apartFrom(
      departureOf(stationId),
      theirs.filter((departure) => departure !== null),
    )
  }

  function describe({ stationId, variable, modelVersion }: About, day: number, verdict: Verdict): Drift {
    const key = modelKey(stationId, variable)
    const isConfirmed = verdict.state === 'confirmed'
    const near = neighbourhood.of(stationId)
    // By name: a verdict that waited through a restart has a copy of its chart.
    const chart = CHARTS.findIndex(({ name }) => name === verdict.chart.name)
    const from = verdict.since * 24 - CHANGE_BEFORE_HOURS
    const to = verdict.since * 24 + CHANGE_AFTER_HOURS
    const seriesOf = (one: string): Innovations => records.innovations(one, Math.floor(from / 24), Math.floor(to / 24) + 1)
    const ownChange = isConfirmed && verdict.leaning !== null ? findChangePoint([seriesOf(key)], from, to, verdict.leaning) : null
    const neighbours = near.flatMap((id) => {
      const one = modelKey(id, variable)
      const signedRatio = records.model(one).ratios[day]?.[chart]
      if (signedRatio === undefined) return []
      return [
        { key: one, signedRatio, jumped: ownChange !== null && jumpsAlong(seriesOf(one), ownChange, from, to, JUMPS_ALONG) },
      ]
    })
    const quantity = variable === 'precipitationProbabilityPct' ? 'precipitationMm' : variable
    const flaggedShare = records.flaggedHours(stationId, quantity, verdict.since, day) / (24 * (day - verdict.since + 1))
    const moving = neighbours.filter((neighbour) => movesAlong(neighbour, verdict.direction))
    // What jumped together is measured together: the weather of one station averages out.
    const jumped = moving.filter((neighbour) => neighbour.jumped).map((neighbour) => seriesOf(neighbour.key))
    const changePoint =
      ownChange === null || jumped.length === 0
        ? ownChange
        : (findChangePoint(
            [seriesOf(key), ...jumped],
            ownChange.hour - SEARCH_HOURS,
            ownChange.hour + SEARCH_HOURS,
            verdict.leaning ?? verdict.direction,
          ) ?? ownChange)
    const cause = isConfirmed
      ? (causeByChart(verdict.chart) ?? causeOf({ direction: verdict.direction, flaggedShare, neighbours, changePoint }))
      : 'unknown'
    const at = (day + 1) * DAY_MS
    return {
      eventId: `drift/${key}/${modelVersion}/${new Date(at).toISOString()}/${verdict.state}`,
      stationId,
      variable,
      state: verdict.state,
      previousState: verdict.previousState,
      at,
      detector: `cusum ${verdict.chart.name}`,
      statistic: verdict.statistic,
      threshold: verdict.threshold,
      leadBucket: verdict.chart.leads,
      evidenceFrom: verdict.since * DAY_MS,
      evidenceTo: at,
      cause,
      modelVersion,
      changePointAt: changePoint && cause !== 'sensor' ? changePoint.hour * HOUR_MS : null,
      estimatedOffset: changePoint && cause !== 'sensor' ? changePoint.offset : null,
      changePointFrom: changePoint && cause !== 'sensor' ? changePoint.fromHour * HOUR_MS : null,
      changePointTo: changePoint && cause !== 'sensor' ? changePoint.toHour * HOUR_MS : null,
      offsetMargin: changePoint && cause !== 'sensor' ? changePoint.offsetMargin : null,
      explanation: explain(verdict, cause, changePoint, moving.length, near.length, flaggedShare),
    }
  }
}

function driftOutcome(events: readonly Drift[]): Outcome {
  return emit(events.map((value) => ({ topic: 'model.drift.v1', key: modelKey(value.stationId, value.variable), value })))
}

function explain(
  verdict: Verdict,
  cause: Drift['cause'],
  changePoint: ChangePoint | null,
  moving: number,
  near: number,
  flaggedShare: number,
): string {
  const since = new Date(verdict.since * DAY_MS).toISOString().slice(0, 10)
  const what = `${complaint(verdict)} since ${since} (CUSUM ${verdict.statistic.toFixed(1)}, threshold ${verdict.threshold.toFixed(1)})`
  if (verdict.state === 'recovered')
    return verdict.chart.of === 'feed' ? 'observations come again as is usual here' : 'errors are again what the forecasts expect'
  if (verdict.state === 'stable') return 'errors are what the forecasts expect'
  if (verdict.state === 'warned') return what
  const parts = [what]
  if (near > 0) parts.push(`${moving} of ${near} neighbouring stations move along`)
  if (flaggedShare > 0) parts.push(`${Math.round(flaggedShare * 100)} % of the hours flagged by quality control`)
  if (changePoint) {
    const sign = changePoint.offset > 0 ? '+' : ''
    parts.push(
      `step of ${sign}${changePoint.offset.toFixed(1)} ± ${changePoint.offsetMargin.toFixed(1)} at ${hourText(changePoint.hour)} (${hourText(changePoint.fromHour)} to ${hourText(changePoint.toHour)}; ${changePoint.score.toFixed(1)} robust sd)`,
    )
  }
  return `${parts.join('; ')}: ${cause}`
}

const hourText = (hour: number): string => `${new Date(hour * HOUR_MS).toISOString().slice(0, 13)}Z`

/** Some charts tell the cause by themselves; null: it has to be looked for. */
function causeByChart({ of, measure }: Verdict['chart']): 'feed' | 'sensor' | null {
  if (of === 'feed') return 'feed'
  // Values that depart alone while errors are as expected: nothing for a model to learn.
  return of === 'values' || measure === 'missing' ? 'sensor' : null
}

function complaint({ chart: { measure, leads, of }, direction }: Verdict): string {
  if (measure === 'apart')
    return `values are ${direction > 0 ? 'lower' : 'higher'} than those of neighbouring stations, all against what is usual`
  if (of === 'values') return `values are ${direction > 0 ? 'lower' : 'higher'} than is usual at their hour and season`
  switch (measure) {
    case 'level':
    case 'mean':
      return `errors at ${leads} h are ${direction > 0 ? 'too high' : 'too low'}`
    case 'spread':
      return `errors at ${leads} h are larger than the forecasts expect`
    case 'clock':
      return `errors at ${leads} h follow the course of the day, as if values were of an ${direction > 0 ? 'earlier' : 'later'} hour`
    case 'missing':
      return 'the station reports, but this quantity is missing or flagged'
    case 'late':
      return 'the observations of the station arrive later than is usual'
    case 'silent':
      return 'hours of the station are missing that usually come'
  }
}
