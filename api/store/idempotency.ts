/** Answers kept by Idempotency-Key, so that a repeated request gets the same answer from any instance of the API. */
import { type ClickHouse, fromClickHouseInstant, toClickHouseInstant } from '../../infra/runtime/clickhouse/index.ts'
import type { IdempotencyStore } from '../ports.ts'

export function createIdempotencyStore(clickhouse: Pick<ClickHouse, 'query' | 'insert'>): IdempotencyStore {
  return {
    async get(key) {
      const [row] = await clickhouse.query<{ requestSha256: string; status: number; body: string; storedAt: string }>(
        'SELECT requestSha256, status, body, storedAt FROM idempotent_answer WHERE answerKey = {key:String} LIMIT 1',
        { key },
      )
      return row === undefined ? null : { ...row, storedAt: fromClickHouseInstant(row.storedAt) }
    },
    async put(key, { requestSha256, status, body, storedAt }) {
      await clickhouse.insert('idempotent_answer_log', [
        { answerKey: key, requestSha256, status, body, storedAt: toClickHouseInstant(storedAt) },
      ])
    },
  }
}
