/** Reads of the API from ClickHouse. Instants are epoch ms. */
import { type ClickHouse, fromClickHouseInstant, toClickHouseInstant } from '../../infra/runtime/clickhouse/index.ts'
import type { CheckedObservation, Forecast } from '../../schemas/generated/types.ts'
import { LEAD_BUCKETS, QUANTILE_LEVELS } from '../../schemas/quantities.ts'

type ForecastRow = Omit<Forecast, 'issuedAt' | 'featureKnownAt' | 'quantiles' | 'baselines'> & {
  issuedAt: string
  featureKnownAt: string
  quantiles: number[]
  persistence: Array<number | null>
  recentredClimatology: Array<number | null>
}
type ObservationRow = Omit<CheckedObservation, 'observedAt' | 'receivedAt'> & { observedAt: string; receivedAt: string }

export type SkillRow = {
  stationId: string
  variable: string
  leadBucket: string
  n: number
  mae: number
  rmse: number
  bias: number
  crps: number
  coverage80: number
  coverage95: number
  persistenceMae: number | null
  recentredClimatologyMae: number | null
}

export function createStore(clickhouse: Pick<ClickHouse, 'query'>) {
  return {
    /** Champion forecasts of the newest issues of every station. Of one issue made twice, the later control decision counts. */
    async newestForecasts(issues: number): Promise<Forecast[]> {
      const rows = await clickhouse.query<ForecastRow>(
        `SELECT * FROM (SELECT * FROM forecast WHERE role = 'champion' ORDER BY stationId, variable, issuedAt DESC, controlOffset DESC LIMIT 1 BY stationId, variable, issuedAt)
         ORDER BY stationId, variable, issuedAt DESC LIMIT {issues:UInt32} BY stationId, variable`,
        { issues },
      )
      return rows.map(toForecast)
    },
    async issuedAt(stationId: string, issuedAt: number): Promise<Forecast[]> {
      const rows = await clickhouse.query<ForecastRow>(
        `SELECT * FROM forecast WHERE stationId = {stationId:String} AND role = 'champion' AND issuedAt = {issuedAt:DateTime64(3)} ORDER BY controlOffset DESC LIMIT 1 BY variable`,
        { stationId, issuedAt: toClickHouseInstant(issuedAt) },
      )
      return rows.map(toForecast)
    },
    async observations(stationId: string, from: number, to: number): Promise<CheckedObservation[]> {
      const rows = await clickhouse.query<ObservationRow>(
        'SELECT * EXCEPT (kafkaPartition, kafkaOffset) FROM observation WHERE stationId = {stationId:String} AND observedAt >= {from:DateTime64(3)} AND observedAt <= {to:DateTime64(3)} ORDER BY observedAt',
        { stationId, from: toClickHouseInstant(from), to: toClickHouseInstant(to) },
      )
      return rows.map((row) => ({
        ...row,
        observedAt: fromClickHouseInstant(row.observedAt),
        receivedAt: fromClickHouseInstant(row.receivedAt),
      }))
    },
    /** Lifecycle of one model, oldest first. */
    async history(stationId: string, variable: string): Promise<Array<Record<string, unknown>>> {
      const rows = await clickhouse.query<{ payload: string }>(
        'SELECT payload FROM lifecycle WHERE stationId = {stationId:String} AND variable = {variable:String} ORDER BY at, kafkaOffset LIMIT 1000',
        { stationId, variable },
      )
      return rows.map(({ payload }) => {
        const event = JSON.parse(payload) as { at: number }
        return { ...event, at: new Date(event.at).toISOString() }
      })
    },
    /** Changes of drift state, newest first. */
    async driftChanges(): Promise<Array<Record<string, unknown>>> {
      const rows = await clickhouse.query<{ at: string }>(
        'SELECT * EXCEPT (kafkaPartition, kafkaOffset, evidenceFrom, evidenceTo, changePointAt) FROM drift ORDER BY at DESC LIMIT 500',
      )
      return rows.map((row) => ({ ...row, at: isoOf(row.at) }))
    },
    /** Newest state of each alert, newest first. */
    async alerts(): Promise<Array<Record<string, unknown>>> {
      const rows = await clickhouse.query<{ startsAt: string; endsAt: string | null }>(
        'SELECT * EXCEPT (kafkaPartition, kafkaOffset) FROM alert ORDER BY startsAt DESC, sequence DESC LIMIT 1 BY alertId LIMIT 200',
      )
      return rows.map((row) => ({
        ...row,
        startsAt: isoOf(row.startsAt),
        endsAt: row.endsAt === null ? null : isoOf(row.endsAt),
      }))
    },
    /** Scores by station, variable and lead bucket of what champions issued. */
    skill(filter: { stationId: string | null; variable: string | null }): Promise<SkillRow[]> {
      const bucket = `multiIf(${LEAD_BUCKETS.map(({ name, to }) => `lead <= ${to}, '${name}'`).join(', ')}, 'other')`
      return clickhouse.query<SkillRow>(
        `SELECT stationId, variable, ${bucket} AS leadBucket, count() AS n, avg(abs(e)) AS mae, sqrt(avg(e * e)) AS rmse, avg(e) AS bias, avg(c) AS crps,
           avg(in80) AS coverage80, avg(in95) AS coverage95, avgIf(abs(p), isFinite(p)) AS persistenceMae, avgIf(abs(r), isFinite(r)) AS recentredClimatologyMae
         FROM (SELECT stationId, variable, leadHours, error, crps AS crpsByLead, covered80, covered95, persistenceError, recentredClimatologyError FROM verification
               WHERE role = 'champion' AND (stationId = {stationId:String} OR {stationId:String} = '') AND (variable = {variable:String} OR {variable:String} = ''))
         ARRAY JOIN leadHours AS lead, error AS e, crpsByLead AS c, covered80 AS in80, covered95 AS in95, persistenceError AS p, recentredClimatologyError AS r
         GROUP BY stationId, variable, leadBucket ORDER BY stationId, variable, min(lead)`,
        { stationId: filter.stationId ?? '', variable: filter.variable ?? '' },
      )
    },
  }
}
export type Store = ReturnType<typeof createStore>

function isoOf(text: string): string {
  return new Date(fromClickHouseInstant(text)).toISOString()
}

function toForecast(row: ForecastRow): Forecast {
  const width = QUANTILE_LEVELS.length
  const { persistence, recentredClimatology, quantiles, ...rest } = row
  return {
    ...rest,
    issuedAt: fromClickHouseInstant(row.issuedAt),
    featureKnownAt: fromClickHouseInstant(row.featureKnownAt),
    quantiles: row.leadHours.map((_, lead) => quantiles.slice(lead * width, (lead + 1) * width)),
    baselines: {
      persistence: persistence.map((v) => v ?? Number.NaN),
      recentredClimatology: recentredClimatology.map((v) => v ?? Number.NaN),
    },
  }
}
