import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { isolatedConfig } from '../testing/fixtures.ts'
import {
  type ClickHouse,
  applyMigrations,
  fromClickHouseInstant,
  nanFromNull,
  openClickHouse,
  toClickHouseInstant,
} from './index.ts'

const config = isolatedConfig()
let ch: ClickHouse
let directory: string
const migrations = () => pathToFileURL(`${directory}/`)

beforeAll(() => {
  ch = openClickHouse(config)
  directory = mkdtempSync(join(tmpdir(), 'isobar-migrations-'))
})
afterAll(async () => {
  await ch.command(`DROP DATABASE IF EXISTS ${config.clickhouseDatabase}`)
  await ch.close()
  rmSync(directory, { recursive: true })
})

it('creates the database, applies migrations in order and is idempotent', async () => {
  writeFileSync(join(directory, '002_second.sql'), 'CREATE VIEW IF NOT EXISTS thing AS SELECT * FROM thing_log FINAL;')
  writeFileSync(
    join(directory, '001_first.sql'),
    `-- a comment; with a semicolon
     CREATE TABLE IF NOT EXISTS thing_log (id UInt64, at DateTime64(3, 'UTC'), note String DEFAULT 'a;b', values Array(Float64), flags Map(String, Array(String)), maybe Nullable(Float64))
     ENGINE = ReplacingMergeTree ORDER BY id;`,
  )
  expect(await applyMigrations(ch, migrations())).toEqual({ applied: ['001_first.sql', '002_second.sql'], alreadyApplied: [] })
  expect(await applyMigrations(ch, migrations())).toEqual({ applied: [], alreadyApplied: ['001_first.sql', '002_second.sql'] })
})

it('refuses a migration that was edited after it was applied', async () => {
  writeFileSync(join(directory, '002_second.sql'), 'SELECT 1')
  await expect(applyMigrations(ch, migrations())).rejects.toMatchObject({ code: 'migration-changed', retry: 'permanent' })
})

it('keeps instants, NaN, null, maps and 64-bit integers over a round trip', async () => {
  const at = Date.UTC(2013, 6, 4, 5, 6, 7, 89)
  await ch.insert('thing_log', [
    {
      id: 9_007_199_254_740_991,
      at: toClickHouseInstant(at),
      note: `quote ' and "`,
      values: [1.5, Number.NaN, -0.1],
      flags: { a: ['b', 'c'] },
      maybe: null,
    },
    { id: 2, at: toClickHouseInstant(0), note: 'é', values: [], flags: {}, maybe: 0.25 },
  ])
  const rows = await ch.query<{
    id: number
    at: string
    note: string
    values: Array<number | null>
    flags: unknown
    maybe: number | null
  }>('SELECT * FROM thing WHERE at >= {from:DateTime64(3)} ORDER BY id DESC', { from: toClickHouseInstant(0) })
  const [big, small] = rows
  expect(rows).toHaveLength(2)
  expect(big?.id).toBe(9_007_199_254_740_991)
  expect(fromClickHouseInstant(big?.at ?? '')).toBe(at)
  expect(big?.note).toBe(`quote ' and "`)
  expect(nanFromNull(big?.values ?? [])).toEqual([1.5, Number.NaN, -0.1])
  expect(big?.flags).toEqual({ a: ['b', 'c'] })
  expect(big?.maybe).toBeNull()
  expect(small?.maybe).toBe(0.25)
})

it('streams a large result in chunks', async () => {
  let rows = 0
  let chunks = 0
  for await (const chunk of ch.stream<{ number: number }>('SELECT number FROM numbers(200000)')) {
    rows += chunk.length
    chunks += 1
  }
  expect(rows).toBe(200_000)
  expect(chunks).toBeGreaterThan(1)
})

it('calls wrong data and wrong SQL permanent, a missing table and a missing server transient', async () => {
  await expect(ch.insert('thing_log', [{ id: 'not a number' }])).rejects.toMatchObject({
    retry: 'permanent',
    code: 'clickhouse-rejected',
  })
  await expect(ch.query('SELEC 1')).rejects.toMatchObject({ retry: 'permanent', code: 'clickhouse-rejected' })
  await expect(ch.insert('no_such_table', [{ id: 1 }])).rejects.toMatchObject({ retry: 'transient' })
  const nowhere = openClickHouse({ ...config, clickhouseUrl: 'http://127.0.0.1:9' })
  await expect(nowhere.query('SELECT 1')).rejects.toMatchObject({ retry: 'transient', code: 'clickhouse-unreachable' })
  await expect(nowhere.ping()).rejects.toMatchObject({ retry: 'transient' })
  await nowhere.close()
})

it('refuses rows whose columns differ instead of dropping a value', async () => {
  await expect(ch.insert('thing_log', [{ id: 1 }, { id: 2, note: 'lost?' }])).rejects.toMatchObject({ code: 'clickhouse-misuse' })
})
