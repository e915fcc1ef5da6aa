/** What forecasting/drift/level.ts holds, measured again: in which combination of a day's errors a lasting shift stands out most. */
import { mean } from 'simple-statistics'
import { LEVEL_LEADS } from '../../forecasting/drift/index.ts'
import type { Clean, Injection } from './compare.ts'
import type { Day } from './days.ts'
import { weeklyDepartures } from './calibration.ts'

const WEEK = 7
/** From then on all forecasts that verify were issued after the shift. */
const SETTLED_DAYS = 8

export type Shifted = {
  /** As it is, all of it. */ readonly clean: Clean
  /** The stretches that calibrate. */ readonly calibration: readonly Clean[]
  readonly injections: readonly Injection[]
}

/**
 * Weights of LEVEL_LEADS, the first 1: w ∝ Σ⁻¹μ; Σ = 7 × the mean square of weekly means around those of the weeks before and after, μ the mean
 * change by a shift upwards, each the mean over the stations. Null: no station has days enough.
 */
export function measureLevelWeights(stations: readonly Shifted[]): number[] | null {
  const measured = stations.flatMap((one) => {
    const responses = one.injections.flatMap((injection) => responsesTo(injection, one))
    const weeks = one.calibration.flatMap(({ days }) => weeklyDepartures(days.map(known)))
    if (responses.length === 0 || weeks.length === 0) return []
    return [
      {
        mu: LEVEL_LEADS.map((_, i) => mean(responses.map((response) => response[i] as number))),
        sigma: LEVEL_LEADS.map((_, i) =>
          LEVEL_LEADS.map((__, j) => WEEK * mean(weeks.map((week) => (week[i] as number) * (week[j] as number)))),
        ),
      },
    ]
  })
  if (measured.length === 0) return null
  const weights = solve(
    LEVEL_LEADS.map((_, i) => LEVEL_LEADS.map((__, j) => mean(measured.map(({ sigma }) => sigma[i]?.[j] as number)))),
    LEVEL_LEADS.map((_, i) => mean(measured.map(({ mu }) => mu[i] as number))),
  )
  return weights.map((weight) => weight / (weights[0] as number))
}

const known = ({ level }: Day): number[] | null => (level.every((part) => part !== null) ? level.map(Number) : null)

/** What the shift added on each settled day that calibrates. */
function responsesTo({ days, hour, sign }: Injection, { clean, calibration }: Shifted): number[][] {
  const settled = Math.floor(hour / 24) + SETTLED_DAYS
  const without = new Map(clean.days.map((day) => [day.day, day]))
  const calibrates = new Set(calibration.flatMap((stretch) => stretch.days.map(({ day }) => day)))
  return days.flatMap((day) => {
    const before = without.get(day.day)
    if (day.day < settled || !calibrates.has(day.day) || before === undefined) return []
    const [now, then] = [known(day), known(before)]
    return now === null || then === null ? [] : [now.map((part, i) => sign * (part - (then[i] as number)))]
  })
}

/** Gauss–Jordan; the matrix is a covariance: no pivots are looked for. */
function solve(matrix: number[][], right: readonly number[]): number[] {
  const rows = matrix.map((row, i) => [...row, right[i] as number])
  rows.forEach((pivot, i) => {
    rows.forEach((row, k) => {
      if (k === i) return
      const factor = (row[i] as number) / (pivot[i] as number)
      row.forEach((value, j) => (row[j] = value - factor * (pivot[j] as number)))
    })
  })
  return rows.map((row, i) => (row.at(-1) as number) / (row[i] as number))
}
