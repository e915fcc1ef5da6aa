/** Restores verification's ledgers from the archive, once the archive holds everything this group has already read. */
import { type ClickHouse, fromClickHouseInstant, toClickHouseInstant } from '../../infra/runtime/clickhouse/index.ts'
import { AppError } from '../../infra/runtime/errors.ts'
import { FORECAST_VARIABLES, HORIZON_HOURS } from '../../schemas/quantities.ts'
import { hourOf } from '../../forecasting/features/index.ts'
import type { CheckedObservation } from '../../schemas/generated/types.ts'
import {
  addForecast,
  addTruth,
  createLedger,
  HOUR_MS,
  type IssuedForecast,
  KEPT_HOURS,
  markHour,
  type StationLedger,
  truthOf,
} from './ledger.ts'
import type { VerificationInput } from './step.ts'

const TABLE_OF: Record<VerificationInput, string> = {
  'weather.forecast.v1': 'forecast_log',
  'weather.observation-checked.v1': 'observation_log',
}

/** Hours before the newest archived score that are scored again: variables and roles are not archived in one piece. */
const RESCORE_MARGIN_HOURS = 12
/** A longer backlog than this is scored from here on only. */
const LONGEST_BACKLOG_HOURS = 60 * 24

type ForecastRow = Pick<IssuedForecast, 'forecastId' | 'variable' | 'modelVersion' | 'role'> & {
  stationId: string
  issuedAt: string
  quantiles: number[]
  persistence: Array<number | null>
  recentredClimatology: Array<number | null>
}
type ObservationRow = Omit<CheckedObservation, 'observedAt' | 'receivedAt'> & { observedAt: string; receivedAt: string }

/**
 * Throws a transient `archive-behind` until the archive has stored every message before the committed offsets: a ledger restored
 * earlier would miss forecasts that this group will never be handed again.
 */
export function createArchiveGate(clickhouse: ClickHouse) {
  return async (
    assignment: ReadonlyArray<{ topic: VerificationInput; partition: number; nextOffset: number | null }>,
  ): Promise<void> => {
    for (const [topic, table] of Object.entries(TABLE_OF)) {
      const rows = await clickhouse.query<{ partition: number; newest: string }>(
        `SELECT kafkaPartition AS partition, toString(max(kafkaOffset)) AS newest FROM ${table} GROUP BY kafkaPartition`,
      )
      const newest = new Map(rows.map((row) => [row.partition, Number(row.newest)]))
      for (const { partition, nextOffset } of assignment.filter((owned) => owned.topic === topic)) {
        if (nextOffset === null || nextOffset === 0) continue
        const archived = newest.get(partition) ?? -1
        if (archived < nextOffset - 1) {
          throw new AppError(
            `the archive holds ${topic}/${partition} up to offset ${archived}, verification has read up to ${nextOffset - 1}`,
            {
              code: 'archive-behind',
              retry: 'transient',
            },
          )
        }
      }
    }
  }
}

export function createLedgerLoader(clickhouse: ClickHouse) {
  return async (stationIds: readonly string[]): Promise<Map<string, StationLedger>> => {
    const ledgers = new Map<string, StationLedger>()
    const newest = await clickhouse.query<{ stationId: string; newest: string }>(
      'SELECT stationId, max(observedAt) AS newest FROM observation_log WHERE stationId IN {stationIds:Array(String)} GROUP BY stationId',
      { stationIds },
    )
    const scored = await clickhouse.query<{ stationId: string; newest: string }>(
      'SELECT stationId, max(observedAt) AS newest FROM verification_log WHERE stationId IN {stationIds:Array(String)} GROUP BY stationId',
      { stationIds },
    )
    const scoredThrough = new Map(scored.map((row) => [row.stationId, fromClickHouseInstant(row.newest)]))
    for (const { stationId, newest: newestAt } of newest) {
      // Everything after the newest score that the archive holds may be unscored; each hour needs the forecasts of a whole horizon,
      // or scoring it again would replace a complete score by one with fewer leads.
      const newestMs = fromClickHouseInstant(newestAt)
      const rescoreFrom = Math.max(
        (scoredThrough.get(stationId) ?? newestMs) - RESCORE_MARGIN_HOURS * HOUR_MS,
        newestMs - LONGEST_BACKLOG_HOURS * HOUR_MS,
      )
      const since = toClickHouseInstant(Math.min(newestMs - KEPT_HOURS * HOUR_MS, rescoreFrom - (HORIZON_HOURS + 1) * HOUR_MS))
      const ledger = createLedger()
      ledgers.set(stationId, ledger)
      const observations = await clickhouse.query<ObservationRow>(
        "SELECT * FROM observation WHERE stationId = {stationId:String} AND observedAt >= {since:DateTime64(3)} AND kind = 'observation' ORDER BY observedAt",
        { stationId, since },
      )
      for (const row of observations) {
        const observation = {
          ...row,
          observedAt: fromClickHouseInstant(row.observedAt),
          receivedAt: fromClickHouseInstant(row.receivedAt),
        }
        const truth = truthOf(observation)
        if (!truth) continue
        const hour = hourOf(observation.observedAt)
        addTruth(ledger, hour, truth)
        // At once: what is to be scored is not dropped while the rest is read.
        if (hour * HOUR_MS >= rescoreFrom) for (const variable of FORECAST_VARIABLES) markHour(ledger, variable, hour)
      }
      const forecasts = await clickhouse.query<ForecastRow>(
        `SELECT forecastId, stationId, variable, issuedAt, modelVersion, role, quantiles, persistence, recentredClimatology
         FROM forecast WHERE stationId = {stationId:String} AND issuedAt >= {since:DateTime64(3)} ORDER BY issuedAt`,
        { stationId, since },
      )
      for (const row of forecasts) addForecast(ledger, toIssued(row))
    }
    return ledgers
  }
}

function toIssued(row: ForecastRow): IssuedForecast {
  return {
    forecastId: row.forecastId,
    variable: row.variable,
    issuedAt: fromClickHouseInstant(row.issuedAt),
    modelVersion: row.modelVersion,
    role: row.role,
    quantiles: Float32Array.from(row.quantiles),
    persistence: Float32Array.from(row.persistence, (v) => v ?? Number.NaN),
    recentredClimatology: Float32Array.from(row.recentredClimatology, (v) => v ?? Number.NaN),
  }
}
