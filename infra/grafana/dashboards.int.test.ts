/** Every query of the dashboards runs on the tables that the migrations make. */
import { globSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type ClickHouse, applyMigrations, openClickHouse } from '../runtime/clickhouse/index.ts'
import { isolatedConfig } from '../runtime/testing/fixtures.ts'

type Board = {
  templating: { list: Array<{ name: string; type: string; query: string }> }
  panels: Array<{ title: string; targets: Array<{ rawSql?: string }> }>
}
const config = isolatedConfig()
let ch: ClickHouse

beforeAll(async () => {
  ch = openClickHouse(config)
  await applyMigrations(ch)
  await ch.command(`INSERT INTO station_log (stationId, name, latitude, longitude, timezone, provider, providerStationId, kind, validFrom)
    VALUES ('ewr', 'Newark', 40.7, -74.2, 'America/New_York', 'test', 'ewr', 'observation', '2013-01-01')`)
  await ch.command(`INSERT INTO verification_log (stationId, variable, observedAt, observed, modelVersion, role, leadHours, error, crps, pit, covered80, covered95, persistenceError, recentredClimatologyError)
    VALUES ('ewr', 'temperatureC', '2013-07-02 00:00:00', 20, 'v1', 'champion', [1, 24], [1, -2], [0.5, 1], [0.4, 0.6], [true, false], [true, true], [2, 4], [1, 4])`)
})
afterAll(async () => {
  await ch.command(`DROP DATABASE IF EXISTS ${config.clickhouseDatabase}`)
  await ch.close()
})

/** As the data source plugin expands its macros and variables. */
function expand(sql: string): string {
  return sql
    .replaceAll(/\$__timeFilter\((\w+)\)/g, '$1 >= toDateTime(1372636800) AND $1 <= toDateTime(1375315200)')
    .replaceAll('${station:singlequote}', "'ewr'")
    .replaceAll('${variable:singlequote}', "'temperatureC'")
}

const folder = fileURLToPath(new URL('dashboards', import.meta.url))
const queries = globSync('*.json', { cwd: folder }).flatMap((file) => {
  const board = JSON.parse(readFileSync(`${folder}/${file}`, 'utf8')) as Board
  return [
    ...board.panels.flatMap(({ title, targets }) =>
      targets.flatMap(({ rawSql }) => (rawSql ? [[`${file}: ${title}`, rawSql]] : [])),
    ),
    ...board.templating.list.filter(({ type }) => type === 'query').map(({ name, query }) => [`${file}: $${name}`, query]),
  ] as Array<[string, string]>
})

it('finds the queries', () => expect(queries.length).toBeGreaterThan(15))

it.each(queries)('%s', async (_name, sql) => {
  expect(expand(sql)).not.toMatch(/\$/)
  await ch.query(expand(sql))
})

it('gives the numbers of the rows', async () => {
  const sql = (title: string): string => expand(queries.find(([name]) => name.endsWith(title))?.[1] ?? '')
  expect(await ch.query(sql('Mean absolute error by lead'))).toEqual([
    { bucket: '1-6', n: 1, model: 1, persistence: 2, climatology: 1, skill: 0 },
    { bucket: '7-24', n: 1, model: 2, persistence: 4, climatology: 4, skill: 0.5 },
  ])
  expect(await ch.query(sql('Observed and forecast 24 h before'))).toMatchObject([
    { observed: 20, forecast24h: 18, persistence24h: 24 },
  ])
})
