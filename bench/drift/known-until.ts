import { FEATURE_COUNT } from '../../forecasting/features/index.ts'
import type { TrainingSet } from '../../forecasting/models/index.ts'

/** What was known at the end of an hour (epoch hours) of a set without gaps. Shares its memory. */
export function knownUntil(history: TrainingSet, hour: number): TrainingSet {
  const rows = hour - history.startHour + 1
  return {
    startHour: history.startHour,
    targets: Object.fromEntries(
      Object.entries(history.targets).map(([name, series]) => [name, series.subarray(0, rows)]),
    ) as TrainingSet['targets'],
    features: history.features.subarray(0, rows * FEATURE_COUNT),
    featureHours: history.featureHours.subarray(0, rows),
  }
}
