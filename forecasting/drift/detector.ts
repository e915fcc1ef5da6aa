/**
 * Drift of one model: stable → warned → confirmed → recovered → stable, one decision a day of event time. Pure: everything it knows is in
 * its state, a small plain object, so that a restored detector decides as an uninterrupted one.
 */
import type { ForecastVariable } from '../../schemas/quantities.ts'
import { CHARTS, type ChartSpec } from './charts.ts'
import { advance, afterAlarm, capped, type Chart, EMPTY_CHART, leading, thresholds, withoutExcursion } from './cusum.ts'
import { advanceFeed } from './feed.ts'
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
  /** What the present confirmation, if any, speaks of. */
  readonly confirmedFor: ChartSpec['of'] | null
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
  confirmedFor: null,
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
  /** Which way the errors lean, as far as they do: only what leans can have stepped. */
  readonly leaning: 1 | -1 | null
}

/** Share of the threshold that warns, and that a warning must fall back to: apart, so that one wobble does not flap. */
const WARN = 0.6
const CALM = 0.3
/** A chart rises to this many thresholds at most: what went on for long is over as soon as what went on for short. */
const HIGHEST = 2
const LEVEL = CHARTS.findIndex(({ name }) => name === 'mean 1-6')
/** A large step is confirmed by either. */
const STEPPING: ReadonlySet<ChartSpec['name']> = new Set(['mean 1-6', 'level 1-6', 'spread 1-3'])
const NOT_JUDGED = Number.NEGATIVE_INFINITY
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
  const limits = thresholds(options.falseAlarmsPerStationYear, options.variables, variable)
  const charts = detector.charts.map((chart, i) => {
    const value = values[i]
    const spec = CHARTS[i] as ChartSpec
    if (value === null || value === undefined) return chart
    const next =
      spec.of === 'feed'
        ? advanceFeed(chart, spec, day, value)
        : advance(chart, spec, USUAL[spec.name]?.[variable] ?? null, day, value)
    return capped(next, HIGHEST * (limits[i] as number))
  })
  const ratios = charts.map((chart, i) => {
    const ratio = leading(chart).sum / (limits[i] as number)
    return CHARTS[i]?.onlyWarns ? WARN * Math.min(1, ratio) : ratio
  })
  const isConfirmed = detector.state === 'confirmed'
  // A confirmation ends when what it speaks of is calm.
  const judged = ratios.map((ratio, i) => (isConfirmed && CHARTS[i]?.of !== detector.confirmedFor ? NOT_JUDGED : ratio))
  const errors = ratios.map((ratio, i) => (CHARTS[i]?.of === 'errors' ? ratio : NOT_JUDGED))
  const errorRatio = Math.max(...errors)
  const ratio = Math.max(...judged)
  const isKnown = values.some((value, i) => value !== null && judged[i] !== NOT_JUDGED)
  const calmDays = !isKnown ? detector.calmDays : ratio < CALM ? detector.calmDays + 1 : 0
  const inCooldown = detector.confirmedOn !== null && day - detector.confirmedOn < options.cooldownDays
  // How the observations come, or that values depart, must hide nothing of the model: its errors are told over it.
  const isOverruled = isConfirmed && detector.confirmedFor !== 'errors' && errorRatio >= 1 && !inCooldown
  const state = isOverruled ? 'confirmed' : nextState(detector, ratio, calmDays, inCooldown)
  const isChange = isOverruled || state !== detector.state
  // Errors that have gone all the way decide over anything else that has; of them the level first, which tells most of the cause.
  const isOfErrors = errorRatio >= 1 && (isOverruled || !isConfirmed)
  const worst = isOfErrors ? errors.findIndex((one) => one >= 1) : judged.indexOf(ratio)
  const spec = CHARTS[worst] as ChartSpec
  const confirmedFor = state !== 'confirmed' ? null : isChange ? spec.of : detector.confirmedFor
  const isConfirmation = isChange && state === 'confirmed'
  const next: Detector = {
    state,
    changedOn: isChange ? day : detector.changedOn,
    // What was confirmed is dealt with; the charts start anew to see whether it stays, again and again while it does.
    charts: state === 'confirmed' && (isConfirmation || ratio >= CALM) ? emptied(charts, confirmedFor) : charts,
    day,
    confirmedOn: isConfirmation && confirmedFor === 'errors' ? day : detector.confirmedOn,
    confirmedFor,
    calmDays: isChange ? 0 : calmDays,
    renewed: !isChange && detector.renewed,
  }
  if (!isChange) return { detector: next, verdict: null }
  const side = leading(charts[worst] as Chart)
  return {
    detector: next,
    verdict: {
      state,
      previousState: detector.state,
      chart: spec,
      statistic: side.sum,
      threshold: limits[worst] as number,
      // Apart is of the day before.
      since: (side.since ?? day) - (spec.measure === 'apart' ? 1 : 0),
      direction: side.direction,
      leaning: STEPPING.has(spec.name) && (ratios[LEVEL] as number) >= CALM ? leading(charts[LEVEL] as Chart).direction : null,
    },
  }
}

/** The charts without what was confirmed. A feed is told of once: how it comes from then on becomes its usual way. */
function emptied(charts: readonly Chart[], confirmedFor: ChartSpec['of'] | null): Chart[] {
  return charts.map((chart, i) => {
    const of = CHARTS[i]?.of
    if (of === 'feed') return confirmedFor === 'feed' ? withoutExcursion(chart) : chart
    return of === confirmedFor || confirmedFor === 'errors' ? afterAlarm(chart) : chart
  })
}

function nextState({ state, renewed, confirmedFor }: Detector, ratio: number, calmDays: number, inCooldown: boolean): DriftState {
  switch (state) {
    case 'stable':
    case 'warned':
      if (ratio >= 1 && !inCooldown) return 'confirmed'
      if (state === 'stable') return ratio >= WARN ? 'warned' : 'stable'
      return ratio < CALM ? 'stable' : 'warned'
    case 'confirmed':
      // A new model mends errors, neither a sensor nor a feed.
      return calmDays >= CALM_DAYS_TO_RECOVER[renewed && confirmedFor === 'errors' ? 'renewed' : 'same']
        ? 'recovered'
        : 'confirmed'
    case 'recovered':
      return 'stable'
  }
}

/**
 * Another model serves: its errors say nothing about the old one's, and observations come as they came. A confirmation stays until the new
 * model has shown calm days.
 */
export function restartCharts(detector: Detector): Detector {
  return {
    ...detector,
    state: detector.state === 'warned' ? 'stable' : detector.state,
    charts: detector.charts.map((chart, i) => (CHARTS[i]?.of === 'feed' ? chart : EMPTY_CHART)),
    calmDays: 0,
    renewed: true,
  }
}
