-- How a forecast's intervals were stretched, and what its verification was made with (engines, keys and replay as in 001). Older rows: nothing.
ALTER TABLE forecast_log ADD COLUMN IF NOT EXISTS logFactors Array(Float32) CODEC(ZSTD(3)) AFTER fallback;
ALTER TABLE verification_log ADD COLUMN IF NOT EXISTS fallback Nullable(String) AFTER knownAt;
-- A view keeps the columns that its table had when it was made.
DROP VIEW IF EXISTS forecast;
CREATE VIEW IF NOT EXISTS forecast AS SELECT * FROM forecast_log FINAL;
DROP VIEW IF EXISTS verification;
CREATE VIEW IF NOT EXISTS verification AS SELECT * FROM verification_log FINAL;
