/**
 * What is usual for each chart and variable, and how long a chart runs between false alarms: from days of real weather in which nothing
 * changed. Run lengths by moving-block bootstrap (Künsch, 1989, Annals of Statistics 17): long series are put together from stretches of
 * three months of one real series, so that the weeks of a weather regime, the tails, and what a chart learns of its own stay in them.
 */
import { mean, variance } from 'simple-statistics'
import {
  advance,
  afterAlarm,
  type ChartSpec,
  CHARTS,
  EMPTY_CHART,
  leading,
  type Usual,
  USUAL,
} from '../../forecasting/drift/index.ts'
import type { Rng } from '../../forecasting/verification/index.ts'
import type { ForecastVariable } from '../../schemas/quantities.ts'
import type { Clean } from './compare.ts'

const BLOCK_DAYS = 91
/** A model is watched this long before another takes its place. */
const LIFE_DAYS = 730
const WEEK = 7
/** Weekly means are taken against those of this many weeks to either side: the centre of a chart follows a season. */
const WEEKS_AROUND = 8
const MIN_DAYS_OF_WEEK = 5

/** Mean over the series of a variable, each by its days. */
export function measureUsual(series: readonly Clean[], variable: ForecastVariable, chart: number): Usual | null {
  const own = series
    .filter((one) => one.variable === variable)
    .map(({ days }) => days.map(({ charts }) => charts[chart] ?? null))
    .filter((values) => values.some((value) => value !== null))
  const all = own.map((values) => values.filter((value) => value !== null))
  const total = all.reduce((sum, values) => sum + values.length, 0)
  if (total === 0) return null
  const weighted = (of: (values: readonly number[], i: number) => number): number =>
    all.reduce((sum, values, i) => sum + values.length * of(values, i), 0) / total
  return {
    centre: weighted(mean),
    sd: Math.sqrt(weighted(variance)),
    longRunSd: Math.sqrt(weighted((_, i) => longRunVariance(own[i] as (typeof own)[number]))),
  }
}

/** 7 × the mean square of weekly means around those of the weeks before and after. */
function longRunVariance(values: ReadonlyArray<number | null>): number {
  const departures = weeklyDepartures(values.map((value) => (value === null ? null : [value])))
  const unbiased = (2 * WEEKS_AROUND + 1) / (2 * WEEKS_AROUND)
  return WEEK * unbiased * mean(departures.map(([x]) => (x as number) ** 2))
}

/** Weekly means of each number of a day, around those of the weeks before and after. */
export function weeklyDepartures(days: ReadonlyArray<readonly number[] | null>): number[][] {
  const weeks: number[][] = []
  for (let from = 0; from + WEEK <= days.length; from += WEEK) {
    const week = days.slice(from, from + WEEK).filter((day) => day !== null)
    if (week.length >= MIN_DAYS_OF_WEEK) weeks.push(meansOf(week))
  }
  return weeks.map((week, i) => {
    const around = meansOf(weeks.slice(Math.max(0, i - WEEKS_AROUND), i + WEEKS_AROUND + 1))
    return week.map((value, k) => value - (around[k] as number))
  })
}

const meansOf = (rows: ReadonlyArray<readonly number[]>): number[] =>
  (rows[0] as readonly number[]).map((_, k) => mean(rows.map((row) => row[k] as number)))

/** Days between alarms of a chart at each limit, over `days` days put together from the series; all of them if there is none. */
export function bootstrapRunLengths(
  series: readonly Clean[],
  chart: number,
  limits: readonly number[],
  days: number,
  rng: Rng,
): number[] {
  const spec = CHARTS[chart] as ChartSpec
  const states = limits.map(() => EMPTY_CHART)
  const alarms = limits.map(() => 0)
  const lengths = series.map((one) => one.days.length)
  let day = 0
  while (day < days) {
    const { days: own, variable } = series[drawn(lengths, rng)] as Clean
    const usual = USUAL[spec.name]?.[variable] ?? null
    states.fill(EMPTY_CHART)
    for (let lived = 0; lived < LIFE_DAYS; lived += BLOCK_DAYS) {
      const from = Math.floor(rng() * Math.max(1, own.length - BLOCK_DAYS))
      for (const { charts } of own.slice(from, from + BLOCK_DAYS)) {
        day++
        const value = charts[chart]
        if (value === null || value === undefined) continue
        limits.forEach((limit, i) => {
          const next = advance(states[i] as typeof EMPTY_CHART, spec, usual, day, value)
          const isAlarm = leading(next).sum >= limit
          if (isAlarm) alarms[i] = (alarms[i] as number) + 1
          states[i] = isAlarm ? afterAlarm(next) : next
        })
      }
    }
  }
  return alarms.map((n) => day / Math.max(n, 1))
}

/** Index drawn with these weights. */
function drawn(weights: readonly number[], rng: Rng): number {
  let left = rng() * weights.reduce((sum, weight) => sum + weight, 0)
  return weights.findIndex((weight) => (left -= weight) < 0)
}
