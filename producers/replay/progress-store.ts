/** Progress of a replay in ClickHouse `processor_state`, so that it lives and is reset with everything it led to. */
import type { ClickHouse } from '../../infra/runtime/clickhouse/index.ts'
import type { ProgressStore } from './replay.ts'

/** `key` names the series: another file starts from its own beginning. */
export function createProgressStore(clickhouse: Pick<ClickHouse, 'query' | 'insert'>, key: string): ProgressStore {
  return {
    async load() {
      const rows = await clickhouse.query<{ state: string }>(
        `SELECT state FROM processor_state WHERE processor = 'replay' AND stateKey = {key:String}`,
        { key },
      )
      const row = rows[0]
      return row === undefined ? null : (JSON.parse(row.state) as { publishedThrough: number }).publishedThrough
    },
    async save(publishedThrough) {
      // The newest hour is the newest version: saving the same progress twice leaves one row.
      await clickhouse.insert('processor_state_log', [
        { processor: 'replay', stateKey: key, state: JSON.stringify({ publishedThrough }), version: publishedThrough },
      ])
    },
  }
}
