/**
 * A quantity of a station is at fault when quality control called it bad in N hours in a row, and recovers after M good hours in a row.
 * Suspect and unchecked hours count for neither side, missing ones neither: a silent sensor is the stale rule's business.
 */
import type { QualityFlags } from '../../schemas/generated/types.ts'
import type { SensorRun } from './records.ts'

export type SensorFaultLimits = { readonly badHours: number; readonly goodHours: number }
export type SensorVerdict = { readonly run: SensorRun | null; readonly change: 'raise' | 'resolve' | null }

/** `run` null: nothing worth remembering (good all along). Late or repeated hours change nothing. */
export function decideSensorFault(
  before: SensorRun | undefined,
  flag: QualityFlags[keyof QualityFlags],
  observedAt: number,
  isFiring: boolean,
  limits: SensorFaultLimits,
): SensorVerdict {
  if (before !== undefined && observedAt <= before.lastAt) return { run: before, change: null }
  if (flag === 'bad') {
    const badHours = (before?.badHours ?? 0) + 1
    const badSince = before !== undefined && before.badHours > 0 ? before.badSince : observedAt
    return {
      run: { lastAt: observedAt, badHours, badSince, goodHours: 0 },
      change: !isFiring && badHours >= limits.badHours ? 'raise' : null,
    }
  }
  if (flag === 'good') {
    if (before === undefined && !isFiring) return { run: null, change: null }
    const goodHours = (before?.goodHours ?? 0) + 1
    const isRecovered = goodHours >= limits.goodHours
    return {
      run:
        isFiring && !isRecovered
          ? { lastAt: observedAt, badHours: 0, badSince: before?.badSince ?? observedAt, goodHours }
          : null,
      change: isFiring && isRecovered ? 'resolve' : null,
    }
  }
  return { run: before ?? null, change: null }
}
