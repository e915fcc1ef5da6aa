export { causeOf, movesAlong } from './cause.ts'
export { findChangePoint, type Innovations, jumpsAlong } from './change-point.ts'
export { CHARTS, leading, longRunSd, measureCharts, simulateRunLengths, stationBudget, thresholds } from './cusum.ts'
export type { HourOfDay } from './day.ts'
export {
  closeDay,
  DEFAULT_DETECTOR,
  type Detector,
  type DetectorOptions,
  NEW_DETECTOR,
  restartCharts,
  type Verdict,
} from './detector.ts'
export { INNOVATION_LEADS, standardiseHour, type VerifiedHour, WATCHED_LEADS } from './standardise.ts'
