export { apartFrom, causeOf, movesAlong } from './cause.ts'
export { type ChangePoint, findChangePoint, type Innovations, jumpsAlong } from './change-point.ts'
export { CHARTS, type ChartName, type ChartSpec, measureCharts, REFERENCE_CHART, type Usual } from './charts.ts'
export { LEVEL_LEADS, LEVEL_WEIGHTS, levelParts } from './level.ts'
export { advance, afterAlarm, EMPTY_CHART, leading, stationBudget, thresholds } from './cusum.ts'
export { RUN_LENGTHS_BY_VARIABLE } from './run-lengths.ts'
export { USUAL } from './usual.ts'
export type { Arrivals, HourOfDay } from './day.ts'
export {
  closeDay,
  DEFAULT_DETECTOR,
  type Detector,
  type DetectorOptions,
  NEW_DETECTOR,
  restartCharts,
  type Verdict,
} from './detector.ts'
export { INNOVATION_LEADS, REFERENCE, standardiseHour, type VerifiedHour, WATCHED_COUNT, WATCHED_LEADS } from './standardise.ts'
