/**
 * What the HTTP app needs from the world, as small ports. Real ones live in store/ (ClickHouse) and state/ (topics followed in memory);
 * tests use in-memory ones. Instants are epoch milliseconds UTC everywhere inside; ISO 8601 only at the HTTP edge.
 */
import type {
  Alert,
  AlertDelivery,
  Artefact,
  Audit,
  CheckedObservation,
  Control,
  Drift,
  Feature,
  Forecast,
  Lifecycle,
  RetrainRequest,
} from '../schemas/generated/types.ts'
import type { ScoreSums } from '../forecasting/verification/index.ts'
import type { OutboundEvent } from '../infra/runtime/kafka/types.ts'
import type { ForecastVariable, LeadBucketName } from '../schemas/quantities.ts'
import type { Silence } from '../schemas/silence.ts'
import type { LiveFeed } from './live/feed.ts'
import type { Snapshot } from './state/snapshot.ts'

export type ForecastReader = {
  /** Champion forecasts of the newest issues of every station (at most `issues` per station and variable). */
  newest(issues: number): Promise<Forecast[]>
  /** Champion forecasts issued at exactly this instant. */
  asIssued(stationId: string, issuedAt: number): Promise<Forecast[]>
  /** Issue times, newest first. */
  issues(stationId: string, range: { from: number; to: number; limit: number }): Promise<IssueSummary[]>
}
type IssueSummary = { issuedAt: number; variables: string[]; modelVersions: string[]; status: string }

type ObservationKey = { stationId: string; observedAt: number; kind: string }
export type ObservationReader = {
  range(stationId: string, range: { from: number; to: number; limit: number }): Promise<CheckedObservation[]>
  latest(stationId: string): Promise<CheckedObservation | null>
  /** Stored observations with these keys (others are absent from the answer). */
  existing(keys: readonly ObservationKey[]): Promise<CheckedObservation[]>
  newestFeature(stationId: string): Promise<Feature | null>
}

export type SkillFilter = {
  stationId?: string | undefined
  variable?: ForecastVariable | undefined
  role: 'champion' | 'challenger' | 'shadow'
  modelVersion?: string | undefined
  from: number
  to: number
}
/** Sums over the verified pairs of one station, variable and lead bucket; ratios are made from sums so that buckets can be added up. */
export type SkillSums = ScoreSums & {
  stationId: string
  variable: ForecastVariable
  bucket: Exclude<LeadBucketName, 'all'>
  n: number
  persistence: PairedSums
  recentredClimatology: PairedSums
}
/** Rows on which the baseline had a value: its absolute error and the forecast's on the same rows. */
export type PairedSums = { n: number; absoluteError: number; forecastAbsoluteError: number }
/** |climatology error| − |forecast error| of a model; `days`: UTC days with verified hours. */
export type Gains = { stationId: string; variable: ForecastVariable; days: number; leads: readonly LeadGain[] }
/**
 * `mean` of the means of blocks of ⌈lead / 24⌉ UTC days, and their sample variance (null for one block): errors at lead L are correlated over
 * about L hours. A block's mean is that of its days' means.
 */
export type LeadGain = { lead: number; blocks: number; mean: number; variance: number | null }
export type SkillReader = {
  /** Where the ledger is, of what `filter` picks: changes with every row that is written to it. */
  position(filter: SkillFilter): Promise<string>
  sums(filter: SkillFilter): Promise<SkillSums[]>
  gains(filter: SkillFilter): Promise<Gains[]>
  /**
   * Observed minus forecast of what champions issued: a row per issue, newest first, its errors at `leadHours` in that order; only issues
   * that verified at all of them. Of the `days` before `issuedAt`, at the same hour of day give or take `hoursApart`.
   */
  pastErrors(
    stationId: string,
    variable: ForecastVariable,
    issues: { issuedAt: number; leadHours: readonly number[]; days: number; hoursApart: number },
  ): Promise<number[][]>
}

type ControlRecord = { controlOffset: number; control: Control }
export type ModelReader = {
  /** Control events of a model, newest first; with `at`, only those in force at or before it. */
  controls(stationId: string, variable: string, options: { at?: number; limit: number }): Promise<ControlRecord[]>
  /** Newest first. */
  lifecycle(filter: {
    stationId?: string | undefined
    variable?: string | undefined
    version?: string | undefined
    runId?: string | undefined
    /** Only what happened at or before it. */
    at?: number | undefined
    limit: number
  }): Promise<Lifecycle[]>
}
export type DriftReader = {
  /** Newest state of every model that ever changed state. */
  current(): Promise<Drift[]>
  /** Newest first. */
  changes(filter: ModelFilter & { eventId?: string | undefined }): Promise<Drift[]>
  retrainRequests(filter: ModelFilter): Promise<RetrainRequest[]>
  /** Daily errors of what champions issued, at the leads of the evidence, oldest first. */
  residuals(
    stationId: string,
    variable: string,
    range: { from: number; to: number; leadFrom: number; leadTo: number },
  ): Promise<DailyResidual[]>
}
type ModelFilter = { stationId?: string | undefined; variable?: string | undefined; limit: number }
/** `error`: mean of forecast minus observed; `standardised`: the same in units of the forecast's own spread. */
type DailyResidual = { dayAt: number; n: number; error: number; absoluteError: number; standardised: number }
export type AlertReader = {
  /** Newest state of each alert, newest first. */
  list(filter: { state?: 'firing' | 'resolved' | undefined; limit: number }): Promise<Alert[]>
  deliveries(alertIds: readonly string[]): Promise<AlertDelivery[]>
}
export type SilenceStore = {
  /** Also those that have ended. */
  list(): Promise<Silence[]>
  /** Also replaces one of the same id. */
  save(silence: Silence): Promise<void>
}
export type AuditReader = { list(filter: { action?: string | undefined; limit: number }): Promise<Audit[]> }

export type IdempotentAnswer = { requestSha256: string; status: number; body: string; storedAt: number }
export type IdempotencyStore = {
  get(key: string): Promise<IdempotentAnswer | null>
  put(key: string, answer: IdempotentAnswer): Promise<void>
}

export type Store = {
  readonly forecasts: ForecastReader
  readonly observations: ObservationReader
  readonly skill: SkillReader
  readonly models: ModelReader
  readonly drift: DriftReader
  readonly alerts: AlertReader
  readonly silences: SilenceStore
  readonly audit: AuditReader
  readonly idempotency: IdempotencyStore
}

/** What a route may use. */
export type RouteDeps = {
  readonly snapshot: Snapshot
  readonly store: Store
  readonly live: LiveFeed
  /** Resolves when the brokers have acknowledged; rejects with a transient AppError when that takes too long. */
  readonly publish: (events: readonly OutboundEvent[]) => Promise<void>
  readonly stages: StageReader
  readonly artefact: (artefact: Artefact) => Promise<Uint8Array>
  /** Event time, epoch ms; 0 on a stream clock that has seen nothing. */
  readonly now: () => number
  /** Event time for judging freshness (state/settled-clock.ts). */
  readonly settledNow: () => number
  readonly wallNow: () => number
  readonly clockMode: 'system' | 'stream'
}

/** Where each processor of the pipeline is. */
export type StageReader = { read(): Promise<StageState[]> }
export type StageState = {
  readonly name: string
  /** Newest event time it has worked up to; null: nothing yet. */
  readonly newestAt: number | null
  /** Event time between the newest of its input and that, s. */
  readonly lagSeconds: number | null
  /** Events of its input it has not committed; null for a stage without input or group. */
  readonly lagEvents: number | null
}
