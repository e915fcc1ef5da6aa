/** Scores of verified forecasts, summed in the store. Errors are stored as 32-bit floats and summed as 64-bit ones. */
import { type ClickHouse, fromClickHouseInstant, toClickHouseInstant } from '../../infra/runtime/clickhouse/index.ts'
import { LEAD_BUCKETS } from '../../schemas/quantities.ts'
import type { DailyGain, SkillFilter, SkillReader, SkillSums } from '../ports.ts'

const HOUR_MS = 3_600_000
const BUCKET = `multiIf(${LEAD_BUCKETS.map(({ name, to }) => `lead <= ${to}, '${name}'`).join(', ')}, 'other')`
const WHERE = `role = {role:String} AND ({stationId:String} = '' OR stationId = {stationId:String}) AND ({variable:String} = '' OR variable = {variable:String})
  AND ({modelVersion:String} = '' OR modelVersion = {modelVersion:String}) AND observedAt >= {from:DateTime64(3)} AND observedAt <= {to:DateTime64(3)}`

type SumsRow = Omit<SkillSums, 'persistence' | 'recentredClimatology'> & {
  persistenceN: number
  persistenceError: number
  persistenceOwn: number
  climatologyN: number
  climatologyError: number
  climatologyOwn: number
}

export function createSkillReader(clickhouse: Pick<ClickHouse, 'query'>): SkillReader {
  return {
    async sums(filter): Promise<SkillSums[]> {
      const rows = await clickhouse.query<SumsRow>(
        `SELECT stationId, variable, ${BUCKET} AS bucket, count() AS n, sum(abs(e)) AS absoluteError, sum(e * e) AS squaredError, sum(e) AS error,
           sum(toFloat64(c)) AS crps, sum(toUInt32(in80)) AS covered80, sum(toUInt32(in95)) AS covered95,
           countIf(isFinite(p)) AS persistenceN, sumIf(abs(p), isFinite(p)) AS persistenceError, sumIf(abs(e), isFinite(p)) AS persistenceOwn,
           countIf(isFinite(r)) AS climatologyN, sumIf(abs(r), isFinite(r)) AS climatologyError, sumIf(abs(e), isFinite(r)) AS climatologyOwn
         FROM (SELECT stationId, variable, lead, toFloat64(e32) AS e, c, in80, in95, toFloat64(p32) AS p, toFloat64(r32) AS r
               FROM (SELECT stationId, variable, leadHours, error, crps AS crpsByLead, covered80, covered95, persistenceError, recentredClimatologyError
                     FROM verification WHERE ${WHERE})
               ARRAY JOIN leadHours AS lead, error AS e32, crpsByLead AS c, covered80 AS in80, covered95 AS in95, persistenceError AS p32, recentredClimatologyError AS r32)
         GROUP BY stationId, variable, bucket ORDER BY stationId, variable, min(lead)`,
        paramsOf(filter),
      )
      return rows.map(
        ({ persistenceN, persistenceError, persistenceOwn, climatologyN, climatologyError, climatologyOwn, ...sums }) => ({
          ...sums,
          persistence: { n: persistenceN, absoluteError: persistenceError, forecastAbsoluteError: persistenceOwn },
          recentredClimatology: { n: climatologyN, absoluteError: climatologyError, forecastAbsoluteError: climatologyOwn },
        }),
      )
    },
    async dailyGains(filter): Promise<DailyGain[]> {
      const rows = await clickhouse.query<Omit<DailyGain, 'dayAt'> & { day: string }>(
        `SELECT stationId, variable, lead, toString(toStartOfDay(observedAt)) AS day, avg(abs(toFloat64(r)) - abs(toFloat64(e))) AS gain
         FROM (SELECT stationId, variable, observedAt, leadHours, error, recentredClimatologyError FROM verification WHERE ${WHERE})
         ARRAY JOIN leadHours AS lead, error AS e, recentredClimatologyError AS r WHERE isFinite(r)
         GROUP BY stationId, variable, lead, toStartOfDay(observedAt) ORDER BY stationId, variable, lead, toStartOfDay(observedAt)`,
        paramsOf(filter),
      )
      return rows.map(({ day, ...gain }) => ({ ...gain, dayAt: fromClickHouseInstant(day) }))
    },
    async pastErrors(stationId, variable, { issuedAt, leadHours, days, hoursApart }): Promise<number[][]> {
      // The key begins with station, variable and hour: read are the hours of these days and nothing else. The ledger keeps forecast minus
      // observed. An issue made by two champions (a swap between) counts once.
      const rows = await clickhouse.query<{ leads: number[]; errors: Array<number | null> }>(
        `SELECT groupArray(lead) AS leads, groupArray(-toFloat64(e)) AS errors
         FROM (SELECT hour - lead AS issued, modelVersion, lead, e
               FROM (SELECT intDiv(toUnixTimestamp(observedAt), 3600) AS hour, modelVersion, leadHours, error FROM verification
                     WHERE stationId = {stationId:String} AND variable = {variable:String} AND role = 'champion'
                     AND observedAt > {from:DateTime64(3)} AND observedAt < {until:DateTime64(3)})
               ARRAY JOIN leadHours AS lead, error AS e
               WHERE has({leadHours:Array(UInt16)}, lead) AND issued BETWEEN {newest:Int64} - 24 * {days:UInt16} AND {newest:Int64} - 1
               AND ({newest:Int64} - issued + {hoursApart:UInt8}) % 24 <= 2 * {hoursApart:UInt8})
         GROUP BY issued, modelVersion HAVING count() = length({leadHours:Array(UInt16)})
         ORDER BY issued DESC, modelVersion DESC LIMIT 1 BY issued`,
        {
          stationId,
          variable,
          from: toClickHouseInstant(issuedAt - days * 24 * HOUR_MS),
          until: toClickHouseInstant(issuedAt + Math.max(...leadHours) * HOUR_MS),
          newest: issuedAt / HOUR_MS,
          days,
          leadHours,
          hoursApart,
        },
      )
      return rows.map(({ leads, errors }) => {
        const byLead = new Map(leads.map((lead, i) => [lead, errors[i] ?? Number.NaN]))
        return leadHours.map((lead) => byLead.get(lead) ?? Number.NaN)
      })
    },
  }
}

function paramsOf(filter: SkillFilter): Record<string, unknown> {
  return {
    role: filter.role,
    stationId: filter.stationId ?? '',
    variable: filter.variable ?? '',
    modelVersion: filter.modelVersion ?? '',
    from: toClickHouseInstant(filter.from),
    to: toClickHouseInstant(filter.to),
  }
}
