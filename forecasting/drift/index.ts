export { causeOf, type Evidence, movesAlong, type Neighbour } from './cause.ts'
export { type ChangePoint, findChangePoint, type Innovations, jumpsAlong } from './change-point.ts'
export { ALLOWANCE, leading, longRunSd, NULL_MODEL, simulateRunLength, thresholds } from './cusum.ts'
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
export { INNOVATION_LEADS, standardiseHour, type VerifiedHour, WATCHED_BUCKETS, type WatchedBucket } from './standardise.ts'
