export { causeOf, movesAlong } from './cause.ts'
export { findChangePoint, type Innovations, jumpsAlong } from './change-point.ts'
export { leading, longRunSd, NULL_MODEL, simulateRunLength, thresholds } from './cusum.ts'
export {
  closeDay,
  DEFAULT_DETECTOR,
  type Detector,
  type DetectorOptions,
  NEW_DETECTOR,
  restartCharts,
  type Verdict,
} from './detector.ts'
export { INNOVATION_LEADS, standardiseHour, type VerifiedHour, WATCHED_BUCKETS } from './standardise.ts'
