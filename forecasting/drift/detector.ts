/**
 * Drift of one model: stable → warned → confirmed → recovered → stable, one decision a day of event time. Pure: everything it knows is in
 * its state, a small plain object, so that a restored detector decides as an uninterrupted one.
 */
import type { ForecastVariable } from '../../schemas/quantities.ts'
import { CHARTS, type ChartSpec } from './charts.ts'
import { advance, afterAlarm, capped, type Chart, EMPTY_CHART, leading, thresholds } from './cusum.ts'
import { USUAL } from './usual.ts'

export type DriftState = 'stable' | 'warned' | 'confirmed' | 'recovered'

export type DetectorOptions = {
  readonly falseAlarmsPerStationYear: number
  /** Variables watched at a station: the budget is shared among them. */
  readonly variables: number
  /** Days after a confirmation in which the same model is not confirmed again. */
  readonly cooldownDays: number
}

export const DEFAULT_DETECTOR: DetectorOptions = { falseAlarmsPerStationYear: 1, variables: 6, cooldownDays: 10 }

export type Detector = {
  readonly state: DriftState
  /** Day (since 1970) of the last change of state. */
  readonly changedOn: number
  readonly charts: readonly Chart[]
  /** Last closed day. */
  readonly day: number
  readonly confirmedOn: number | null
  /** Days in a row on which no chart went far; ends a confirmation. */
  readonly calmDays: number
  /** Whether another model took over since the confirmation. */
  readonly renewed: boolean
}

export const NEW_DETECTOR: Detector = {
  state: 'stable',
  changedOn: 0,
  charts: CHARTS.map(() => EMPTY_CHART),
  day: 0,
  confirmedOn: null,
  calmDays: 0,
  renewed: false,
}

export type Verdict = {
  readonly state: DriftState
  readonly previousState: DriftState
  readonly chart: ChartSpec
  readonly statistic: number
  readonly threshold: number
  /** First day of the excursion (days since 1970). */
  readonly since: number
  readonly direction: 1 | -1
}

/** Share of the threshold that warns, and that a warning must fall back to: apart, so that one wobble does not flap. */
const WARN = 0.6
const CALM = 0.3
/** A chart rises to this many thresholds at most: what went on for long is over as soon as what went on for short. */
const HIGHEST = 2
/** Calm days in a row that end a confirmation: fewer for a new model, which was made to end it, than for weather that merely calmed down. */
const CALM_DAYS_TO_RECOVER = { renewed: 3, same: 14 }

/** The detector after a closed day with these values of its charts (null: too few hours), and the change of state if there was one. */
export function closeDay(
  detector: Detector,
  variable: ForecastVariable,
  day: number,
  values: readonly (number | null)[],
  options: DetectorOptions,
): { detector: Detector; verdict: Verdict | null } {
  const limits = thresholds(options.falseAlarmsPerStationYear, options.variables)
  const charts = detector.charts.map((chart, i) => {
    const value = values[i]
    const spec = CHARTS[i] as ChartSpec
    if (value === null || value === undefined) return chart
    return capped(advance(chart, spec, USUAL[spec.name]?.[variable] ?? null, day, value), HIGHEST * (limits[i] as number))
  })
  const ratios = charts.map((chart, i) => leading(chart).sum / (limits[i] as number))
  const worst = ratios.indexOf(Math.max(...ratios))
  const ratio = ratios[worst] as number
  const isKnown = values.some((value) => value !== null)
  const calmDays = !isKnown ? detector.calmDays : ratio < CALM ? detector.calmDays + 1 : 0
  const inCooldown = detector.confirmedOn !== null && day - detector.confirmedOn < options.cooldownDays
  const state = nextState(detector, ratio, calmDays, inCooldown)
  const next: Detector = {
    state,
    changedOn: state === detector.state ? detector.changedOn : day,
    // What was confirmed is dealt with; the charts start anew to see whether it stays, again and again while it does.
    charts: state === 'confirmed' && (detector.state !== 'confirmed' || ratio >= CALM) ? charts.map(afterAlarm) : charts,
    day,
    confirmedOn: state === 'confirmed' && detector.state !== 'confirmed' ? day : detector.confirmedOn,
    calmDays: state === detector.state ? calmDays : 0,
    renewed: state === detector.state && detector.renewed,
  }
  if (state === detector.state) return { detector: next, verdict: null }
  const side = leading(charts[worst] as Chart)
  return {
    detector: next,
    verdict: {
      state,
      previousState: detector.state,
      chart: CHARTS[worst] as ChartSpec,
      statistic: side.sum,
      threshold: limits[worst] as number,
      since: side.since ?? day,
      direction: side.direction,
    },
  }
}

function nextState({ state, renewed }: Detector, ratio: number, calmDays: number, inCooldown: boolean): DriftState {
  switch (state) {
    case 'stable':
    case 'warned':
      if (ratio >= 1 && !inCooldown) return 'confirmed'
      if (state === 'stable') return ratio >= WARN ? 'warned' : 'stable'
      return ratio < CALM ? 'stable' : 'warned'
    case 'confirmed':
      return calmDays >= CALM_DAYS_TO_RECOVER[renewed ? 'renewed' : 'same'] ? 'recovered' : 'confirmed'
    case 'recovered':
      return 'stable'
  }
}

/** Another model serves: its errors say nothing about the old one's. A confirmation stays until the new model has shown calm days. */
export function restartCharts(detector: Detector): Detector {
  return {
    ...detector,
    state: detector.state === 'warned' ? 'stable' : detector.state,
    charts: CHARTS.map(() => EMPTY_CHART),
    calmDays: 0,
    renewed: true,
  }
}
