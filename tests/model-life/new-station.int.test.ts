// A station that has just been registered, on real servers: forecasts from its first report on, better ones as its history grows, and none the
// less when it falls silent.
import { afterAll, beforeAll, expect, it } from 'vitest'
import { service as inference } from '../../consumers/inference/main.ts'
import { anObservation, until } from '../../infra/runtime/testing/fixtures.ts'
import type { CheckedObservation, Forecast, ReplicaStatus, RetrainRequest } from '../../schemas/generated/types.ts'
import { QUANTITIES } from '../../schemas/quantities.ts'
import { service as features } from '../../stream-processors/features/main.ts'
import { service as promotion } from '../../stream-processors/promotion/main.ts'
import { service as training } from '../../stream-processors/training/main.ts'
import { openTestSystem, type TestSystem } from './support/system.ts'

const HOUR_MS = 3_600_000
const T0 = Date.UTC(2013, 0, 10)
const SERVICES = [features, training, promotion, inference]

let system: TestSystem
let hour = 0
const forecasts: Forecast[] = []
const requests: RetrainRequest[] = []
const statuses: ReplicaStatus[] = []

beforeAll(async () => {
  system = await openTestSystem()
  await system.follow(['weather.forecast.v1', 'model.retrain-request.v1', 'model.status.v1'], (events) => {
    for (const event of events) {
      if (event.value === null) continue
      if (event.topic === 'weather.forecast.v1') forecasts.push(event.value)
      else if (event.topic === 'model.status.v1') statuses.push(event.value)
      else requests.push(event.value)
    }
  })
  await system.start('services', SERVICES)
})
afterAll(() => system?.close())

/** A thermometer and nothing else, in a mild winter. */
async function report(hour: number, stationId = 'roof'): Promise<void> {
  const at = T0 + hour * HOUR_MS
  const value = {
    ...anObservation({ stationId, observedAt: at, receivedAt: at }),
    ...Object.fromEntries(QUANTITIES.map((quantity) => [quantity, null])),
    temperatureC: 9 + 3 * Math.sin(((hour - 9) * Math.PI) / 12),
    flags: { ...Object.fromEntries(QUANTITIES.map((quantity) => [quantity, 'missing'])), temperatureC: 'good' },
    rules: {},
    qcVersion: 'test',
  } as unknown as CheckedObservation
  await system.publisher.publish([{ topic: 'weather.observation-checked.v1', key: stationId, value }])
}
const issuedAt = (hour: number): Forecast | undefined => forecasts.find((one) => one.issuedAt === T0 + hour * HOUR_MS)
const served = (): string[] => [
  ...new Set(statuses.filter(({ state }) => state === 'serving').map(({ servingVersion }) => servingVersion ?? '')),
]
const width = ({ quantiles }: Forecast, lead: number): number => quantiles[lead - 1]![5]! - quantiles[lead - 1]![1]!

it('is forecast from the prior of its site at once, and by a model of its own days when it has one', async () => {
  await system.publisher.publish([
    {
      topic: 'weather.station.v1',
      key: 'roof',
      value: {
        stationId: 'roof',
        name: 'Roof',
        latitude: 40.6,
        longitude: -73.8,
        elevationM: 4,
        timezone: 'America/New_York',
        provider: 'test',
        providerStationId: 'roof',
        kind: 'private',
        validFrom: T0,
      },
    },
  ])
  // The first hour asks for a model; the next finds it served. No hour comes meanwhile: a day of them would ask for another one.
  await report(hour++)
  await until('the prior is served', () => served().length === 1)
  await report(hour++)
  await until('a forecast by the prior', () => forecasts.length > 0)
  const [first] = forecasts
  expect(first).toMatchObject({ variable: 'temperatureC', role: 'champion', status: 'degraded', fallback: 'site-prior' })
  expect(width(first!, 168)).toBeGreaterThan(15)
  // At least once: the same request, read again after a rebalance, is the same question.
  const asked = new Map(requests.map((request) => [request.requestId, request]))
  expect([...asked.values()].map(({ variable, reason }) => [variable, reason])).toEqual([['temperatureC', 'cold-start']])

  const version = first!.modelVersion
  for (const day = hour + 30; hour < day; hour++) {
    await report(hour)
    await until(`the forecast of hour ${hour}`, () => issuedAt(hour) !== undefined)
  }
  await until('a model of its own days is served', () => served().length === 2)
  await report(hour++)
  await until('a forecast by it', () => forecasts.at(-1)?.fallback === 'young-station')
  const grown = forecasts.at(-1) as Forecast
  expect(grown.modelVersion).not.toBe(version)
  expect(grown.controlOffset).toBeGreaterThan(first!.controlOffset)
  expect(grown.status).toBe('degraded')
  expect(requests.at(-1)?.requestId).toMatch(/24h$/)
  expect(new Set(forecasts.map(({ modelVersion }) => modelVersion)).size).toBe(2)
  expect(system.failures).toEqual([])
})

it('is forecast from its last report when it has fallen silent and the others go on', async () => {
  const last = hour - 1
  for (let i = 1; i <= 6; i++) await report(last + i, 'mast')
  await until('a forecast of the silent station', () => issuedAt(last + 6) !== undefined)
  const then = issuedAt(last) as Forecast
  const late = issuedAt(last + 6) as Forecast
  expect(late).toMatchObject({ stationId: 'roof', status: 'stale' })
  expect(late.statusReason).toMatch(/^no report since 2013-01-1/)
  expect(width(late, 1)).toBeGreaterThan(1.2 * width(then, 1))
  expect(system.failures).toEqual([])
})
