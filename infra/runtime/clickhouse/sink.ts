/**
 * Sinks into replacing tables. `write` resolves when the server has written all rows. After a failure some chunks may be in: the
 * caller writes the same rows again and ReplacingMergeTree keeps one of each key, so partial failure and redelivery change no query.
 */
import type { Sink } from '../kafka/types.ts'
import { AppError, messageOf } from '../errors.ts'
import type { ClickHouse } from './client.ts'

export type TableSinkOptions = {
  /** Rows in one insert at most. 10,000 measured best on JSON formats; wide rows want fewer. */
  readonly maxRows?: number
}

const MAX_ROWS = 10_000

type ClickHouseRow = Readonly<Record<string, unknown>>

/** Rows of one table. `toRow` gives an object with the table's columns, every row with the same ones. */
export function createTableSink<Row>(
  ch: Pick<ClickHouse, 'insert'>,
  table: string,
  toRow: (row: Row) => ClickHouseRow,
  options: TableSinkOptions = {},
): Sink<Row> {
  const maxRows = options.maxRows ?? MAX_ROWS
  return {
    async write(rows) {
      for (let from = 0; from < rows.length; from += maxRows) {
        const chunk: ClickHouseRow[] = []
        const end = Math.min(from + maxRows, rows.length)
        for (let i = from; i < end; i++) chunk.push(makeRow(rows[i] as Row, toRow))
        await ch.insert(table, chunk)
      }
    },
  }
}

/** A row that cannot be made is the event's fault, and always will be: it must not end the process again and again. */
function makeRow<Row, Made>(row: Row, make: (row: Row) => Made): Made {
  try {
    return make(row)
  } catch (error) {
    throw new AppError(`a row cannot be made: ${messageOf(error)}`, { code: 'row-invalid', retry: 'permanent', cause: error })
  }
}

export type TableRow = { readonly table: string; readonly row: ClickHouseRow }

/** Rows of several tables in one sink: grouped by table, tables side by side, each in the order given. */
export function createBatchedWriter(ch: Pick<ClickHouse, 'insert'>, options: TableSinkOptions = {}): Sink<TableRow> {
  return createTablesSink(ch, (row: TableRow) => row, options)
}

/** The same for what is yet to be made into rows. */
export function createTablesSink<Row>(
  ch: Pick<ClickHouse, 'insert'>,
  toTableRow: (row: Row) => TableRow,
  options: TableSinkOptions = {},
): Sink<Row> {
  return {
    async write(rows) {
      const byTable = Map.groupBy(
        rows.map((row) => makeRow(row, toTableRow)),
        ({ table }) => table,
      )
      const writes = [...byTable].map(([table, group]) =>
        createTableSink(ch, table, ({ row }: TableRow) => row, options).write(group),
      )
      const failed = (await Promise.allSettled(writes)).find((result) => result.status === 'rejected')
      if (failed) throw failed.reason
    },
  }
}
