/** Verified hours of a station, one entry a day: what every detector of the comparison is given. */
import { type HourOfDay, levelParts, measureCharts, standardiseHour } from '../../forecasting/drift/index.ts'
import { HOUR_MS } from '../../forecasting/features/index.ts'
import { type Errors, LEADS } from './errors.ts'

export type Day = {
  /** Since 1970. */
  readonly day: number
  /** Values of the charts of forecasting/drift. */
  readonly charts: readonly (number | null)[]
  /** Daily means of the errors that the chart of the level is made of, the shortest leads first. */
  readonly level: readonly (number | null)[]
  /** Hourly values as observed, good ones only. */
  readonly observed: readonly number[]
}

/** `reported`: hours in which the station reported anything. The series do not tell when it came: it came at once. */
export function daysOf(errors: Errors, reported: ReadonlySet<number>): Day[] {
  const { startHour, hours, observed } = errors
  const days: Day[] = []
  for (let day = Math.ceil(startHour / 24); (day + 1) * 24 <= startHour + hours; day++) {
    const ofDay = Array.from({ length: 24 }, (_, i) => day * 24 + i)
    const arrivals = ofDay.filter((hour) => reported.has(hour)).map(() => 0)
    const verified = ofDay.map((hour) => standardised(hour - startHour, errors))
    days.push({
      day,
      charts: measureCharts(verified, { variable: errors.variable, arrivals, carriesFeed: true, apart: null }),
      level: levelParts(verified),
      observed: ofDay.map((hour) => observed[hour - startHour] as number).filter((value) => !Number.isNaN(value)),
    })
  }
  return days
}

function standardised(row: number, { variable, startHour, observed, error, scale, usual }: Errors): HourOfDay {
  const columns = LEADS.map((_, column) => row * LEADS.length + column)
  const verified = LEADS.map((lead, column) => ({ lead, column })).filter(
    ({ column }) => !Number.isNaN(error[columns[column] as number]),
  )
  if (verified.length === 0) return null
  const observedAt = (startHour + row) * HOUR_MS
  return standardiseHour({
    variable,
    observedAt,
    knownAt: observedAt,
    observed: observed[row] as number,
    leadHours: verified.map(({ lead }) => lead),
    error: verified.map(({ column }) => error[columns[column] as number] as number),
    expectedScale: verified.map(({ column }) => scale[columns[column] as number] as number),
    recentredClimatologyError: verified.map(() => usual[row] as number),
  }).standardised
}
