/** What is usual at mid-latitude stations: where a station's own record says too little, or nothing of the last hours. */
import { COLUMN, COLUMN_COUNT } from '../features/index.ts'

/**
 * Hours in which a departure from climatology falls to 1/e, by column: half of it quickly, half slowly. Close to the autocorrelations of
 * Tokyo, Beijing, Garanhuns, JFK and Belmullet (dew point after 6, 12 and 24 h: .79, .64 and .44 in the mean; here .81, .66 and .44).
 */
const HOURS: ReadonlyArray<{ readonly quick: number; readonly slow: number }> = Array.from(
  { length: COLUMN_COUNT },
  (_, column) => {
    if (column === COLUMN.temperatureC) return { quick: 14, slow: 70 }
    if (column === COLUMN.dewPointC) return { quick: 25, slow: 35 }
    if (column === COLUMN.relativeHumidityPct) return { quick: 10, slow: 45 }
    if (column === COLUMN.pressureHpa) return { quick: 30, slow: 80 }
    if (column === COLUMN.precipitationMm) return { quick: 3, slow: 15 }
    return { quick: 5, slow: 25 }
  },
)

/** Share of a departure that is left after so many hours. */
export function usualShare(column: number, hours: number): number {
  const { quick, slow } = HOURS[column]!
  return 0.5 * (Math.exp(-hours / quick) + Math.exp(-hours / slow))
}
