import { expect, it } from 'vitest'
import { toClickHouseInstant } from './instants.ts'
import { createTableSink, createTablesSink } from './sink.ts'

const inserted: string[] = []
const ch = { insert: async (table: string) => void inserted.push(table) }
const toRow = (at: number) => ({ at: toClickHouseInstant(at) })

it.each([
  ['one table', createTableSink(ch, 'audit_log', toRow)],
  ['several tables', createTablesSink(ch, (at: number) => ({ table: 'audit_log', row: toRow(at) }))],
])('refuses for good what cannot be made into a row, and writes nothing of it: %s', async (_, sink) => {
  await expect(sink.write([0, 9e15])).rejects.toMatchObject({ code: 'row-invalid', retry: 'permanent' })
  expect(inserted).toEqual([])
})
