/** Whether what the queries show is exact: nothing lost, nothing doubled, against the replayed file itself. */
import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'vitest'
import { BUNDLED_OBSERVATIONS, loadSeries, type ReplaySeries } from '../../../producers/replay/series.ts'
import { type Counted, differences } from './differences.ts'
import { type System, until } from './system.ts'

const HOUR_MS = 3_600_000
const VARIABLES = 6

const instant = (ms: number): string => `toDateTime64(${ms / 1000}, 3, 'UTC')`

/** Newest verified hour as queries show it, epoch ms; 0 before the first. */
export async function newestVerified(system: System): Promise<number> {
  const [row] = await system.query<{ t: number }>('SELECT toUnixTimestamp64Milli(max(observedAt)) AS t FROM verification_log')
  return row?.t ?? 0
}

/** Newest observation that a producer has sent, epoch ms. */
export async function newestSent(system: System): Promise<number> {
  const { stages } = (await (await system.get('/v1/pipeline')).json()) as {
    stages: Array<{ name: string; newestAt: string | null }>
  }
  const newest = stages.find(({ name }) => name === 'ingest')?.newestAt
  if (!newest) throw new Error('the API knows of no observation')
  return Date.parse(newest)
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

type Counts = { observations: number; forecasts: number; verifiedLeads: number }

/** What a store refused is sent again after a back-off of some seconds, while the stream goes on. */
const LATE_ROWS_MS = 30_000

/** Checks observations, features, forecasts and verifications of the paced hours [from, to], epoch ms, once rows that are late have come. */
export async function expectExact(system: System, from: number, to: number): Promise<Counts> {
  const series = await loadSeries(BUNDLED_OBSERVATIONS, () => {})
  const replayed = series.observations.filter(({ observedAt }) => observedAt >= from && observedAt <= to)
  for (const deadline = Date.now() + LATE_ROWS_MS; ; await sleep(1000)) {
    const { found, counts } = await compare(system, replayed, from, to)
    if (found.length > 0 && Date.now() < deadline) continue
    expect(found, `lost or doubled between ${new Date(from).toISOString()} and ${new Date(to).toISOString()}`).toEqual([])
    return counts
  }
}

async function compare(
  system: System,
  replayed: ReplaySeries['observations'],
  from: number,
  to: number,
): Promise<{ found: string[]; counts: Counts }> {
  const between = (column: string): string => `${column} BETWEEN ${instant(from)} AND ${instant(to)}`
  const counted = (sql: string): Promise<Counted[]> => system.query<Counted>(sql)

  const observations = await counted(
    `SELECT stationId, toUnixTimestamp(observedAt) / 3600 AS hour, 'observation' AS what, count() AS n, count() AS unique
     FROM observation WHERE ${between('observedAt')} GROUP BY stationId, hour`,
  )
  const hours = Map.groupBy(replayed, ({ stationId, observedAt }) => `${stationId} ${observedAt / HOUR_MS}`)
  const given = [...hours.values()].map((rows) => {
    const { stationId, observedAt } = rows[0] as (typeof rows)[number]
    return { stationId, hour: observedAt / HOUR_MS, what: 'observation', n: rows.length }
  })

  const features = await counted(
    `SELECT stationId, toUnixTimestamp(validAt) / 3600 AS hour, 'features' AS what, count() AS n, count() AS unique
     FROM feature WHERE ${between('validAt')} GROUP BY stationId, hour`,
  )
  // Hours between two observations have vectors too: of those only doubled ones are wrong.
  const observedHours = new Set(given.map(({ stationId, hour }) => `${stationId} ${Math.floor(hour)}`))
  const wanted = [...observedHours].map((key) => {
    const [stationId, hour] = key.split(' ') as [string, string]
    return { stationId, hour: Number(hour), what: 'features', n: 1 }
  })
  const bridged = features.filter(({ stationId, hour, n }) => n === 1 && !observedHours.has(`${stationId} ${hour}`))

  const live = await system.query<{ stationId: string; hour: number }>(
    `SELECT DISTINCT stationId, toUnixTimestamp(validAt) / 3600 AS hour FROM feature_version
     WHERE ${between('validAt')} AND cause = 'new' AND knownAt - validAt <= 3 * 3600`,
  )
  // A station whose hours lag behind the others' while a process is down is silent for that long: those forecasts say so (inference/silence.ts).
  const forecasts = await counted(
    `SELECT stationId, toUnixTimestamp(issuedAt) / 3600 AS hour, 'champion forecasts' AS what, count() AS n, uniqExact(variable) AS unique
     FROM forecast WHERE role = 'champion' AND NOT startsWith(ifNull(statusReason, ''), 'no report since') AND ${between('issuedAt')} GROUP BY stationId, hour`,
  )

  // Every forecast of a lead whose hour has a good observation is verified, once.
  const verifiable = await counted(
    `SELECT stationId, toUnixTimestamp(validAt) / 3600 AS hour, 'verified leads' AS what, count() AS n
     FROM (SELECT stationId, issuedAt + toIntervalHour(arrayJoin(leadHours)) AS validAt FROM forecast WHERE variable = 'temperatureC' AND role = 'champion' AND issuedAt >= ${instant(from)}) AS f
     INNER JOIN (SELECT stationId, toStartOfHour(observedAt) AS validAt FROM observation WHERE kind = 'observation' AND flags['temperatureC'] = 'good' AND temperatureC IS NOT NULL AND ${between('observedAt')}) AS o USING (stationId, validAt)
     GROUP BY stationId, hour`,
  )
  const verified = await counted(
    `SELECT stationId, toUnixTimestamp(observedAt) / 3600 AS hour, 'verified leads' AS what, sum(length(leadHours)) AS n, uniqExactArray(forecastIds) AS unique
     FROM verification WHERE variable = 'temperatureC' AND role = 'champion' AND ${between('observedAt')} GROUP BY stationId, hour`,
  )

  expect(live.length, 'live features').toBeGreaterThan(0)
  expect(verifiable.length, 'hours to be verified').toBeGreaterThan(0)
  const found = [
    ...differences(given, observations),
    ...differences([...wanted, ...bridged], features),
    ...differences(
      live.map((row) => ({ ...row, what: 'champion forecasts', n: VARIABLES })),
      forecasts,
    ),
    ...differences(verifiable, verified),
  ]
  const sum = (rows: ReadonlyArray<{ n: number }>): number => rows.reduce((total, { n }) => total + n, 0)
  return { found, counts: { observations: replayed.length, forecasts: sum(forecasts), verifiedLeads: sum(verified) } }
}
