import type { ChildProcess } from 'node:child_process'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { ClickHouseClient } from '@clickhouse/client'
import { ClickHouseError, createClient } from '@clickhouse/client'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

type Gateway = { child: ChildProcess; url: string; pid: number }

const MAIN = fileURLToPath(new URL('main.ts', import.meta.url))

function launch(dir: string, extra: string[] = []): ChildProcess {
  return spawn(process.execPath, [MAIN, '--path', dir, '--port', '0', ...extra], { stdio: ['ignore', 'pipe', 'pipe'] })
}

async function startGateway(dir: string, extra: string[] = []): Promise<Gateway> {
  const child = launch(dir, extra)
  let output = ''
  child.stderr?.on('data', (chunk: Buffer) => (output += chunk.toString()))
  return new Promise((resolve, reject) => {
    child.once('exit', (code) => reject(new Error(`The gateway exited with ${code}: ${output}`)))
    child.stdout?.on('data', (chunk: Buffer) => {
      const url = /http:\S+/.exec(chunk.toString())?.[0]
      if (url !== undefined && child.pid !== undefined) resolve({ child, url, pid: child.pid })
    })
  })
}

async function endGateway(gateway: Gateway, signal: NodeJS.Signals): Promise<number | null> {
  const exited = once(gateway.child, 'exit')
  gateway.child.kill(signal)
  const [code] = (await exited) as [number | null]
  return code
}

async function waitFor(condition: () => Promise<boolean>, timeoutMs = 60_000): Promise<void> {
  const deadline = performance.now() + timeoutMs
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error('The condition was not met in time.')
    await sleep(25)
  }
}

async function rowsOf<T>(client: ClickHouseClient, query: string, query_params: Record<string, unknown> = {}): Promise<T[]> {
  return (await client.query({ query, query_params, format: 'JSONEachRow' })).json<T>()
}

async function errorOf(work: Promise<unknown>): Promise<ClickHouseError> {
  const error = await work.then(
    () => undefined,
    (cause: unknown) => cause,
  )
  if (!(error instanceof ClickHouseError)) throw new Error(`Expected a ClickHouseError, got ${String(error)}`)
  return error
}

function residentBytes(pid: number): number {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) * 1024
}

describe('clickhouse gateway', () => {
  const dir = mkdtempSync(path.join(tmpdir(), 'gateway-'))
  let gateway: Gateway
  let client: ClickHouseClient

  beforeAll(async () => {
    gateway = await startGateway(dir, ['--max-body-mb', '8'])
    client = createClient({ url: gateway.url, compression: { request: true, response: true } })
  })

  afterAll(async () => {
    await client.close()
    expect(await endGateway(gateway, 'SIGTERM')).toBe(0)
    rmSync(dir, { recursive: true, force: true })
  })

  const post = (sql: string, search = '', headers: Record<string, string> = {}) =>
    fetch(`${gateway.url}/?${search}`, { method: 'POST', body: sql, headers })

  it('answers a ping', async () => {
    expect((await client.ping()).success).toBe(true)
    expect(await (await fetch(`${gateway.url}/ping`)).text()).toBe('Ok.\n')
  })

  it('replaces rows by version behind a FINAL view', async () => {
    await client.command({
      query: 'CREATE TABLE replaced (id UInt32, value String, version UInt64) ENGINE = ReplacingMergeTree(version) ORDER BY id',
    })
    await client.command({ query: 'CREATE VIEW replaced_now AS SELECT * FROM replaced FINAL' })
    for (const version of [2, 3, 1]) {
      await client.insert({ table: 'replaced', values: [{ id: 1, value: `v${version}`, version }], format: 'JSONEachRow' })
    }
    expect(await rowsOf(client, 'SELECT id, value FROM replaced_now')).toEqual([{ id: 1, value: 'v3' }])
  })

  it('inserts 10,000 rows and says how many it wrote', async () => {
    await client.command({ query: 'CREATE TABLE many (a UInt32, s String) ENGINE = MergeTree ORDER BY a' })
    const values = Array.from({ length: 10_000 }, (_, a) => ({ a, s: `row ${a}` }))
    const result = await client.insert({ table: 'many', values, format: 'JSONEachRow' })
    expect(result.summary?.written_rows).toBe('10000')
    expect(await rowsOf(client, 'SELECT count() AS n, sum(a) AS total FROM many')).toEqual([{ n: 10_000, total: 49_995_000 }])
  })

  it.each([
    [
      'JSONEachRow',
      '{"a":1,"s":"one;\\n\\nDROP TABLE text_in;"}\n\n\n{"a":2,"s":"{x:String}"}\n',
      ['one;\n\nDROP TABLE text_in;', '{x:String}'],
    ],
    ['JSONCompactEachRow', '[1,"one"]\n[2,"it\'s"]\n', ['one', "it's"]],
    ['TabSeparated', "1\tone;\n2\t'; DROP TABLE text_in --\n", ['one;', "'; DROP TABLE text_in --"]],
    ['CSV', '1,"a\n\nSELECT 1;"\n2,"q""uote"\n', ['a\n\nSELECT 1;', 'q"uote']],
    ['Values', "(1,'a;b'),(2,'c')", ['a;b', 'c']],
  ])('takes %s data with anything in it as data', async (format, data, expected) => {
    await client.command({ query: 'CREATE OR REPLACE TABLE text_in (a UInt32, s String) ENGINE = MergeTree ORDER BY a' })
    const response = await post(data, new URLSearchParams({ query: `INSERT INTO text_in FORMAT ${format}` }).toString())
    expect(response.status, await response.text()).toBe(200)
    expect((await rowsOf<{ s: string }>(client, 'SELECT s FROM text_in ORDER BY a')).map((row) => row.s)).toEqual(expected)
  })

  it('inserts nothing of a batch with a bad row', async () => {
    await client.command({ query: 'CREATE TABLE strict (a UInt32) ENGINE = MergeTree ORDER BY a' })
    const error = await errorOf(client.insert({ table: 'strict', values: [{ a: 1 }, { a: 'x' }], format: 'JSONEachRow' }))
    expect(error.code).toBe('27')
    expect(error.message).not.toContain('spool')
    expect(await rowsOf(client, 'SELECT count() AS n FROM strict')).toEqual([{ n: 0 }])
  })

  it('refuses a body above the limit with 413', async () => {
    const response = await post(
      'x'.repeat(9 * 1024 * 1024),
      new URLSearchParams({ query: 'INSERT INTO many FORMAT TabSeparated' }).toString(),
    )
    expect(response.status).toBe(413)
    expect(response.headers.get('x-clickhouse-exception-code')).toBe('307')
    expect((await client.ping()).success).toBe(true)
  })

  it('binds parameters of every kind', async () => {
    const text = 'it\'s "quoted"\t\n\\ {y:String} -- ; é'
    const at = new Date('2024-03-01T12:34:56.789Z')
    const [row] = await rowsOf<Record<string, unknown>>(
      client,
      `SELECT {s:String} AS s, {n:Int32} AS n, {f:Float64} AS f, {b:Bool} AS b, {none:Nullable(String)} AS none, {some:Nullable(String)} AS some,
        {list:Array(String)} AS list, {nested:Array(Array(Nullable(Int32)))} AS nested, {at:DateTime64(3, 'UTC')} AS at, {day:Date} AS day,
        {map:Map(String, UInt8)} AS map, toTypeName({n:Int32}) AS type, '{s:String}' AS untouched /* {nope:String} */`,
      {
        s: text,
        n: -5,
        f: 1.5,
        b: true,
        none: null,
        some: '\\N',
        list: [text, "b'", ''],
        nested: [[1, null], []],
        at,
        day: '2024-02-29',
        map: { "k'": 1 },
      },
    )
    expect(row).toEqual({
      s: text,
      n: -5,
      f: 1.5,
      b: true,
      none: null,
      some: '\\N',
      list: [text, "b'", ''],
      nested: [[1, null], []],
      at: '2024-03-01 12:34:56.789',
      day: '2024-02-29',
      map: { "k'": 1 },
      type: 'Int32',
      untouched: '{s:String}',
    })
    const query = 'SELECT number FROM {db:Identifier}.{table:Identifier} LIMIT {n:UInt32}'
    expect(await rowsOf(client, query, { db: 'system', table: 'numbers', n: 2 })).toHaveLength(2)
    expect(await rowsOf(client, 'SELECT 1 AS x WHERE 3 IN {ids:Array(UInt32)}', { ids: [1, 2] })).toEqual([])
    expect((await errorOf(rowsOf(client, 'SELECT {gone:String}'))).type).toBe('UNKNOWN_QUERY_PARAMETER')
  })

  it('reports errors as a server does', async () => {
    expect(await errorOf(rowsOf(client, 'SELECT * FROM no_such_table'))).toMatchObject({ code: '60', type: 'UNKNOWN_TABLE' })
    const syntax = await errorOf(client.command({ query: 'SELECT 1 +* 2' }))
    expect(syntax.code).toBe('62')
    expect(syntax.message).toContain('position 13')
    expect(await errorOf(client.command({ query: 'SELECT 1; DROP TABLE many' }))).toMatchObject({ code: '62' })
    const slow = client.query({
      query: 'SELECT sum(sipHash64(number)) FROM numbers(100000000000)',
      clickhouse_settings: { max_execution_time: 1 },
    })
    expect(await errorOf(slow)).toMatchObject({ code: '159', type: 'TIMEOUT_EXCEEDED' })
    expect(await errorOf(client.query({ query: 'SELECT 1', session_id: 's' }))).toMatchObject({ type: 'NOT_IMPLEMENTED' })
    const unknown = client.query({ query: 'SELECT 1', clickhouse_settings: { no_such_setting: 1 } })
    expect(await errorOf(unknown)).toMatchObject({ code: '115' })
    expect(
      (await fetch(`${gateway.url}/?query=${encodeURIComponent('DROP TABLE many')}`)).headers.get('x-clickhouse-exception-code'),
    ).toBe('164')
  })

  it('keeps settings and databases to the query that has them', async () => {
    const setting = "SELECT getSetting('max_block_size') AS n, currentDatabase() AS db"
    const [before] = await rowsOf<{ n: number; db: string }>(client, setting)
    await client.command({ query: 'CREATE DATABASE IF NOT EXISTS other' })
    const other = createClient({ url: gateway.url, database: 'other' })
    for (let round = 0; round < 20; round += 1) {
      const changed = await other.query({
        query: setting,
        format: 'JSONEachRow',
        clickhouse_settings: { max_block_size: String(100 + round) },
      })
      expect(await changed.json()).toEqual([{ n: 100 + round, db: 'other' }])
      await client.command({ query: 'SET max_block_size = 7' })
      expect(await rowsOf(client, setting)).toEqual([before])
    }
    await other.close()
  })

  it('keeps tables of one name in several databases apart, and names a missing database', async () => {
    const clients = ['one', 'two'].map((database) => createClient({ url: gateway.url, database }))
    for (const [index, each] of clients.entries()) {
      await client.command({ query: `CREATE DATABASE ${['one', 'two'][index]}` })
      await each.command({ query: 'CREATE TABLE t (a UInt8) ENGINE = MergeTree ORDER BY a' })
      await each.insert({
        table: 't',
        values: [[index]],
        format: 'JSONCompactEachRow',
        clickhouse_settings: { async_insert: 1, wait_for_async_insert: 1 },
      })
    }
    expect(await Promise.all(clients.map((each) => rowsOf(each, 'SELECT a FROM t')))).toEqual([[{ a: 0 }], [{ a: 1 }]])
    await client.command({ query: 'DROP DATABASE two' })
    expect(await errorOf(rowsOf(clients[1] as ClickHouseClient, 'SELECT 1'))).toMatchObject({
      code: '81',
      type: 'UNKNOWN_DATABASE',
    })
    await Promise.all(clients.map((each) => each.close()))
  })

  it.each(['JSON', 'JSONCompact', 'CSVWithNames', 'TabSeparatedWithNamesAndTypes'] as const)(
    'gives %s as one document',
    async (format) => {
      const text = await (await client.query({ query: 'SELECT number AS n FROM numbers(200000)', format })).text()
      expect(text.match(/"name"|^"?n"?$/gm)).toHaveLength(1)
      expect(text.trim().split('\n').length).toBeGreaterThan(200_000)
    },
  )

  it('streams a large result no faster than it is read, without holding it', async () => {
    const query = "SELECT number AS n, repeat('x', 600) AS s FROM numbers(1000000)"
    await rowsOf(client, 'SELECT 1')
    const before = residentBytes(gateway.pid)
    let peak = before
    let rows = 0
    const plain = createClient({ url: gateway.url })
    const stream = (await plain.query({ query, format: 'JSONEachRow' })).stream()
    for await (const batch of stream) {
      rows += batch.length
      if (rows < 200_000) await sleep(2)
      peak = Math.max(peak, residentBytes(gateway.pid))
    }
    await plain.close()
    expect(rows).toBe(1_000_000)
    // The result has 620 MB. What grows is the engine's formatting buffers and Node's not yet collected reads.
    expect(peak - before).toBeLessThan(250 * 1024 * 1024)
  })

  it('ends a begun stream with the error when the query fails late', async () => {
    const query =
      "SELECT number, repeat('x', 100) AS s, throwIf(number = 900000) FROM numbers(1000000) SETTINGS max_block_size = 1000"
    const read = async () => {
      for await (const batch of (await client.query({ query, format: 'JSONEachRow' })).stream())
        expect(batch.length).toBeGreaterThan(0)
    }
    expect(await errorOf(read())).toMatchObject({ type: 'FUNCTION_THROW_IF_VALUE_IS_NON_ZERO' })
  })

  it('answers quick queries and inserts while every read slot is busy or nearly so', async () => {
    const stop = new AbortController()
    const slow = Array.from({ length: 5 }, () =>
      client
        .query({
          query: 'SELECT count() FROM numbers(6000) WHERE sleepEachRow(0.1) = 0 SETTINGS max_block_size = 1',
          abort_signal: stop.signal,
        })
        .catch(() => undefined),
    )
    await waitFor(async () => (await sleeping()) === 5)
    expect(await rowsOf(client, 'SELECT 1 AS x')).toEqual([{ x: 1 }])
    await client.insert({ table: 'many', values: [{ a: 0, s: '' }], format: 'JSONEachRow' })
    expect(await sleeping()).toBe(5)
    stop.abort()
    await Promise.all(slow)
    await waitFor(async () => (await sleeping()) === 0)
  })

  it('kills the query of a client that goes away', async () => {
    const stop = new AbortController()
    const query = 'SELECT count() FROM numbers(600) WHERE sleepEachRow(0.1) = 0 SETTINGS max_block_size = 1'
    const aborted = client.query({ query, abort_signal: stop.signal }).then(
      () => 'answered',
      () => 'aborted',
    )
    await waitFor(async () => (await sleeping()) === 1)
    stop.abort()
    expect(await aborted).toBe('aborted')
    await waitFor(async () => (await sleeping()) === 0)
  })

  it('kills the query of a client that stops reading halfway', async () => {
    const response = await post("SELECT number, 'endless' FROM numbers(1000000000000)")
    const reader = response.body?.getReader()
    await reader?.read()
    await waitFor(async () => (await running('endless')) === 1)
    await reader?.cancel()
    await waitFor(async () => (await running('endless')) === 0)
  })

  it('refuses a second gateway on the same path, and a host that is not loopback', async () => {
    await expect(startGateway(dir)).rejects.toThrow(/holds this path/)
    await expect(startGateway(path.join(dir, 'x'), ['--host', '0.0.0.0'])).rejects.toThrow(/loopback/)
  })

  async function running(text: string): Promise<number> {
    const query =
      "SELECT count() AS n FROM system.processes WHERE position(query, {text:String}) > 0 AND query NOT LIKE '%system.processes%'"
    const [row] = await rowsOf<{ n: number }>(client, query, { text })
    return row?.n ?? -1
  }
  const sleeping = () => running('sleepEachRow')
})

describe('clickhouse gateway killed with SIGKILL', () => {
  it('opens again with every acknowledged batch whole and no other batch in part', async () => {
    const dir = mkdtempSync(path.join(tmpdir(), 'gateway-'))
    const batchRows = 500
    const acknowledged: number[] = []
    let batch = 0
    for (let round = 0; round < 3; round += 1) {
      const gateway = await startGateway(dir)
      const client = createClient({ url: gateway.url })
      await client.command({ query: 'CREATE TABLE IF NOT EXISTS t (batch UInt32, i UInt32) ENGINE = MergeTree ORDER BY batch' })
      const writers = Array.from({ length: 3 }, async () => {
        for (;;) {
          const mine = (batch += 1)
          const values = Array.from({ length: batchRows }, (_, i) => ({ batch: mine, i }))
          await client.insert({ table: 't', values, format: 'JSONEachRow' })
          acknowledged.push(mine)
        }
      }).map((writer) => writer.catch(() => undefined))
      const target = acknowledged.length + 20
      await waitFor(async () => acknowledged.length >= target)
      await endGateway(gateway, 'SIGKILL')
      await Promise.all(writers)
      await client.close()
    }
    const gateway = await startGateway(dir)
    const client = createClient({ url: gateway.url })
    const stored = await rowsOf<{ batch: number; n: number }>(
      client,
      'SELECT batch, toUInt32(count()) AS n FROM t GROUP BY batch',
    )
    expect(stored.filter((row) => row.n !== batchRows)).toEqual([])
    const batches = new Set(stored.map((row) => row.batch))
    expect(acknowledged.filter((one) => !batches.has(one))).toEqual([])
    expect(acknowledged.length).toBeGreaterThanOrEqual(60)
    await client.close()
    await endGateway(gateway, 'SIGTERM')
    rmSync(dir, { recursive: true, force: true })
  })
})
