// Bitemporal reading on the real engine.
import { afterAll, beforeAll, expect, it } from 'vitest'
import { FEATURE_COUNT, FEATURE_SET, HOUR_MS } from '../../forecasting/features/index.ts'
import { applyMigrations, type ClickHouse, openClickHouse, toClickHouseInstant } from '../../infra/runtime/clickhouse/index.ts'
import { isolatedConfig } from '../../infra/runtime/testing/fixtures.ts'
import type { ChangePoint } from '../../schemas/generated/types.ts'
import { loadHistory, untilFeaturesReach } from './dataset.ts'

const STEP: ChangePoint = { variable: 'temperatureC', at: Date.UTC(2013, 0, 1, 2), offset: 2.5 }
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
const setOf = async (stationId: string, asOf: number, changePoints: ChangePoint[] = []) =>
  (await loadHistory(clickhouse, stationId, at(asOf), [changePoints])).trainingSet(changePoints)
const temperatures = async (stationId: string, asOf: number): Promise<number[]> =>
  Array.from((await setOf(stationId, asOf))?.targets.temperatureC ?? [])

it('a correction that arrives later changes no training set of before', async () => {
  await insert(row('jfk', 0, 0, 10, 1), row('jfk', 1, 1, 11, 2), row('jfk', 2, 2, 12, 3))
  const before = await temperatures('jfk', 2)
  expect(before).toEqual([10, 11, 12])
  await insert(row('jfk', 1, 5, 99, 4), row('jfk', 3, 3, 13, 5))
  expect(await temperatures('jfk', 2)).toEqual(before)
  expect(await temperatures('jfk', 4)).toEqual([10, 11, 12, 13])
  expect(await temperatures('jfk', 5)).toEqual([10, 99, 12, 13])
})
it('of a vector that was stored twice the newest version counts, shifted before a change point or not', async () => {
  await insert(row('sfo', 0, 0, 10, 1), row('sfo', 1, 1, 11, 2), row('sfo', 2, 2, 12, 3))
  await insert(row('sfo', 1, 1, 77, 9))
  expect(await temperatures('sfo', 2)).toEqual([10, 77, 12])
  const set = await setOf('sfo', 2, [STEP])
  expect([...(set?.targets.temperatureC ?? [])]).toEqual([12.5, 79.5, 12])
})
it('read once for training sets with and without change points, gives what each alone gives', async () => {
  await insert(row('den', 0, 0, 10, 1), row('den', 1, 1, 11, 2), row('den', 2, 2, 12, 3))
  const shared = await loadHistory(clickhouse, 'den', at(2), [[], [STEP]])
  expect([shared.trainingSet([]), shared.trainingSet([STEP])]).toEqual([await setOf('den', 2), await setOf('den', 2, [STEP])])
  const hoursAlone = await loadHistory(clickhouse, 'den', at(2), [[STEP]])
  expect(() => hoursAlone.trainingSet([])).toThrow('no vectors')
})
it('knows nothing of a station before its first hour', async () => {
  await insert(row('lga', 4, 4, 1, 1))
  expect(await setOf('lga', 3)).toBeNull()
  expect(await setOf('nowhere', 3)).toBeNull()
})
it('waits for the hour of the request, but not for a station that has fallen silent', async () => {
  // A limit far beyond that of the test: only the hour itself can end this wait.
  const arrives = untilFeaturesReach(clickhouse, 'ewr', at(7), 3_600_000)
  await insert(row('ewr', 7, 7, 1, 1))
  await arrives
  await untilFeaturesReach(clickhouse, 'ewr', at(100), 200)
})
it('leaves out what a faulty sensor said until it recovered, as known at the cut-off', async () => {
  await insert(...[0, 1, 2, 3, 4].map((hour) => row('bos', hour, hour, 10 + hour, hour + 1)))
  const change = (hour: number, state: string, cause: string, offset: number) => ({
    eventId: `drift/${hour}`,
    stationId: 'bos',
    variable: 'temperatureC',
    state,
    previousState: 'stable',
    at: toClickHouseInstant(at(hour)),
    detector: 'test',
    statistic: 2,
    threshold: 1,
    leadBucket: '1-3',
    evidenceFrom: toClickHouseInstant(at(1)),
    evidenceTo: toClickHouseInstant(at(hour)),
    cause,
    modelVersion: null,
    changePointAt: null,
    estimatedOffset: null,
    changePointFrom: null,
    changePointTo: null,
    offsetMargin: null,
    explanation: '',
    kafkaPartition: 0,
    kafkaOffset: offset,
  })
  await clickhouse.insert('drift_log', [change(2, 'confirmed', 'sensor', 1), change(3, 'recovered', 'unknown', 2)])
  expect(await temperatures('bos', 1)).toEqual([10, 11])
  expect(await temperatures('bos', 2)).toEqual([10, Number.NaN, Number.NaN])
  expect(await temperatures('bos', 4)).toEqual([10, Number.NaN, Number.NaN, Number.NaN, 14])
})
