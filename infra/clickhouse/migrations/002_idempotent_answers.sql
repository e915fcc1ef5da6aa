-- Answers of the HTTP API by Idempotency-Key (hash of caller, address and key). Key: answerKey; of two the later one wins. Kept two days.
CREATE TABLE IF NOT EXISTS idempotent_answer_log
(
    answerKey String, requestSha256 String, status UInt16, body String CODEC(ZSTD(3)), storedAt DateTime64(3, 'UTC')
) ENGINE = ReplacingMergeTree(storedAt) ORDER BY answerKey TTL toDateTime(storedAt) + INTERVAL 2 DAY;
CREATE VIEW IF NOT EXISTS idempotent_answer AS SELECT * FROM idempotent_answer_log FINAL;
