/** What the REST API and the live stream answer, as far as this page reads it. Instants are ISO 8601 strings. */
import type { ForecastVariable, Quantity } from '../../../schemas/quantities.ts'

export type Iso = string
export type Freshness = 'fresh' | 'stale' | 'degraded'

/** `GET /v1/stations` → `{ stations: Station[] }`. */
export type Station = {
  stationId: string
  name: string
  latitude: number
  longitude: number
  elevationM: number | null
  timezone: string
  provider: string
  kind: string
}

/** `GET /v1/stations/{id}/observations` → `{ observations: CheckedObservation[] }`, and live `observation-checked`. */
export type CheckedObservation = { stationId: string; observedAt: Iso; receivedAt: Iso; source: string; kind: string } & {
  [Q in Quantity]?: number | null
} & { flags?: { [Q in Quantity]?: string } }

/** Hourly quantiles: level as text ("0.1") to one value per hour. A probability is a plain array. */
export type HourlyQuantiles = Record<string, Array<number | null>>

/** `GET /v1/stations/{id}/forecast`. */
export type ForecastBody = {
  station: Station
  issuedAt: Iso
  status: Freshness
  statusReason: string | null
  fallback: string | null
  featureKnownAt: Iso
  model: { id: string; version: string; sha256: string }
  models?: Record<string, { id: string; version: string; sha256: string }>
  units: Record<string, string>
  hourly: { time: Iso[] } & { [variable: string]: Iso[] | number[] | HourlyQuantiles | undefined }
  attribution: string[]
}

/** Live `forecast`; the arrays may be left out of the stream, then the page fetches the forecast. */
export type LiveForecast = {
  forecastId: string
  stationId: string
  variable: ForecastVariable
  issuedAt: Iso
  leadHours?: number[]
  quantiles?: number[][]
  modelVersion: string
  role: string
  status: Freshness
  statusReason: string | null
  fallback: string | null
  featureKnownAt: Iso
}

export type PipelineStage = {
  name: string
  /** Newest event time seen at this stage. */
  newestAt: Iso | null
  ageSeconds: number | null
  /** Event-time distance behind the stage before it, s. */
  lagSeconds: number | null
  status?: string
  reason?: string | null
}

/** `GET /v1/pipeline`. Lag, verdict and clock mode are used when given, and derived when not. */
export type PipelineAnswer = {
  now: Iso
  clock?: 'system' | 'stream'
  stages: Array<{
    name: string
    newestAt: Iso | null
    ageSeconds: number | null
    lagSeconds?: number | null
    status?: string
    reason?: string | null
  }>
}
export type Pipeline = { now: Iso; clock: 'system' | 'stream' | null; stages: PipelineStage[] }

/** One row of `GET /v1/skill` → `{ skill: SkillAnswerRow[] }`, there with `skillOverRecentredClimatology`. Skills are 1 − score / reference score, so 0.2 is 20 % better. */
export type SkillRow = {
  stationId: string
  variable: ForecastVariable
  role?: string
  leadBucket: string
  n: number
  mae: number
  bias: number
  crps: number
  coverage80: number
  coverage95: number
  persistenceMae: number | null
  recentredClimatologyMae: number | null
  skillOverPersistence: number | null
  skillOverClimatology: number | null
}

/** `GET /v1/skill` → `headlines`: every lead up to this one beats recentred climatology for sure. */
export type Headline = { stationId: string; variable: ForecastVariable; usefulToHours: number; days: number }
export type SkillAnswer = { skill: SkillAnswerRow[]; headlines: Headline[] }

export type SkillAnswerRow = Omit<SkillRow, 'skillOverClimatology'> & { skillOverRecentredClimatology: number | null }

/** One row of `GET /v1/models` → `{ models: ModelRow[] }`. */
export type ModelRow = {
  stationId: string
  variable: ForecastVariable
  champion: { version: string; family?: string; since: Iso } | null
  previous: { version: string } | null
  changedAt: Iso | null
  changedBy: string | null
  reason: string | null
}

/** One row of `GET /v1/models/{stationId}/{variable}/history` → `{ events: ModelEvent[] }`, and live `lifecycle`. */
export type ModelEvent = {
  eventId: string
  stationId: string
  variable: ForecastVariable
  version: string
  event: string
  at: Iso
  family?: string | null
  reasons?: string[]
  requestReason?: string
  actor?: string
  causedBy?: string | null
}

/** `GET /v1/models/{stationId}/{variable}/history?at=`: who was champion then. */
export type ChampionAnswer = {
  champion: { version: string; changedAt: Iso; changedBy: string; reason: string } | null
}

/** `GET /v1/drift` → `{ drift: DriftEvent[] }`, newest state first; live `drift`. */
export type DriftEvent = {
  eventId: string
  stationId: string
  variable: ForecastVariable
  state: string
  previousState?: string
  at: Iso
  cause: string
  statistic: number
  threshold: number
  leadBucket: string
  explanation: string
  estimatedOffset?: number | null
  changePointAt?: Iso | null
  /** Half width of the 95 % interval of the step. */
  offsetMargin?: number | null
}

/** `GET /v1/drift` → `{ states: DriftState[], drift: DriftEvent[] }`. */
export type DriftState = {
  stationId: string
  variable: ForecastVariable
  state: string
  at: Iso | null
  explanation: string
  cause?: string
  eventId?: string
  /** Address of the evidence. */
  evidence?: string
}
export type DriftAnswer = { states: DriftState[]; drift: DriftEvent[] }

/** `GET /v1/drift/evidence?eventId`. */
export type DriftEvidence = {
  drift: DriftEvent & {
    detector: string
    evidenceFrom: Iso
    evidenceTo: Iso
    changePointAt: Iso | null
    changePointFrom?: Iso | null
    changePointTo?: Iso | null
  }
  leads: { from: number; to: number }
  before: EvidenceMean
  after: EvidenceMean
  days: Array<{ day: string; n: number; error: number; absoluteError: number; standardised: number | null }>
}
export type EvidenceMean = { n: number; error: number | null; absoluteError: number | null; standardised: number | null }

/** One row of `GET /v1/runs` → `{ runs: Run[] }`. */
export type Run = {
  runId: string
  stationId: string
  variable: ForecastVariable
  version: string
  state: string
  at: Iso
  family: string
  requestReason: string
  causedBy: string | null
  reasons: string[]
  rows: number
  fitSeconds: number
  /** Address of the gate's report; null while there is none. */
  evaluation: string | null
}

/** `GET /v1/runs/{runId}` → `{ run }`: other families beside the one that was trained; null while the run is not evaluated. */
export type RunInFull = {
  run: {
    comparison: {
      notComparedBecause: string | null
      firstOriginAt: Iso | null
      lastOriginAt: Iso | null
      origins: number
      families: Array<{ family: string; refused: string | null; metrics: Scores[] }>
    } | null
  }
}

/** `GET /v1/runs/{runId}/evaluation`: what the gate decided on, in words and numbers. */
export type GateReport = {
  kind?: string
  decision: string
  reasons: string[]
  hours: number
  rows: number
  champion?: string
  challenger?: string
  text?: string[]
  metrics?: Scores[]
}
export type Scores = { model: string; leadBucket: string; n: number; mae: number; bias: number; crps: number; coverage80: number }

/** `GET /v1/replicas`: every replica's newest report per model, and what each model should be. */
export type ReplicasAnswer = {
  replicas: string[]
  models: Array<{ stationId: string; variable: ForecastVariable; version: string }>
  statuses: Array<ReplicaModel & { replicaId: string }>
}
export type Replicas = { converged: number; expected: number; replicas: Array<{ replicaId: string; models: ReplicaModel[] }> }
export type ReplicaModel = {
  stationId: string
  variable: ForecastVariable
  version: string
  servingVersion: string | null
  state: string
  error: string | null
  since: Iso
  controlOffset: number
  swapMilliseconds: number | null
}

/** `GET /v1/alerts` → `{ alerts: Alert[] }`; live `alert`. */
export type Alert = {
  alertId: string
  sequence: number
  rule: string
  labels: Record<string, string>
  severity: string
  state: string
  startsAt: Iso
  endsAt: Iso | null
  annotations: Record<string, string>
  links?: Record<string, string>
  deliveries?: Delivery[]
}

export type Delivery = {
  alertId: string
  sequence: number
  channel: string
  attempt: number
  state: string
  detail: string | null
  at: Iso
  messageId?: string
}

/** RFC 9457. */
export type Problem = { type?: string; title?: string; detail?: string; status?: number; code?: string }
