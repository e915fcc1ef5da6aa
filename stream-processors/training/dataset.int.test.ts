// Bitemporal reading on the real engine.
import { afterAll, beforeAll, expect, it } from 'vitest'
import { FEATURE_COUNT, FEATURE_SET, HOUR_MS } from '../../forecasting/features/index.ts'
import { applyMigrations, type ClickHouse, openClickHouse, toClickHouseInstant } from '../../infra/runtime/clickhouse/index.ts'
import { isolatedConfig } from '../../infra/runtime/testing/fixtures.ts'
import { loadTrainingSet, untilFeaturesReach } from './dataset.ts'

const T0 = Date.UTC(2013, 0, 1)
const at = (hour: number): number => T0 + hour * HOUR_MS
const config = isolatedConfig()
let clickhouse: ClickHouse

beforeAll(async () => {
  clickhouse = openClickHouse(config)
  await applyMigrations(clickhouse)
})
afterAll(async () => {
  await clickhouse.command(`DROP DATABASE IF EXISTS ${config.clickhouseDatabase}`)
  await clickhouse.close()
})

const row = (stationId: string, hour: number, knownHour: number, value: number, version: number) => ({
  stationId,
  validAt: toClickHouseInstant(at(hour)),
  knownAt: toClickHouseInstant(at(knownHour)),
  featureSet: FEATURE_SET,
  values: Array.from({ length: FEATURE_COUNT }, () => value),
  cause: knownHour > hour ? 'correction' : 'new',
  version,
})
const insert = (...rows: Array<ReturnType<typeof row>>) => clickhouse.insert('feature_log', rows)
const temperatures = async (stationId: string, asOf: number): Promise<number[]> =>
  Array.from((await loadTrainingSet(clickhouse, stationId, at(asOf), []))?.targets.temperatureC ?? [])

it('a correction that arrives later changes no training set of before', async () => {
  await insert(row('jfk', 0, 0, 10, 1), row('jfk', 1, 1, 11, 2), row('jfk', 2, 2, 12, 3))
  const before = await temperatures('jfk', 2)
  expect(before).toEqual([10, 11, 12])
  await insert(row('jfk', 1, 5, 99, 4), row('jfk', 3, 3, 13, 5))
  expect(await temperatures('jfk', 2)).toEqual(before)
  expect(await temperatures('jfk', 4)).toEqual([10, 11, 12, 13])
  expect(await temperatures('jfk', 5)).toEqual([10, 99, 12, 13])
})
it('knows nothing of a station before its first hour', async () => {
  await insert(row('lga', 4, 4, 1, 1))
  expect(await loadTrainingSet(clickhouse, 'lga', at(3), [])).toBeNull()
  expect(await loadTrainingSet(clickhouse, 'nowhere', at(3), [])).toBeNull()
})
it('waits for the hour of the request, but not for a station that has fallen silent', async () => {
  const arrives = untilFeaturesReach(clickhouse, 'ewr', at(7), 10_000)
  await insert(row('ewr', 7, 7, 1, 1))
  const startedAt = performance.now()
  await arrives
  expect(performance.now() - startedAt).toBeLessThan(5000)
  await untilFeaturesReach(clickhouse, 'ewr', at(100), 200)
})
