-- Tables of Isobar. Conventions:
--  * ReplacingMergeTree(version) ordered by a deterministic key: writing the same fact twice leaves one row;
--  * read only through the view of the same name without the suffix (`… FINAL`); the table itself is called <name>_log;
--  * kafkaPartition/kafkaOffset say which message made the row (archive progress, audit).
--  * no materialised views: replays would count twice.

-- Stations. Key: stationId. Replay: the newest description wins.
CREATE TABLE IF NOT EXISTS station_log
(
    stationId String, name String, latitude Float64, longitude Float64, elevationM Nullable(Float64), timezone String,
    provider String, providerStationId String, kind String, validFrom DateTime64(3, 'UTC'),
    kafkaPartition UInt16, kafkaOffset UInt64
) ENGINE = ReplacingMergeTree(kafkaOffset) ORDER BY stationId;
CREATE VIEW IF NOT EXISTS station AS SELECT * FROM station_log FINAL;

-- Checked observations. Key: station, instant, source kind. Replay: same message, same offset, same row; a correction has a later offset.
CREATE TABLE IF NOT EXISTS observation_log
(
    stationId LowCardinality(String), observedAt DateTime64(3, 'UTC'), receivedAt DateTime64(3, 'UTC'), source LowCardinality(String),
    kind LowCardinality(String), revision UInt32,
    temperatureC Nullable(Float64), dewPointC Nullable(Float64), relativeHumidityPct Nullable(Float64), pressureHpa Nullable(Float64),
    stationPressureHpa Nullable(Float64), windSpeedMps Nullable(Float64), windGustMps Nullable(Float64), windDirectionDeg Nullable(Float64),
    precipitationMm Nullable(Float64), cloudCoverPct Nullable(Float64), visibilityM Nullable(Float64), solarWm2 Nullable(Float64), snowDepthCm Nullable(Float64),
    flags Map(LowCardinality(String), LowCardinality(String)), rules Map(LowCardinality(String), Array(LowCardinality(String))), qcVersion LowCardinality(String),
    kafkaPartition UInt16, kafkaOffset UInt64
) ENGINE = ReplacingMergeTree(kafkaOffset) PARTITION BY toYear(observedAt) ORDER BY (stationId, observedAt, kind);
CREATE VIEW IF NOT EXISTS observation AS SELECT * FROM observation_log FINAL;

-- Hourly grid: the state of the features processor and the only place it restores from. Written by features before its offset commits.
-- Key: station, hour. values: columns of the hourly grid (forecasting/features), NaN = not observed or not good.
CREATE TABLE IF NOT EXISTS station_hour_log
(
    stationId LowCardinality(String), validAt DateTime64(3, 'UTC'), knownAt DateTime64(3, 'UTC'), observedAt DateTime64(3, 'UTC'),
    source LowCardinality(String), values Array(Float64), version UInt64
) ENGINE = ReplacingMergeTree(version) PARTITION BY toYear(validAt) ORDER BY (stationId, validAt);
CREATE VIEW IF NOT EXISTS station_hour AS SELECT * FROM station_hour_log FINAL;

-- Features, bitemporal. Key: station, hour, feature set, knownAt: every known version of an hour is kept; `feature` shows the newest.
CREATE TABLE IF NOT EXISTS feature_log
(
    stationId LowCardinality(String), validAt DateTime64(3, 'UTC'), knownAt DateTime64(3, 'UTC'), featureSet LowCardinality(String),
    values Array(Float32), cause LowCardinality(String), version UInt64
) ENGINE = ReplacingMergeTree(version) PARTITION BY toYear(validAt) ORDER BY (stationId, featureSet, validAt, knownAt);
CREATE VIEW IF NOT EXISTS feature_version AS SELECT * FROM feature_log FINAL;
CREATE VIEW IF NOT EXISTS feature AS
    SELECT * FROM feature_log FINAL ORDER BY stationId, featureSet, validAt, knownAt DESC, version DESC LIMIT 1 BY stationId, featureSet, validAt;

-- Forecasts as issued. Key: station, variable, issue, model version, role. quantiles: lead-major, 7 per lead.
CREATE TABLE IF NOT EXISTS forecast_log
(
    forecastId String, stationId LowCardinality(String), variable LowCardinality(String), issuedAt DateTime64(3, 'UTC'),
    leadHours Array(UInt16), quantiles Array(Float32) CODEC(ZSTD(3)), persistence Array(Float32) CODEC(ZSTD(3)), recentredClimatology Array(Float32) CODEC(ZSTD(3)),
    modelId LowCardinality(String), modelVersion LowCardinality(String), modelSha256 LowCardinality(String), role LowCardinality(String), controlOffset Int64,
    featureKnownAt DateTime64(3, 'UTC'), status LowCardinality(String), statusReason Nullable(String), fallback Nullable(String),
    kafkaPartition UInt16, kafkaOffset UInt64
) ENGINE = ReplacingMergeTree(kafkaOffset) PARTITION BY toYYYYMM(issuedAt) ORDER BY (stationId, variable, issuedAt, modelVersion, role);
CREATE VIEW IF NOT EXISTS forecast AS SELECT * FROM forecast_log FINAL;

-- Verification, one row per observed hour, model version and role; arrays over the leads that verified. A later event replaces the row.
CREATE TABLE IF NOT EXISTS verification_log
(
    verificationId String, stationId LowCardinality(String), variable LowCardinality(String), observedAt DateTime64(3, 'UTC'), observed Float64,
    modelVersion LowCardinality(String), role LowCardinality(String), leadHours Array(UInt16), forecastIds Array(String) CODEC(ZSTD(3)),
    error Array(Float32), crps Array(Float32), pit Array(Float32), expectedScale Array(Float32), covered80 Array(Bool), covered95 Array(Bool),
    persistenceError Array(Float32), recentredClimatologyError Array(Float32), knownAt DateTime64(3, 'UTC'),
    kafkaPartition UInt16, kafkaOffset UInt64
) ENGINE = ReplacingMergeTree(kafkaOffset) PARTITION BY toYYYYMM(observedAt) ORDER BY (stationId, variable, observedAt, modelVersion, role);
CREATE VIEW IF NOT EXISTS verification AS SELECT * FROM verification_log FINAL;

-- Drift state changes. Key: eventId.
CREATE TABLE IF NOT EXISTS drift_log
(
    eventId String, stationId LowCardinality(String), variable LowCardinality(String), state LowCardinality(String), previousState LowCardinality(String), at DateTime64(3, 'UTC'),
    detector LowCardinality(String), statistic Float64, threshold Float64, leadBucket LowCardinality(String), evidenceFrom DateTime64(3, 'UTC'), evidenceTo DateTime64(3, 'UTC'),
    cause LowCardinality(String), modelVersion Nullable(String), changePointAt Nullable(DateTime64(3, 'UTC')), estimatedOffset Nullable(Float64), explanation String,
    kafkaPartition UInt16, kafkaOffset UInt64
) ENGINE = ReplacingMergeTree(kafkaOffset) ORDER BY (stationId, variable, at, eventId);
CREATE VIEW IF NOT EXISTS drift AS SELECT * FROM drift_log FINAL;

-- Retrain requests. Key: requestId.
CREATE TABLE IF NOT EXISTS retrain_request_log
(
    requestId String, stationId LowCardinality(String), variable LowCardinality(String), requestedAt DateTime64(3, 'UTC'), reason LowCardinality(String),
    causedBy Nullable(String), requestedBy String, comment Nullable(String), changePointAt Nullable(DateTime64(3, 'UTC')), estimatedOffset Nullable(Float64),
    kafkaPartition UInt16, kafkaOffset UInt64
) ENGINE = ReplacingMergeTree(kafkaOffset) ORDER BY (stationId, variable, requestedAt, requestId);
CREATE VIEW IF NOT EXISTS retrain_request AS SELECT * FROM retrain_request_log FINAL;

-- Model lifecycle, append-only history. Key: eventId. payload: the whole event as JSON.
CREATE TABLE IF NOT EXISTS lifecycle_log
(
    eventId String, runId String, stationId LowCardinality(String), variable LowCardinality(String), version String, event LowCardinality(String), at DateTime64(3, 'UTC'),
    family LowCardinality(String), payload String CODEC(ZSTD(3)), kafkaPartition UInt16, kafkaOffset UInt64
) ENGINE = ReplacingMergeTree(kafkaOffset) ORDER BY (stationId, variable, at, eventId);
CREATE VIEW IF NOT EXISTS lifecycle AS SELECT * FROM lifecycle_log FINAL;

-- Every control event ever (the topic is compacted, this is not): who was champion at T and why. Key: topic offset.
CREATE TABLE IF NOT EXISTS control_log
(
    controlOffset UInt64, eventId String, stationId LowCardinality(String), variable LowCardinality(String), championVersion String, previousVersion Nullable(String),
    changedAt DateTime64(3, 'UTC'), changedBy String, reason String, causedBy Nullable(String), payload String CODEC(ZSTD(3)),
    kafkaPartition UInt16, kafkaOffset UInt64
) ENGINE = ReplacingMergeTree(kafkaOffset) ORDER BY (stationId, variable, controlOffset);
CREATE VIEW IF NOT EXISTS control AS SELECT * FROM control_log FINAL;

-- Alerts, every state change. Key: alertId, sequence.
CREATE TABLE IF NOT EXISTS alert_log
(
    alertId String, sequence UInt64, rule LowCardinality(String), labels Map(String, String), severity LowCardinality(String), state LowCardinality(String),
    startsAt DateTime64(3, 'UTC'), endsAt Nullable(DateTime64(3, 'UTC')), annotations Map(String, String), links Map(String, String), causedBy Nullable(String),
    kafkaPartition UInt16, kafkaOffset UInt64
) ENGINE = ReplacingMergeTree(kafkaOffset) ORDER BY (alertId, sequence);
CREATE VIEW IF NOT EXISTS alert AS SELECT * FROM alert_log FINAL;

-- Delivery attempts. Key: message, channel, attempt, state.
CREATE TABLE IF NOT EXISTS alert_delivery_log
(
    alertId String, sequence UInt64, channel LowCardinality(String), attempt UInt16, state LowCardinality(String), detail Nullable(String), at DateTime64(3, 'UTC'), messageId String,
    kafkaPartition UInt16, kafkaOffset UInt64
) ENGINE = ReplacingMergeTree(kafkaOffset) ORDER BY (alertId, sequence, channel, messageId, attempt, state);
CREATE VIEW IF NOT EXISTS alert_delivery AS SELECT * FROM alert_delivery_log FINAL;

-- Operator actions. Key: auditId.
CREATE TABLE IF NOT EXISTS audit_log
(
    auditId String, actor String, action LowCardinality(String), subject String, reason Nullable(String), at DateTime64(3, 'UTC'), details Map(String, String), outcome LowCardinality(String),
    kafkaPartition UInt16, kafkaOffset UInt64
) ENGINE = ReplacingMergeTree(kafkaOffset) ORDER BY auditId;
CREATE VIEW IF NOT EXISTS audit AS SELECT * FROM audit_log FINAL;

-- Replica status, newest per replica and model. Key: replica, model.
CREATE TABLE IF NOT EXISTS replica_status_log
(
    replicaId LowCardinality(String), stationId LowCardinality(String), variable LowCardinality(String), version String, servingVersion Nullable(String),
    state LowCardinality(String), error Nullable(String), since DateTime64(3, 'UTC'), controlOffset Int64, swapMilliseconds Nullable(Float64),
    kafkaPartition UInt16, kafkaOffset UInt64
) ENGINE = ReplacingMergeTree(kafkaOffset) ORDER BY (replicaId, stationId, variable);
CREATE VIEW IF NOT EXISTS replica_status AS SELECT * FROM replica_status_log FINAL;

-- Small processor states (drift statistics, alert policy, …), written by their owner before its offset commits. Key: processor, state key.
CREATE TABLE IF NOT EXISTS processor_state_log
(
    processor LowCardinality(String), stateKey String, state String CODEC(ZSTD(3)), version UInt64
) ENGINE = ReplacingMergeTree(version) ORDER BY (processor, stateKey);
CREATE VIEW IF NOT EXISTS processor_state AS SELECT * FROM processor_state_log FINAL;

-- API keys: only the SHA-256 of the key is kept. Key: keyId.
CREATE TABLE IF NOT EXISTS api_key_log
(
    keyId String, name String, keySha256 String, scopes Array(LowCardinality(String)), createdAt DateTime64(3, 'UTC'), revokedAt Nullable(DateTime64(3, 'UTC')), version UInt64
) ENGINE = ReplacingMergeTree(version) ORDER BY keyId;
CREATE VIEW IF NOT EXISTS api_key AS SELECT * FROM api_key_log FINAL;
