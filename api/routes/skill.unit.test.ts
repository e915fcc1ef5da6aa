import { expect, it } from 'vitest'
import { createTestApp } from '../testing/app.ts'

const sums = {
  stationId: 'jfk',
  variable: 'temperatureC',
  bucket: '1-6',
  n: 10,
  absolute: 20,
  squared: 50,
  error: 5,
  crps: 15,
  in80: 8,
  in95: 9,
  persistence: { n: 10, absoluteError: 40, forecastAbsoluteError: 20 },
  recentredClimatology: { n: 0, absoluteError: 0, forecastAbsoluteError: 0 },
} as const

it('adds up the ledger once for each question while nothing is written to it', async () => {
  const { get, world } = createTestApp()
  world.sums = [sums]
  const ask = async (query = ''): Promise<unknown> => {
    const body = (await (await get(`/v1/skill${query}`)).json()) as { skill: Array<{ mae: number }> }
    return [body.skill[0]?.mae, world.skillReads]
  }
  expect(await ask()).toEqual([2, 1])
  world.sums = [{ ...sums, absolute: 30 }]
  expect(await ask()).toEqual([2, 1])
  expect(await ask('?stationId=jfk')).toEqual([3, 2])
  world.ledgerPosition = 'further'
  expect(await ask()).toEqual([3, 3])
  expect(await ask()).toEqual([3, 3])
})
