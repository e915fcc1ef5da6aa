/** Whether what the queries show is exact: nothing lost, nothing doubled, against the replayed file itself. */
import { expect } from 'vitest'
import { BUNDLED_OBSERVATIONS, loadSeries } from '../../../producers/replay/series.ts'
import { type System, until } from './system.ts'

const HOUR_MS = 3_600_000
const VARIABLES = 6

const instant = (ms: number): string => `toDateTime64(${ms / 1000}, 3, 'UTC')`

/** Newest verified hour as queries show it, epoch ms; 0 before the first. */
export async function newestVerified(system: System): Promise<number> {
  const [row] = await system.query<{ t: number }>('SELECT toUnixTimestamp64Milli(max(observedAt)) AS t FROM verification_log')
  return row?.t ?? 0
}

/** Waits until everything up to `to` (epoch ms) has gone through the whole pipeline. */
export async function throughTo(system: System, to: number, timeoutMs: number): Promise<void> {
  await until(
    `everything up to ${new Date(to).toISOString()} is verified`,
    async () => {
      const [row] = await system.query<{ t: number; stations: number }>(
        `SELECT toUnixTimestamp64Milli(min(newest)) AS t, count() AS stations FROM (SELECT stationId, max(observedAt) AS newest FROM verification_log WHERE variable = 'dewPointC' AND role = 'champion' GROUP BY stationId)`,
      )
      return row !== undefined && row.stations === 3 && row.t >= to
    },
    timeoutMs,
  )
}

/** Checks observations, features, forecasts and verifications of the paced hours [from, to], epoch ms. */
export async function expectExact(
  system: System,
  from: number,
  to: number,
): Promise<{ observations: number; forecasts: number; verifiedLeads: number }> {
  const series = await loadSeries(BUNDLED_OBSERVATIONS, () => {})
  const replayed = series.observations.filter(({ observedAt }) => observedAt >= from && observedAt <= to)
  const between = (column: string): string => `${column} BETWEEN ${instant(from)} AND ${instant(to)}`

  const [observations] = await system.query<{ n: number; unique: number }>(
    `SELECT count() AS n, uniqExact(stationId, observedAt) AS unique FROM observation WHERE ${between('observedAt')}`,
  )
  expect(observations, 'observations in queries').toEqual({ n: replayed.length, unique: replayed.length })

  const hours = new Set(replayed.map(({ stationId, observedAt }) => `${stationId} ${Math.floor(observedAt / HOUR_MS)}`))
  const features = await system.query<{ stationId: string; hour: number; n: number }>(
    `SELECT stationId, toUnixTimestamp(validAt) / 3600 AS hour, count() AS n FROM feature WHERE ${between('validAt')} GROUP BY stationId, hour`,
  )
  expect(
    features.filter(({ n }) => n !== 1),
    'features shown more than once',
  ).toEqual([])
  const built = new Set(features.map(({ stationId, hour }) => `${stationId} ${hour}`))
  expect(
    [...hours].filter((hour) => !built.has(hour)),
    'observed hours without features',
  ).toEqual([])

  const [live] = await system.query<{ n: number }>(
    `SELECT count() AS n FROM (SELECT DISTINCT stationId, validAt FROM feature_version WHERE ${between('validAt')} AND cause = 'new' AND knownAt - validAt <= 3 * 3600)`,
  )
  const [forecasts] = await system.query<{ n: number; unique: number }>(
    `SELECT count() AS n, uniqExact(stationId, variable, issuedAt) AS unique FROM forecast WHERE role = 'champion' AND ${between('issuedAt')}`,
  )
  expect(live?.n, 'live features').toBeGreaterThan(0)
  expect(forecasts, 'champion forecasts').toEqual({ n: (live?.n ?? 0) * VARIABLES, unique: (live?.n ?? 0) * VARIABLES })

  // Every forecast of a lead whose hour has a good observation is verified, once.
  const [expected] = await system.query<{ n: number }>(
    `SELECT count() AS n FROM (SELECT stationId, issuedAt + toIntervalHour(arrayJoin(leadHours)) AS validAt FROM forecast WHERE variable = 'temperatureC' AND role = 'champion' AND issuedAt >= ${instant(from)}) AS f
     INNER JOIN (SELECT stationId, toStartOfHour(observedAt) AS validAt FROM observation WHERE kind = 'observation' AND flags['temperatureC'] = 'good' AND temperatureC IS NOT NULL AND ${between('observedAt')}) AS o USING (stationId, validAt)`,
  )
  const [verified] = await system.query<{ n: number; unique: number }>(
    `SELECT sum(length(leadHours)) AS n, uniqExactArray(forecastIds) AS forecasts, sum(length(arrayDistinct(forecastIds))) AS unique FROM verification WHERE variable = 'temperatureC' AND role = 'champion' AND ${between('observedAt')}`,
  )
  expect({ n: verified?.n, unique: verified?.unique }, 'verified leads').toEqual({ n: expected?.n, unique: expected?.n })
  return { observations: replayed.length, forecasts: forecasts?.n ?? 0, verifiedLeads: expected?.n ?? 0 }
}
