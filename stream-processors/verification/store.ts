/** Restores verification's ledgers from the archive, once the archive holds everything this group has read, and adaptations from their topic. */
import { type ClickHouse, fromClickHouseInstant, toClickHouseInstant } from '../../infra/runtime/clickhouse/index.ts'
import { AppError } from '../../infra/runtime/errors.ts'
import { type FollowerDeps, type PartitionLag, startFollower } from '../../infra/runtime/kafka/index.ts'
import { FORECAST_VARIABLES } from '../../schemas/quantities.ts'
import { type AdaptationRecord, recordOf } from '../../forecasting/models/index.ts'
import { hourOf } from '../../forecasting/features/index.ts'
import type { CheckedObservation } from '../../schemas/generated/types.ts'
import {
  addForecast,
  addTruth,
  createLedger,
  HOUR_MS,
  type IssuedForecast,
  LIVE_WITHIN_HOURS,
  markHour,
  oldestNeededHour,
  type StationLedger,
  truthOf,
} from './ledger.ts'
import type { VerificationInput } from './step.ts'

type ForecastRow = Pick<IssuedForecast, 'forecastId' | 'variable' | 'modelVersion' | 'role' | 'fallback'> & {
  stationId: string
  issuedAt: string
  quantiles: number[]
  logFactors: number[]
  persistence: Array<number | null>
  recentredClimatology: Array<number | null>
}
type ObservationRow = Omit<CheckedObservation, 'observedAt' | 'receivedAt'> & { observedAt: string; receivedAt: string }

export type Assignment = ReadonlyArray<{ topic: VerificationInput; partition: number; nextOffset: number | null }>

/**
 * Throws a transient `archive-behind` until the archive has committed at least what this group has: a ledger restored earlier would miss
 * events that this group will never be handed again. Its offsets, not its newest rows: what it dead-lettered is in no table, and an
 * insert into several partitions of a table is not atomic.
 */
export function requireArchived(assignment: Assignment, archive: readonly PartitionLag[]): void {
  const committed = new Map(archive.map((row) => [`${row.topic}|${row.partition}`, row.committed ?? 0]))
  for (const { topic, partition, nextOffset } of assignment) {
    const archived = committed.get(`${topic}|${partition}`) ?? 0
    if (nextOffset === null || archived >= nextOffset) continue
    throw new AppError(
      `the archive has stored ${topic}/${partition} before offset ${archived}, verification has read before ${nextOffset}`,
      {
        code: 'archive-behind',
        retry: 'transient',
      },
    )
  }
}

/**
 * Ledgers as they were when `assignment` was committed: later events come (again) in the order in which they came first, so that scores
 * are the same as without the interruption. An event that a later repeat has replaced in the archive is missing until its repeat is read.
 */
export function createLedgerLoader(clickhouse: Pick<ClickHouse, 'query'>, assignment: Assignment) {
  return async (stationIds: readonly string[]): Promise<Map<string, StationLedger>> => {
    const [observed, issued] = await Promise.all([
      newest<{ live: number }>(
        `max(observedAt) AS newest, countIf(receivedAt <= observedAt + INTERVAL ${LIVE_WITHIN_HOURS} HOUR) AS live FROM observation_log`,
        'weather.observation-checked.v1',
        stationIds,
      ),
      newest('max(issuedAt) AS newest FROM forecast_log', 'weather.forecast.v1', stationIds),
    ])
    const ledgers = new Map<string, StationLedger>()
    for (const [stationId, { newestHour, live }] of observed) {
      const newestIssueHour = issued.get(stationId)?.newestHour ?? Number.NEGATIVE_INFINITY
      const heldFrom = oldestNeededHour({ newestTruthHour: newestHour, newestIssueHour, isLive: live > 0 })
      ledgers.set(stationId, await load(stationId, heldFrom))
    }
    return ledgers
  }

  async function newest<More extends object>(select: string, topic: VerificationInput, stationIds: readonly string[]) {
    const { sql, params } = before(assignment, topic)
    const rows = await clickhouse.query<{ stationId: string; newest: string } & More>(
      `SELECT stationId, ${select} WHERE stationId IN {stationIds:Array(String)} AND ${sql} GROUP BY stationId`,
      { stationIds, ...params },
    )
    return new Map(rows.map((row) => [row.stationId, { ...row, newestHour: hourOf(fromClickHouseInstant(row.newest)) }]))
  }

  async function load(stationId: string, heldFrom: number): Promise<StationLedger> {
    const ledger = createLedger(heldFrom)
    const params = { stationId, since: toClickHouseInstant(heldFrom * HOUR_MS) }
    const forecasts = before(assignment, 'weather.forecast.v1')
    for (const row of await clickhouse.query<ForecastRow>(
      `SELECT forecastId, stationId, variable, issuedAt, modelVersion, role, fallback, quantiles, logFactors, persistence, recentredClimatology
       FROM forecast WHERE stationId = {stationId:String} AND issuedAt >= {since:DateTime64(3)} AND ${forecasts.sql} ORDER BY issuedAt`,
      { ...params, ...forecasts.params },
    )) {
      addForecast(ledger, toIssued(row))
    }
    const observations = before(assignment, 'weather.observation-checked.v1')
    for (const row of await clickhouse.query<ObservationRow>(
      `SELECT * FROM observation
       WHERE stationId = {stationId:String} AND observedAt >= {since:DateTime64(3)} AND kind = 'observation' AND ${observations.sql} ORDER BY observedAt`,
      { ...params, ...observations.params },
    )) {
      const truth = truthOf({
        ...row,
        observedAt: fromClickHouseInstant(row.observedAt),
        receivedAt: fromClickHouseInstant(row.receivedAt),
      })
      if (!truth) continue
      const hour = hourOf(truth.observedAt)
      addTruth(ledger, hour, truth)
      // What was due had been scored, and its score acknowledged, before these offsets were committed.
      if (hour >= ledger.newestIssueHour) for (const variable of FORECAST_VARIABLES) markHour(ledger, variable, hour)
    }
    return ledger
  }
}

/** The newest adaptation of each model, by key. */
export async function readAdaptations(deps: FollowerDeps): Promise<Map<string, AdaptationRecord>> {
  const newest = new Map<string, AdaptationRecord>()
  const follower = await startFollower({
    ...deps,
    name: 'verification-restore',
    topics: ['model.adaptation.v1'],
    from: 'beginning',
    onEvents: (events) => {
      for (const { key, value } of events) if (value !== null) newest.set(key, recordOf(value))
    },
  })
  try {
    await follower.caughtUp
  } finally {
    await follower.stop()
  }
  return newest
}

/** The condition that a row comes from a message before the committed offset of its partition. */
function before(assignment: Assignment, topic: VerificationInput) {
  const owned = assignment.filter((row) => row.topic === topic)
  return {
    sql: 'kafkaOffset < transform(kafkaPartition, {partitions:Array(UInt16)}, {offsets:Array(UInt64)}, toUInt64(0))',
    params: { partitions: owned.map(({ partition }) => partition), offsets: owned.map(({ nextOffset }) => nextOffset ?? 0) },
  }
}

function toIssued(row: ForecastRow): IssuedForecast {
  return {
    forecastId: row.forecastId,
    variable: row.variable,
    issuedAt: fromClickHouseInstant(row.issuedAt),
    modelVersion: row.modelVersion,
    role: row.role,
    fallback: row.fallback,
    quantiles: Float32Array.from(row.quantiles),
    logFactors: Float32Array.from(row.logFactors),
    persistence: Float32Array.from(row.persistence, (v) => v ?? Number.NaN),
    recentredClimatology: Float32Array.from(row.recentredClimatology, (v) => v ?? Number.NaN),
  }
}
