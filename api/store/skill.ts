/** Scores of verified forecasts, summed in the store. Errors are stored as 32-bit floats and summed as 64-bit ones. */
import { type ClickHouse, toClickHouseInstant } from '../../infra/runtime/clickhouse/index.ts'
import { LEAD_BUCKETS } from '../../schemas/quantities.ts'
import type { Gains, LeadGain, SkillFilter, SkillReader, SkillSums } from '../ports.ts'

const HOUR_MS = 3_600_000
const BUCKET = `multiIf(${LEAD_BUCKETS.map(({ name, to }) => `lead <= ${to}, '${name}'`).join(', ')}, 'other')`
const WHERE = `role = {role:String} AND ({stationId:String} = '' OR stationId = {stationId:String}) AND ({variable:String} = '' OR variable = {variable:String})
  AND ({modelVersion:String} = '' OR modelVersion = {modelVersion:String}) AND observedAt >= {from:DateTime64(3)} AND observedAt <= {to:DateTime64(3)}`

const GAIN = 'arrayMap((e, b) -> if(isFinite(b), toFloat64(abs(b)) - abs(e), 0), error, recentredClimatologyError)'
/** What is added up at each lead. Where a baseline has no value its pair counts as nothing. */
const ADDED = {
  absolute: 'arrayMap(e -> abs(e), error)',
  squared: 'arrayMap(e -> toFloat64(e) * e, error)',
  error: 'error',
  crps: 'crps',
  in80: 'covered80',
  in95: 'covered95',
  persistenceN: 'arrayMap(b -> isFinite(b), persistenceError)',
  persistenceError: 'arrayMap(b -> if(isFinite(b), abs(b), 0), persistenceError)',
  persistenceOwn: 'arrayMap((e, b) -> if(isFinite(b), abs(e), 0), error, persistenceError)',
  climatologyN: 'arrayMap(b -> isFinite(b), recentredClimatologyError)',
  climatologyError: 'arrayMap(b -> if(isFinite(b), abs(b), 0), recentredClimatologyError)',
  climatologyOwn: 'arrayMap((e, b) -> if(isFinite(b), abs(e), 0), error, recentredClimatologyError)',
}
type Added = keyof typeof ADDED
const added = (write: (name: Added) => string): string => (Object.keys(ADDED) as Added[]).map(write).join(', ')

export function createSkillReader(clickhouse: Pick<ClickHouse, 'query'>): SkillReader {
  return {
    async position(filter): Promise<string> {
      const [row] = await clickhouse.query<{ position: string }>(
        `SELECT toString((count(), max(kafkaOffset), sum(kafkaOffset))) AS position FROM verification_log WHERE ${WHERE}`,
        paramsOf(filter),
      )
      return row?.position ?? ''
    },
    // Nearly all hours verify at the same leads: added up position by position, an hour costs a fraction of what it does as a row per lead.
    async sums(filter): Promise<SkillSums[]> {
      const rows = await clickhouse.query<Record<Added, number> & Pick<SkillSums, 'stationId' | 'variable' | 'bucket' | 'n'>>(
        `SELECT stationId, variable, ${BUCKET} AS bucket, sum(hours) AS n, ${added((name) => `sum(${name}AtLead) AS ${name}`)}
         FROM (SELECT stationId, variable, leadHours, count() AS hours, ${added((name) => `sumForEach(${ADDED[name]}) AS ${name}ByLead`)}
               FROM verification WHERE ${WHERE} GROUP BY stationId, variable, leadHours)
         ARRAY JOIN leadHours AS lead, ${added((name) => `${name}ByLead AS ${name}AtLead`)}
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
    async gains(filter): Promise<Gains[]> {
      const rows = await clickhouse.query<LeadGain & Omit<Gains, 'leads'>>(
        `SELECT stationId, variable, days, lead, count() AS blocks, avg(ofBlock) AS mean, varSampStable(ofBlock) AS variance
         FROM (SELECT stationId, variable, days, lead, avg(ofDay) AS ofBlock
               FROM (SELECT stationId, variable, days, lead, day, sum(gain) / sum(n) AS ofDay
                     FROM (SELECT stationId, variable, leadHours, toDate(observedAt) AS day, sumForEach(${GAIN}) AS gains, sumForEach(${ADDED.climatologyN}) AS counts,
                             uniqExactIf(day, arraySum(counts) > 0) OVER (PARTITION BY stationId, variable) AS days
                           FROM verification WHERE ${WHERE} GROUP BY stationId, variable, leadHours, day)
                     ARRAY JOIN leadHours AS lead, gains AS gain, counts AS n WHERE n > 0
                     GROUP BY stationId, variable, days, lead, day)
               GROUP BY stationId, variable, days, lead, intDiv(toUInt16(day), intDiv(lead + 23, 24)))
         GROUP BY stationId, variable, days, lead ORDER BY stationId, variable, lead`,
        paramsOf(filter),
      )
      return [...Map.groupBy(rows, ({ stationId, variable }) => `${stationId}/${variable}`).values()].map((own) => {
        const { stationId, variable, days } = own[0]!
        const leads = own.map(({ lead, blocks, mean, variance }) => ({ lead, blocks, mean, variance }))
        return { stationId, variable, days, leads }
      })
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
