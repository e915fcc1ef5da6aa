/** The forecast ledger. Instants are epoch ms. */
import { type ClickHouse, fromClickHouseInstant, toClickHouseInstant } from '../../infra/runtime/clickhouse/index.ts'
import type { Forecast } from '../../schemas/generated/types.ts'
import { QUANTILE_LEVELS } from '../../schemas/quantities.ts'
import type { ForecastReader } from '../ports.ts'

type ForecastRow = Omit<Forecast, 'issuedAt' | 'featureKnownAt' | 'quantiles' | 'baselines'> & {
  issuedAt: string
  featureKnownAt: string
  quantiles: number[]
  persistence: Array<number | null>
  recentredClimatology: Array<number | null>
}

export function createForecastReader(clickhouse: Pick<ClickHouse, 'query'>): ForecastReader {
  return {
    async newest(issues) {
      // Of one issue made twice, the later control decision counts.
      const rows = await clickhouse.query<ForecastRow>(
        `SELECT * FROM (SELECT * FROM forecast WHERE role = 'champion' ORDER BY stationId, variable, issuedAt DESC, controlOffset DESC LIMIT 1 BY stationId, variable, issuedAt)
         ORDER BY stationId, variable, issuedAt DESC LIMIT {issues:UInt32} BY stationId, variable`,
        { issues },
      )
      return rows.map(toForecast)
    },
    async asIssued(stationId, issuedAt) {
      const rows = await clickhouse.query<ForecastRow>(
        `SELECT * FROM forecast WHERE stationId = {stationId:String} AND role = 'champion' AND issuedAt = {issuedAt:DateTime64(3)} ORDER BY controlOffset DESC LIMIT 1 BY variable`,
        { stationId, issuedAt: toClickHouseInstant(issuedAt) },
      )
      return rows.map(toForecast)
    },
    async issues(stationId, { from, to, limit }) {
      const rows = await clickhouse.query<{ issued: string; variables: string[]; modelVersions: string[]; statuses: string[] }>(
        `SELECT toString(issuedAt) AS issued, arraySort(groupUniqArray(variable)) AS variables, arraySort(groupUniqArray(modelVersion)) AS modelVersions, groupUniqArray(status) AS statuses
         FROM forecast WHERE stationId = {stationId:String} AND role = 'champion' AND issuedAt >= {from:DateTime64(3)} AND issuedAt <= {to:DateTime64(3)}
         GROUP BY issuedAt ORDER BY issuedAt DESC LIMIT {limit:UInt32}`,
        { stationId, from: toClickHouseInstant(from), to: toClickHouseInstant(to), limit },
      )
      return rows.map(({ issued, statuses, variables, modelVersions }) => ({
        issuedAt: fromClickHouseInstant(issued),
        variables,
        modelVersions,
        status: statuses.includes('degraded') ? 'degraded' : statuses.includes('stale') ? 'stale' : 'fresh',
      }))
    },
  }
}

/** 32-bit floats come as their shortest decimal text: rounding gives the value that was issued. */
function toForecast(row: ForecastRow): Forecast {
  const width = QUANTILE_LEVELS.length
  const { persistence, recentredClimatology, quantiles, ...rest } = row
  return {
    ...rest,
    issuedAt: fromClickHouseInstant(row.issuedAt),
    featureKnownAt: fromClickHouseInstant(row.featureKnownAt),
    quantiles: row.leadHours.map((_, lead) => quantiles.slice(lead * width, (lead + 1) * width).map(Math.fround)),
    baselines: {
      persistence: persistence.map((v) => Math.fround(v ?? Number.NaN)),
      recentredClimatology: recentredClimatology.map((v) => Math.fround(v ?? Number.NaN)),
    },
  }
}
