export { createArrayPool } from './arrays.ts'
export {
  COLUMN,
  COLUMN_COUNT,
  HOUR_MS,
  HOURLY_COLUMNS,
  hourOf,
  isWet,
  observationToHourlyRow,
  windComponents,
} from './columns.ts'
export type { HourlyColumn } from './columns.ts'
export { createHourlyGrid, createHourlyWindow, ringSlot } from './hourly-grid.ts'
export type { HourlyWindow } from './hourly-grid.ts'
export {
  FEATURE_COUNT,
  FEATURE_NAMES,
  FEATURE_REACH_HOURS,
  FEATURE_SET,
  FEATURES,
  MONTH_HOURS,
  MONTH_MEAN_INDEX,
} from './definitions.ts'

export { buildFeatures } from './build.ts'
export { homogeniseGrid, homogeniseVector } from './homogenise.ts'
