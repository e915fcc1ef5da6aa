/**
 * How far a producer has come, in ClickHouse `processor_state`, so that it lives, and is reset, with everything it led to.
 * Saved after the brokers acknowledged: a crash in between publishes the same events again, which changes nothing.
 */
import type { ClickHouse } from '../../infra/runtime/clickhouse/index.ts'

export type Progress = {
  /** Epoch ms up to which everything under `key` was published; null: nothing yet. */
  load(key: string): Promise<number | null>
  save(key: string, through: number): Promise<void>
}

export function createProgress(clickhouse: Pick<ClickHouse, 'query' | 'insert'>, processor: string): Progress {
  const known = new Map<string, number>()
  return {
    async load(key) {
      const cached = known.get(key)
      if (cached !== undefined) return cached
      const rows = await clickhouse.query<{ state: string }>(
        'SELECT state FROM processor_state WHERE processor = {processor:String} AND stateKey = {key:String}',
        { processor, key },
      )
      const row = rows[0]
      if (row === undefined) return null
      const through = (JSON.parse(row.state) as { publishedThrough: number }).publishedThrough
      known.set(key, through)
      return through
    },
    async save(key, through) {
      if (through === known.get(key)) return
      // The furthest progress is the newest version: saving it twice leaves one row, and nothing moves it back.
      await clickhouse.insert('processor_state_log', [
        { processor, stateKey: key, state: JSON.stringify({ publishedThrough: through }), version: through },
      ])
      known.set(key, through)
    },
  }
}
