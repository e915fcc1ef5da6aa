/**
 * Stations that report every two to six hours. A regression answers for every hour ahead and wants each observed now and then; of such a station
 * some never are, and years of its reports would count for nothing. What lies between two reports is taken to be on the line between
 * them (a probability: as it was at the earlier one), in what is to be explained only: inputs are as reported.
 */
import type { ForecastVariable } from '../../schemas/quantities.ts'

/** From one report to the next, hours: further apart, the line between them says nothing of a day. */
const MOST_HOURS = 6

/** The same series when it is hourly; else one with what lies between reports filled in, to the last report. */
export function bridgeReports(values: Float64Array, variable: ForecastVariable): Float64Array {
  const cadence = cadenceHours(values)
  const isCoarse = cadence >= 2 && cadence <= MOST_HOURS
  return isCoarse ? bridged(values, cadence, variable === 'precipitationProbabilityPct') : values
}

/** Median hours from one observed value to the next; 0 with fewer than two. */
function cadenceHours(values: Float64Array): number {
  const counts = new Float64Array(MOST_HOURS + 2)
  let last = -1
  let steps = 0
  values.forEach((value, i) => {
    if (value !== value) return
    if (last >= 0) {
      const step = Math.min(i - last, MOST_HOURS + 1)
      counts[step] = counts[step]! + 1
      steps++
    }
    last = i
  })
  let below = 0
  for (let step = 1; step < counts.length; step++) {
    below += counts[step]!
    if (2 * below >= steps && steps > 0) return step
  }
  return 0
}

/** A report that was left out once is bridged as well; longer gaps stay gaps. */
function bridged(values: Float64Array, cadence: number, isProbability: boolean): Float64Array {
  const out = values.slice()
  const longest = Math.min(MOST_HOURS, 2 * cadence)
  let last = -1
  values.forEach((value, i) => {
    if (value !== value) return
    const hours = i - last
    if (last >= 0 && hours <= longest)
      for (let k = 1; k < hours; k++)
        out[last + k] = isProbability ? values[last]! : values[last]! + ((value - values[last]!) * k) / hours
    last = i
  })
  // Whether what follows the last report can be bridged is known with the next one: a row that reaches there waits for it.
  return out.subarray(0, last + 1)
}
