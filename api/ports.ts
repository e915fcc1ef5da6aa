/**
 * What the HTTP app needs from the world, as small ports. Real ones live in store/ (ClickHouse) and state/ (topics followed in memory);
 * tests use in-memory ones. Instants are epoch milliseconds UTC everywhere inside; ISO 8601 only at the HTTP edge.
 */
import type {
  Alert,
  AlertDelivery,
  Audit,
  CheckedObservation,
  Control,
  Drift,
  Forecast,
  Lifecycle,
  RetrainRequest,
} from '../schemas/generated/types.ts'
import type { ForecastVariable, LeadBucketName } from '../schemas/quantities.ts'

export type ForecastReader = {
  /** Champion forecasts of the newest issues of every station (at most `issues` per station and variable). */
  newest(issues: number): Promise<Forecast[]>
  /** Champion forecasts issued at exactly this instant. */
  asIssued(stationId: string, issuedAt: number): Promise<Forecast[]>
  /** Issue times, newest first. */
  issues(stationId: string, range: { from: number; to: number; limit: number }): Promise<IssueSummary[]>
}
export type IssueSummary = { issuedAt: number; variables: string[]; modelVersions: string[]; status: string }

export type ObservationKey = { stationId: string; observedAt: number; kind: string }
export type ObservationReader = {
  range(stationId: string, range: { from: number; to: number; limit: number }): Promise<CheckedObservation[]>
  latest(stationId: string): Promise<CheckedObservation | null>
  /** Stored observations with these keys (others are absent from the answer). */
  existing(keys: readonly ObservationKey[]): Promise<CheckedObservation[]>
}

export type SkillFilter = {
  stationId?: string
  variable?: ForecastVariable
  role: 'champion' | 'challenger' | 'shadow'
  modelVersion?: string
  from: number
  to: number
  byDay: boolean
}
/** Sums over the verified pairs of one group; ratios are made from sums so that buckets can be added up. */
export type SkillSums = {
  stationId: string
  variable: ForecastVariable
  bucket: Exclude<LeadBucketName, 'all'>
  /** Start of the UTC day, only when asked for by day. */
  dayAt: number | null
  n: number
  absoluteError: number
  squaredError: number
  error: number
  crps: number
  covered80: number
  covered95: number
  persistence: PairedSums
  recentredClimatology: PairedSums
}
/** Rows on which the baseline had a value: its absolute error and the forecast's on the same rows. */
export type PairedSums = { n: number; absoluteError: number; forecastAbsoluteError: number }
export type SkillReader = { sums(filter: SkillFilter): Promise<SkillSums[]> }

export type ControlRecord = { controlOffset: number; control: Control }
export type ModelReader = {
  /** Control events of a model, newest first; with `at`, only those in force at or before it. */
  controls(stationId: string, variable: string, options: { at?: number; limit: number }): Promise<ControlRecord[]>
  lifecycle(filter: { stationId?: string; variable?: string; version?: string; limit: number }): Promise<Lifecycle[]>
}
export type DriftReader = {
  /** Newest state of every model that ever changed state. */
  current(): Promise<Drift[]>
  changes(filter: { stationId?: string; variable?: string; limit: number }): Promise<Drift[]>
  retrainRequests(filter: { stationId?: string; variable?: string; limit: number }): Promise<RetrainRequest[]>
}
export type AlertReader = {
  /** Newest state of each alert, newest first. */
  list(filter: { state?: 'firing' | 'resolved'; limit: number }): Promise<Alert[]>
  deliveries(alertIds: readonly string[]): Promise<AlertDelivery[]>
}
export type AuditReader = { list(filter: { action?: string; limit: number }): Promise<Audit[]> }

/** Newest event time of each stage in the store, for the pipeline strip right after a start. */
export type StageReader = { newest(): Promise<Partial<Record<string, number>>> }
export type ConsumerLag = { groupId: string; topic: string; messages: number }
export type LagReader = { read(): Promise<ConsumerLag[]> }

export type IdempotentAnswer = { requestSha256: string; status: number; body: string; storedAt: number }
export type IdempotencyStore = {
  get(key: string): Promise<IdempotentAnswer | null>
  put(key: string, answer: IdempotentAnswer): Promise<void>
}
