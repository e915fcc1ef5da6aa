/** What is usual at mid-latitude stations: where a station's own record says too little, or nothing of the last hours. */
import { COLUMN, COLUMN_COUNT } from '../features/index.ts'

/**
 * How a departure from climatology fades, by column: to 1/e in so many hours, half of it quickly, half slowly; hardly at all within the first
 * `rest` hours, where air masses and not the hour's own weather are measured; `whole` is left of it at once, where an hour has a good deal of
 * its own. Least squares over windows of 3 to 60 days of Tokyo, Beijing, Garanhuns, Szeged and Minneapolis (docs/forecasting/experiments.md): after
 * 3, 6, 12, 24 and 48 h pressure .99, .95, .85, .66 and .40 (here .98, .94, .85, .66, .42), wind speed .61, .46, .28, .27 and .10
 * (.65, .50, .34, .20, .09).
 */
type Fading = { readonly quick: number; readonly slow: number; readonly rest: number; readonly whole: number }

const FADING: readonly Fading[] = Array.from({ length: COLUMN_COUNT }, (_, column) => {
  if (column === COLUMN.temperatureC) return { quick: 14, slow: 70, rest: 0, whole: 1 }
  if (column === COLUMN.dewPointC) return { quick: 25, slow: 35, rest: 6, whole: 1 }
  if (column === COLUMN.relativeHumidityPct) return { quick: 10, slow: 45, rest: 0, whole: 1 }
  if (column === COLUMN.pressureHpa) return { quick: 30, slow: 80, rest: 6, whole: 1 }
  if (column === COLUMN.precipitationMm) return { quick: 3, slow: 15, rest: 0, whole: 1 }
  return { quick: 5, slow: 30, rest: 0, whole: 0.9 }
})

/** Share of a departure that is left after so many hours (1 and more). */
export function usualShare(column: number, hours: number): number {
  const { quick, slow, rest, whole } = FADING[column]!
  const faded = Math.sqrt(hours * hours + rest * rest) - rest
  return 0.5 * whole * (Math.exp(-faded / quick) + Math.exp(-faded / slow))
}

/**
 * τ of the level of a short record, hours: half of the sum of the usual shares over all hours. Of the other half the shares know: they were measured
 * from the levels of such records.
 */
export function levelMemoryHours(column: number): number {
  const { quick, slow, rest, whole } = FADING[column]!
  return (whole * (quick + slow)) / 4 + rest / 2
}
