/**
 * Threshold (long-run standard deviations) → days between false alarms, by simulation of the null model over 8,000,000 days
 * (simulateRunLengths; npm run bench -- drift repeats it). Rows as CHARTS; what is not calibrated has none.
 */
type Row = readonly [threshold: number, days: number]

/** φ 0.2, both sides. */
const SHORT: readonly Row[] = [
  [3, 95],
  [4, 270],
  [5, 744],
  [6, 2021],
  [7, 5638],
  [8, 15414],
  [9, 40816],
  [10, 106667],
]
/** φ 0.3, both sides. */
const DAY: readonly Row[] = [
  [3, 124],
  [4, 351],
  [5, 959],
  [6, 2626],
  [7, 7360],
  [8, 20566],
  [9, 52632],
  [10, 135593],
]
/** φ 0.6, both sides. */
const LONG: readonly Row[] = [
  [3, 389],
  [4, 1101],
  [5, 3020],
  [6, 8611],
  [7, 23121],
  [8, 66116],
  [9, 145455],
  [10, 333333],
]
/** φ 0.25, upwards. */
const SPREAD: readonly Row[] = [
  [3, 217],
  [4, 620],
  [5, 1700],
  [6, 4709],
  [7, 13201],
  [8, 35242],
  [9, 88889],
  [10, 242424],
]

export const RUN_LENGTHS: ReadonlyArray<readonly Row[]> = [SHORT, DAY, LONG, SPREAD, SHORT, SHORT, []]
