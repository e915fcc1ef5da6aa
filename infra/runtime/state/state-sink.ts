import { createTableSink, type ClickHouse } from '../clickhouse/index.ts'
import type { Sink } from '../kafka/types.ts'
import type { Memory } from './memory.ts'
import type { StateRow } from './processor-state.ts'

/** Writes state rows to `processor_state` and tells the memory what is stored. */
export function createStateSink(clickhouse: Pick<ClickHouse, 'insert'>, memory: Pick<Memory, 'markStored'>): Sink<StateRow> {
  const table = createTableSink(clickhouse, 'processor_state_log', (row: StateRow) => row)
  return {
    async write(rows) {
      await table.write(rows)
      memory.markStored(rows)
    },
  }
}
