-- The 95 % interval of a change point and of its step, in drift_log (engine, key and replay as in 001). Older rows have none.
ALTER TABLE drift_log
    ADD COLUMN IF NOT EXISTS changePointFrom Nullable(DateTime64(3, 'UTC')) AFTER estimatedOffset,
    ADD COLUMN IF NOT EXISTS changePointTo Nullable(DateTime64(3, 'UTC')) AFTER changePointFrom,
    ADD COLUMN IF NOT EXISTS offsetMargin Nullable(Float64) AFTER changePointTo;
-- A view keeps the columns that its table had when it was made.
DROP VIEW IF EXISTS drift;
CREATE VIEW IF NOT EXISTS drift AS SELECT * FROM drift_log FINAL;
