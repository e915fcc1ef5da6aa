/** What the rules remember, one JSON record per key. Each record is written by events of one partition only, or by the timer. */
import type { Alert } from '../../schemas/generated/types.ts'

/** The last state of one alert. Key: alert/<alertId>. */
export type AlertRecord = {
  alert: Alert
  /** When it resolves by itself, event time; null: only an event resolves it. */
  autoResolveAt: number | null
}

/** Runs of bad and good hours of one quantity. */
export type SensorRun = {
  /** Newest observed hour counted. */
  lastAt: number
  badHours: number
  badSince: number
  goodHours: number
}

/** From checked observations. Key: observed/<stationId>. */
export type ObservedRecord = {
  lastLiveAt: number
  /** Of quantities that are or were recently bad. */
  runs: Record<string, SensorRun>
  /** Partition of weather.observation-checked.v1, so that only its owner judges staleness. */
  partition: number
}

/** From forecasts. Key: forecast/<stationId>: newest issue judged per rule. */
export type ForecastRecord = { judgedIssues: Record<string, number> }

/** Key: name/<stationId>. */
export type NameRecord = { name: string }

/** A control event that waits for the replicas. Key: fleet/<stationId>/<variable>. */
export type FleetRecord = { controlOffset: number; version: string; eventId: string; changedAt: number; askedAtWallMs: number }

/** Key: orders: when the first control event of a day was taken by the broker, of the last days that had any, oldest first. */
export type OrdersRecord = { firstOfDayWallMs: number[] }

/** Key: replica/<replicaId>: newest control offset answered per model. */
export type ReplicaRecord = { answered: Record<string, number>; firstReportWallMs: number; lastReportWallMs: number }

/**
 * How far an input partition was processed and which alerts its last offsets caused. Key: progress/<topic>/<partition>.
 * Written together with every other record of the batch: a redelivered offset gives the recorded alerts again, and changes nothing.
 */
export type ProgressRecord = { lastOffset: number; emitted: Array<{ offset: number; alerts: Alert[] }> }

/** Alerts the timer raised that were perhaps not published before a crash. Key: timer. */
export type TimerRecord = { unpublished: Alert[] }
