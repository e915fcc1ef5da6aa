export { causeOf, type Evidence, movesAlong, type Neighbour } from './cause.ts'
export { type ChangePoint, findChangePoint, type Innovations, jumpsAlong } from './change-point.ts'
export {
  CHARTS,
  type ChartSpec,
  leading,
  longRunSd,
  measureCharts,
  simulateRunLengths,
  stationBudget,
  thresholds,
} from './cusum.ts'
export type { HourOfDay } from './day.ts'
export {
  closeDay,
  DEFAULT_DETECTOR,
  type Detector,
  type DetectorOptions,
  type DriftState,
  NEW_DETECTOR,
  restartCharts,
  type Verdict,
} from './detector.ts'
export { INNOVATION_LEADS, standardiseHour, type VerifiedHour, WATCHED_LEADS } from './standardise.ts'
