import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it, vi } from 'vitest'
import { AppError } from '../errors.ts'
import { coalesce } from './coalesce.ts'

function recorder(fail: (rows: readonly string[]) => AppError | null = () => null) {
  const writes: string[][] = []
  const sink = {
    async write(rows: readonly string[]) {
      const error = fail(rows)
      if (error) throw error
      writes.push([...rows])
    },
  }
  return { writes, sink }
}
const broken = (retry: 'transient' | 'permanent') => new AppError('refused', { code: 'refused', retry })

describe('coalesce', () => {
  it('writes what several callers bring within the window in one go, in their order', async () => {
    const { writes, sink } = recorder()
    const together = coalesce(sink, { windowMs: 5, maxRows: 100 })
    await Promise.all([together.write(['a', 'b']), together.write(['c'])])
    expect(writes).toEqual([['a', 'b', 'c']])
  })

  it('does not wait once enough rows are there', async () => {
    const { writes, sink } = recorder()
    const together = coalesce(sink, { windowMs: 60_000, maxRows: 3 })
    await Promise.all([together.write(['a']), together.write(['b', 'c'])])
    expect(writes).toEqual([['a', 'b', 'c']])
  })

  it('tells every caller of a transient failure', async () => {
    const { sink } = recorder(() => broken('transient'))
    const together = coalesce(sink, { windowMs: 1, maxRows: 100 })
    const results = await Promise.allSettled([together.write(['a']), together.write(['b'])])
    expect(results.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
  })

  it('refuses only the caller whose row is refused for good', async () => {
    const { writes, sink } = recorder((rows) => (rows.includes('bad') ? broken('permanent') : null))
    const together = coalesce(sink, { windowMs: 1, maxRows: 100 })
    const results = await Promise.allSettled([together.write(['a']), together.write(['bad']), together.write(['c'])])
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
    expect(writes).toEqual([['a'], ['c']])
  })
  it('has one insert under way at a time, in order, and gathers meanwhile', async () => {
    const inserts: Array<{ rows: readonly string[]; done: () => void }> = []
    const together = coalesce<string>(
      { write: (rows) => new Promise((done) => void inserts.push({ rows, done })) },
      { windowMs: 1, maxRows: 3 },
    )
    const rowsInserted = () => inserts.map(({ rows }) => rows)
    const first = together.write(['a'])
    await vi.waitFor(() => expect(rowsInserted()).toEqual([['a']]))
    const others = [together.write(['b']), together.write(['c', 'd', 'e'])]
    await sleep(20)
    expect(rowsInserted()).toEqual([['a']])
    inserts[0]?.done()
    await first
    await vi.waitFor(() => expect(rowsInserted()).toEqual([['a'], ['b', 'c', 'd', 'e']]))
    inserts[1]?.done()
    await Promise.all(others)
    const last = together.write(['f'])
    await vi.waitFor(() => expect(rowsInserted()).toEqual([['a'], ['b', 'c', 'd', 'e'], ['f']]))
    inserts[2]?.done()
    await last
  })
})
