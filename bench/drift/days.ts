/** Verified hours of a station, one entry a day: what every detector of the comparison is given. */
import { type HourOfDay, measureCharts, WATCHED_LEADS } from '../../forecasting/drift/index.ts'
import { type Errors, LEADS } from './errors.ts'

export type Day = {
  /** Since 1970. */
  readonly day: number
  /** Values of the charts of forecasting/drift. */
  readonly charts: readonly (number | null)[]
  /** Hourly values as observed, good ones only. */
  readonly observed: readonly number[]
}

/** `reported`: hours in which the station reported anything. */
export function daysOf({ startHour, hours, observed, error, scale }: Errors, reported: ReadonlySet<number>): Day[] {
  const days: Day[] = []
  for (let day = Math.ceil(startHour / 24); (day + 1) * 24 <= startHour + hours; day++) {
    const ofDay = Array.from({ length: 24 }, (_, i) => day * 24 + i)
    days.push({
      day,
      charts: measureCharts(
        ofDay.map((hour) => standardised(hour - startHour, error, scale)),
        ofDay.filter((hour) => reported.has(hour)).length,
      ),
      observed: ofDay.map((hour) => observed[hour - startHour] as number).filter((value) => !Number.isNaN(value)),
    })
  }
  return days
}

function standardised(row: number, error: Float32Array, scale: Float32Array): HourOfDay {
  const means = WATCHED_LEADS.map(({ from, to }) => {
    let sum = 0
    let n = 0
    for (let lead = from; lead <= to; lead++) {
      const z = (error[row * LEADS + lead - 1] as number) / (scale[row * LEADS + lead - 1] as number)
      if (Number.isNaN(z)) continue
      sum += z
      n++
    }
    return n === 0 ? null : sum / n
  })
  return means.every((value) => value === null) ? null : means
}
