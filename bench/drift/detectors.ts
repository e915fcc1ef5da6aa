/**
 * Detectors on the same days: Isobar's, three from the literature, three that know nothing. ADWIN and Page–Hinkley are given the daily mean
 * of the standardised errors at 1–6 h, and once more Isobar's own best number (its level); KS is given raw values, as monitoring tools do.
 */
import { sum, variance } from 'simple-statistics'
import { CHARTS, closeDay, DEFAULT_DETECTOR, NEW_DETECTOR } from '../../forecasting/drift/index.ts'
import type { ForecastVariable } from '../../schemas/quantities.ts'
import type { Day } from './days.ts'

export type Watchable = { readonly variable: ForecastVariable; readonly days: readonly Day[] }

/** Days on which it alarms. `setting`: larger is stricter; calibrated on clean series (null: there is nothing to calibrate). */
export type Compared = {
  readonly name: string
  readonly settings: readonly number[] | null
  readonly alarms: (series: Watchable, setting: number) => number[]
}

/** Nobody alarms again within this many days. */
const COOLDOWN_DAYS = DEFAULT_DETECTOR.cooldownDays
const MONTH_DAYS = 30
const LEVEL_CHART = CHARTS.findIndex(({ measure }) => measure === 'level')

export const isobar: Compared = {
  name: 'isobar',
  settings: null,
  alarms({ variable, days }) {
    let detector = NEW_DETECTOR
    return days.flatMap(({ day, charts }) => {
      const closed = closeDay(detector, variable, day, charts, DEFAULT_DETECTOR)
      detector = closed.detector
      return closed.verdict?.state === 'confirmed' ? [day] : []
    })
  },
}

/** What a detector of one number a day is given. */
type Input = { readonly of: string; readonly value: (day: Day) => number | null }
const MEAN: Input = { of: '1-6 h', value: ({ level }) => level[0] ?? null }
const LEVEL: Input = { of: 'level', value: ({ charts }) => charts[LEVEL_CHART] ?? null }

/** Bifet & Gavaldà 2007 (SDM), the cut of section 2.2 with variance, over every split of a window of at most two years. setting = ln(1/δ). */
const adwin = (input: Input): Compared => ({
  name: `ADWIN ${input.of}`,
  settings: [0.5, 1, 1.5, 2, 2.5, 3, 3.5, 4, 5, 6, 8, 12, 16, 24, 32],
  alarms: ({ days }, setting) =>
    sequential(days, input, () => {
      let window: number[] = []
      return (value) => {
        window = [...window, value].slice(-730)
        const n = window.length
        const total = sum(window)
        const spread = variance(window)
        const logarithm = Math.log(2 * Math.log(Math.max(n, 3))) + setting
        let before = 0
        for (let i = 1; i < n; i++) {
          before += window[i - 1] as number
          const m = 1 / (1 / i + 1 / (n - i))
          const cut = Math.sqrt((2 / m) * spread * logarithm) + (2 / (3 * m)) * logarithm
          if (i >= 5 && n - i >= 5 && Math.abs(before / i - (total - before) / (n - i)) > cut) {
            window = window.slice(i)
            return true
          }
        }
        return false
      }
    }),
})

/** Page 1954 with a running mean (Mouss et al. 2004), both directions, allowance 0.05; setting = λ. */
const pageHinkley = (input: Input): Compared => ({
  name: `Page-Hinkley ${input.of}`,
  settings: [1, 1.5, 2, 2.5, 3, 4, 5, 6, 7, 8, 9, 10, 12, 14, 17, 20, 30, 45, 70],
  alarms: ({ days }, setting) =>
    sequential(days, input, () => {
      let n = 0
      let mean = 0
      const sides = [0, 0]
      return (value) => {
        n++
        mean += (value - mean) / n
        sides[0] = Math.max(0, (sides[0] as number) + value - mean - 0.05)
        sides[1] = Math.max(0, (sides[1] as number) - value + mean - 0.05)
        if (Math.max(...sides) < setting) return false
        n = 0
        mean = 0
        sides.fill(0)
        return true
      }
    }),
})

/** Two-sample Kolmogorov–Smirnov of the last 30 days of raw values against the first year watched; setting = D·√(n·m/(n+m)). */
export const ksOnRaw: Compared = {
  name: 'KS on raw values',
  settings: [1.4, 1.6, 2, 3, 4, 6, 8, 10, 12, 14, 16, 18, 20, 24, 28],
  alarms({ days }, setting) {
    const reference = Float64Array.from(days.slice(0, 365).flatMap(({ observed }) => observed)).sort()
    return spaced(
      days.flatMap(({ day }, i) => {
        if (i < MONTH_DAYS) return []
        const recent = Float64Array.from(days.slice(i - MONTH_DAYS + 1, i + 1).flatMap(({ observed }) => observed)).sort()
        if (recent.length === 0 || reference.length === 0) return []
        const scale = Math.sqrt((recent.length * reference.length) / (recent.length + reference.length))
        return distance(recent, reference) * scale > setting ? [day] : []
      }),
    )
  },
}

/** The 5 % of a Kolmogorov–Smirnov test: √(−ln(0.05/2)/2). */
export const KS_FIVE_PERCENT = 1.358

export const PEERS: readonly Compared[] = [adwin(MEAN), adwin(LEVEL), pageHinkley(MEAN), pageHinkley(LEVEL), ksOnRaw]
export const DUMMIES: readonly Compared[] = [
  { name: 'always', settings: null, alarms: ({ days }) => spaced(days.map(({ day }) => day)) },
  { name: 'never', settings: null, alarms: () => [] },
  {
    name: 'periodic, monthly',
    settings: null,
    alarms: ({ days }) => days.map(({ day }) => day).filter((day) => day % MONTH_DAYS === 0),
  },
]

function sequential(days: readonly Day[], { value }: Input, start: () => (value: number) => boolean): number[] {
  const alarmsOn = start()
  return spaced(
    days.flatMap((day) => {
      const number = value(day)
      return number !== null && alarmsOn(number) ? [day.day] : []
    }),
  )
}

function spaced(days: readonly number[]): number[] {
  const kept: number[] = []
  for (const day of days) if (kept.length === 0 || day - (kept.at(-1) as number) >= COOLDOWN_DAYS) kept.push(day)
  return kept
}

/** Largest difference of two empirical distribution functions; both ascending. */
function distance(a: Float64Array, b: Float64Array): number {
  let i = 0
  let j = 0
  let largest = 0
  while (i < a.length && j < b.length) {
    const x = Math.min(a[i] as number, b[j] as number)
    while (i < a.length && (a[i] as number) <= x) i++
    while (j < b.length && (b[j] as number) <= x) j++
    largest = Math.max(largest, Math.abs(i / a.length - j / b.length))
  }
  return largest
}
